//! Which of somebody's names is shown, and how.

use smart_jose::UnixTime;
use smart_jose::member::Member;

use super::lenient::{Few, One};
use super::period::{Standing, standing};
use super::text::prose;
use super::wire::HumanName;

/// The name to show: the first that shows anything, best first.
pub(super) fn display_name(names: &Few<One<HumanName>>, now: UnixTime) -> Option<String> {
    let mut names: Vec<&HumanName> = names.objects().collect();
    // The sort is stable: of equals the server's first one counts.
    names.sort_by_key(|it| rank(it, now));
    names.into_iter().find_map(shown)
}

/// How gladly a name is shown, best first. A name that somebody has given up is shown only where
/// there is no other, and before it comes one that is over or has not begun.
fn rank(name: &HumanName, now: UnixTime) -> u8 {
    let by_use = match name.use_.value().map(String::as_str) {
        Some("official") => 0,
        Some("usual") => 1,
        None => 2,
        Some("temp" | "nickname" | "anonymous") => 4,
        Some("old" | "maiden") => 20,
        Some(_) => 3,
    };
    match standing(name.period.get(), now) {
        Standing::Current => by_use,
        Standing::Ended | Standing::NotYet => by_use + 10,
    }
}

/// The text as the server writes it, else the parts in the order that `text` would have.
fn shown(name: &HumanName) -> Option<String> {
    let text = name.text.value().and_then(|it| prose(it));
    text.or_else(|| {
        let parts = [&name.prefix, &name.given, &name.family, &name.suffix];
        let words: Vec<&str> = parts
            .into_iter()
            .flat_map(Few::iter)
            .filter_map(Member::value)
            .map(String::as_str)
            .collect();
        prose(&words.join(" "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-07-01.
    const NOW: UnixTime = UnixTime::from_secs(1_782_864_000);

    fn name(json: &str) -> Option<String> {
        display_name(&serde_json::from_str(json).unwrap(), NOW)
    }

    // covers: SMART-USR-14
    #[test]
    fn the_best_name_is_shown_in_every_version_of_fhir() {
        for (json, expected) in [
            (
                r#"[{"prefix":["Dr."],"given":["Ada","B."],"family":"Smith","suffix":["MD"]}]"#,
                Some("Dr. Ada B. Smith MD"),
            ),
            (
                r#"[{"prefix":["Prof.","Dr."],"family":"Smith","suffix":["MD","PhD"]}]"#,
                Some("Prof. Dr. Smith MD PhD"),
            ),
            (
                r#"[{"use":"old","text":"Ada Jones"},{"use":"official","text":"Ada Smith"}]"#,
                Some("Ada Smith"),
            ),
            (r#"[{"use":"old","text":"Ada Jones"}]"#, Some("Ada Jones")),
            (
                r#"[{"use":"official"},{"use":"usual","text":"Ada"}]"#,
                Some("Ada"),
            ),
            (
                r#"{"given":["Ada"],"family":["Smith","Jones"]}"#,
                Some("Ada Smith Jones"),
            ),
            (
                r#"[{"given":[null,"Ada"],"family":"Smith","suffix":null}]"#,
                Some("Ada Smith"),
            ),
            (r#"[7,{"use":7,"text":"Ada"}]"#, Some("Ada")),
            (
                r#"[{"text":"Ada in text","given":["Ada"],"family":"Smith"}]"#,
                Some("Ada in text"),
            ),
            (
                r#"[{"text":" \t","given":["Ada"],"family":" Smith "}]"#,
                Some("Ada Smith"),
            ),
            (r#"[{"given":["Ada"]}]"#, Some("Ada")),
            (r#"[{"family":"Smith"}]"#, Some("Smith")),
            (r#"[{"text":"  "}]"#, None),
            ("[]", None),
            (r#""Ada""#, None),
        ] {
            assert_eq!(name(json).as_deref(), expected, "{json}");
        }
    }

    #[test]
    fn use_and_period_choose_among_several() {
        // From the best to the last: each loses to all before it, in whatever order they stand.
        let names = [
            r#"{"text":"a","use":"official","period":{"start":"2020"}}"#,
            r#"{"text":"b","use":"usual","period":{"end":"2026-07"}}"#,
            r#"{"text":"c"}"#,
            r#"{"text":"d","use":"of-a-later-version"}"#,
            r#"{"text":"e","use":"nickname"}"#,
            r#"{"text":"f","use":"official","period":{"end":"2026-06-29"}}"#,
            r#"{"text":"g","use":"usual","period":{"start":"2026-07-02"}}"#,
            r#"{"text":"h","period":{"end":"2025"}}"#,
            r#"{"text":"i","use":"old"}"#,
            r#"{"text":"j","use":"maiden","period":{"end":"2002"}}"#,
        ];
        for (at, better) in names.iter().enumerate() {
            for worse in &names[at + 1..] {
                let expected = better[9..10].to_owned();
                assert_eq!(name(&format!("[{better},{worse}]")), Some(expected.clone()));
                assert_eq!(name(&format!("[{worse},{better}]")), Some(expected));
            }
        }
        // Of equals the first counts.
        assert_eq!(
            name(r#"[{"text":"a","use":"maiden"},{"text":"b","use":"old"}]"#).unwrap(),
            "a"
        );
    }

    #[test]
    fn a_good_name_is_found_behind_many_old_ones() {
        let old = r#"{"use":"old","text":"Ada Jones"},"#.repeat(255);
        let official = r#"{"use":"official","text":"Ada Smith"}"#;
        assert_eq!(name(&format!("[{old}{official}]")).unwrap(), "Ada Smith");
    }

    #[test]
    fn a_name_of_nothing_to_see_is_none() {
        let invisible = r#"{"use":"official","text":"\u200b\u200d","family":"\ufeff"}"#;
        assert_eq!(name(&format!("[{invisible}]")), None);
        let json = format!(r#"[{invisible},{{"use":"old","text":"Ada"}}]"#);
        assert_eq!(name(&json).unwrap(), "Ada");
    }

    #[test]
    fn a_name_is_one_bounded_line() {
        let long = "x".repeat(5000);
        let json = format!(r#"[{{"given":["{long}","{long}"]}}]"#);
        assert_eq!(name(&json).unwrap().len(), 1024);
        assert_eq!(name(r#"[{"text":"A\nda\u0000"}]"#).unwrap(), "A da");
    }
}
