//! A shutdown of many connections, in every state that a connection can be in.

use std::any::type_name;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use socket2::SockRef;
use ws_driver::{CloseCode, Config, Error, Registry, Report};

use super::roles::FAR;
use super::tls::open_descriptors;
use super::{Acceptor, Stream, Suite, Ws};
use crate::socket::{self, RawPeer, TOO_LONG};
use crate::wire::{From, TEXT};
use ws_test_client::resources::Process;

/// A state of a connection, and the reaction of its peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    // These connections end when their peers answer.
    Receiving,
    Halves,
    Opening,
    // These do not: their peers do nothing more.
    Silent,
    InsideMessage,
    Stalled,
    StalledHalf,
    Closing,
}

use State::*;

/// The states of connections whose peers answer.
const ANSWERED: [State; 3] = [Receiving, Halves, Opening];
/// The states of connections that have to be cut.
const STUCK: [State; 5] = [Silent, InsideMessage, Stalled, StalledHalf, Closing];

/// The message of stalled connections.
static MESSAGE: [u8; 64 * 1024] = [b'x'; 64 * 1024];

impl State {
    /// Handles the server's end until it ends.
    async fn handle<S: Suite>(self, mut ws: Ws<S>) -> Result<(), Error> {
        match self {
            Receiving | Opening | Silent | InsideMessage => while ws.recv().await?.is_some() {},
            Halves | StalledHalf => {
                let (mut tx, mut rx) = ws.split();
                let sending = super::start::<S, _>(async move {
                    if self == Halves {
                        return tx.closed().await;
                    }
                    loop {
                        tx.send(&MESSAGE[..]).await?;
                    }
                });
                while rx.recv().await?.is_some() {}
                sending.finish::<S>().await?;
            }
            Stalled => loop {
                ws.send(&MESSAGE[..]).await?;
            },
            Closing => ws.close(CloseCode::NORMAL, "").await?,
        }
        Ok(())
    }

    /// Makes the client's end.
    fn connect(self, address: SocketAddr) -> TcpStream {
        let mut tcp = TcpStream::connect(address).expect("a listener");
        let request = crate::http::request();
        let sent = match self {
            Opening => &request[..40],
            _ => &request[..],
        };
        tcp.write_all(sent).expect("room for a request");
        if self == InsideMessage {
            let fragment = From::Client.fragment(TEXT, b"beginning");
            tcp.write_all(&fragment).expect("room for a fragment");
        }
        tcp
    }

    /// Reads until the server closes, and answers.
    fn answer(self, tcp: TcpStream) {
        let mut peer = RawPeer::new(tcp);
        match self {
            Opening => {
                let (refusal, _) = peer.read_to_end();
                assert!(refusal.starts_with(b"HTTP/1.1 503 "), "{self:?}");
            }
            _ => {
                peer.read_switching();
                peer.read_close(1001);
                peer.send(&From::Client.close(1001, ""));
                let (rest, _) = peer.read_to_end();
                assert!(rest.is_empty(), "{self:?}");
            }
        }
    }
}

/// The variable with the address and the number of clients, and `answered` or `stuck`.
const CLIENTS: &str = "WS_TEST_CROWD_CLIENTS";

/// The clients. They are in another process, because each process has its own limit of descriptors.
struct Clients {
    process: Child,
    output: BufReader<ChildStdout>,
}

