//! The ID token has a good signature, and the claims that it must have.

use super::Case;
use super::tester::{CLIENT, NOW, in_each_way, text};
use crate::named::{Handled, check};

/// By so much, in seconds, may the clocks differ.
const LEEWAY: u64 = 60;

pub(super) async fn play(case: Case) -> Handled {
    in_each_way(case, async |tester| {
        let id_token = tester.id_token().await?;
        let (metadata, keys) = tester.openid(&id_token).await?;
        id_token.is_signed(id_token.key(&keys, "RSA")?, "RS256")?;
        let (found, issuer) = (id_token.text("iss")?, text(&metadata, "issuer")?);
        check(found == issuer, format!("iss is {found}, and issuer {issuer}"))?;
        let aud = &id_token.claims["aud"];
        let is_for_us = aud == CLIENT
            || aud.as_array().is_some_and(|it| it.iter().any(|it| it == CLIENT));
        check(is_for_us, format!("aud is {aud}"))?;
        check(id_token.seconds("exp")? + LEEWAY > NOW, "it is over")?;
        id_token.seconds("iat")?;
        let length = id_token.text("sub")?.len();
        check((1..=255).contains(&length), format!("sub has {length} octets"))
    })
    .await
}
