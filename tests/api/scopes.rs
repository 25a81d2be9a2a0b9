//! Scopes, from any text and by meaning.

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq};
use proptest::sample::{select, subsequence};
use smart_oidc::Scopes;
use smart_oidc::scope::{Allowed, Interaction, Level, Scope, ScopeKind, ScopeVersion};

const LEVELS: [Level; 3] = [Level::Patient, Level::User, Level::System];

/// Some of `cruds`, in that order.
fn letters() -> impl Strategy<Value = String> {
    let all = Interaction::ALL.map(Interaction::letter).to_vec();
    subsequence(all, 1..=5).prop_map(String::from_iter)
}

/// `name=value` pairs as search parameters have them.
fn constraint() -> impl Strategy<Value = Option<String>> {
    let pair = "[_a-z][a-z:._-]{0,8}=[A-Za-z0-9|:/.%=?_,-]{1,12}";
    let pairs = proptest::collection::vec(pair, 1..4).prop_map(|it| it.join("&"));
    proptest::option::of(pairs)
}

/// A scope on few types, so that two lists have something in common.
fn scope() -> impl Strategy<Value = String> {
    let level = select(&LEVELS[..2]);
    let name = select(&["Patient", "Observation", "*"][..]);
    let permissions = proptest::strategy::Union::new([
        letters().boxed(),
        select(&["read", "write", "*"][..])
            .prop_map(str::to_owned)
            .boxed(),
    ]);
    (level, name, permissions).prop_map(|(level, name, it)| format!("{level}/{name}.{it}"))
}

/// One that can have search parameters.
fn scope_of_version_2() -> impl Strategy<Value = String> {
    let is_v2 = |text: &String| match Scope::parse(text).kind() {
        ScopeKind::Resource(scope) => scope.version == ScopeVersion::V2,
        _ => false,
    };
    scope().prop_filter("version 2", is_v2)
}

fn list() -> impl Strategy<Value = Scopes> {
    proptest::collection::vec(scope(), 0..6).prop_map(|it| it.into_iter().collect())
}

/// All that a list allows, for a type that a star alone covers too.
fn opened(scopes: &Scopes) -> Vec<(Level, &'static str, Interaction)> {
    let mut opened = Vec::new();
    for level in LEVELS {
        for name in ["Patient", "Observation", "OfTomorrow"] {
            for interaction in Interaction::ALL {
                if scopes.allows(level, name, interaction) == Allowed::Fully {
                    opened.push((level, name, interaction));
                }
            }
        }
    }
    opened
}