impl Clients {
    /// Starts the test `clients_of_a_crowd` of this program, which connects in the order of the
    /// states.
    fn start(address: SocketAddr, count: usize, states: &[State]) -> Self {
        let kind = if states == ANSWERED {
            "answered"
        } else {
            "stuck"
        };
        let mut process = Command::new(env::current_exe().expect("this program"))
            .args(["clients_of_a_crowd", "--exact", "--ignored", "--nocapture"])
            .env(CLIENTS, format!("{address} {count} {kind}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let output = process.stdout.take().expect("a pipe");
        Self {
            process,
            output: BufReader::new(output),
        }
    }

    /// Orders the clients to answer the Closes.
    fn answer(&mut self) {
        let input = self.process.stdin.as_mut().expect("a pipe");
        writeln!(input, "answer").expect("the clients wait");
    }

    /// Asserts that the clients got what they expect, and ends them.
    fn finish(mut self) {
        let mut lines = { self.output }.lines().map_while(Result::ok);
        assert!(lines.any(|line| line == DONE), "the clients failed");
        drop(self.process.stdin.take());
        let status = self.process.wait().expect("a child");
        assert!(status.success(), "{status}");
    }
}

/// The line that the clients print when they have the answers that they expect.
const DONE: &str = "the clients are done";

/// Is the clients of another process, until its end. Does nothing unless that process has set a
/// variable.
///
/// # Panics
///
/// If the server does not answer as expected.
pub fn be_the_clients() {
    let Ok(variable) = env::var(CLIENTS) else {
        return;
    };
    let mut words = variable.split(' ');
    let mut word = || words.next().expect("three words");
    let address = word().parse().expect("an address");
    let count = word().parse().expect("a number");
    let states = match word() {
        "answered" => &ANSWERED[..],
        _ => &STUCK,
    };
    let states = states.iter().copied().cycle().take(count);
    let clients: Vec<_> = states
        .map(|state| (state, state.connect(address)))
        .collect();
    let mut input = io::stdin().lines();
    input.next().expect("an order").expect("a line");
    let (answered, silent): (Vec<_>, Vec<_>) = clients
        .into_iter()
        .partition(|(state, _)| ANSWERED.contains(state));
    answered
        .into_iter()
        .for_each(|(state, tcp)| state.answer(tcp));
    // The line must not follow the name of the test.
    println!("\n{DONE}");
    // The silent clients stay until the other process ends the input.
    assert!(input.next().is_none());
    drop(silent);
}

/// Opens `count` connections in these states. Returns the report of a shutdown with this timeout.
fn shut_down<S: Suite>(count: usize, states: &[State], timeout: Duration) -> Report {
    let (listener, address) = socket::listen();
    // The clients would wait for a second if the backlog were full.
    let backlog = SockRef::from(&listener).listen(1024);
    backlog.expect("the listener listens");
    let mut clients = Clients::start(address, count, states);
    let mut servers = Vec::new();
    for _ in 0..count {
        servers.push(listener.accept().expect("a client").0);
    }
    let states: Vec<State> = states.iter().copied().cycle().take(count).collect();
    let opening = states.iter().filter(|&&state| state == Opening).count();
    let (report, clients) = S::block_on(async move {
        let registry = Registry::new();
        let config = Config::default()
            .close_timeout(FAR)
            .write_stall_timeout(FAR);
        let acceptor = Acceptor::<S>::new()
            .config(config)
            .handshake_timeout(FAR)
            .registry(&registry);
        for (stream, state) in servers.into_iter().zip(states) {
            let acceptor = acceptor.clone();
            S::spawn(async move {
                let stream: Stream<S> = S::adopt(stream);
                if let Ok(ws) = acceptor.accept(stream).await {
                    let _ = state.handle::<S>(ws).await;
                }
            });
        }
        let start = Instant::now();
        while registry.counts().opened < (count - opening) as u64
            || registry.counts().opening < opening
        {
            assert!(start.elapsed() < TOO_LONG, "{:?}", registry.counts());
            S::sleep(Duration::from_millis(5)).await;
        }
        clients.answer();
        let shutdown = registry.shutdown(CloseCode::GOING_AWAY, "", timeout);
        let report = shutdown.await.expect("a valid code");
        let counts = registry.counts();
        assert_eq!((counts.opening, counts.open, counts.closing), (0, 0, 0));
        (report, clients)
    });
    clients.finish();
    report
}

/// Prints a report, for `cargo test -- --nocapture`.
fn tell<S>(report: &Report) {
    println!("{}: {report:?}", type_name::<S>());
}

/// Shuts down `count` connections whose peers answer, and `count` connections whose peers do not.
/// Asserts that all end, that the reports are right, and that no descriptor remains. The program
/// has to have a test `clients_of_a_crowd` that calls [`be_the_clients`].
///
/// # Panics
///
/// If a connection does not end, or is counted wrongly.
pub fn a_crowd_ends<S: Suite>(count: usize) {
    // The reactor of a runtime keeps its descriptors for the life of the process.
    shut_down::<S>(1, &ANSWERED, TOO_LONG);
    let before = open_descriptors();
    let process = Process::new(std::process::id()).expect("Linux");
    let resident = || process.resident().expect("this process");
    let resident_before = resident();

    let report = shut_down::<S>(count, &ANSWERED, TOO_LONG);
    tell::<S>(&report);
    assert_eq!(report.clean + report.not_opened, count as u64, "{report:?}");
    assert!(report.is_clean() && report.took < TOO_LONG, "{report:?}");
    let opening = (count - 2).div_ceil(ANSWERED.len());
    assert_eq!(report.not_opened, opening as u64, "{report:?}");

    let timeout = Duration::from_millis(300);
    let report = shut_down::<S>(count, &STUCK, timeout);
    tell::<S>(&report);
    assert_eq!(report.cut, count as u64, "{report:?}");
    assert!(report.took >= timeout && report.took < TOO_LONG);
    assert!(report.with_unsent <= 2 * count.div_ceil(STUCK.len()) as u64);
    assert!(report.unsent_bytes >= report.with_unsent, "{report:?}");

    let start = Instant::now();
    while open_descriptors() != before {
        let now = open_descriptors();
        assert!(
            start.elapsed() < TOO_LONG,
            "{now} descriptors, {before} before"
        );
        thread::sleep(Duration::from_millis(10));
    }
    println!(
        "resident: {resident_before} B before, {} B after",
        resident()
    );
}
