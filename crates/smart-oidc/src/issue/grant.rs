//! What one ID token is to say.

use core::time::Duration;

use serde_json::{Map, Value};
use smart_discovery::{FhirBaseUrl, Finding};
use smart_jose::UnixTime;

use super::client::RegisteredClient;
use crate::fhir_user::{FhirUser, FhirUserError, FhirUserType};
use crate::id_token::Continuity;
use crate::scope::Scopes;
use crate::value::{AccessToken, AuthorizationCode, Nonce};

/// What was granted to an app, for the ID token that tells it who the user is.
#[derive(Clone)]
pub struct Grant<'a> {
    pub(super) client: &'a RegisteredClient,
    pub(super) subject: &'a str,
    pub(super) scopes: &'a [String],
    pub(super) access_token: &'a AccessToken,
    pub(super) code: Option<&'a AuthorizationCode>,
    pub(super) nonce: Option<&'a Nonce>,
    pub(super) max_age: Option<Duration>,
    pub(super) auth_time: Option<UnixTime>,
    pub(super) acr: Option<&'a str>,
    pub(super) amr: &'a [String],
    pub(super) audiences: &'a [String],
    pub(super) fhir_user: Option<(FhirUser, &'a FhirBaseUrl)>,
    pub(super) name: Option<&'a str>,
    pub(super) extra: Map<String, Value>,
    pub(super) first: Option<&'a Continuity>,
}

impl<'a> Grant<'a> {
    /// A grant of these scopes, which `openid` must be among, to a client. `subject` is the user:
    /// 1 to 255 ASCII characters, never given to another (OpenID Connect Core 2); see
    /// [`super::PairwiseSubjects`]. The access token of the same response goes into `at_hash`.
    #[must_use]
    pub fn new(
        client: &'a RegisteredClient,
        subject: &'a str,
        scopes: &'a [String],
        access_token: &'a AccessToken,
    ) -> Self {
        Self {
            client,
            subject,
            scopes,
            access_token,
            code: None,
            nonce: None,
            max_age: None,
            auth_time: None,
            acr: None,
            amr: &[],
            audiences: &[],
            fhir_user: None,
            name: None,
            extra: Map::new(),
            first: None,
        }
    }

    /// The `nonce` of the authorization request: whoever sent one gets it back unchanged.
    #[must_use]
    pub const fn with_nonce(mut self, nonce: &'a Nonce) -> Self {
        self.nonce = Some(nonce);
        self
    }

    /// The code goes into `c_hash`.
    #[must_use]
    pub const fn with_code(mut self, code: &'a AuthorizationCode) -> Self {
        self.code = Some(code);
        self
    }

    /// When the user authenticated.
    #[must_use]
    pub const fn with_auth_time(mut self, auth_time: UnixTime) -> Self {
        self.auth_time = Some(auth_time);
        self
    }

    /// The client sent `max_age`: `auth_time` is then required and may not be older, but for the few
    /// seconds by which the clocks of a server's nodes may differ.
    #[must_use]
    pub const fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self
    }

    /// The class of the authentication.
    #[must_use]
    pub const fn with_acr(mut self, acr: &'a str) -> Self {
        self.acr = Some(acr);
        self
    }

    /// How the user authenticated, in the registered words of RFC 8176.
    #[must_use]
    pub const fn with_amr(mut self, amr: &'a [String]) -> Self {
        self.amr = amr;
        self
    }

    /// Names these audiences beside the client. A client refuses a token with an audience that it does
    /// not trust, [`crate::IdTokenVerifier`] too: name only what this one was told of.
    #[must_use]
    pub const fn with_audiences(mut self, audiences: &'a [String]) -> Self {
        self.audiences = audiences;
        self
    }

    /// The FHIR resource that is the user: `Practitioner/123`, or the same as an absolute URL.
    /// The token has it as an absolute URL, since there are clients that forget the base of a
    /// relative one; it has it only if the scope `fhirUser` is granted. Name a Person only where
    /// no other type fits (SMART App Launch 2.2).
    ///
    /// # Errors
    ///
    /// [`FhirUserError`], as a client would refuse it.
    pub fn with_fhir_user(
        mut self,
        reference: &str,
        base: &'a FhirBaseUrl,
    ) -> Result<Self, FhirUserError> {
        self.fhir_user = Some((FhirUser::parse(reference, base)?, base));
        Ok(self)
    }

    /// The name to show. Give it where the scope `profile` is granted (OpenID Connect Core 5.4).
    #[must_use]
    pub const fn with_name(mut self, name: &'a str) -> Self {
        self.name = Some(name);
        self
    }

    /// A claim of the server's own. One that is `null` is left out.
    #[must_use]
    pub fn with_claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        let value = value.into();
        match value.is_null() {
            true => drop(self.extra.remove(&name.into())),
            false => drop(self.extra.insert(name.into(), value)),
        }
        self
    }

    /// The token comes with a refresh, and continues this sign-in: it is issued only if it keeps
    /// what a client will compare (OpenID Connect Core 12.2).
    #[must_use]
    pub const fn refreshing(mut self, first: &'a Continuity) -> Self {
        self.first = Some(first);
        self
    }

    /// What is odd about the grant, for the server's log.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let kind = self.fhir_user.as_ref().map(|(it, _)| it.resource_type());
        if kind != Some(FhirUserType::Person) {
            return Vec::new();
        }
        vec![Finding::new(
            "fhir-user-person",
            "fhirUser names a Person",
            "name a Patient, Practitioner, PractitionerRole or RelatedPerson where one of them is the user (SMART App Launch 2.2)",
        )]
    }

    pub(super) fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|it| it == scope)
    }
}

impl core::fmt::Debug for Grant<'_> {
    /// Shows the client and the scopes, and nothing that names a person.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Grant")
            .field("client", self.client)
            .field("scopes", &self.scopes.iter().collect::<Scopes>())
            .finish_non_exhaustive()
    }
}
