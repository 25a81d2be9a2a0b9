//! What ends the program: Ctrl-C, and the signal by which supervisors end one.

use core::future::{self, Future};

/// Is done when the program is told to end. It listens from now on, not only once it is awaited.
#[cfg(unix)]
pub(super) fn signal() -> impl Future<Output = ()> + Send + 'static {
    use tokio::signal::unix::{SignalKind, signal};

    let listening = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    );
    async move {
        match listening {
            (Ok(mut terminate), Ok(mut interrupt)) => {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            }
            // Where no signal can be listened to it runs until it is ended from outside.
            _ => future::pending().await,
        }
    }
}

/// Is done when the program is told to end.
#[cfg(not(unix))]
pub(super) fn signal() -> impl Future<Output = ()> + Send + 'static {
    async {
        if tokio::signal::ctrl_c().await.is_err() {
            future::pending::<()>().await;
        }
    }
}
