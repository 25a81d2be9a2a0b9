//! The verifier: issuer, client id and accepted algorithms are decided when it is made.

use core::time::Duration;
use std::sync::Arc;

use smart_discovery::{FixedJwks, Issuer, KeySource, KeySourceError, TrustedIssuer};
use smart_jose::jws::MAX_TOKEN_OCTETS;
use smart_jose::jwt::check::{DEFAULT_LEEWAY, MAX_LEEWAY};
use smart_jose::{Algorithms, Candidates, CryptoProvider, Text, UnixTime};

use super::continuity::Continuity;
use super::error::IdTokenError;
use super::examination::{Evidence, Examination, Mode, Parsed, Rules};
use super::expected::Expected;
use super::judgement::judge;
use super::refresh::{self, RefreshError, Refreshed};
use super::report::Report;
use super::token::IdToken;
use super::usual_header::UsualHeader;
use crate::quirks::Quirks;
use crate::telemetry;
use crate::token::{ExchangedLaunch, TokenResponse};
use crate::value::{AccessToken, ClientId, RawIdToken};

/// Validates the ID tokens of one issuer for one app.
///
/// There is no way to make one without an issuer, a client id and the accepted algorithms, and
/// no switch that turns a check off.
#[derive(Clone, Debug)]
pub struct IdTokenVerifier {
    rules: Rules,
    keys: Arc<dyn KeySource>,
    usual: UsualHeader,
}

/// What has to be waited for.
enum Wait {
    /// No key is at hand, or the token is malformed.
    ForKeys,
    /// The keys at hand did not verify.
    ForNewKeys(Box<Evidence>),
}

impl IdTokenVerifier {
    /// A verifier for an issuer that the chain of trust led to. `keys` are that issuer's and
    /// nobody else's; `accepted` is usually [`Algorithms::ID_TOKEN`], and is narrowed by what the
    /// issuer announces, never widened.
    ///
    /// Where `keys` are those of a [`LiveIssuer`](smart_discovery::LiveIssuer::keys_of), the
    /// verifier follows it: the algorithms that it announces later count, and its keys may move.
    #[must_use]
    pub fn new(
        issuer: &TrustedIssuer,
        client_id: ClientId,
        accepted: Algorithms,
        keys: Arc<dyn KeySource>,
        provider: &CryptoProvider,
    ) -> Self {
        let mut verifier = Self::with(issuer.issuer(), client_id, accepted, keys, provider);
        verifier.rules.announced = issuer.provider_metadata().narrow(accepted);
        verifier.rules.reads_profile = issuer.smart_configuration().is_smart_1_0();
        verifier
    }

    /// A verifier for an issuer and keys that are given by hand: a `JwkSet`, or
    /// [`FixedJwks::one_key`].
    #[must_use]
    pub fn with_static_keys(
        issuer: &Issuer,
        client_id: ClientId,
        accepted: Algorithms,
        keys: impl Into<FixedJwks>,
        provider: &CryptoProvider,
    ) -> Self {
        Self::with(issuer, client_id, accepted, Arc::new(keys.into()), provider)
    }

    fn with(
        issuer: &Issuer,
        client_id: ClientId,
        accepted: Algorithms,
        keys: Arc<dyn KeySource>,
        provider: &CryptoProvider,
    ) -> Self {
        let rules = Rules {
            issuer: issuer.as_str().into(),
            client_id,
            accepted,
            announced: accepted,
            leeway: DEFAULT_LEEWAY,
            max_issued_ago: None,
            trusted_audiences: Vec::new(),
            max_octets: MAX_TOKEN_OCTETS,
            provider: *provider,
            reads_profile: false,
            quirks: Quirks::default(),
        };
        Self {
            rules,
            keys,
            usual: UsualHeader::default(),
        }
    }

