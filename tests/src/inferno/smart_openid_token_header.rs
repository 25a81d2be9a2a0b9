//! The ID token is signed with RS256, by a key that can be found.

use super::Case;
use super::tester::in_each_way;
use crate::named::{Handled, check};

pub(super) async fn play(case: Case) -> Handled {
    in_each_way(case, async |tester| {
        let id_token = tester.id_token().await?;
        let alg = &id_token.header["alg"];
        check(alg == "RS256", format!("alg is {alg}"))?;
        let (_, keys) = tester.openid(&id_token).await?;
        id_token.key(&keys, "RSA").map(drop)
    })
    .await
}
