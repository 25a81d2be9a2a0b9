//! Stands between a client and the server, and loses answers when it is told to.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// So many octets are passed on at once; no command or answer of these tests is longer.
const BUFFER: usize = 64 * 1024;

/// What happens to the next answer.
const PASS: usize = usize::MAX;

pub(crate) struct Proxy {
    address: SocketAddr,
    /// So many octets of the next answer are passed on before the connection ends, or all.
    keep: Arc<AtomicUsize>,
    /// How many commands went to the server.
    commands: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn before(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (keep, commands) = (Arc::new(AtomicUsize::new(PASS)), Arc::default());
        let task = tokio::spawn(serve(
            listener,
            port,
            Arc::clone(&keep),
            Arc::clone(&commands),
        ));
        Self {
            address,
            keep,
            commands,
            task,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Ends the connection after so many octets of the next answer.
    pub(crate) fn lose_the_next_answer_after(&self, octets: usize) {
        self.keep.store(octets, Ordering::SeqCst);
    }

    /// How many commands went to the server until now.
    pub(crate) fn commands(&self) -> usize {
        self.commands.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    listener: TcpListener,
    port: u16,
    keep: Arc<AtomicUsize>,
    commands: Arc<AtomicUsize>,
) {
    while let Ok((client, _)) = listener.accept().await {
        let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
        let (keep, commands) = (Arc::clone(&keep), Arc::clone(&commands));
        tokio::spawn(pass(client, server.unwrap(), keep, commands));
    }
}

/// One command at a time goes there, and its answer comes back.
async fn pass(
    mut client: TcpStream,
    mut server: TcpStream,
    keep: Arc<AtomicUsize>,
    commands: Arc<AtomicUsize>,
) {
    let mut buffer = vec![0; BUFFER];
    while let Ok(read @ 1..) = client.read(&mut buffer).await {
        commands.fetch_add(1, Ordering::SeqCst);
        server.write_all(&buffer[..read]).await.unwrap();
        let read = server.read(&mut buffer).await.unwrap();
        let kept = keep.swap(PASS, Ordering::SeqCst);
        let end = read.min(kept);
        client.write_all(&buffer[..end]).await.unwrap();
        if kept != PASS {
            return;
        }
    }
}
