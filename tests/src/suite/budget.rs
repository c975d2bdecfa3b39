//! The budget of a server.

use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use ws_driver::{Budget, Error, Registry};

use super::{Acceptor, Stream, Suite, Ws};
use crate::socket::{self, RawPeer, TOO_LONG};
use crate::wire::{self, BINARY, From};

const KIB: usize = 1024;
const LIMIT: usize = 1024 * KIB;

/// The number of clients that hold memory, and the bytes that each of them sends.
const GREEDY: usize = 6;
const BEGUN: usize = 200 * KIB;

/// The number of clients that send messages, and the lengths of the messages.
const MODEST: usize = 4;
const LENS: [usize; 3] = [20, 3 * KIB, 100 * KIB];

/// Sends the beginning of a long message, and no more.
fn hold(peer: &mut RawPeer) {
    let mut begun = wire::header(0x80 | BINARY, Some(wire::KEY), 16 << 20);
    begun.resize(begun.len() + BEGUN, 0);
    peer.send(&begun);
}

/// Sends messages and reads their echoes.
fn converse(mut peer: RawPeer) {
    for len in LENS {
        let payload = vec![b'm'; len];
        peer.send(&From::Client.frame(BINARY, &payload));
        let echo = peer.read_frame().expect("an echo");
        assert!(echo.opcode() == BINARY && echo.payload == payload, "{len}");
    }
    peer.send(&From::Client.close(1000, ""));
    peer.read_close(1000);
}

/// The greedy clients hold the whole budget. Returns when the modest ones have their echoes.
fn act(clients: Vec<TcpStream>) {
    let mut peers: Vec<_> = clients.into_iter().map(RawPeer::new).collect();
    for peer in &mut peers {
        peer.read_switching();
    }
    let modest = peers.split_off(GREEDY);
    peers.iter_mut().for_each(hold);
    let conversations = modest
        .into_iter()
        .map(|peer| thread::spawn(move || converse(peer)));
    for conversation in conversations.collect::<Vec<_>>() {
        conversation.join().expect("the echoes arrive");
    }
}

async fn echo<S: Suite>(mut ws: Ws<S>) -> Result<(), Error> {
    while let Some((message, out)) = ws.recv_ref().await? {
        out.feed(message).await?;
    }
    Ok(())
}

/// Clients that hold the whole budget are ended with 1013, and the others are served. The memory
/// stays within the budget, and all of it is given back.
pub fn the_greediest_make_room_for_the_others<S: Suite>() {
    let (listener, address) = socket::listen();
    let mut clients = Vec::new();
    let mut servers = Vec::new();
    for _ in 0..GREEDY + MODEST {
        let mut tcp = TcpStream::connect(address).expect("a listener");
        std::io::Write::write_all(&mut tcp, &crate::http::request()).expect("room for a request");
        clients.push(tcp);
        servers.push(listener.accept().expect("a client").0);
    }
    let budget = Budget::new(LIMIT);
    S::block_on(async {
        let registry = Registry::new().budget(&budget);
        let acceptor = Acceptor::<S>::new().registry(&registry);
        for stream in servers {
            let acceptor = acceptor.clone();
            S::spawn(async move {
                let stream: Stream<S> = S::adopt(stream);
                if let Ok(ws) = acceptor.accept(stream).await {
                    let _ = echo::<S>(ws).await;
                }
            });
        }
        let acting = thread::spawn(move || act(clients));
        let start = Instant::now();
        while !acting.is_finished() || registry.counts().open + registry.counts().closing > 0 {
            assert!(start.elapsed() < TOO_LONG, "{budget:?} {registry:?}");
            S::sleep(Duration::from_millis(5)).await;
        }
        acting.join().expect("the peers got what they expect");
    });
    assert!(
        (1..GREEDY as u64).contains(&budget.ended()),
        "{}",
        budget.ended()
    );
    assert_eq!((budget.used(), budget.waiting()), (0, 0));
    let slack = (GREEDY + MODEST) * 64 * KIB;
    assert!(budget.peak() >= LIMIT / 2 && budget.peak() <= LIMIT + slack);
}
