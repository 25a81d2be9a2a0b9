//! What a client presents at the token endpoint: exactly one way to authenticate.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use smart_jose::{ErrorClass, Secret, Text};

use super::assertion::{AssertionError, ClientAssertion};
use super::authenticated::AuthenticationMethod;
use super::parameters::Parameters;
use super::refusal::Refusal;
use crate::value::ClientId;

/// What a request presents, not yet judged. [`Credentials::registration`] looks up whom it names, then
/// [`Credentials::authenticate`].
#[derive(Clone, Debug)]
pub struct Credentials {
    client_id: ClientId,
    /// The id as it stands in the header, as long as it may be meant and is another one.
    raw_client_id: Option<ClientId>,
    pub(super) presented: Presented,
}

/// The proof that came along.
#[derive(Clone, Debug)]
pub(super) enum Presented {
    Nothing,
    Basic(PresentedSecret),
    Post(PresentedSecret),
    Assertion(ClientAssertion),
}

/// A secret in the spellings in which it may have been meant.
#[derive(Clone, Debug)]
pub(super) struct PresentedSecret {
    meant: Secret<String>,
    raw: Option<Secret<String>>,
}

impl PresentedSecret {
    /// Whether one of the spellings is the registered secret.
    pub(super) fn is(&self, registered: &Secret<String>) -> bool {
        let raw = self.raw.as_ref().unwrap_or(&self.meant);
        // Both are compared, so that the time does not tell which one it was.
        registered.matches(self.meant.expose_secret()) | registered.matches(raw.expose_secret())
    }
}

impl Credentials {
    /// Reads the header and the form of a token request.
    ///
    /// The user and the password of Basic are form-encoded (RFC 6749 2.3.1). Clients that follow the
    /// SMART guide to the letter do not encode them, so a secret counts in either spelling, and an id
    /// in the one that the form or a registration has ([`Credentials::registration`]).
    /// A client that authenticates in the header may name itself in the form too, with the same id.
    ///
    /// # Errors
    ///
    /// [`CredentialsError`]: none, several, or what cannot be read.
    pub fn read(headers: &HeaderMap, parameters: &Parameters) -> Result<Self, CredentialsError> {
        let named = parameters.get("client_id").map(ClientId::new);
        let header = authorization(headers)?;
        let secret = parameters.get("client_secret");
        let assertion = parameters.get("client_assertion");
        let assertion_type = parameters.get("client_assertion_type");
        let has_assertion = assertion.is_some() || assertion_type.is_some();
        let methods = [header.is_some(), secret.is_some(), has_assertion];
        if methods.iter().filter(|it| **it).count() > 1 {
            return Err(CredentialsError::Several);
        }
        if let Some(value) = header {
            return Self::of_header(basic(value)?, named);
        }
        if has_assertion {
            let assertion = ClientAssertion::read(assertion_type, assertion, named.as_ref())?;
            return Ok(Self {
                client_id: assertion.claimed_client_id().clone(),
                raw_client_id: None,
                presented: Presented::Assertion(assertion),
            });
        }
        let client_id = named.ok_or(CredentialsError::Nobody)?;
        let presented = secret.map_or(Presented::Nothing, |it| {
            Presented::Post(PresentedSecret {
                meant: Secret::new(it.to_owned()),
                raw: None,
            })
        });
        Ok(Self {
            client_id,
            raw_client_id: None,
            presented,
        })
    }

    /// Those of a client that presents nothing and names nobody ([`CredentialsError::Nobody`]), where its
    /// refresh token says whose it is ([`RefreshBook::client_id_of`](super::RefreshBook::client_id_of)).
    /// A refresh of a public client need not name it (RFC 6749 6, SMART App Launch 2.2), and deployed
    /// clients leave it out. A client that is registered with a way to authenticate is still refused.
    #[must_use]
    pub const fn of_public(client_id: ClientId) -> Self {
        Self {
            client_id,
            raw_client_id: None,
            presented: Presented::Nothing,
        }
    }

    /// What a header presents. The form has one spelling, so the id that it names is what the header
    /// means, where that is a way to read it.
    fn of_header(header: Basic, named: Option<ClientId>) -> Result<Self, CredentialsError> {
        let Basic { meant, raw, secret } = header;
        let is_one = |it: &ClientId| *it == meant || raw.as_ref() == Some(it);
        if let Some(named) = named.as_ref().filter(|it| !is_one(it)) {
            return Err(CredentialsError::OtherClient {
                authenticated: Text::new(meant.as_str()),
                named: Text::new(named.as_str()),
            });
        }
        let raw_client_id = if named.is_some() { None } else { raw };
        Ok(Self {
            client_id: named.unwrap_or(meant),
            raw_client_id,
            presented: Presented::Basic(secret),
        })
    }

    /// The ids that the client may mean, first the one that counts where both are registered. There
    /// are two only where a header of `Basic` reads in two ways (`app+lab`, which is `app lab` where
    /// it is form-encoded) and the form does not say which.
    pub fn client_ids(&self) -> impl Iterator<Item = &ClientId> {
        core::iter::once(&self.client_id).chain(&self.raw_client_id)
    }

