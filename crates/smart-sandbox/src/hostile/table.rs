//! All faults, in the order in which a sign-in meets them.

use super::fault::Fault;
use super::{
    answers, callbacks, claims, everywhere, forged, headers, identity, key_sets, launches, longer,
    many_keys, metadata, refreshes, resources, revocations, tokens, userinfo,
};

const GROUPS: [&[Fault]; 27] = [
    launches::FAULTS,
    metadata::FAULTS,
    longer::METADATA,
    everywhere::SMART_CONFIGURATION,
    everywhere::OPENID_CONFIGURATION,
    callbacks::FAULTS,
    answers::FAULTS,
    everywhere::TOKEN,
    tokens::FAULTS,
    forged::FAULTS,
    headers::FAULTS,
    claims::FAULTS,
    longer::CLAIMS,
    identity::FAULTS,
    key_sets::FAULTS,
    many_keys::FAULTS,
    everywhere::JWKS,
    refreshes::FAULTS,
    longer::REFRESHES,
    everywhere::REFRESH,
    resources::FAULTS,
    everywhere::RESOURCE,
    userinfo::FAULTS,
    longer::USER_INFO,
    everywhere::USERINFO,
    everywhere::REST,
    revocations::FAULTS,
];

impl Fault {
    /// Every fault.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        GROUPS.into_iter().flatten()
    }

    /// The fault of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::all().find(|it| it.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_fault_has_a_name_of_its_own_and_says_what_it_is() {
        let mut names = BTreeSet::new();
        for fault in Fault::all() {
            let is_kebab = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
            assert!(fault.name().bytes().all(is_kebab), "{}", fault.name());
            assert!(names.insert(fault.name()), "{} twice", fault.name());
            assert_eq!(Fault::named(fault.name()), Some(fault));
            for text in [fault.does(), fault.client_must(), fault.clause()] {
                assert!(text.len() > 4 && !text.ends_with('.'), "{}", fault.name());
            }
        }
        assert!(Fault::named("Wrong-Issuer").is_none() && Fault::named("").is_none());
    }
}
