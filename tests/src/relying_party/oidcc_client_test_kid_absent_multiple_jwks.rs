//! The token names no key and none of the set has a name; three fit, and the last of them has signed. A
//! client may refuse that; ours tries each.

use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled, check};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    let faults = App::playing(["no-kid", "nameless-keys-of-each-kind"]);
    let app = App::new(provider, faults, &[]).await;
    app.is_accepted().await?;
    let keys = app.published_keys().await;
    let fit = keys.iter().filter(|it| it["kty"] == "RSA").count();
    check((fit, keys.len()) == (3, 12), "not three keys of each kind")?;
    check(keys.iter().all(|it| it.get("kid").is_none()), "a key has a name")
}