    /// Looks up the registration of the client, by each of [`Credentials::client_ids`] until there is
    /// one. That one is the client from then on; a request is never two. Where looking up waits for a
    /// database, ask that for all of them first.
    ///
    /// ```
    /// use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
    /// use smart_oidc::server::{Credentials, Parameters};
    /// // "app+lab:s", from a client that does not form-encode.
    /// let basic = HeaderValue::from_static("Basic YXBwK2xhYjpz");
    /// let headers = HeaderMap::from_iter([(AUTHORIZATION, basic)]);
    /// let mut read = Credentials::read(&headers, &Parameters::default()).unwrap();
    /// assert_eq!(read.client_id().as_str(), "app lab");
    /// let found = read.registration(|it| (it.as_str() == "app+lab").then_some("its registration"));
    /// assert_eq!((found, read.client_id().as_str()), (Some("its registration"), "app+lab"));
    /// ```
    pub fn registration<R>(
        &mut self,
        mut registered: impl FnMut(&ClientId) -> Option<R>,
    ) -> Option<R> {
        let found = registered(&self.client_id);
        let raw = self.raw_client_id.take();
        if found.is_some() {
            return found;
        }
        let raw = raw?;
        let found = registered(&raw)?;
        self.client_id = raw;
        Some(found)
    }

    /// Who the client says it is: the key to its registration, and proof of nothing. Of two spellings
    /// it is the standard's, unless [`Credentials::registration`] has found the other.
    #[must_use]
    pub const fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// How it wants to prove that.
    #[must_use]
    pub const fn method(&self) -> AuthenticationMethod {
        match &self.presented {
            Presented::Nothing => AuthenticationMethod::None,
            Presented::Basic(_) => AuthenticationMethod::ClientSecretBasic,
            Presented::Post(_) => AuthenticationMethod::ClientSecretPost,
            Presented::Assertion(_) => AuthenticationMethod::PrivateKeyJwt,
        }
    }
}

/// The one `Authorization` header, if there is one.
fn authorization(headers: &HeaderMap) -> Result<Option<&[u8]>, CredentialsError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let first = values.next().map(|it| it.as_bytes());
    if values.next().is_some() {
        return Err(CredentialsError::Several);
    }
    Ok(first)
}

/// What a header of the scheme `Basic` says.
struct Basic {
    meant: ClientId,
    /// The id as it stands there, where that is another one.
    raw: Option<ClientId>,
    secret: PresentedSecret,
}

/// Reads `Basic` (RFC 7617 2), whose scheme has no case.
fn basic(value: &[u8]) -> Result<Basic, CredentialsError> {
    let text = core::str::from_utf8(value).map_err(|_| CredentialsError::Basic)?;
    let (scheme, encoded) = text.split_once(' ').ok_or(CredentialsError::Basic)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(CredentialsError::Scheme {
            found: Text::new(scheme),
        });
    }
    let octets = STANDARD
        .decode(encoded.trim_start_matches(' '))
        .map_err(|_| CredentialsError::Basic)?;
    let pair = String::from_utf8(octets).map_err(|_| CredentialsError::Basic)?;
    let pair = Secret::new(pair);
    let (user, password) = pair
        .expose_secret()
        .split_once(':')
        .ok_or(CredentialsError::Basic)?;
    if user.is_empty() || password.is_empty() {
        return Err(CredentialsError::Basic);
    }
    let secret = PresentedSecret {
        meant: Secret::new(form_decoded(password)),
        raw: Some(Secret::new(password.to_owned())),
    };
    let meant = form_decoded(user);
    let raw = (meant != user).then(|| ClientId::new(user));
    Ok(Basic {
        meant: ClientId::new(meant),
        raw,
        secret,
    })
}

/// One value of `application/x-www-form-urlencoded`. In what is not well encoded, the part that is
/// not stays as it is.
fn form_decoded(text: &str) -> String {
    // A name without `=` and `&` is read as a name with an empty value.
    let encoded = text.replace('=', "%3D").replace('&', "%26");
    form_urlencoded::parse(encoded.as_bytes())
        .next()
        .map(|(name, _)| name.into_owned())
        .unwrap_or_default()
}

/// Why nothing can be judged. What the client presented is not in it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// The assertion cannot be read.
    #[error(transparent)]
    Assertion(#[from] AssertionError),
    /// The header is not `Basic` with an id and a secret.
    #[error("the header Authorization does not hold an id and a secret")]
    Basic,
    /// The request names no client.
    #[error("the request names no client")]
    Nobody,
    /// The header is of one client and the form names another (RFC 7521 4.2).
    #[error("the header is of {authenticated}, and client_id is {named}")]
    OtherClient {
        /// The client of the header.
        authenticated: Text,
        /// The client of the form.
        named: Text,
    },
    /// The header has another scheme than `Basic`.
    #[error("clients do not authenticate with {found}")]
    Scheme {
        /// The scheme.
        found: Text,
    },
    /// The client authenticates in more than one way (RFC 6749 2.3).
    #[error("the client authenticates in more than one way")]
    Several,
}

impl CredentialsError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Assertion(error) => error.code(),
            Self::Basic => "credentials-basic",
            Self::Nobody => "credentials-nobody",
            Self::OtherClient { .. } => "credentials-other-client",
            Self::Scheme { .. } => "credentials-scheme",
            Self::Several => "credentials-several",
        }
    }

    /// Whose fault it is: the request's, or that of its assertion.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Assertion(error) => error.class(),
            Self::Basic
            | Self::Nobody
            | Self::OtherClient { .. }
            | Self::Scheme { .. }
            | Self::Several => ErrorClass::InvalidRequest,
        }
    }

    /// What the client is told: `invalid_client`, and `invalid_request` where it used more than one
    /// method (RFC 6749 5.2).
    #[must_use]
    pub const fn refusal(&self) -> Refusal {
        match self {
            Self::Several => Refusal::InvalidRequest,
            Self::Assertion(error) => error.refusal(),
            Self::Basic | Self::Nobody | Self::OtherClient { .. } | Self::Scheme { .. } => {
                Refusal::InvalidClient
            }
        }
    }
}
