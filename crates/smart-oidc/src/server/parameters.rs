//! Request parameters, of which no two readers can see different ones.

use core::fmt;
use std::collections::BTreeMap;

use smart_jose::ErrorClass;

/// So many parameters are read; a request with more is refused.
const MAX_PARAMETERS: usize = 128;

/// What a form or a query says. `Debug` shows the names of the parameters and no value.
///
/// Bound the octets before reading: values are kept as they are.
///
/// ```
/// use smart_oidc::server::Parameters;
/// let read = Parameters::parse(b"code=a%2Bb&state=").unwrap();
/// assert_eq!(read.get("code"), Some("a+b"));
/// assert_eq!(read.get("state"), None);
/// assert_eq!(Parameters::parse(b"code=a&code=b").unwrap_err().code(), "parameter-repeated");
/// ```
#[derive(Clone, Default)]
pub struct Parameters(BTreeMap<String, String>);

/// Why a request is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParameterError {
    /// A parameter occurs twice (RFC 6749 3.1, 3.2). Which one is not said: names come from the
    /// sender.
    #[error("a parameter is repeated")]
    Repeated,
    /// There are more parameters than anybody needs.
    #[error("a request of more than {limit} parameters")]
    TooMany {
        /// How many are read.
        limit: usize,
    },
}

impl ParameterError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Repeated => "parameter-repeated",
            Self::TooMany { .. } => "parameter-too-many",
        }
    }

    /// Whose fault it is: always the request's.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::InvalidRequest
    }
}

impl Parameters {
    /// Reads `a=b&c=d`.
    ///
    /// # Errors
    ///
    /// [`ParameterError`]: the request is an `invalid_request`.
    pub fn parse(octets: &[u8]) -> Result<Self, ParameterError> {
        let mut parameters = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(octets) {
            if parameters.len() == MAX_PARAMETERS {
                return Err(ParameterError::TooMany {
                    limit: MAX_PARAMETERS,
                });
            }
            if parameters
                .insert(name.into_owned(), value.into_owned())
                .is_some()
            {
                return Err(ParameterError::Repeated);
            }
        }
        Ok(Self(parameters))
    }

    /// The value; a parameter without one counts as left out (RFC 6749 3.1).
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|it| !it.is_empty())
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
