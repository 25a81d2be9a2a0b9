//! Stands between a client and the server, and loses, holds back or delays answers when it is told
//! to.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// So many octets are passed on at once. No command or answer of these tests is longer.
const BUFFER: usize = 64 * 1024;

/// What happens to the next answer.
const PASS: usize = usize::MAX;

/// What happens to one command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is done, and the connection ends before its answer.
    Lost,
    /// It is done, and its answer comes so much later.
    Late(Duration),
    /// It does not reach the server, which is about to be killed.
    KilledBefore,
    /// It is done, and the server is killed before its answer.
    KilledAfter,
}

/// Which command meets a fault: the n-th from now on that has these octets in it, and then the next,
/// until it is so many.
struct Plan {
    octets: &'static [u8],
    nth: usize,
    times: usize,
    fault: Fault,
}

pub(crate) struct Proxy {
    address: SocketAddr,
    way: Way,
    task: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn before(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let way = Way {
            keep: Arc::new(AtomicUsize::new(PASS)),
            commands: Arc::default(),
            connections: Arc::default(),
            dead_before: Arc::default(),
            delay: Arc::default(),
            passed: Arc::default(),
            room: watch::channel(PASS).0,
            plan: Arc::default(),
            struck: Arc::default(),
        };
        let task = tokio::spawn(serve(listener, port, way.clone()));
        Self { address, way, task }
    }

    pub(crate) fn url(&self) -> String {
        self.url_with("")
    }

    /// The same for a user, as `name:password@`.
    pub(crate) fn url_with(&self, login: &str) -> String {
        format!("redis://{login}{}", self.address)
    }

    /// Ends the connection after so many octets of the next answer.
    pub(crate) fn lose_the_next_answer_after(&self, octets: usize) {
        self.way.keep.store(octets, Ordering::SeqCst);
    }

    /// From now on nothing passes on the connections that there are, and nobody is told: as where a
    /// firewall has forgotten them.
    pub(crate) fn go_dead(&self) {
        let connections = self.connections();
        self.way.dead_before.store(connections, Ordering::SeqCst);
    }

    /// From now on nothing passes on any connection, old or new, until [`Proxy::go_dead`] says that
    /// the next ones are good again.
    pub(crate) fn hang(&self) {
        self.way.dead_before.store(usize::MAX, Ordering::SeqCst);
    }

    /// The first answer on each new connection comes so much later.
    pub(crate) fn delay_first_answers(&self, delay: Duration) {
        let delay = u64::try_from(delay.as_millis()).unwrap();
        self.way.delay.store(delay, Ordering::SeqCst);
    }

    /// Lets so many octets of answers pass, and holds back what comes then.
    pub(crate) fn hold_answers_after(&self, octets: usize) {
        let passed = self.way.passed.load(Ordering::SeqCst);
        self.way.room.send_replace(passed + octets);
    }

    /// Lets pass what was held back, and all that follows.
    pub(crate) fn let_answers_pass(&self) {
        self.way.room.send_replace(PASS);
    }

    /// Has the n-th command that has these octets in it meet a fault.
    pub(crate) fn plan(&self, octets: &'static [u8], nth: usize, fault: Fault) {
        self.plan_times(octets, (nth, 1), fault);
    }

    /// The same for so many in a row.
    pub(crate) fn plan_times(
        &self,
        octets: &'static [u8],
        (nth, times): (usize, usize),
        fault: Fault,
    ) {
        let plan = Plan {
            octets,
            nth,
            times,
            fault,
        };
        *self.way.plan.lock().unwrap() = Some(plan);
    }

    /// Returns when a command has met its fault. Where the server is to be killed, its answers are
    /// held back until then.
    pub(crate) async fn struck(&self) {
        self.way.struck.notified().await;
    }

    /// How many connections there have been.
    pub(crate) fn connections(&self) -> usize {
        self.way.connections.load(Ordering::SeqCst)
    }

