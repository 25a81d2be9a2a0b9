//! `smart demo`: a whole sign-in against the embedded EHR, over real HTTP.
//!
//! The program plays the app and the browser; nothing is taken from inside the sandbox but its
//! address.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use serde::Serialize;
use smart_oidc::discovery::{Clock as _, FhirBaseUrl, HttpClient, PlainHttp, SystemClock};
use smart_oidc::id_token::Report;
use smart_oidc::jose::Algorithms;
use smart_oidc::profile::{FhirProfileSource, ProfileRequest};
use smart_oidc::{
    ClientConfig, ClientId, Expected, IdToken, IdTokenVerifier, Launch, RedirectUri, TokenClient,
    UserProfile,
};
use smart_sandbox::{DEFAULT_CLIENT_ID, Sandbox};

use crate::args::{DemoArgs, NetworkArgs};
use crate::discover::{self, Chain, ChainReport};
use crate::exit::{Exit, Failure};
use crate::provider::provider;
use crate::{output, sandbox, verify};

/// The whole demo as `--json` prints it.
#[derive(Default, Serialize)]
struct Demo {
    passed: bool,
    steps: Vec<Step>,
    discovery: Option<ChainReport>,
    id_token: Option<Report>,
    profile: Option<Profile>,
}

/// One step.
#[derive(Serialize)]
struct Step {
    name: &'static str,
    passed: bool,
    detail: String,
    code: Option<&'static str>,
}

/// Who signed in.
#[derive(Serialize)]
struct Profile {
    subject: String,
    issuer: String,
    fhir_user: Option<String>,
    name: Option<String>,
    practitioner_id: Option<String>,
    npi: Option<String>,
    qualifications: Vec<String>,
}

/// A step that did not pass, so that none follows.
struct Broken;

pub(crate) async fn run(args: &DemoArgs) -> Result<Exit, Failure> {
    let ehr = Sandbox::start(provider()).await.map_err(sandbox::failure)?;
    let mut demo = Demo::default();
    // The type says whether it ended; what happened is in the steps.
    demo.passed = demo.play(&ehr).await.is_ok();
    ehr.shutdown().await;
    if args.json {
        output::json(&demo);
    } else {
        demo.print();
    }
    Ok(if demo.passed {
        Exit::Valid
    } else {
        Exit::Invalid
    })
}

impl Demo {
    async fn play(&mut self, ehr: &Sandbox) -> Result<(), Broken> {
        let http = discover::client(&NetworkArgs::loopback())
            .map_err(|failure| self.fail("start", &failure, "start"))?;
        self.pass("start", format!("an EHR on {}", ehr.base_url()));
        let chain = self.discover(ehr, Arc::clone(&http)).await?;
        let client = ClientConfig::public(
            ClientId::new(DEFAULT_CLIENT_ID),
            RedirectUri::new("http://127.0.0.1:8765/callback"),
        )
        .with_scope("launch/patient");
        let clock = SystemClock::new();

        let begun = Launch::standalone(&chain.issuer, &client)
            .begin(provider(), clock.now())
            .map_err(|error| self.fail("authorize", &error, error.code()))?;
        let callback = self.browse(&*http, &begun.request.url(), &client).await?;

        let launch = begun
            .pending
            .authorize(&callback, &begun.binding, provider(), clock.now())
            .map_err(|error| self.fail("callback", &error, error.code()))?;
        self.pass(
            "callback",
            "state and issuer are those of this launch".into(),
        );

        let (tokens, launch) = TokenClient::new(&client, Arc::clone(&http), provider())
            .exchange(launch, clock.now())
            .await
            .map_err(|error| self.fail("token", &error, error.code()))?;
        let lifetime = tokens.expires_in.map_or(0, |it| it.as_secs());
        let scopes = tokens.scopes.as_str();
        self.pass("token", format!("granted {scopes}, for {lifetime} s"));

        let Some(raw) = &tokens.id_token else {
            return Err(self.fail(
                "id token",
                &"the response has no id_token",
                "token-no-id-token",
            ));
        };
        let keys = chain.keys;
        let client_id = client.client_id.clone();
        let verifier = IdTokenVerifier::new(
            &chain.issuer,
            client_id,
            Algorithms::ID_TOKEN,
            keys,
            provider(),
        );
        let expected = Expected::of_launch(&launch, &tokens);
        self.id_token = Some(verifier.explain(raw, &expected, clock.now()).await);
        let id_token = verifier
            .verify_launch(&launch, &tokens, clock.now())
            .await
            .map_err(|error| self.fail("id token", &error, error.code()))?;
        self.pass(
            "id token",
            format!("signed with {}, every check passed", id_token.algorithm()),
        );

        let source = FhirProfileSource::new(http);
        let request = ProfileRequest::of_launch(&id_token, &launch, &tokens);
        let profile = UserProfile::load(&request, &source, clock.now()).await;
        self.show_profile(&id_token, &profile)
    }

