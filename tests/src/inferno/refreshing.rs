//! A refresh, with the scopes that were granted or without any.

use std::time::Duration;

use serde_json::Value;

use super::Case;
use super::body;
use super::http::Answer;
use super::smart_token_response_headers::is_kept_by_nobody;
use super::tester::{Launcher, Tester, in_each_way, scopes, text};
use crate::named::{Handled, check};

/// Launches and refreshes: the tokens of the launch, and the answer to the refresh.
pub(super) async fn refreshed(
    tester: &Tester,
    with_scopes: bool,
) -> Result<(Value, Answer), String> {
    let tokens = tester.tokens().await?;
    // So that a new ID token can be newer.
    tester.clock.advance(Duration::from_secs(1));
    let scope = with_scopes.then(|| text(&tokens, "scope")).transpose()?;
    let answer = tester
        .refresh(text(&tokens, "refresh_token")?, scope)
        .await?;
    Ok((tokens, answer))
}

/// It is answered with JSON and status 200.
pub(super) async fn is_answered(tester: &Tester) -> Handled {
    for with_scopes in [false, true] {
        let (_, answer) = refreshed(tester, with_scopes).await?;
        answer.is(&[200])?.json()?;
    }
    Ok(())
}

/// The answer has what it must have, and no scope more than before.
pub(super) fn is_sound(tester: &Tester, before: &Value, answer: &Answer) -> Handled {
    let after = answer.is(&[200])?.json()?;
    body::is_sound(tester, &after)?;
    let granted = scopes(before)?;
    let more = scopes(&after)?.into_iter().find(|it| !granted.contains(it));
    check(more.is_none(), format!("{more:?} was not granted before"))?;
    let (new, old) = (text(&after, "access_token")?, text(before, "access_token")?);
    check(new != old, "the access token is the old one")
}

/// All that the group of this launch has.
pub(super) async fn group(case: Case, launcher: Launcher, with_scopes: bool) -> Handled {
    in_each_way(case, async |tester| {
        if tester.launcher != launcher {
            return Ok(());
        }
        let (before, answer) = refreshed(tester, with_scopes).await?;
        is_sound(tester, &before, &answer)?;
        is_kept_by_nobody(&answer)?;
        // The new access token opens what the old one did.
        let after = answer.json()?;
        let patient = text(&after, "patient")?;
        let answer = tester.read(&format!("Patient/{patient}"), &after).await?;
        answer.is(&[200]).map(drop)
    })
    .await
}