    /// How many commands went to the server until now.
    pub(crate) fn commands(&self) -> usize {
        self.way.commands.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What happens on the way, as the connections see it.
#[derive(Clone)]
struct Way {
    /// So many octets of the next answer are passed on before the connection ends, or all.
    keep: Arc<AtomicUsize>,
    /// How many commands went to the server.
    commands: Arc<AtomicUsize>,
    /// How many connections there have been.
    connections: Arc<AtomicUsize>,
    /// The connections before this one have gone dead without a word.
    dead_before: Arc<AtomicUsize>,
    /// By how many milliseconds the first answer of a connection is late.
    delay: Arc<AtomicU64>,
    /// How many octets of answers went to clients.
    passed: Arc<AtomicUsize>,
    /// How many may.
    room: watch::Sender<usize>,
    plan: Arc<Mutex<Option<Plan>>>,
    /// Told when a command has met its fault.
    struck: Arc<Notify>,
}

impl Way {
    /// The fault that these commands meet.
    fn strikes(&self, commands: &[u8]) -> Option<Fault> {
        let mut plan = self.plan.lock().unwrap();
        let planned = plan.as_mut()?;
        let octets = planned.octets;
        let windows = commands.windows(octets.len());
        let found = windows.filter(|it| *it == octets).count();
        if found < planned.nth {
            planned.nth -= found;
            return None;
        }
        let fault = planned.fault;
        (planned.nth, planned.times) = (1, planned.times - 1);
        if planned.times == 0 {
            *plan = None;
        }
        Some(fault)
    }
}

async fn serve(listener: TcpListener, port: u16, way: Way) {
    while let Ok((client, _)) = listener.accept().await {
        let number = way.connections.fetch_add(1, Ordering::SeqCst);
        // Where the server is away, the connection ends at once.
        if let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
            tokio::spawn(pass(client, server, way.clone(), number));
        }
    }
}

/// Passes on what comes, either way.
async fn pass(mut client: TcpStream, mut server: TcpStream, way: Way, number: usize) {
    let (mut command, mut answer) = (vec![0; BUFFER], vec![0; BUFFER]);
    let mut room = way.room.subscribe();
    let mut is_first = true;
    let mut fault = None;
    loop {
        let passed = way.passed.load(Ordering::SeqCst);
        let left = room.borrow_and_update().saturating_sub(passed).min(BUFFER);
        tokio::select! {
            read = client.read(&mut command) => {
                let Ok(read @ 1..) = read else { return };
                if number < way.dead_before.load(Ordering::SeqCst) {
                    continue;
                }
                way.commands.fetch_add(1, Ordering::SeqCst);
                fault = fault.or_else(|| way.strikes(&command[..read]));
                if fault == Some(Fault::KilledBefore) {
                    way.struck.notify_one();
                } else if server.write_all(&command[..read]).await.is_err() {
                    return;
                }
            }
            read = server.read(&mut answer[..left]), if left > 0 => {
                let Ok(read @ 1..) = read else { return };
                match fault {
                    None => {}
                    Some(Fault::Late(delay)) => {
                        way.struck.notify_one();
                        fault = None;
                        sleep_until(Instant::now() + delay).await;
                    }
                    Some(Fault::Lost) => {
                        way.struck.notify_one();
                        return;
                    }
                    Some(Fault::KilledBefore | Fault::KilledAfter) => {
                        way.struck.notify_one();
                        continue;
                    }
                }
                if is_first {
                    let delay = Duration::from_millis(way.delay.load(Ordering::SeqCst));
                    sleep_until(Instant::now() + delay).await;
                    is_first = false;
                }
                let kept = way.keep.swap(PASS, Ordering::SeqCst);
                way.passed.fetch_add(read, Ordering::SeqCst);
                // A client that has gone away is not told.
                if client.write_all(&answer[..read.min(kept)]).await.is_err() || kept != PASS {
                    return;
                }
            }
            _ = room.changed() => {}
        }
    }
}
