//! The protected header: what a verifier may know before it has verified.

use core::fmt;
use std::borrow::Cow;

use crate::alg::{Algorithm, Algorithms};
use crate::class::ErrorClass;
use crate::json::{self, JsonError, Name};
use crate::member::{self, FromJson, JsonType, Member};
use crate::short::ShortText;
use crate::text::Text;

/// The header of a compact JWS (RFC 7515 4), read strictly.
///
/// A value of this type has an algorithm that the caller accepted. `jwk`, `jku`, `x5c` and `x5u`
/// are not kept: nothing is ever fetched or trusted because of them (RFC 8725 3.10).
#[derive(Clone, PartialEq, Eq)]
pub struct ProtectedHeader {
    algorithm: Algorithm,
    kid: Option<ShortText>,
    typ: Option<Cow<'static, str>>,
}

impl ProtectedHeader {
    /// The algorithm, one that the caller accepts.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key id: an opaque, case-sensitive hint (RFC 7515 4.1.4). Text from outside: show it
    /// through [`Text`].
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_ref().map(ShortText::as_str)
    }

    /// The type as written (RFC 7515 4.1.9); compare with [`is_media_type`]. Text from outside.
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// Reads a header.
    ///
    /// # Errors
    ///
    /// [`HeaderError`]; the algorithm is judged after the form.
    pub(crate) fn read(octets: &[u8], accepted: Algorithms) -> Result<Self, HeaderError> {
        let mut found = [None; MEMBERS.len()];
        json::scan_object(octets, MAX_HEADER_OCTETS, &MEMBERS, &mut found)?;
        let [alg, kid, typ, cty, crit, zip, b64] = found;
        if crit.is_some() {
            return Err(HeaderError::Critical);
        }
        if zip.is_some() {
            return Err(HeaderError::Compressed);
        }
        // RFC 7797 7 forbids an unencoded payload in a JWT, whether `crit` names it or not.
        if !matches!(member::read(b64), Member::Absent | Member::Value(true)) {
            return Err(HeaderError::Unencoded);
        }
        let kid = optional("kid", member::read(kid))?;
        let typ = optional("typ", member::read(typ))?.map(|Typ(typ)| typ);
        if optional("cty", member::read_text(cty))?.is_some_and(|cty| is_media_type(&cty, "jwt")) {
            return Err(HeaderError::Nested);
        }
        let algorithm = match optional("alg", member::read(alg))? {
            None => return Err(HeaderError::AlgorithmMissing),
            Some(Alg::Known(algorithm)) => algorithm,
            Some(Alg::Unknown(found)) => return Err(HeaderError::AlgorithmUnsupported { found }),
        };
        if !accepted.contains(algorithm) {
            return Err(HeaderError::AlgorithmNotAccepted {
                found: algorithm,
                accepted,
            });
        }
        Ok(Self {
            algorithm,
            kid,
            typ,
        })
    }
}

impl fmt::Debug for ProtectedHeader {
    /// Shows `kid` and `typ` bounded and escaped: they are attacker's text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProtectedHeader")
            .field("algorithm", &self.algorithm)
            .field("kid", &self.kid().map(Text::new))
            .field("typ", &self.typ().map(Text::new))
            .finish()
    }
}

/// Whether a `typ` or `cty` value names this media type. A value without a slash stands for one
/// that begins with `application/`, and case does not matter (RFC 7515 4.1.9).
///
/// `subtype` is in lower case and without `application/`.
///
/// ```
/// use smart_jose::header::is_media_type;
/// assert!(is_media_type("application/JWT", "jwt"));
/// assert!(!is_media_type("at+jwt", "jwt"));
/// assert!(!is_media_type("text/jwt", "jwt"));
/// ```
#[must_use]
pub fn is_media_type(value: &str, subtype: &str) -> bool {
    // The usual form, without a slash, is told first.
    if value.eq_ignore_ascii_case(subtype) {
        return true;
    }
    let (prefix, rest) = value.rsplit_once('/').unwrap_or(("application", value));
    prefix.eq_ignore_ascii_case("application") && rest.eq_ignore_ascii_case(subtype)
}

/// A longer header is refused, in octets after decoding. A chain of three certificates has room;
/// a header that is there to keep a reader busy has less of it.
pub const MAX_HEADER_OCTETS: usize = 8 * 1024;

