//! Identifiers, each with who gives it out.

use core::fmt;

use smart_jose::UnixTime;

use super::lenient::{Few, One};
use super::period::{Standing, standing};
use super::text::{prose, shown_if, value};
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
    /// False where it is `old`, or where its period does not cover the moment at which it was read.
    pub is_current: bool,
}

/// The identifiers that have a value, as they stand in the resource.
pub(super) fn identifiers(wire: &Few<One<wire::Identifier>>, now: UnixTime) -> Vec<Identifier> {
    let found = wire.objects().filter_map(|it| {
        let purpose = it.use_.value().and_then(|it| value(it));
        Some(Identifier {
            system: it.system.value().and_then(|it| value(it)),
            value: it.value.value().and_then(|it| value(it))?,
            kind: it.type_.get().and_then(words),
            is_current: standing(it.period.get(), now) == Standing::Current
                && purpose.as_deref() != Some("old"),
            purpose,
        })
    });
    found.collect()
}

/// Puts the identifiers in order: what is current first, of that an NPI that checks out, so that no
/// cut loses it, then by use. Of equals the one that stood before stays before.
pub(super) fn order(identifiers: &mut [Identifier]) {
    identifiers.sort_by_key(|it| (!it.is_current, !it.is_npi(), it.rank()));
}

