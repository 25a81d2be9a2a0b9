//! Introspection says of a token what came with it, and nothing of one that is none.

use std::collections::BTreeSet;

use serde_json::json;

use super::jwt::Jwt;
use super::tester::{CLIENT, NOW, in_each_way, scopes, text};
use super::{Case, introspecting};
use crate::named::{Handled, check};

/// So long after its end, in seconds, may a token still be called active.
const LATE: u64 = 600;

pub(super) async fn play(case: Case) -> Handled {
    in_each_way(case, async |tester| {
        let tokens = tester.tokens().await?;
        let token = text(&tokens, "access_token")?;
        for answer in introspecting::ask(tester, &tokens, token).await? {
            let said = answer.is(&[200])?.json()?;
            check(said["active"] == true, format!("active is {}", said["active"]))?;
            let client = text(&said, "client_id")?;
            check(client == CLIENT, format!("client_id is {client}"))?;
            let [said_scopes, granted] = [scopes(&said)?, scopes(&tokens)?];
            let [said_scopes, granted] = [said_scopes, granted].map(BTreeSet::from_iter);
            let set: &BTreeSet<&str> = &said_scopes;
            check(*set == granted, format!("scope is {set:?}"))?;
            let exp = said["exp"].as_u64().ok_or("exp is missing or no number")?;
            check(exp + LATE >= NOW, format!("exp is {exp}"))?;
            for name in ["patient", "encounter"] {
                let (found, told) = (&said[name], &tokens[name]);
                check(found == told, format!("{name} is {found}, and was {told}"))?;
            }
            let id_token = Jwt::read(text(&tokens, "id_token")?)?;
            for name in ["iss", "sub", "fhirUser"] {
                let (found, told) = (text(&said, name)?, id_token.text(name)?);
                check(found == told, format!("{name} is {found}, and was {told}"))?;
            }
        }
        for answer in introspecting::ask(tester, &tokens, "invalid_token_value").await? {
            let said = answer.is(&[200])?.json()?;
            check(said == json!({"active": false}), format!("it says {said}"))?;
        }
        Ok(())
    })
    .await
}
