//! Names that anybody may make up without asking anybody (SMART App Launch 2.2, Extensibility).

/// Whether a scope or a member is somebody's own: its name is a full URI or begins with `__`.
pub(crate) fn is_extension(name: &str) -> bool {
    name.strip_prefix("__").is_some_and(|it| !it.is_empty()) || is_uri(name)
}

/// Whether a text is a URI that names its scheme (RFC 3986 3.1). What stands behind the scheme is
/// not judged: such a name is compared and never followed.
pub(crate) fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    scheme.starts_with(|it: char| it.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || b"+-.".contains(&it))
        && !rest.is_empty()
        && rest.bytes().all(|it| it.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: SMART-TOK-14, SMART-SCP-12
    #[test]
    fn a_full_uri_and_two_underscores_are_somebodys_own() {
        for name in [
            "__darkMode",
            "https://ehr.example/x",
            "urn:oid:1.2",
            "x+y:z",
        ] {
            assert!(is_extension(name), "{name}");
        }
        for name in [
            "", "__", "_x", "x", ":x", "x:", "1x:y", "a b:c", "x:a b", "x/y:z",
        ] {
            assert!(!is_extension(name), "{name}");
        }
    }
}
