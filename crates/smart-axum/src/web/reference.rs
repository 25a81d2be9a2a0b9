//! A name for one failure, that a person can read over the telephone.

use smart_oidc::jose::CryptoProvider;

/// Without I, L, O and U, which are heard or read as others.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Fifty random bits as ten characters, in two groups. It says nothing; it only leads to the line of
/// the log that has it too.
pub(super) fn draw(provider: &CryptoProvider) -> String {
    let Ok(octets) = provider.random::<10>() else {
        // The failure is told all the same, by its code.
        return "00000-00000".to_owned();
    };
    let mut text = String::with_capacity(11);
    for (at, octet) in octets.iter().enumerate() {
        if at == 5 {
            text.push('-');
        }
        let letter = ALPHABET.get(usize::from(octet & 31)).copied();
        text.push(char::from(letter.unwrap_or(b'0')));
    }
    text
}
