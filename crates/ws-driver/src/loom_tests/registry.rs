//! Shutdowns while connections begin, wait and end in other threads.

use std::net::SocketAddr;
use std::time::Duration;

use super::*;
use crate::accept::Acceptor;
use crate::serve::{Registry, Report};
use crate::transport::Runtime;
#[cfg(feature = "stats")]
use crate::websocket::Parts;

/// A runtime without I/O.
pub(super) struct Nowhere;

impl Runtime for Nowhere {
    type Timer = Never;
    type TcpStream = Near;
    type Tcp = Near;

    fn tcp(stream: Near) -> Near {
        stream
    }

    async fn resolve(_: &str, _: u16) -> io::Result<Vec<SocketAddr>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn connect_tcp(_: SocketAddr) -> io::Result<Near> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl AsRef<Self> for Near {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// Opens a connection of the registry. Its peer answers every write with a Close.
fn open_in(registry: &Registry<Nowhere>) -> Option<WebSocket<Near>> {
    open_with(registry, peer(Answer::Close, true))
}

/// Opens a connection of the registry with this peer.
pub(super) fn open_with(registry: &Registry<Nowhere>, peer: Arc<Peer>) -> Option<WebSocket<Near>> {
    let acceptor = Acceptor::new().registry(registry);
    let admission = acceptor.admit().ok()?;
    Some(acceptor.upgraded_as(admission, Near(peer), Agreed::default(), []))
}

fn shut_down(registry: &Registry<Nowhere>) -> Report {
    let hour = Duration::from_secs(3600);
    block_on(registry.shutdown(CloseCode::GOING_AWAY, "", hour)).unwrap()
}

#[test]
fn a_shutdown_ends_when_a_waiting_connection_has_closed() {
    explore(3, || {
        let registry = Registry::new();
        let mut ws = open_in(&registry).unwrap();
        let receives = thread::spawn(move || assert_eq!(block_on(ws.recv()).unwrap(), None));
        assert_eq!(shut_down(&registry).clean, 1);
        receives.join().unwrap();
    });
}

#[test]
fn a_shutdown_wakes_both_halves() {
    explore(2, || {
        let registry = Registry::new();
        let (mut sender, receiver) = open_in(&registry).unwrap().split();
        let receives = receiving(receiver, |receiver| drain(receiver).unwrap());
        let other = registry.clone();
        let shuts_down = thread::spawn(move || shut_down(&other));
        block_on(sender.closed()).unwrap();
        let receiver = receives.join().unwrap();
        drop((sender, receiver));
        assert_eq!(shuts_down.join().unwrap().clean, 1);
    });
}

#[test]
fn a_connection_that_begins_during_a_shutdown_is_refused_or_closed() {
    explore(3, || {
        let registry = Registry::new();
        let other = registry.clone();
        let serves = thread::spawn(move || {
            let ws = open_in(&other);
            let is_admitted = ws.is_some();
            if let Some(mut ws) = ws {
                assert_eq!(block_on(ws.recv()).unwrap(), None);
            }
            is_admitted
        });
        let report = shut_down(&registry);
        let is_admitted = serves.join().unwrap();
        let counts = registry.counts();
        assert_eq!(counts.opened, u64::from(is_admitted));
        assert_eq!(counts.refused, u64::from(!is_admitted));
        assert_eq!((report.clean, report.remaining), (counts.opened, 0));
        assert_eq!((counts.opening, counts.open, counts.closing), (0, 0, 0));
    });
}

#[test]
fn a_place_is_given_to_one_of_two_connections() {
    explore(3, || {
        let registry = Registry::new().max_connections(1);
        let other = registry.clone();
        let opens = thread::spawn(move || open_in(&other));
        let ours = open_in(&registry);
        let theirs = opens.join().unwrap();
        assert!(ours.is_some() != theirs.is_some());
        assert_eq!(registry.counts().open, 1);
    });
}

/// The state of receiving reports its last counters while the connection leaves the registry.
#[cfg(feature = "stats")]
#[test]
fn each_message_counts_once_while_a_connection_leaves() {
    explore(3, || {
        let registry = Registry::new();
        let Parts {
            mut read, write, ..
        } = *open_in(&registry).unwrap().parts;
        let mut received = ws_proto::Traffic::default();
        received.messages = 1;
        let leaves = thread::spawn(move || drop(write));
        let reports = thread::spawn(move || read.last_count.close(received));
        assert!(registry.stats().received.messages <= 1);
        leaves.join().unwrap();
        reports.join().unwrap();
        assert_eq!(registry.stats().received.messages, 1);
    });
}