/// The NPI to go by: of those that are current and check out the first with the best use.
pub(super) fn npi(identifiers: &[Identifier]) -> Option<&Identifier> {
    let found = identifiers.iter().filter(|it| it.is_current && it.is_npi());
    found.min_by_key(|it| it.rank())
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

    /// Whether this is an NPI that checks out: its system says so, it has ten digits, the first of
    /// which is 1 or 2, and the last is the check digit of the others.
    fn is_npi(&self) -> bool {
        let system = self.system.as_deref().unwrap_or_default();
        Self::NPI.contains(&system)
            && self.value.len() == 10
            && self.value.starts_with(['1', '2'])
            && has_check_digit(&self.value)
    }

    /// How gladly it is used, best first.
    fn rank(&self) -> u8 {
        match self.purpose.as_deref() {
            Some("official") => 0,
            Some("usual") => 1,
            None => 2,
            Some(_) => 3,
        }
    }

    /// Whether the system is what it should be, an absolute URI of a kind that names systems.
    /// Servers put numbers and names in the wrong place.
    fn is_system(system: &str) -> bool {
        let Some((scheme, rest)) = system.split_once(':') else {
            return false;
        };
        let is_scheme = ["http", "https", "urn"]
            .iter()
            .any(|it| scheme.eq_ignore_ascii_case(it));
        // An address of mail is a person's, and so is what stands before the host of a URL.
        let is_fit = |it: u8| it.is_ascii_graphic() && !b"\"<>@\\^`{|}".contains(&it);
        is_scheme && !rest.is_empty() && system.len() <= 256 && rest.bytes().all(is_fit)
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
    /// Shows who gives it out and not which it is: the value names a person, and so can a system
    /// that is no URI, of which no more is shown than that there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identifier")
            .field("system", &shown_if(self.system.as_deref(), Self::is_system))
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
                is_current: true,
            }
            .is_npi()
        };
        for system in Identifier::NPI {
            // The example of the standard, and one more.
            assert!(is_npi(system, "1234567893"));
            assert!(is_npi(system, "1245319599"));
            assert!(is_npi(system, "2234567891"));
            // The check digit is right, and the length or the first digit is not.
            for value in [
                "123456788",
                "12345678909",
                "3234567899",
                "0123456788",
                "9234567896",
            ] {
                assert!(has_check_digit(value), "{value}");
                assert!(!is_npi(system, value), "{value}");
            }
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
    fn identifiers_are_kept_as_found_and_those_that_are_not_current_go_behind() {
        let json = r#"[
            {"value":"1","system":"urn:a","use":"old"},
            {"value":"2","system":"urn:a","period":{"end":"2020"}},
            {"value":" 3 ","use":"official","type":{"coding":[{"code":"MR"},{"display":"Record"}]}},
            {"system":"urn:a"}, {"value":7}, {"value":"  "}, null,
            {"value":"4","system":"urn:a","type":{"text":"Staff"}},
            {"value":"5","period":{"start":"2027"},"use":"official"},
            {"value":"6","use":"temp"}, {"value":"7","use":"usual"},
            {"value":"1234567893","system":"http://hl7.org/fhir/sid/us-npi","use":"secondary"}]"#;
        let mut found = identifiers(&serde_json::from_str(json).unwrap(), NOW);
        order(&mut found);
        let current = found.iter().filter(|it| it.is_current);
        assert_eq!(current.count(), 5);
        let values: Vec<&str> = found.iter().map(|it| it.value.as_str()).collect();
        assert_eq!(values, ["1234567893", "3", "7", "4", "6", "5", "2", "1"]);
        found.remove(0);
        found.remove(1);
        assert_eq!(found[0].system, None);
        assert_eq!(found[0].purpose.as_deref(), Some("official"));
        assert_eq!(found[0].kind.as_deref(), Some("Record"));
        assert_eq!(found[1].kind.as_deref(), Some("Staff"));
        assert_eq!(
            format!("{:?}", found[1]),
            r#"Identifier { system: Some("urn:a"), .. }"#
        );
    }

    #[test]
    fn the_npi_is_a_current_one_with_the_best_use() {
        const A: &str = r#""system":"http://hl7.org/fhir/sid/us-npi","value":"1234567893""#;
        const B: &str = r#""system":"urn:oid:2.16.840.1.113883.4.6","value":"1245319599""#;
        let both = |a: &str, b: &str| {
            let json = format!("[{{{A}{a}}},{{{B}{b}}}]");
            let found = identifiers(&serde_json::from_str(&json).unwrap(), NOW);
            npi(&found).map(|it| it.value.clone())
        };
        let official = r#","use":"official""#;
        let usual = r#","use":"usual""#;
        let secondary = r#","use":"secondary""#;
        let temp = r#","use":"temp""#;
        let old = r#","use":"old""#;
        let ended = r#","use":"official","period":{"end":"2020"}"#;
        let later = r#","use":"official","period":{"start":"2027"}"#;
        let from_best = [official, usual, "", secondary, old];
        for (at, better) in from_best.iter().enumerate() {
            for worse in from_best.iter().skip(at + 1).chain([&ended, &later]) {
                let expected = (*better != old).then_some("1234567893");
                assert_eq!(both(better, worse).as_deref(), expected, "{better} {worse}");
                let expected = expected.map(|_| "1245319599");
                assert_eq!(both(worse, better).as_deref(), expected, "{worse} {better}");
            }
        }
        // Of equals the first counts.
        assert_eq!(both(temp, secondary).unwrap(), "1234567893");
        assert_eq!(both(secondary, temp).unwrap(), "1234567893");
        assert_eq!(both("", "").unwrap(), "1234567893");
    }

    #[test]
    fn a_system_is_shown_only_where_it_is_one() {
        let shown = |system: &str| {
            let json = format!(r#"{{"value":"1","system":{system:?}}}"#);
            let found = identifiers(&serde_json::from_str(&json).unwrap(), NOW);
            format!("{:?}", found[0])
        };
        let long = |length: usize| format!("urn:{}", "x".repeat(length - 4));
        for system in [
            "http://hl7.org/fhir/sid/us-npi",
            "https://mercy.example/staff",
            "URN:oid:2.999.7",
            &long(256),
        ] {
            assert!(shown(system).contains(&system[..10]), "{system}");
        }
        for system in [
            "123-45-6789",
            "Ada Smith",
            "mailto:ada@mercy.example",
            "tel:+15550100",
            "urn:Ada Smith",
            "https://ada@mercy.example/",
            "urn:Zo\u{eb}",
            "urn:",
            "http",
            &long(257),
        ] {
            let expected = r#"Identifier { system: Some("not shown"), .. }"#;
            assert_eq!(shown(system), expected, "{system}");
        }
    }
}
