//! Serving, and ending without cutting anybody off.

use core::future::Future;
use core::pin::pin;
use core::time::Duration;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time;
use tower_service::Service as _;

use crate::slow::{Taken, Timely};
use crate::state::SmartAxum;

/// Requests that are being answered get this long when the program is told to stop: a little more
/// than the longest that anybody waits for a refresh.
pub const TIME_TO_STOP: Duration = Duration::from_secs(25);

/// So long the head of a request may take, and so long a connection may lie idle.
const TIME_FOR_HEAD: Duration = Duration::from_secs(30);
/// The head of a request may be this long, in octets: cookies and a query of the longest kind, and
/// room.
const MAX_HEAD_OCTETS: usize = 64 * 1024;
/// Where the system has no file handle left, others have to close theirs first.
const PAUSE: Duration = Duration::from_secs(1);

/// Serves until `stop` is done. Then `/readyz` says that the node is stopping; connections are still
/// taken for [`crate::WebSettings::with_time_to_leave`], so that whoever spreads the requests learns of
/// it. After that what has begun is answered and finished, refreshes and sign-outs too, for
/// [`TIME_TO_STOP`] at most. What is cut off then is told in the log.
///
/// A request whose head does not come within 30 s is dropped, a body that comes more slowly than about
/// 1000 octets a second fails after 30 s of waiting, an answer that nobody takes for 30 s is given up, and
/// no more than [`crate::WebSettings::with_connections`] are served at once, so that slow peers hold nobody
/// up for long. It speaks HTTP/1.1, and TLS is for the proxy. A connection that is upgraded, to a
/// WebSocket say, is its handler's from then on: it counts no more and is not waited for.
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
    let places = Arc::new(Semaphore::new(
        app.connections().min(Semaphore::MAX_PERMITS),
    ));
    let total = places.available_permits();
    let (tell, told) = watch::channel(false);
    let leaving = async {
        stop.await;
        app.stop();
        time::sleep(app.time_to_leave()).await;
    };
    let mut leaving = pin!(leaving);
    loop {
        let next = tokio::select! {
            biased;
            () = &mut leaving => break,
            next = accepted(&listener, &places) => next?,
        };
        if let Some((stream, place)) = next {
            tokio::spawn(served(stream, router.clone(), told.clone(), place));
        }
    }
    drop((listener, router));
    // Nobody listens where there is no connection.
    let _ = tell.send(true);
    let all = u32::try_from(total).unwrap_or(u32::MAX);
    let finished = async {
        // Beside the last requests: one that is held open keeps no token from being revoked.
        let (answered, ()) = tokio::join!(places.acquire_many(all), app.drain());
        drop(answered);
        // What those have begun.
        app.drain().await;
    };
    if time::timeout(TIME_TO_STOP, finished).await.is_err() {
        let connections = total.saturating_sub(places.available_permits());
        tracing::warn!(target: "smart_axum", connections, "stopped, and something was cut off");
    }
    Ok(())
}

/// The next connection, when there is a place for it; none where the one that came has gone again.
async fn accepted(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<Option<(TcpStream, OwnedSemaphorePermit)>> {
    let place = Arc::clone(places).acquire_owned().await;
    let place = place.map_err(io::Error::other)?;
    match listener.accept().await {
        Ok((stream, _)) => Ok(Some((stream, place))),
        Err(error) => {
            if !is_of_one_connection(&error) {
                tracing::error!(target: "smart_axum", %error, "no connection can be taken");
                time::sleep(PAUSE).await;
            }
            Ok(None)
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    )
}

/// One connection, until it ends; when the program stops, until what it has begun is answered.
async fn served(
    stream: TcpStream,
    router: Router,
    mut told: watch::Receiver<bool>,
    place: OwnedSemaphorePermit,
) {
    // Small answers should not wait for one another.
    let _ = stream.set_nodelay(true);
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(TIME_FOR_HEAD)
        .max_buf_size(MAX_HEAD_OCTETS);
    let service = service_fn(|request: Request<Incoming>| {
        let request = request.map(|body| Body::new(Timely::new(body)));
        // A router is always ready.
        router.clone().call(request)
    });
    let connection = builder.serve_connection(TokioIo::new(Taken::new(stream)), service);
    let mut connection = pin!(connection.with_upgrades());
    let is_over = tokio::select! {
        // How it ends is the browser's affair.
        _ = &mut connection => true,
        _ = told.wait_for(|it| *it) => false,
    };
    if !is_over {
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
    drop(place);
}
