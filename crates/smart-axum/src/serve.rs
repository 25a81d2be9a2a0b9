//! Serving, and ending without cutting anybody off.

use core::future::Future;
use core::time::Duration;
use std::io;

use axum::Router;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time;

use crate::state::SmartAxum;

/// Requests that are being answered get this long when the program is told to stop: a little more
/// than the longest that anybody waits for a refresh.
pub const TIME_TO_STOP: Duration = Duration::from_secs(25);

/// Serves until `stop` is done. Then no more connections are taken, `/readyz` says that the node is
/// stopping, and what has begun is answered and finished, refreshes and sign-outs too, for
/// [`TIME_TO_STOP`] at most.
///
/// # Errors
///
/// What the system says, where it ends by itself.
pub async fn serve<F>(
    app: &SmartAxum,
    listener: TcpListener,
    router: Router,
    stop: F,
) -> io::Result<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let (app, app_flow) = (app.clone(), app.flow().clone());
    let (tell, told) = oneshot::channel();
    let stopping = async move {
        stop.await;
        app.stop();
        // Nobody listens any more where the server has ended by itself.
        let _ = tell.send(());
    };
    // Small answers should not wait for one another.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let server = axum::serve(listener, router).with_graceful_shutdown(stopping);
    let flow = app_flow;
    let too_long = async move {
        match told.await {
            Ok(()) => time::sleep(TIME_TO_STOP).await,
            Err(_) => core::future::pending().await,
        }
    };
    let all = async move {
        server.await?;
        // What is cut off costs a session or leaves a token.
        flow.drain().await;
        Ok(())
    };
    tokio::select! {
        ended = all => ended,
        () = too_long => Ok(()),
    }
}
