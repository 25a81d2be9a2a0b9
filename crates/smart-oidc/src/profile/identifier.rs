//! Identifiers, each with who gives it out.

use core::fmt;

use smart_jose::UnixTime;

use super::lenient::{Few, One};
use super::period::{Standing, standing};
use super::text::{prose, value};
use super::wire;

/// An identifier with its system.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identifier {
    /// Who gives out such identifiers, as a URI. Without it nobody knows what the value means.
    pub system: Option<String>,
    /// The identifier, as it was found.
    pub value: String,
    /// What it is for: `usual`, `official`, `temp`, `secondary` or `old` (FHIR, identifier-use).
    pub purpose: Option<String>,
    /// What kind of identifier it is, in words or as a code.
    pub kind: Option<String>,
}

/// The identifiers that have a value; those that are over stand behind the others.
pub(super) fn identifiers(wire: &Few<One<wire::Identifier>>, now: UnixTime) -> Vec<Identifier> {
    let mut found: Vec<(bool, Identifier)> = wire
        .objects()
        .filter_map(|it| {
            let identifier = Identifier {
                system: it.system.value().and_then(|it| value(it)),
                value: it.value.value().and_then(|it| value(it))?,
                purpose: it.use_.value().and_then(|it| value(it)),
                kind: it.type_.get().and_then(words),
            };
            let is_over = standing(it.period.get(), now) != Standing::Current
                || identifier.purpose.as_deref() == Some("old");
            Some((is_over, identifier))
        })
        .collect();
    found.sort_by_key(|(is_over, _)| *is_over);
    found.into_iter().map(|(_, it)| it).collect()
}

/// A concept in words: its text, else what the first code displays, else the first code.
pub(super) fn words(concept: &wire::CodeableConcept) -> Option<String> {
    let text = concept.text.value().and_then(|it| prose(it));
    let codings = || concept.coding.objects();
    text.or_else(|| codings().find_map(|it| prose(it.display.value()?)))
        .or_else(|| codings().find_map(|it| prose(it.code.value()?)))
}

impl Identifier {
    /// The URIs under which the United States' National Provider Identifier goes: that of FHIR, and
    /// the object identifier that documents before it used.
    const NPI: [&str; 2] = [
        "http://hl7.org/fhir/sid/us-npi",
        "urn:oid:2.16.840.1.113883.4.6",
    ];

    /// Whether this is an NPI that checks out: its system says so, it has ten digits, and the last
    /// of them is the check digit of the others.
    pub(super) fn is_npi(&self) -> bool {
        let system = self.system.as_deref().unwrap_or_default();
        Self::NPI.contains(&system) && self.value.len() == 10 && has_check_digit(&self.value)
    }
}

/// Whether the last digit is the check digit by the formula of Luhn, over the number with 80840 in
/// front: the issuer number of health applications in the United States, which adds 24.
fn has_check_digit(digits: &str) -> bool {
    let mut sum = 24;
    for (at, octet) in digits.bytes().rev().enumerate() {
        if !octet.is_ascii_digit() {
            return false;
        }
        let digit = u32::from(octet - b'0');
        sum += match (at % 2, digit * 2) {
            (0, _) => digit,
            (_, doubled) if doubled > 9 => doubled - 9,
            (_, doubled) => doubled,
        };
    }
    sum % 10 == 0
}

impl fmt::Debug for Identifier {
    /// Shows whose identifier it is and not which: the value names a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identifier")
            .field("system", &self.system.as_deref().map(smart_jose::Text::new))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_782_864_000);

    #[test]
    fn an_npi_checks_out_or_is_none() {
        let is_npi = |system: &str, value: &str| {
            Identifier {
                system: Some(system.to_owned()),
                value: value.to_owned(),
                purpose: None,
                kind: None,
            }
            .is_npi()
        };
        for system in Identifier::NPI {
            // The example of the standard, and one more.
            assert!(is_npi(system, "1234567893"));
            assert!(is_npi(system, "1245319599"));
            for value in [
                "1234567890",
                "1234567892",
                "2134567893",
                "123456789",
                "12345678930",
                "123456789X",
                "808401234567893",
                "\u{ff11}23456789",
                "",
            ] {
                assert!(!is_npi(system, value), "{value}");
            }
        }
        assert!(!is_npi("http://hl7.org/fhir/sid/us-ssn", "1234567893"));
        assert!(!is_npi("HTTP://hl7.org/fhir/sid/us-npi", "1234567893"));
    }

    #[test]
    fn identifiers_are_kept_as_found_and_old_ones_go_behind() {
        let json = r#"[
            {"value":"1","system":"urn:a","use":"old"},
            {"value":"2","system":"urn:a","period":{"end":"2020"}},
            {"value":" 3 ","use":"official","type":{"coding":[{"code":"MR"},{"display":"Record"}]}},
            {"system":"urn:a"}, {"value":7}, {"value":"  "}, null,
            {"value":"4","system":"urn:a","type":{"text":"Staff"}}]"#;
        let found = identifiers(&serde_json::from_str(json).unwrap(), NOW);
        let values: Vec<&str> = found.iter().map(|it| it.value.as_str()).collect();
        assert_eq!(values, ["3", "4", "1", "2"]);
        assert_eq!(found[0].system, None);
        assert_eq!(found[0].purpose.as_deref(), Some("official"));
        assert_eq!(found[0].kind.as_deref(), Some("Record"));
        assert_eq!(found[1].kind.as_deref(), Some("Staff"));
        assert_eq!(
            format!("{:?}", found[1]),
            r#"Identifier { system: Some("urn:a"), .. }"#
        );
    }
}