    async fn discover(
        &mut self,
        ehr: &Sandbox,
        http: Arc<dyn HttpClient>,
    ) -> Result<Chain, Broken> {
        let base = FhirBaseUrl::parse_with(&ehr.fhir_base(), PlainHttp::LoopbackOnly)
            .map_err(|error| self.fail("discover", &error, error.code()))?;
        let (report, chain) = discover::chain(&base, http, &NetworkArgs::loopback(), None).await;
        let Some(chain) = chain else {
            let failure = report.failure();
            self.discovery = Some(report);
            return Err(self.fail("discover", &failure, "discovery"));
        };
        self.discovery = Some(report);
        self.pass(
            "discover",
            format!("{base} trusts {}", chain.issuer.issuer()),
        );
        Ok(chain)
    }

    /// Plays the browser: opens the authorization URL and takes the redirect back to the app.
    async fn browse(
        &mut self,
        http: &dyn HttpClient,
        url: &str,
        client: &ClientConfig,
    ) -> Result<String, Broken> {
        let request = Request::get(url)
            .body(Bytes::new())
            .map_err(|error| self.fail("authorize", &error, "http-request"))?;
        let response = http
            .send(request)
            .await
            .map_err(|error| self.fail("authorize", &error, error.code()))?;
        let location = response
            .headers()
            .get(header::LOCATION)
            .and_then(|it| it.to_str().ok());
        let (StatusCode::FOUND | StatusCode::SEE_OTHER, Some(location)) =
            (response.status(), location)
        else {
            let found = format!("status {} instead of a redirect", response.status());
            return Err(self.fail("authorize", &found, "authorize-status"));
        };
        let query = location
            .strip_prefix(client.redirect_uri.as_str())
            .and_then(|it| it.strip_prefix('?'));
        let Some(query) = query else {
            let found = "the redirect leads somewhere else than to the app";
            return Err(self.fail("authorize", &found, "authorize-redirect"));
        };
        self.pass("authorize", "approved, and sent back to the app".into());
        Ok(query.to_owned())
    }

    fn show_profile(&mut self, token: &IdToken, profile: &UserProfile) -> Result<(), Broken> {
        let fhir_user = profile.fhir_user.as_ref().map(|it| it.reference());
        self.pass(
            "profile",
            format!("{} is {}", token.subject(), shown(fhir_user.as_deref())),
        );
        let card = match &profile.resource {
            Ok(card) => card,
            Err(error) => return Err(self.fail("practitioner", error, error.code())),
        };
        self.pass("practitioner", shown(profile.name.as_deref()).to_owned());
        self.profile = Some(Profile {
            subject: token.subject().to_owned(),
            issuer: token.issuer().to_owned(),
            fhir_user,
            name: profile.name.clone(),
            practitioner_id: profile.practitioner_id().map(str::to_owned),
            npi: card.npi().map(str::to_owned),
            qualifications: card
                .qualifications
                .iter()
                .map(|it| it.text.clone())
                .collect(),
        });
        Ok(())
    }

    fn pass(&mut self, name: &'static str, detail: String) {
        self.steps.push(Step {
            name,
            passed: true,
            detail,
            code: None,
        });
    }

    fn fail(&mut self, name: &'static str, error: &impl ToString, code: &'static str) -> Broken {
        let (detail, code) = (error.to_string(), Some(code));
        self.steps.push(Step {
            name,
            passed: false,
            detail,
            code,
        });
        Broken
    }

    fn print(&self) {
        for step in &self.steps {
            let mark = if step.passed { "passed" } else { "FAILED" };
            output::line(format_args!("{mark:7}  {:13} {}", step.name, step.detail));
            match (step.name, &self.discovery, &self.id_token) {
                ("discover", Some(report), _) => report.print_steps("         "),
                ("id token", _, Some(report)) => {
                    verify::print_checks(report, report.checks.len(), "         ");
                }
                _ => {}
            }
        }
        if let Some(profile) = &self.profile {
            profile.print();
        }
        output::line("");
        output::line(if self.passed {
            "signed in"
        } else {
            "not signed in"
        });
    }
}

impl Profile {
    /// The Practitioner card.
    fn print(&self) {
        let width = 60;
        let rule = "-".repeat(width);
        output::line("");
        output::line(format_args!("  +{rule}+"));
        let rows = [
            ("", self.name.clone().unwrap_or_default()),
            ("FHIR user", shown(self.fhir_user.as_deref()).to_owned()),
            ("NPI", shown(self.npi.as_deref()).to_owned()),
            ("qualified as", self.qualifications.join(", ")),
            ("signed in by", self.issuer.clone()),
        ];
        for (name, value) in rows {
            let text: String = format!(" {name:13} {value}").chars().take(width).collect();
            output::line(format_args!("  |{text:width$}|"));
        }
        output::line(format_args!("  +{rule}+"));
    }
}

fn shown(text: Option<&str>) -> &str {
    text.unwrap_or("nothing")
}
