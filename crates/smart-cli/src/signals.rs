//! When a command that serves is told to stop.

use core::future::pending;

/// Comes back at Ctrl-C and, on Unix, at SIGTERM, with which a system ends a service. Where no signal
/// can be listened to it never does: the process runs until it is ended from outside.
pub(crate) async fn told_to_stop() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminated) => drop(terminated.recv().await),
            Err(_) => pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}
