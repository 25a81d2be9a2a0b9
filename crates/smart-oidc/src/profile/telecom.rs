//! How somebody is reached.

use core::fmt;

use smart_jose::UnixTime;

use super::lenient::{Few, One};
use super::period::{Standing, standing};
use super::text::{shown_if, value};
use super::wire::ContactPoint;

/// A telephone number, an address of mail, or another way to reach somebody.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Telecom {
    /// What it is: `phone`, `fax`, `email`, `pager`, `url`, `sms` or `other` (FHIR,
    /// contact-point-system).
    pub system: Option<String>,
    /// The number or address, as it was found.
    pub value: String,
    /// Whose it is: `home`, `work`, `temp`, `old` or `mobile` (FHIR, contact-point-use).
    pub purpose: Option<String>,
    /// How gladly it is used, from 1; what has none is used last.
    pub rank: Option<u32>,
}

/// The ways that are open now, as they stand in the resource.
pub(super) fn telecoms(wire: &Few<One<ContactPoint>>, now: UnixTime) -> Vec<Telecom> {
    let open = wire
        .objects()
        .filter(|it| standing(it.period.get(), now) == Standing::Current);
    let found = open.filter_map(|it| {
        Some(Telecom {
            system: it.system.value().and_then(|it| value(it)),
            value: it.value.value().and_then(|it| value(it))?,
            purpose: it.use_.value().and_then(|it| value(it)),
            rank: it.rank.value().and_then(|it| whole(*it)),
        })
    });
    found.collect()
}

/// Puts the telecoms in order: best rank first, `old` ones last. Of equals the one that stood
/// before stays before.
pub(super) fn order(telecoms: &mut [Telecom]) {
    telecoms.sort_by_key(|it| {
        let is_old = it.purpose.as_deref() == Some("old");
        (is_old, it.rank.unwrap_or(u32::MAX))
    });
}

/// The kinds of ways (FHIR, contact-point-system).
const SYSTEMS: [&str; 7] = ["phone", "fax", "email", "pager", "url", "sms", "other"];

/// A positive number without a fraction (FHIR, positiveInt).
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is whole and within the range"
)]
fn whole(number: f64) -> Option<u32> {
    let is_whole = (1.0..=f64::from(u32::MAX)).contains(&number) && number.fract() == 0.0;
    is_whole.then_some(number as u32)
}

impl fmt::Debug for Telecom {
    /// Shows what it is and not which: the value leads to a person, and so can what some server
    /// wrote in the place of the system.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let system = shown_if(self.system.as_deref(), |it| SYSTEMS.contains(&it));
        f.debug_struct("Telecom")
            .field("system", &system)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_goes_away_and_ranks_count() {
        let json = r#"[
            {"use":"home"}, {"value":"old","use":"old","rank":1},
            {"value":"none","system":"phone"}, {"value":"two","rank":2}, {"value":"one","rank":1},
            {"value":"ended","rank":1,"period":{"end":"2014"}},
            {"value":"later","rank":1,"period":{"start":"2027-01"}},
            {"value":"odd","rank":1.5}, {"value":"zero","rank":0}, {"value":"text","rank":"1"}]"#;
        let now = UnixTime::from_secs(1_782_864_000);
        let mut found = telecoms(&serde_json::from_str(json).unwrap(), now);
        order(&mut found);
        let values: Vec<&str> = found.iter().map(|it| it.value.as_str()).collect();
        assert_eq!(values, ["one", "two", "none", "odd", "zero", "text", "old"]);
        assert_eq!(found[0].rank, Some(1));
        assert_eq!(found[3].rank, None);
        assert_eq!(
            format!("{:?}", found[2]),
            r#"Telecom { system: Some("phone"), .. }"#
        );
        assert_eq!(format!("{:?}", found[0]), "Telecom { system: None, .. }");
    }

    #[test]
    fn a_system_is_shown_only_where_it_is_one() {
        let shown = |system: &str| {
            let json = format!(r#"{{"value":"1","system":"{system}"}}"#);
            let now = UnixTime::from_secs(1_782_864_000);
            let found = telecoms(&serde_json::from_str(&json).unwrap(), now);
            format!("{:?}", found[0])
        };
        for system in SYSTEMS {
            assert!(shown(system).contains(system), "{system}");
        }
        for system in ["+1 555 0100", "ada@mercy.example", "Phone", "phones"] {
            let expected = r#"Telecom { system: Some("not shown"), .. }"#;
            assert_eq!(shown(system), expected, "{system}");
        }
    }
}
