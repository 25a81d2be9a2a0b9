//! HTTP Basic as OAuth has it (RFC 6749 2.3.1), and as some servers read it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::byte_serialize;
use http::HeaderValue;
use smart_jose::Secret;

use super::error::ClientAuthenticationError;
use crate::value::{ClientId, ClientSecret};

/// The value of the `Authorization` header, marked so that no client logs it, and whether it is
/// other than the standard's.
pub(super) fn header(
    client_id: &ClientId,
    secret: &ClientSecret,
    is_raw: bool,
) -> Result<(HeaderValue, bool), ClientAuthenticationError> {
    let encoded = |text: &str| Secret::new(byte_serialize(text.as_bytes()).collect::<String>());
    let (id, password) = (client_id.as_str(), secret.expose_secret());
    let (encoded_id, encoded_password) = (encoded(id), encoded(password));
    let standard = joined(encoded_id.expose_secret(), encoded_password.expose_secret());
    if !is_raw {
        return Ok((value(&standard), false));
    }
    if id.contains(':') {
        return Err(ClientAuthenticationError::ColonInClientId);
    }
    let raw = joined(id, password);
    let differs = raw.expose_secret() != standard.expose_secret();
    Ok((value(&raw), differs))
}

fn joined(id: &str, password: &str) -> Secret<String> {
    Secret::new(format!("{id}:{password}"))
}

fn value(credentials: &Secret<String>) -> HeaderValue {
    let text = Secret::new(STANDARD.encode(credentials.expose_secret()));
    let text = Secret::new(format!("Basic {}", text.expose_secret()));
    // Letters, digits and `+/=` can always stand in a header.
    let mut value = HeaderValue::from_str(text.expose_secret())
        .unwrap_or_else(|_| HeaderValue::from_static("Basic"));
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(id: &str, secret: &str, is_raw: bool) -> Result<(String, bool), &'static str> {
        let (id, secret) = (ClientId::new(id), ClientSecret::new(secret));
        let (value, differs) = header(&id, &secret, is_raw).map_err(|it| it.code())?;
        assert!(value.is_sensitive());
        Ok((value.to_str().unwrap().to_owned(), differs))
    }

    /// What a server reads that does not decode the form.
    fn read(value: &str) -> String {
        let octets = STANDARD.decode(value.strip_prefix("Basic ").unwrap());
        String::from_utf8(octets.unwrap()).unwrap()
    }

    // covers: SMART-SYM-1, SMART-SYM-2
    #[test]
    fn both_parts_are_form_encoded_unless_the_server_reads_them_raw() {
        let (value, _) = basic("my-app", "my-app-secret-123", false).unwrap();
        assert_eq!(value, "Basic bXktYXBwOm15LWFwcC1zZWNyZXQtMTIz");
        // What needs no encoding is the same in both ways, so the quirk does not bite.
        let raw = basic("my-app", "my-app-secret-123", true).unwrap();
        assert_eq!(raw, (value, false));
        for (id, secret, form) in [
            ("a:b", "c", "a%3Ab:c"),
            ("app", "a b+c", "app:a+b%2Bc"),
            ("app", "50%~/=", "app:50%25%7E%2F%3D"),
            ("äpp", "gehe\u{ef}m", "%C3%A4pp:gehe%C3%AFm"),
            ("app", "-._*", "app:-._*"),
        ] {
            assert_eq!(read(&basic(id, secret, false).unwrap().0), form);
            let raw = basic(id, secret, true);
            if id.contains(':') {
                assert_eq!(raw, Err("client-id-colon"));
            } else {
                let (value, differs) = raw.unwrap();
                assert_eq!(read(&value), format!("{id}:{secret}"));
                assert_eq!(differs, secret != "-._*");
            }
        }
    }
}