proptest::proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    // covers: SMART-SCP-1, SMART-SCP-13
    #[test]
    fn what_the_grammar_makes_is_read_into_its_parts(
        level in select(&LEVELS[..]),
        name in "[A-Z][A-Za-z]{0,20}|\\*",
        letters in letters(),
        constraint in constraint(),
    ) {
        let mut text = format!("{level}/{name}.{letters}");
        if let Some(pairs) = &constraint {
            text = format!("{text}?{pairs}");
        }
        let scope = Scope::parse(&text);
        let ScopeKind::Resource(read) = scope.kind() else {
            panic!("{text} is {:?}", scope.kind());
        };
        prop_assert_eq!(read.level, level);
        prop_assert_eq!(read.resource_type.unwrap_or("*"), &name);
        prop_assert_eq!(read.permissions.to_string(), letters);
        prop_assert_eq!(read.version, ScopeVersion::V2);
        prop_assert_eq!(read.constraint.map(|it| it.as_str().to_owned()), constraint);
        let uri = scope.to_uri().unwrap();
        prop_assert_eq!(Scope::from_uri(&uri), Some(scope));
    }

    // covers: SMART-SCP-2, SMART-SCP-3
    #[test]
    fn letters_in_another_order_are_never_guessed_at(
        shuffled in subsequence(vec!['c', 'r', 'u', 'd', 's'], 1..=5).prop_shuffle(),
        more in "[cruds]{0,3}",
    ) {
        let letters: String = shuffled.into_iter().chain(more.chars()).collect();
        let mut rest = "cruds".chars();
        let is_in_order = letters.chars().all(|letter| rest.any(|it| it == letter));
        let text = format!("user/Patient.{letters}");
        let is_resource = matches!(Scope::parse(&text).kind(), ScopeKind::Resource(_));
        prop_assert_eq!(is_resource, is_in_order);
        if !is_in_order {
            prop_assert_eq!(opened(&Scopes::parse(&text)), vec![]);
        }
    }

    // covers: SMART-SCP-14, SMART-SCP-16
    #[test]
    fn any_text_is_a_list_and_is_written_with_single_spaces(text in any::<String>(), gap in "[ \t\n]{1,3}") {
        let text = format!("{text}{gap}openid{gap}{text}");
        let scopes = Scopes::parse(&text);
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        prop_assert_eq!(scopes.as_str(), words.join(" "));
        prop_assert!(scopes.iter().map(Scope::as_str).eq(words.iter().copied()));
        prop_assert!(scopes.has("openid"));
        prop_assert_eq!(&Scopes::parse(scopes.as_str()), &scopes);
        prop_assert!(scopes.means_the_same_as(&scopes));
        let stored = serde_json::to_string(&scopes).unwrap();
        prop_assert_eq!(serde_json::from_str::<Scopes>(&stored).unwrap(), scopes);
    }

    // covers: SMART-SCP-4, SMART-SCP-6, SMART-SCP-9
    #[test]
    fn lists_are_compared_by_what_they_open(these in list(), others in list()) {
        let (open, open_too) = (opened(&these), opened(&others));
        let is_within = open.iter().all(|it| open_too.contains(it));
        prop_assert_eq!(these.is_within(&others), is_within);
        let means_the_same = open.len() == open_too.len() && is_within;
        prop_assert_eq!(these.means_the_same_as(&others), means_the_same);
        // What is missing was asked for, and with it nothing is missing.
        let missing = these.missing_from(&others);
        prop_assert!(missing.is_within(&these));
        let together: Scopes = [missing.as_str(), others.as_str()].into_iter().collect();
        prop_assert!(these.is_within(&together));
        for it in opened(&missing) {
            prop_assert!(!open_too.contains(&it) || missing.as_str().contains('*'), "{it:?}");
        }
    }

    // covers: SMART-SCP-7
    #[test]
    fn a_constraint_narrows_and_its_order_says_nothing(
        scope in scope_of_version_2(),
        pairs in Just(["a=1", "b=2", "c=3"].to_vec()).prop_shuffle(),
    ) {
        let wide = Scopes::parse(&scope);
        let narrow = Scopes::parse(&format!("{scope}?a=1&b=2&c=3"));
        let shuffled = Scopes::parse(&format!("{scope}?{}", pairs.join("&")));
        let other = Scopes::parse(&format!("{scope}?a=1&b=2"));
        prop_assert!(narrow.means_the_same_as(&shuffled));
        prop_assert!(narrow.is_within(&wide) && !wide.is_within(&narrow));
        prop_assert!(!narrow.is_within(&other) && !other.is_within(&narrow));
        prop_assert_eq!(opened(&narrow), vec![]);
    }
}

// covers: SMART-TOK-8
#[test]
fn lists_as_long_as_an_answer_can_be_are_compared() {
    let list = |beginning: &str| -> Scopes {
        (0..12_000)
            .map(|it| format!("{beginning}{it}&b={it}"))
            .collect()
    };
    let (these, others) = (list("patient/X.rs?a="), list("patient/X.r?a="));
    assert!(these.as_str().len() > 256 * 1024);
    let missing = these.missing_from(&others);
    assert_eq!(missing.iter().count(), 12_000);
    assert!(missing.as_str().starts_with("patient/X.s?a=0&b=0 "));
    assert!(others.is_within(&these));
    let Allowed::Within(found) = others.allows(Level::Patient, "X", Interaction::Read) else {
        panic!("each scope allows within its parameters");
    };
    assert_eq!(found.len(), 12_000);
}
