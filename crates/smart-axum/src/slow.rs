//! Who sends or takes octets too slowly is not waited for.

use core::future::Future as _;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io::{self, ErrorKind, IoSlice};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// So long the body of a request is waited for at once, and so long nobody may take an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Each octet that has come is worth so much more waiting, up to the same: about 1000 octets a second
/// are fast enough.
const FOR_AN_OCTET: Duration = Duration::from_millis(1);

/// The body of a request, which fails where its sender is too slow. The time that the app takes between
/// two pieces is not the sender's.
pub(crate) struct Timely {
    body: Incoming,
    left: Duration,
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Timely {
    pub(crate) const fn new(body: Incoming) -> Self {
        Self {
            body,
            left: PATIENCE,
            waiting: None,
        }
    }
}

impl Body for Timely {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        let Poll::Ready(frame) = pin!(&mut this.body).poll_frame(cx) else {
            let left = this.left;
            let begin = || (Instant::now(), Box::pin(sleep(left)));
            let (_, timer) = this.waiting.get_or_insert_with(begin);
            ready!(timer.as_mut().poll(cx));
            return Poll::Ready(Some(Err(ErrorKind::TimedOut.into())));
        };
        if let Some((since, _)) = this.waiting.take() {
            this.left = this.left.saturating_sub(since.elapsed());
        }
        if let Some(Ok(frame)) = &frame {
            let octets = frame.data_ref().map_or(0, Bytes::len);
            let octets = u32::try_from(octets).unwrap_or(u32::MAX);
            let earned = FOR_AN_OCTET.saturating_mul(octets);
            this.left = this.left.saturating_add(earned).min(PATIENCE);
        }
        Poll::Ready(frame.map(|it| it.map_err(io::Error::other)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection that fails where what is written is not taken.
pub(crate) struct Taken<S> {
    stream: S,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Taken<S> {
    pub(crate) const fn new(stream: S) -> Self {
        Self {
            stream,
            stalled: None,
        }
    }

    /// What came of writing, unless it has been waited for too long.
    fn timely<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let timer = self
            .stalled
            .get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Taken<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        pin!(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Taken<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = pin!(&mut self.stream).poll_write(cx, octets);
        self.timely(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = pin!(&mut self.stream).poll_flush(cx);
        self.timely(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = pin!(&mut self.stream).poll_shutdown(cx);
        self.timely(cx, ended)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = pin!(&mut self.stream).poll_write_vectored(cx, pieces);
        self.timely(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
