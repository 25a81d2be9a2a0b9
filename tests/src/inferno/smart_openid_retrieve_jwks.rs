//! The keys are where the metadata say, and each RSA key among them can be used.

use super::Case;
use super::tester::Tester;
use crate::forge;
use crate::named::{Handled, check};

pub(super) async fn play(case: Case) -> Handled {
    let tester = Tester::any(case).await;
    let id_token = tester.id_token().await?;
    let (_, set) = tester.openid(&id_token).await?;
    let keys = set["keys"].as_array().ok_or("keys is no array")?;
    let mut rsa = keys.iter().filter(|it| it["kty"] == "RSA").peekable();
    check(rsa.peek().is_some(), "no RSA key")?;
    rsa.try_for_each(|key| {
        check(key["d"].is_null(), "a private key is published")?;
        // That it signs nothing of this is found with the key in hand.
        let has_signed = forge::is_signed_by(key, "RS256", b"nothing", &[0; 256])?;
        check(!has_signed, "it accepts zeros")
    })
}