/// The members that are looked at. Others are ignored (RFC 7515 4).
const MEMBERS: [Name<'static>; 7] = [
    Name::new("alg"),
    Name::new("kid"),
    Name::new("typ"),
    Name::new("cty"),
    Name::new("crit"),
    Name::new("zip"),
    Name::new("b64"),
];

/// What `alg` names.
enum Alg {
    Known(Algorithm),
    Unknown(Text),
}

impl FromJson for Alg {
    const EXPECTED: &'static str = String::EXPECTED;
    fn from_string(name: &str) -> Option<Self> {
        let known = Algorithm::from_name(name).map(Self::Known);
        Some(known.unwrap_or_else(|| Self::Unknown(Text::new(name))))
    }
}

/// A `typ`; nearly every token has the one that costs no allocation.
struct Typ(Cow<'static, str>);

impl FromJson for Typ {
    const EXPECTED: &'static str = String::EXPECTED;
    fn from_string(typ: &str) -> Option<Self> {
        Some(Self(match typ {
            "JWT" => Cow::Borrowed("JWT"),
            other => Cow::Owned(other.to_owned()),
        }))
    }
}

fn optional<T: FromJson>(member: &'static str, found: Member<T>) -> Result<Option<T>, HeaderError> {
    match found {
        Member::Absent => Ok(None),
        Member::Value(value) => Ok(Some(value)),
        Member::WrongType(found) => Err(HeaderError::WrongType {
            member,
            expected: T::EXPECTED,
            found,
        }),
    }
}

/// Why a header is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// There is no `alg` (RFC 7515 4.1.1).
    #[error("the header has no alg")]
    AlgorithmMissing,
    /// The algorithm is one of ours, but the caller does not accept it.
    #[error("alg {found} is not accepted here; accepted: {}", if .accepted.is_empty() { "none".to_owned() } else { .accepted.to_string() })]
    AlgorithmNotAccepted {
        /// The algorithm of the token.
        found: Algorithm,
        /// What the caller accepts.
        accepted: Algorithms,
    },
    /// The algorithm does not exist here: `none`, HMAC, or an unknown name.
    #[error("alg {found} does not exist here")]
    AlgorithmUnsupported {
        /// The name in the token.
        found: Text,
    },
    /// A `zip` member: nothing is decompressed.
    #[error("the header asks for decompression (zip)")]
    Compressed,
    /// A `crit` member. No extension is understood, so every one is refused (RFC 7515 4.1.11).
    #[error("the header has a crit member, and no critical extension is understood")]
    Critical,
    /// The header is not a strict JSON object.
    #[error("the header is not a strict JSON object: {0}")]
    Json(#[from] JsonError),
    /// `cty` says that another JWT is inside (RFC 7519 5.2).
    #[error("the token holds another token (cty JWT)")]
    Nested,
    /// A `b64` member other than `true` (RFC 7797 7).
    #[error("the header asks for an unencoded payload (b64)")]
    Unencoded,
    /// A member has another JSON type.
    #[error("{member} is {found}, not {expected}")]
    WrongType {
        /// The name of the member.
        member: &'static str,
        /// The type that is asked for.
        expected: &'static str,
        /// The type that was found.
        found: JsonType,
    },
}

impl HeaderError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::AlgorithmMissing => "alg-missing",
            Self::AlgorithmNotAccepted { .. } => "alg-not-accepted",
            Self::AlgorithmUnsupported { .. } => "alg-unsupported",
            Self::Compressed => "header-zip",
            Self::Critical => "header-crit",
            Self::Json(_) => "header-json",
            Self::Nested => "header-nested",
            Self::Unencoded => "header-b64",
            Self::WrongType { .. } => "header-type",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::InvalidToken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(json: &str) -> Result<Algorithm, &'static str> {
        ProtectedHeader::read(json.as_bytes(), Algorithms::ID_TOKEN)
            .map(|header| header.algorithm())
            .map_err(|error| error.code())
    }

    // covers: JWS-7, JWS-8, JWS-9, JWS-10, JWS-11, JWT-11, OIDC-IDT-13
    #[test]
    fn adv_crit_and_every_other_rule_has_its_error() {
        let cases = [
            (r#"{"alg":"RS256"}"#, Ok(Algorithm::RS256)),
            (
                r#"{"alg":"ES384","kid":"a","typ":"JWT","x":{"y":[1]}}"#,
                Ok(Algorithm::ES384),
            ),
            (
                r#"{"alg":"RS256","cty":"text/plain","b64":true}"#,
                Ok(Algorithm::RS256),
            ),
            (
                r#"{"alg":"RS256","jwk":{"kty":"RSA"},"jku":"https://evil.example/","x5c":[1],"x5u":7}"#,
                Ok(Algorithm::RS256),
            ),
            (r"{}", Err("alg-missing")),
            (r#"{"alg":"RS512"}"#, Err("alg-not-accepted")),
            (r#"{"alg":"none"}"#, Err("alg-unsupported")),
            (r#"{"alg":"HS256"}"#, Err("alg-unsupported")),
            (r#"{"alg":""}"#, Err("alg-unsupported")),
            (r#"{"alg":null}"#, Err("header-type")),
            (r#"{"alg":256}"#, Err("header-type")),
            (r#"{"alg":["RS256"]}"#, Err("header-type")),
            (r#"{"alg":"RS256","kid":1}"#, Err("header-type")),
            (r#"{"alg":"RS256","kid":null}"#, Err("header-type")),
            (r#"{"alg":"RS256","typ":["JWT"]}"#, Err("header-type")),
            (r#"{"alg":"RS256","cty":1}"#, Err("header-type")),
            (r#"{"alg":"RS256","cty":"jwt"}"#, Err("header-nested")),
            (
                r#"{"alg":"RS256","cty":"application/JWT"}"#,
                Err("header-nested"),
            ),
            (r#"{"alg":"RS256","zip":"DEF"}"#, Err("header-zip")),
            (r#"{"alg":"RS256","zip":null}"#, Err("header-zip")),
            (r#"{"alg":"RS256","b64":false}"#, Err("header-b64")),
            (r#"{"alg":"RS256","b64":"true"}"#, Err("header-b64")),
            (
                r#"{"alg":"RS256","crit":["b64"],"b64":false}"#,
                Err("header-crit"),
            ),
            (
                r#"{"alg":"RS256","crit":["exp"],"exp":1}"#,
                Err("header-crit"),
            ),
            (r#"{"alg":"RS256","crit":["missing"]}"#, Err("header-crit")),
            (r#"{"alg":"RS256","crit":["alg"]}"#, Err("header-crit")),
            (
                r#"{"alg":"RS256","crit":["a","a"],"a":1}"#,
                Err("header-crit"),
            ),
            (r#"{"alg":"RS256","crit":[]}"#, Err("header-crit")),
            (r#"{"alg":"RS256","crit":"exp"}"#, Err("header-crit")),
            (r#"{"alg":"RS256","crit":null}"#, Err("header-crit")),
            (r#"{"alg":"RS256","crit":{}}"#, Err("header-crit")),
            (r#"{"alg":"RS256","alg":"none"}"#, Err("header-json")),
            (r#"{"alg":"RS256","\u0061lg":"none"}"#, Err("header-json")),
            (
                r#"{"alg":"RS256","x":{"a":1,"\u0061":2}}"#,
                Err("header-json"),
            ),
            (r#"["RS256"]"#, Err("header-json")),
            (r#"{"alg":"RS256"}}"#, Err("header-json")),
        ];
        for (json, expected) in cases {
            assert_eq!(code(json), expected, "{json}");
        }
    }

    #[test]
    fn a_header_has_room_for_certificates_and_an_end() {
        let header = |len: usize| {
            let rest = len - r#"{"alg":"RS256","x5c":""}"#.len();
            format!(r#"{{"alg":"RS256","x5c":"{}"}}"#, "x".repeat(rest))
        };
        assert_eq!(code(&header(MAX_HEADER_OCTETS)), Ok(Algorithm::RS256));
        assert_eq!(code(&header(MAX_HEADER_OCTETS + 1)), Err("header-json"));
    }

    // covers: JWS-14
    #[test]
    fn media_types_are_compared_without_case_and_prefix() {
        for value in ["JWT", "jwt", "application/jwt", "Application/JWT"] {
            assert!(is_media_type(value, "jwt"), "{value}");
        }
        for value in [
            "",
            "/jwt",
            "application/",
            "a/application/jwt",
            "jwt ",
            "logout+jwt",
        ] {
            assert!(!is_media_type(value, "jwt"), "{value}");
        }
    }
}
