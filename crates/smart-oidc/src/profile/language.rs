//! Which language somebody prefers.

use super::lenient::{Few, One};
use super::wire::{Coding, Communication};

/// The system of language tags in FHIR.
const BCP_47: &str = "urn:ietf:bcp:47";

/// The preferred language, else the first.
pub(super) fn language(wire: &Few<One<Communication>>) -> Option<String> {
    let is_preferred = |it: &&Communication| it.preferred.value() == Some(&true);
    let preferred = wire.objects().filter(is_preferred).find_map(of);
    preferred.or_else(|| wire.objects().find_map(of))
}

fn of(communication: &Communication) -> Option<String> {
    let codings = match communication.language.get() {
        Some(concept) => &concept.coding,
        None => &communication.coding,
    };
    let tag = |has_system: bool| {
        let of_system = codings.objects().filter(move |it: &&Coding| {
            it.system
                .value()
                .map_or(!has_system, |it| has_system && it == BCP_47)
        });
        of_system.filter_map(|it| tag(it.code.value()?)).next()
    };
    tag(true).or_else(|| tag(false))
}

/// A language tag (RFC 5646) by its form: a language of two to eight letters, then subtags. Some
/// servers join them by an underscore, which OpenID Connect Core 5.1 allows a client to read.
///
/// Else the tag stays as the server wrote it. It is not looked up in the registry of subtags, so
/// `eng` stays `eng` where the registry has `en` only.
pub(super) fn tag(text: &str) -> Option<String> {
    let text = text.trim().replace('_', "-");
    let mut subtags = text.split('-');
    let language = subtags.next().unwrap_or_default();
    let is_language =
        (2..=8).contains(&language.len()) && language.bytes().all(|it| it.is_ascii_alphabetic());
    let is_subtag =
        |it: &str| (1..=8).contains(&it.len()) && it.bytes().all(|it| it.is_ascii_alphanumeric());
    // Tags that are in use have at most 35 characters (RFC 5646 4.4.1).
    (is_language && subtags.all(is_subtag) && text.len() <= 35).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_language_is_read_in_every_version_of_fhir() {
        for (json, expected) in [
            // A Patient, and a Practitioner of R5.
            (
                r#"[{"language":{"coding":[{"system":"urn:ietf:bcp:47","code":"en"}]}},
                    {"language":{"coding":[{"system":"urn:ietf:bcp:47","code":"nl-NL"}]},"preferred":true}]"#,
                Some("nl-NL"),
            ),
            (
                r#"[{"language":{"coding":[{"code":"en"}]},"preferred":false},{"language":{"coding":[{"code":"de"}]}}]"#,
                Some("en"),
            ),
            // A Practitioner before R5.
            (
                r#"[{"coding":[{"system":"urn:other","code":"x1"},{"system":"urn:ietf:bcp:47","code":"fr"}]}]"#,
                Some("fr"),
            ),
            (r#"[{"coding":[{"system":"urn:other","code":"fr"}]}]"#, None),
            (r#"[{"text":"French"}]"#, None),
            (
                r#"[{"language":{"text":"French"},"preferred":true},{"language":{"coding":[{"code":"en"}]}}]"#,
                Some("en"),
            ),
            ("[]", None),
        ] {
            let found = language(&serde_json::from_str(json).unwrap());
            assert_eq!(found.as_deref(), expected, "{json}");
        }
    }

    #[test]
    fn tags_are_told_by_their_form() {
        for (text, expected) in [
            ("en", Some("en")),
            ("en_US", Some("en-US")),
            (" zh-Hant-TW ", Some("zh-Hant-TW")),
            ("de-1996", Some("de-1996")),
            ("eng", Some("eng")),
            ("e", None),
            ("English (US)", None),
            ("en-", None),
            ("en--US", None),
            ("1n", None),
            ("", None),
            ("aaaaaaaa-bbbbbbbb-cccccccc-dddddddd-e", None),
        ] {
            assert_eq!(tag(text).as_deref(), expected, "{text:?}");
        }
    }
}
