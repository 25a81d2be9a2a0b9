//! When a command that serves is told to stop.

use core::future::{Future, pending};

/// Comes back at Ctrl-C and, on Unix, at SIGTERM, with which a system ends a service. It listens from the
/// call on and not only once it is awaited, so that what is called before a line is printed is in time for
/// whoever waits for that line. Where no signal can be listened to it never comes back: the process runs
/// until it is ended from outside.
#[cfg(unix)]
pub(crate) fn told_to_stop() -> impl Future<Output = ()> + Send + 'static {
    use tokio::signal::unix::{SignalKind, signal};

    let listening = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    );
    async move {
        let (Ok(mut interrupted), Ok(mut terminated)) = listening else {
            return pending().await;
        };
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
    }
}

/// Comes back at Ctrl-C. Where that cannot be listened to it never does: the process runs until it is ended
/// from outside.
#[cfg(not(unix))]
pub(crate) fn told_to_stop() -> impl Future<Output = ()> + Send + 'static {
    async {
        if tokio::signal::ctrl_c().await.is_err() {
            pending::<()>().await;
        }
    }
}
