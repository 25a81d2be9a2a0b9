//! Eight octets of a string at a time.

/// Where the octets of a string, from `at` on, cease to mean themselves.
pub(super) fn end_of_plain(octets: &[u8], mut at: usize) -> usize {
    let mut rest = octets.get(at..).unwrap_or_default();
    while let Some((eight, others)) = rest.split_first_chunk::<8>() {
        let plain = plain_octets(u64::from_le_bytes(*eight));
        at += plain;
        if plain < 8 {
            return at;
        }
        rest = others;
    }
    at + plain_octets_at_the_end(rest)
}

/// The same for the last octets of the text, fewer than eight. One string of a text ends there, so
/// it is kept out of the way of the others.
#[cold]
fn plain_octets_at_the_end(rest: &[u8]) -> usize {
    // Filled up with zeros, which are control characters.
    let mut eight = [0; 8];
    eight
        .iter_mut()
        .zip(rest)
        .for_each(|(to, from)| *to = *from);
    plain_octets(u64::from_le_bytes(eight))
}

/// How many of eight octets, the first in the lowest bits, come before the first quotation mark,
/// backslash or control character.
fn plain_octets(eight: u64) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // An octet is below `n` where subtracting `n` borrows into its high bit, which was not set.
    // The borrow may run on into octets above it, so only the lowest bit found is sure.
    const fn below(eight: u64, n: u64) -> u64 {
        eight.wrapping_sub(ONES * n) & !eight
    }
    // This changes places of 0x20 and 0x22, so that the quotation mark stands right behind the
    // control characters.
    let quote_or_control = below(eight ^ (ONES * 0x02), 0x21);
    let backslash = below(eight ^ (ONES * 0x5c), 1);
    let special = (quote_or_control | backslash) & HIGH;
    // Each octet has eight bits; where none is special all 64 are zero.
    usize::try_from(special.trailing_zeros() / 8).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_octet_that_is_not_plain_is_found() {
        let special = |it: u8| it == b'"' || it == b'\\' || it < 0x20;
        for octet in 0..=255 {
            for at in 0..8 {
                for behind in [*b"aZ 9~\xc3\xa9x", [0x21; 8], [0x22; 8], [0; 8], [0xff; 8]] {
                    let mut eight = *b"aZ 9~\xc3\xa9x";
                    eight[at] = octet;
                    eight[at + 1..].copy_from_slice(&behind[at + 1..]);
                    let first = eight.iter().position(|it| special(*it)).unwrap_or(8);
                    assert_eq!(plain_octets(u64::from_le_bytes(eight)), first, "{eight:x?}");
                }
            }
        }
    }
}
