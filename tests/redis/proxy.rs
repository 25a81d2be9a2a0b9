//! Stands between a client and the server, and loses answers when it is told to.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// So many octets are passed on at once. No command or answer of these tests is longer.
const BUFFER: usize = 64 * 1024;

/// What happens to the next answer.
const PASS: usize = usize::MAX;

pub(crate) struct Proxy {
    address: SocketAddr,
    /// So many octets of the next answer are passed on before the connection ends, or all.
    keep: Arc<AtomicUsize>,
    /// How many commands went to the server.
    commands: Arc<AtomicUsize>,
    /// The connections before this one have gone dead without a word.
    dead_before: Arc<AtomicUsize>,
    /// How many connections there have been.
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn before(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let keep = Arc::new(AtomicUsize::new(PASS));
        let (commands, connections) = (Arc::default(), Arc::default());
        let dead_before = Arc::default();
        let task = tokio::spawn(serve(
            listener,
            port,
            Arc::clone(&connections),
            Way {
                keep: Arc::clone(&keep),
                commands: Arc::clone(&commands),
                dead_before: Arc::clone(&dead_before),
                number: 0,
            },
        ));
        Self {
            address,
            keep,
            commands,
            dead_before,
            connections,
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

    /// From now on nothing passes on the connections that there are, and nobody is told: as where a
    /// firewall has forgotten them.
    pub(crate) fn go_dead(&self) {
        let connections = self.connections.load(Ordering::SeqCst);
        self.dead_before.store(connections, Ordering::SeqCst);
    }

    /// How many connections there have been.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
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

/// What a connection knows of its proxy.
#[derive(Clone)]
struct Way {
    keep: Arc<AtomicUsize>,
    commands: Arc<AtomicUsize>,
    dead_before: Arc<AtomicUsize>,
    /// The first is 0.
    number: usize,
}

impl Way {
    fn is_dead(&self) -> bool {
        self.number < self.dead_before.load(Ordering::SeqCst)
    }
}

async fn serve(listener: TcpListener, port: u16, connections: Arc<AtomicUsize>, mut way: Way) {
    while let Ok((client, _)) = listener.accept().await {
        let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
        way.number = connections.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(pass(client, server.unwrap(), way.clone()));
    }
}

/// Passes on what comes, either way.
async fn pass(mut client: TcpStream, mut server: TcpStream, way: Way) {
    let (mut command, mut answer) = (vec![0; BUFFER], vec![0; BUFFER]);
    loop {
        tokio::select! {
            read = client.read(&mut command) => {
                let Ok(read @ 1..) = read else { return };
                if !way.is_dead() {
                    way.commands.fetch_add(1, Ordering::SeqCst);
                    server.write_all(&command[..read]).await.unwrap();
                }
            }
            read = server.read(&mut answer) => {
                let Ok(read @ 1..) = read else { return };
                let kept = way.keep.swap(PASS, Ordering::SeqCst);
                client.write_all(&answer[..read.min(kept)]).await.unwrap();
                if kept != PASS {
                    return;
                }
            }
        }
    }
}