    /// Grants this leeway on the time claims, 60 s unless set and at most 300 s.
    #[must_use]
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.rules.leeway = leeway.min(MAX_LEEWAY);
        self
    }

    /// Refuses longer tokens, before anything of them is decoded; 64 KiB unless set.
    #[must_use]
    pub const fn with_max_octets(mut self, octets: usize) -> Self {
        self.rules.max_octets = octets;
        self
    }

    /// Refuses tokens that were issued longer ago than this.
    #[must_use]
    pub const fn with_max_issued_ago(mut self, age: Duration) -> Self {
        self.rules.max_issued_ago = Some(age);
        self
    }

    /// Lets a token name this audience beside the app.
    #[must_use]
    pub fn trust_audience(mut self, audience: impl Into<String>) -> Self {
        self.rules.trusted_audiences.push(audience.into());
        self
    }

    /// Reads `profile` where `fhirUser` is absent, as servers of SMART 1.0 may have it. Discovery
    /// turns this on for such servers by itself.
    #[must_use]
    pub const fn reading_smart_1_0_profile(mut self) -> Self {
        self.rules.reads_profile = true;
        self
    }

    /// Does these things otherwise for this server's sake: of the quirks those that are about ID
    /// tokens, which are `token_issuer_slash` and `smart_1_0_profile`.
    ///
    /// With the first, an `iss` passes that differs from the issuer by exactly one final slash, and
    /// the token says so in its findings; [`IdToken::issuer`] is the trusted issuer all the same,
    /// so that a user does not become two when the server is mended.
    #[must_use]
    pub const fn with_quirks(mut self, quirks: Quirks) -> Self {
        self.rules.quirks = quirks;
        // Where discovery has found out by itself, the quirk makes no difference.
        self.rules.quirks.smart_1_0_profile &= !self.rules.reads_profile;
        self.rules.reads_profile |= quirks.smart_1_0_profile;
        self
    }

    /// Validates the ID token of a launch: with its nonce, its access token and its code, after
    /// checking that the launch was with this issuer and for this app. This is the way for apps;
    /// [`IdTokenVerifier::verify`] is for tokens that came another way.
    ///
    /// # Errors
    ///
    /// [`IdTokenError::OtherLaunch`], [`IdTokenError::NoToken`], and those of
    /// [`IdTokenVerifier::verify`].
    pub async fn verify_launch(
        &self,
        launch: &ExchangedLaunch,
        tokens: &TokenResponse,
        now: UnixTime,
    ) -> Result<IdToken, IdTokenError> {
        let context = launch.context();
        for (what, expected, found) in [
            ("issuer", &*self.rules.issuer, context.issuer.as_str()),
            (
                "client_id",
                self.rules.client_id.as_str(),
                context.client_id.as_str(),
            ),
        ] {
            if expected != found {
                let (expected, found) = (Text::new(expected), Text::new(found));
                return Err(IdTokenError::OtherLaunch {
                    what,
                    expected,
                    found,
                });
            }
        }
        let token = tokens.id_token.as_ref().ok_or(IdTokenError::NoToken)?;
        self.verify(token, &Expected::of_launch(launch, tokens), now)
            .await
    }

    /// Runs the checks up to the first that does not pass.
    ///
    /// # Errors
    ///
    /// [`IdTokenError`]: the first failure, in the order form, algorithm, key, signature, claims.
    pub async fn verify(
        &self,
        token: &RawIdToken,
        expected: &Expected<'_>,
        now: UnixTime,
    ) -> Result<IdToken, IdTokenError> {
        let result = match self.gather_at_hand(token, Mode::Verify) {
            Ok(mut evidence) => judge(&mut evidence, &self.rules, expected, now),
            Err(wait) => {
                let mut evidence = self.gather_slowly(token, wait, Mode::Verify).await;
                judge(&mut evidence, &self.rules, expected, now)
            }
        };
        telemetry::judged("id-token", result.as_ref().err().map(IdTokenError::code));
        result
    }

    /// Runs every check that can still run after one fails, and reports on each. For operators:
    /// nothing in a report makes a token valid.
    pub async fn explain(
        &self,
        token: &RawIdToken,
        expected: &Expected<'_>,
        now: UnixTime,
    ) -> Report {
        let evidence = self.gather(token, Mode::Explain).await;
        Report::new(&Examination::new(&evidence, &self.rules, expected, now))
    }

    /// Judges the ID token of a refresh response against the first one of the session.
    ///
    /// It keeps `iss`, `sub` and `aud`, and `azp` and `auth_time` where the first had them; a
    /// `nonce` is normally absent, and otherwise the first one's; `iat` is later than the first.
    /// Every other check is that of [`IdTokenVerifier::verify`]. A response without an ID token is
    /// fine (OpenID Connect Core 12.2) and needs no call.
    ///
    /// `access_token` is the one that came with the ID token. No request may leave with it before
    /// this function has said [`Refreshed`].
    ///
    /// # Errors
    ///
    /// [`RefreshError::IdentityChanged`] where signature, key or algorithm do not hold, where `iss`
    /// or `sub` is another, or where an `azp`, `auth_time` or `nonce` that is there is another.
    /// [`RefreshError::Undecided`] where the issuer's keys cannot be had.
    pub async fn verify_refreshed(
        &self,
        token: &RawIdToken,
        first: &Continuity,
        access_token: &AccessToken,
        now: UnixTime,
    ) -> Result<Refreshed, RefreshError> {
        let expected = Expected::refreshed(first, access_token);
        let mut evidence = self.gather(token, Mode::Explain).await;
        let result = refresh::decide(&mut evidence, &self.rules, &expected, now);
        let code = match &result {
            Ok(Refreshed::Renewed(_)) => None,
            Ok(Refreshed::SameUser { error, .. }) => Some(error.code()),
            Err(error) => Some(error.code()),
        };
        telemetry::judged("refreshed-id-token", code);
        result
    }

    pub(crate) const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Finds the keys and checks the signature.
    pub(crate) async fn gather(&self, token: &RawIdToken, mode: Mode) -> Evidence {
        match self.gather_at_hand(token, mode) {
            Ok(evidence) => evidence,
            Err(wait) => self.gather_slowly(token, wait, mode).await,
        }
    }

    /// The same for a signed answer that is no ID token: what the issuer announces for those says
    /// nothing about it.
    pub(crate) async fn gather_unannounced(&self, token: &RawIdToken) -> Evidence {
        let (token, rules) = (token.expose_secret(), &self.rules);
        let parsed = Parsed::whole(token, rules, rules.accepted);
        let keys = self.keys_for(&parsed).await;
        let evidence = Evidence::gather(parsed, keys, rules, Mode::Verify);
        if evidence.has_bad_signature() {
            return self.try_again(token, evidence, Mode::Verify).await;
        }
        evidence
    }

    /// What the issuer announces now of what the caller accepts, and never more than that.
    fn narrowed(&self) -> Option<Algorithms> {
        let announced = self.keys.narrow(self.rules.accepted)?;
        Some(announced.intersection(self.rules.accepted))
    }

    /// The same where the key is at hand: nothing waits.
    fn gather_at_hand(&self, token: &RawIdToken, mode: Mode) -> Result<Evidence, Wait> {
        let (token, rules) = (token.expose_secret(), &self.rules);
        let usual = self.usual.now();
        let parsed = Parsed::knowing(token, rules, &usual);
        let (accepted, announced) = (rules.accepted, rules.announced);
        let keys = parsed
            .header()
            .and_then(|it| self.keys.at_hand(it, accepted, announced));
        let Some(keys) = keys else {
            return Err(Wait::ForKeys);
        };
        let evidence = Evidence::gather(parsed, Some(Ok(keys)), rules, mode);
        if evidence.has_bad_signature() {
            return Err(Wait::ForNewKeys(Box::new(evidence)));
        }
        if evidence.has_verified() {
            let (accepted, limit) = (rules.accepted, rules.max_octets);
            self.usual.verified(&usual, token, accepted, limit);
        }
        Ok(evidence)
    }

    /// The same for a token whose key is not at hand, or that is malformed. Its future is large
    /// and seldom needed, so it is not a part of the caller's.
    async fn gather_slowly(&self, token: &RawIdToken, wait: Wait, mode: Mode) -> Evidence {
        Box::pin(self.gather_waiting(token.expose_secret(), wait, mode)).await
    }

    async fn gather_waiting(&self, token: &str, wait: Wait, mode: Mode) -> Evidence {
        let rules = &self.rules;
        if let Wait::ForNewKeys(evidence) = wait {
            return self.try_again(token, *evidence, mode).await;
        }
        let mut accepted = self.narrowed().unwrap_or(rules.announced);
        let mut parsed = Parsed::whole(token, rules, accepted);
        // The issuer may have begun to use an algorithm since its metadata was read.
        if parsed.is_refused_by_announcement(rules)
            && let Some(announced) = self.keys.narrow_anew(rules.accepted).await
        {
            accepted = announced.intersection(rules.accepted);
            parsed = Parsed::whole(token, rules, accepted);
        }
        let keys = self.keys_for(&parsed).await;
        // To find the keys, the issuer's metadata may have been read: what it says now counts.
        if let Some(announced) = self.narrowed()
            && announced != accepted
        {
            accepted = announced;
            parsed = Parsed::whole(token, rules, accepted);
        }
        let evidence = Evidence::gather(parsed, keys, rules, mode);
        if evidence.has_bad_signature() {
            return self.try_again(token, evidence, mode).await;
        }
        evidence
    }

    /// Some issuers rotate without a new `kid`: the keys may have been the wrong ones.
    async fn try_again(&self, token: &str, evidence: Evidence, mode: Mode) -> Evidence {
        let Ok(header) = &evidence.header else {
            return evidence;
        };
        match self.keys.candidates_after_bad_signature(header).await {
            Some(keys) => {
                let parsed = Parsed::new(token, &self.rules, self.rules.accepted);
                Evidence::gather(parsed, Some(Ok(keys)), &self.rules, mode)
            }
            None => evidence,
        }
    }

    /// The keys for a token whose header could be read: from the cache without waiting, if it has
    /// them.
    async fn keys_for(&self, parsed: &Parsed<'_>) -> Option<Result<Candidates, KeySourceError>> {
        let header = parsed.header()?;
        if let Some(keys) = self.keys.cached(header) {
            return Some(Ok(keys));
        }
        Some(self.keys.candidates(header).await)
    }
}
