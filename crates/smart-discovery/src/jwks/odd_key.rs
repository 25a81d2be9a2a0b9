//! What is odd about a key that is used all the same, in words for its issuer.

use smart_jose::Text;
use smart_jose::jwk::JwkFinding;

use crate::finding::Finding;

pub(super) fn of_key((kid, finding): &(Option<Text>, JwkFinding)) -> Finding {
    let kid = kid
        .as_ref()
        .map_or_else(|| "without a kid".to_owned(), Text::to_string);
    let (code, found, remedy) = match finding {
        JwkFinding::PaddedBase64 => (
            "jwk-padded",
            "padded base64url",
            "publish base64url without padding",
        ),
        JwkFinding::LeadingZero => (
            "jwk-leading-zero",
            "leading zeros in n",
            "publish n without leading zeros",
        ),
        _ => ("jwk-odd", "something odd", "look at the key"),
    };
    Finding::new(code, format!("the key {kid} has {found}"), remedy)
}
