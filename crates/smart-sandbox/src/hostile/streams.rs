//! Answers that are no text at hand: they never end, break off, or become another size.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io;

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use http_body::Frame;
use tokio::time::{Interval, interval};

use super::moment::Moment;

/// One octet in this time.
const DRIP: Duration = Duration::from_millis(50);
/// Ten minutes of them, in case nobody hangs up.
const DRIPS: u32 = 12_000;
/// A mebibyte of spaces at a time, and a gibibyte in all, in case nobody hangs up.
const FLOOD: usize = 1024 * 1024;
const FLOODS: u32 = 1024;

type Next = Option<Result<Frame<Bytes>, io::Error>>;

fn json(body: Body) -> Response {
    let mut response = Response::new(body);
    let content_type = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// Spaces, which are JSON too, one after another.
struct Dripping {
    interval: Interval,
    left: u32,
}

impl HttpBody for Dripping {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Next> {
        ready!(self.interval.poll_tick(cx));
        self.left = self.left.saturating_sub(1);
        let octet = Frame::data(Bytes::from_static(b" "));
        Poll::Ready((self.left > 0).then_some(Ok(octet)))
    }
}

pub(super) fn dripping(_: &Moment<'_>) -> Response {
    json(Body::new(Dripping {
        interval: interval(DRIP),
        left: DRIPS,
    }))
}

/// As many spaces as anybody reads.
struct Endless {
    spaces: Bytes,
    left: u32,
}

impl HttpBody for Endless {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Next> {
        self.left = self.left.saturating_sub(1);
        let spaces = Frame::data(self.spaces.clone());
        Poll::Ready((self.left > 0).then_some(Ok(spaces)))
    }
}

pub(super) fn endless(_: &Moment<'_>) -> Response {
    json(Body::new(Endless {
        spaces: vec![b' '; FLOOD].into(),
        left: FLOODS,
    }))
}

/// The beginning of an object, and then the connection is gone.
enum CutOff {
    Begins,
    /// What was begun is on its way before the end comes.
    Waits,
    Ends,
}

impl HttpBody for CutOff {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Next> {
        match *self {
            Self::Begins => {
                *self = Self::Waits;
                let begin = Bytes::from_static(b"{\"keys\":[");
                Poll::Ready(Some(Ok(Frame::data(begin))))
            }
            Self::Waits => {
                *self = Self::Ends;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Self::Ends => Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into()))),
        }
    }
}

pub(super) fn cut_off(_: &Moment<'_>) -> Response {
    json(Body::new(CutOff::Begins))
}

/// Five thousand headers of a hundred octets.
pub(super) fn many_headers(_: &Moment<'_>) -> Response {
    let mut response = json(Body::from("{}"));
    let value = HeaderValue::from_static(
        "a header of about a hundred octets, as one of five thousand of which nobody needs a single one here",
    );
    for place in 0..5_000 {
        if let Ok(name) = HeaderName::try_from(format!("x-header-{place}")) {
            response.headers_mut().append(name, value.clone());
        }
    }
    response
}

/// So often 258 spaces are repeated.
const REPEATS: u32 = 32_000;
/// One space more than that.
const UNPACKED: u32 = 1 + 258 * REPEATS;
/// Their CRC-32.
const CRC: u32 = 0x2b17_1637;

/// Fifty kilobytes that a decoder makes eight megabytes of.
pub(super) fn bomb(_: &Moment<'_>) -> Response {
    let mut response = json(Body::from(packed()));
    let gzip = HeaderValue::from_static("gzip");
    response.headers_mut().insert(CONTENT_ENCODING, gzip);
    response
}

/// Spaces in the form of RFC 1952: one block with fixed codes (RFC 1951 3.2.6).
fn packed() -> Vec<u8> {
    let mut bits = Bits::default();
    // The last block, by fixed codes.
    bits.push(0b110, 3);
    bits.push(0x30 + u32::from(b' '), 8);
    for _ in 0..REPEATS {
        // The length 258, at a distance of one.
        bits.push(0b1100_0101, 8);
        bits.push(0, 5);
    }
    // The end of the block.
    bits.push(0, 7);
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let mut octets = header.to_vec();
    octets.append(&mut bits.octets);
    octets.extend(CRC.to_le_bytes());
    octets.extend(UNPACKED.to_le_bytes());
    octets
}

/// Bits into octets, the lowest bit first.
#[derive(Default)]
struct Bits {
    octets: Vec<u8>,
    /// How many bits of the last octet are taken; 0 where it is full.
    taken: u8,
}

impl Bits {
    /// The lowest `count` bits, the highest of them first, as codes are written.
    fn push(&mut self, code: u32, count: u32) {
        for place in (0..count).rev() {
            if self.taken == 0 {
                self.octets.push(0);
            }
            if let Some(last) = self.octets.last_mut() {
                *last |= u8::from(code >> place & 1 == 1) << self.taken;
            }
            self.taken = (self.taken + 1) % 8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader of blocks with fixed codes, as far as they are used here.
    fn unpacked(octets: &[u8]) -> usize {
        let mut bits = octets
            .iter()
            .flat_map(|octet| (0..8).map(move |place| u32::from(octet >> place & 1)));
        let mut code = |count: u32| (0..count).fold(0, |sum, _| sum << 1 | bits.next().unwrap());
        assert_eq!(code(3), 0b110, "the last block, by fixed codes");
        let mut length = 0;
        loop {
            // The end has seven bits of zero, and nothing else here begins so.
            match code(7) {
                0 => return length,
                begin => match begin << 1 | code(1) {
                    0x50 => length += 1,
                    0xC5 => {
                        assert_eq!(code(5), 0);
                        length += 258;
                    }
                    other => panic!("{other:x}"),
                },
            }
        }
    }

    #[test]
    fn the_bomb_is_small_until_it_is_unpacked() {
        let octets = packed();
        assert!(octets.len() < 64 * 1024);
        let (header, rest) = octets.split_at(10);
        assert_eq!(header[..3], [0x1f, 0x8b, 8]);
        let (block, trailer) = rest.split_at(rest.len() - 8);
        assert_eq!(unpacked(block), 8_256_001);
        assert_eq!(trailer[4..], 8_256_001_u32.to_le_bytes());
    }
}
