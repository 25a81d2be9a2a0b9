//! The values of a launch, each its own type, so that a code cannot stand where a state belongs.

use core::fmt;

use http::HeaderValue;
use smart_jose::base64url;
use smart_jose::crypto::RandomFailed;
use smart_jose::{CryptoProvider, Secret};

/// The id under which the app is registered with the server. Not a secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientId(String);

/// Where the server sends the browser back to; one that is registered for the app.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RedirectUri(String);

/// The opaque `launch` value of an EHR launch, handed back to the EHR unchanged. It stands for a
/// session of the EHR, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct LaunchHandle(String);

impl fmt::Debug for LaunchHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LaunchHandle(***)")
    }
}

macro_rules! text_value {
    ($($name:ident),*) => {$(
        impl $name {
            /// Takes the text as it is.
            #[must_use]
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

    )*};
}
text_value!(ClientId, RedirectUri, LaunchHandle);

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! secret_value {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// Wiped when dropped; `Debug` shows nothing of it, and there is no `Display`.
        #[derive(Clone)]
        pub struct $name(Secret<String>);

        impl $name {
            /// Takes over the text.
            #[must_use]
            pub fn new(text: impl Into<String>) -> Self {
                Self(Secret::new(text.into()))
            }

            /// The text itself.
            #[must_use]
            pub fn expose_secret(&self) -> &str {
                self.0.expose_secret()
            }

            /// Whether it is this text, compared in constant time.
            #[must_use]
            pub fn matches(&self, text: &str) -> bool {
                self.0.matches(text)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(***)"))
            }
        }
    )*};
}
secret_value! {
    /// Ties the callback to the request (RFC 6749 10.12).
    State;
    /// Ties the ID token to the request (OpenID Connect Core 2).
    Nonce;
    /// The secret half of PKCE (RFC 7636 4.1).
    CodeVerifier;
    /// Ties the launch to the browser that began it. It belongs in a cookie of the app.
    BrowserBinding;
    /// What the callback brings and the token endpoint takes, once.
    AuthorizationCode;
    /// Opens the FHIR server.
    AccessToken;
    /// What a confidential client proves itself with, where it has no key pair. It belongs in the
    /// settings of a server and never in an app that is handed out.
    ClientSecret;
    /// Gets the next access token.
    RefreshToken;
    /// An ID token that nobody has checked.
    RawIdToken;
}

impl AccessToken {
    /// The value of an `Authorization` header (RFC 6750 2.1), marked so that no client logs it;
    /// `None` for a text that no header can carry.
    pub(crate) fn bearer(&self) -> Option<HeaderValue> {
        let text = Secret::new(format!("Bearer {}", self.expose_secret()));
        let mut bearer = HeaderValue::from_str(text.expose_secret()).ok()?;
        bearer.set_sensitive(true);
        Some(bearer)
    }
}

/// 256 random bits as base64url, 43 characters.
fn random(provider: &CryptoProvider) -> Result<String, RandomFailed> {
    Ok(base64url::encode(provider.random::<32>()?))
}

macro_rules! generated {
    ($($name:ident),*) => {$(
        impl $name {
            /// 256 bits from the backend's generator, 43 characters.
            ///
            /// # Errors
            ///
            /// [`RandomFailed`] where the operating system gives none.
            pub fn generate(provider: &CryptoProvider) -> Result<Self, RandomFailed> {
                random(provider).map(Self::new)
            }
        }
    )*};
}
generated!(State, Nonce, CodeVerifier, BrowserBinding);
