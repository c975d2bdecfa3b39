//! A shutdown of many connections, in every state that a connection can be in.

use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use ws_driver::{CloseCode, Config, Error, Registry, Report};

use super::roles::FAR;
use super::tls::open_descriptors;
use super::{Acceptor, Stream, Suite, Ws};
use crate::socket::{self, RawPeer, TOO_LONG};
use crate::wire::{From, TEXT};

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

impl State {
    /// Handles the server's end until it ends.
    async fn handle<S: Suite>(self, mut ws: Ws<S>) -> Result<(), Error> {
        let message = vec![b'x'; 64 * 1024];
        match self {
            Receiving | Opening | Silent | InsideMessage => while ws.recv().await?.is_some() {},
            Halves | StalledHalf => {
                let (mut tx, mut rx) = ws.split();
                let sending = super::start::<S, _>(async move {
                    if self == Halves {
                        return tx.closed().await;
                    }
                    loop {
                        tx.send(&message).await?;
                    }
                });
                while rx.recv().await?.is_some() {}
                sending.finish::<S>().await?;
            }
            Stalled => loop {
                ws.send(&message).await?;
            },
            Closing => ws.close(CloseCode::NORMAL, "").await?,
        }
        Ok(())
    }

    /// Makes the client's end.
    fn connect(self, address: std::net::SocketAddr) -> TcpStream {
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

/// Opens `count` connections in these states. Returns the report of a shutdown with this timeout.
fn shut_down<S: Suite>(count: usize, states: &[State], timeout: Duration) -> Report {
    let states: Vec<State> = states.iter().copied().cycle().take(count).collect();
    let (listener, address) = socket::listen();
    let mut clients = Vec::new();
    let mut servers = Vec::new();
    for state in &states {
        clients.push((*state, state.connect(address)));
        servers.push(listener.accept().expect("a client").0);
    }
    let opening = states.iter().filter(|&&state| state == Opening).count();
    let report = S::block_on(async move {
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
        let answering = thread::spawn(move || {
            let (answered, silent): (Vec<_>, Vec<_>) = clients
                .into_iter()
                .partition(|(state, _)| ANSWERED.contains(state));
            answered
                .into_iter()
                .for_each(|(state, tcp)| state.answer(tcp));
            silent
        });
        let shutdown = registry.shutdown(CloseCode::GOING_AWAY, "", timeout);
        let report = shutdown.await.expect("a valid code");
        let counts = registry.counts();
        assert_eq!((counts.opening, counts.open, counts.closing), (0, 0, 0));
        (report, answering)
    });
    let (report, answering) = report;
    drop(answering.join().expect("the peers got what they expect"));
    report
}

/// Shuts down `count` connections whose peers answer, and `count` connections whose peers do not.
/// Asserts that all end, that the reports are right, and that no descriptor remains.
///
/// # Panics
///
/// If a connection does not end, or is counted wrongly.
pub fn a_crowd_ends<S: Suite>(count: usize) {
    // The reactor of a runtime keeps its descriptors for the life of the process.
    shut_down::<S>(1, &ANSWERED, TOO_LONG);
    let before = open_descriptors();

    let report = shut_down::<S>(count, &ANSWERED, TOO_LONG);
    assert_eq!(report.clean + report.not_opened, count as u64, "{report:?}");
    assert!(report.is_clean() && report.took < TOO_LONG, "{report:?}");
    let opening = (count - 2).div_ceil(ANSWERED.len());
    assert_eq!(report.not_opened, opening as u64, "{report:?}");

    let timeout = Duration::from_millis(300);
    let report = shut_down::<S>(count, &STUCK, timeout);
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
}
