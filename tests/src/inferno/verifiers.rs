//! Verifiers that are not the one behind the challenge.

use super::Case;
use super::tester::{Back, Tester, in_each_way};
use crate::forge;
use crate::named::{Handled, check};

/// What is sent in the place of the verifier.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verifier {
    None,
    Blank,
    Bad,
    /// The challenge itself, as if it had been `plain`.
    Plain,
}

impl Verifier {
    pub(super) const ALL: [Self; 4] = [Self::None, Self::Blank, Self::Bad, Self::Plain];

    fn of(self, back: &Back) -> Option<String> {
        match self {
            Self::None => None,
            Self::Blank => Some(String::new()),
            Self::Bad => Some(forge::random()),
            Self::Plain => Some(back.challenge.clone()),
        }
    }
}

/// The browser comes back with the state of its request, which is another one each time.
pub(super) async fn redirects(case: Case) -> Handled {
    in_each_way(case, async |tester| {
        let (one, other) = (tester.authorize().await?, tester.authorize().await?);
        check(one.state != other.state, "both have one state")
    })
    .await
}

/// It brings a code, which is another one each time.
pub(super) async fn brings_code(case: Case) -> Handled {
    in_each_way(case, async |tester| {
        let (one, other) = (tester.authorize().await?, tester.authorize().await?);
        check(one.code()? != other.code()?, "both have one code")
    })
    .await
}

/// The code with this verifier brings nothing.
pub(super) async fn is_refused(case: Case, verifier: Verifier) -> Handled {
    in_each_way(case, async |tester| refuses(tester, verifier).await).await
}

pub(super) async fn refuses(tester: &Tester, verifier: Verifier) -> Handled {
    let back = tester.authorize().await?;
    let sent = verifier.of(&back);
    let answer = tester.exchange_with(&back, sent.as_deref()).await?;
    let refused = answer.is(&[400, 401]);
    refused.map_err(|it| format!("{verifier:?}: {it}"))?;
    let said = answer.json()?;
    check(said.get("access_token").is_none(), "a refusal with a token")
}
