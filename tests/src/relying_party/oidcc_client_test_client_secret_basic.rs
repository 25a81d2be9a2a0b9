//! A confidential client authenticates in the header, and there alone.

use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled, check};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    let app = App::with_secret(provider).await;
    app.live().await?;
    let sent = app.sent_to("/oidc/token");
    let [(header, form)] = sent.as_slice() else {
        return Err(format!("{} requests", sent.len()));
    };
    check(header.starts_with("Basic "), "no header")?;
    check(!form.contains("client_secret"), "a secret in the form")?;
    check(!form.contains("client_assertion"), "an assertion besides")
}
