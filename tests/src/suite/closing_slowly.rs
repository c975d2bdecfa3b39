//! The time that closing may take. This time is unlimited while the peer reads, and limited
//! otherwise.

use std::io::Read;
use std::time::{Duration, Instant};

use ws_driver::{CloseCode, Config, Error, Initiator, Timeout};

use super::roles::{FAR, FrameReader, ROLES, Role, Signal};
use super::{Running, Suite, Ws};
use crate::socket::RawPeer;
use crate::wire::{self, BINARY, TEXT};

/// The length of the message that is being written when the connection is closed.
const LEN: usize = 9 << 20;

/// The size of socket buffers. Small buffers hold only a small part of the message.
const SMALL: Option<usize> = Some(64 << 10);

/// The close timeout. It is short, because some tests wait until it has passed.
const TIMEOUT: Duration = Duration::from_millis(1000);

/// The number of bytes that a slow peer reads between two pauses. With this number, the peer needs
/// three times [`TIMEOUT`] for the whole message.
const STRIDE: usize = 288 << 10;

/// The duration of each pause of a slow peer. A pause is much shorter than [`TIMEOUT`].
const REST: Duration = Duration::from_millis(100);

type Closed = (Result<(), Error>, Instant);

fn config() -> Config {
    Config::default()
        .close_timeout(TIMEOUT)
        .write_stall_timeout(FAR)
}

/// A way to close the connection after the message.
#[derive(Clone, Copy, Debug)]
enum Means {
    Close,
    StartAndReceive,
    Halves,
}

/// Waits for a message of the peer, feeds the long message, and closes. Returns the result of
/// closing, and the time at which closing ended.
async fn feed_and_close<S: Suite>(mut ws: Ws<S>, means: Means) -> Closed {
    assert!(ws.recv().await.expect("an open connection").is_some());
    ws.feed(vec![7; LEN]).await.expect("room in the queue");
    let closed = match means {
        Means::Close => ws.close(CloseCode::NORMAL, "").await,
        Means::StartAndReceive => {
            ws.start_close(CloseCode::NORMAL, "")
                .expect("an open connection");
            ws.recv().await.map(|_| ())
        }
        Means::Halves => {
            let (mut tx, mut rx) = ws.split();
            let closed = tx.close(CloseCode::NORMAL, "").await;
            match closed {
                Ok(()) => rx.recv().await.map(|_| ()),
                closed => closed,
            }
        }
    };
    (closed, Instant::now())
}

/// Runs `check` for all cases at the same time, because each case takes seconds.
fn each<C: Copy + Send>(cases: &[C], check: impl Fn(C) + Sync) {
    let check = &check;
    std::thread::scope(|scope| {
        for &case in cases {
            scope.spawn(move || check(case));
        }
    });
}

fn open<S: Suite>(role: Role, buffers: Option<usize>, means: Means) -> (RawPeer, Running<Closed>) {
    let (mut peer, running) =
        role.open_with::<S, _, _>(config(), buffers, move |ws| feed_and_close::<S>(ws, means));
    peer.send(&role.peer().text("go"));
    (peer, running)
}

/// Reads `len` bytes with a pause after each [`STRIDE`].
fn read_slowly(peer: &RawPeer, len: usize) -> Vec<u8> {
    let mut stream = peer.writer();
    let mut input = Vec::with_capacity(len);
    while input.len() < len {
        let mut part = vec![0; STRIDE.min(len - input.len())];
        stream
            .read_exact(&mut part)
            .expect("all data before the Close");
        input.extend(part);
        std::thread::sleep(REST);
    }
    input
}

/// Returns the length of the frame that contains the message.
fn on_wire(role: Role) -> usize {
    // The header has two bytes, eight bytes of length, and in the frame of a client a masking key
    // of four bytes.
    LEN + if role == Role::Client { 14 } else { 10 }
}

/// The close timeout does not limit the time that the peer needs to read the data before the Close.
pub fn a_peer_that_reads_slowly_gets_everything_and_the_close<S: Suite>() {
    let cases = [
        (Role::Server, Means::Close),
        (Role::Client, Means::StartAndReceive),
        (Role::Client, Means::Halves),
    ];
    each(&cases, |(role, means)| {
        let (mut peer, running) = open::<S>(role, SMALL, means);
        let start = Instant::now();
        let input = read_slowly(&peer, on_wire(role));
        peer.read_close(1000);
        let time = start.elapsed();
        peer.send(&role.peer().close(1000, ""));
        peer.end();
        let (closed, _) = running.finish();
        closed.unwrap_or_else(|error| panic!("{role:?}, {means:?}: {error}"));
        assert!(time > 2 * TIMEOUT, "the peer read too fast: {time:?}");
        let frames = wire::parse_all(&input);
        assert_eq!(frames.len(), 1);
        assert!(frames[0].whole() == (BINARY, &vec![7; LEN]));
    });
}

/// In this test, the system may enlarge the socket buffers. The buffers may still hold unread data
/// when the close timeout has passed.
pub fn data_in_system_buffers_arrives_before_the_close<S: Suite>() {
    each(&ROLES, |role| {
        let (mut peer, running) = open::<S>(role, None, Means::Close);
        let input = read_slowly(&peer, on_wire(role));
        peer.read_close(1000);
        let frames = wire::parse_all(&input);
        assert!(frames[0].whole() == (BINARY, &vec![7; LEN]));
        drop(peer);
        let (closed, _) = running.finish();
        // The Close may have been written long before the peer read it.
        assert!(
            matches!(closed, Err(Error::Timeout(Timeout::Close) | Error::Lost)),
            "{closed:?}"
        );
    });
}

/// The peer reads a part of the message and then stops.
pub fn closing_does_not_wait_for_a_peer_that_stops_reading<S: Suite>() {
    let cases = [
        (Role::Server, Means::Close),
        (Role::Client, Means::Close),
        (Role::Server, Means::Halves),
        (Role::Client, Means::StartAndReceive),
    ];
    each(&cases, |(role, means)| {
        let (peer, running) = open::<S>(role, SMALL, means);
        let _ = read_slowly(&peer, 4 * STRIDE);
        let stopped = Instant::now();
        let (closed, at) = running.finish();
        assert!(
            matches!(closed, Err(Error::Timeout(Timeout::Close))),
            "{role:?}, {means:?}: {closed:?}"
        );
        // Add the last pause of the peer, because it is before `stopped`. The timeout restarted
        // when the system last took data, which may be before that pause.
        let time = at.saturating_duration_since(stopped) + REST;
        assert!(time >= TIMEOUT / 2, "{role:?}, {means:?}: {time:?}");
        assert!(time < 8 * TIMEOUT, "{role:?}, {means:?}: {time:?}");
        drop(peer);
    });
}

/// The timeout for the peer's Close starts only after our Close has been written, because the peer
/// cannot answer earlier.
pub fn the_time_for_an_answer_begins_with_our_close<S: Suite>() {
    each(&ROLES, |role| {
        let (peer, running) = open::<S>(role, SMALL, Means::Close);
        let start = Instant::now();
        // The last part is read without pauses. It may already be in the socket buffers. Our Close
        // has been written then, and its timeout runs.
        let last = 1 << 20;
        let _ = read_slowly(&peer, on_wire(role) - last);
        let close_len = if role == Role::Client { 8 } else { 4 };
        let mut rest = vec![0; last + close_len];
        let read = peer.writer().read_exact(&mut rest);
        read.expect("the rest and the Close");
        let seen = Instant::now();
        assert!(seen - start > 2 * TIMEOUT, "the peer read too fast");
        let (closed, at) = running.finish();
        assert!(
            matches!(closed, Err(Error::Timeout(Timeout::Close))),
            "{role:?}: {closed:?}"
        );
        let time = at.saturating_duration_since(seen);
        assert!(time > TIMEOUT / 2, "{role:?}: {time:?}");
        drop(peer);
    });
}

/// Sends the Close of the peer, before or after it has read ours.
fn exchange_closes(peer: &mut RawPeer, role: Role, first: Initiator) {
    let close = role.peer().close(1000, "");
    if first == Initiator::Peer {
        peer.send(&close);
    }
    peer.read_close(1000);
    if first == Initiator::Local {
        peer.send(&close);
    }
}

/// Receiving does not wait for a peer that leaves its socket open.
pub fn both_closes_end_receiving_although_the_peer_lingers<S: Suite>() {
    for role in ROLES {
        for first in [Initiator::Local, Initiator::Peer] {
            for split in [false, true] {
                let case = format!("{role:?}, {first:?}, {split}");
                let act = move |mut ws: Ws<S>| async move {
                    if first == Initiator::Local {
                        ws.start_close(CloseCode::NORMAL, "")
                            .expect("an open connection");
                    }
                    let start = Instant::now();
                    let (received, end) = match split {
                        false => (ws.recv().await, ws.end()),
                        true => {
                            let (tx, mut rx) = ws.split();
                            (rx.recv().await, tx.end())
                        }
                    };
                    (received, end, start.elapsed())
                };
                let config = Config::default().close_timeout(FAR);
                let (mut peer, running) = role.open::<S, _, _>(config, act);
                exchange_closes(&mut peer, role, first);
                let (received, end, time) = running.finish();
                assert!(matches!(received, Ok(None)), "{case}: {received:?}");
                let end = end.expect("the end");
                assert_eq!((end.clean, end.initiator), (true, first), "{case}");
                assert!(time < FAR / 5, "{case}: {time:?}");
                drop(peer);
            }
        }
    }
}

/// After both Closes, `close` returns at once on a server, although the peer leaves its socket open
/// (RFC 6455 §5.5.1).
pub fn a_server_closes_at_once_after_both_closes<S: Suite>() {
    for first in [Initiator::Local, Initiator::Peer] {
        let act = |mut ws: Ws<S>| async move {
            let start = Instant::now();
            let closed = ws.close(CloseCode::NORMAL, "").await;
            (closed, start.elapsed())
        };
        let config = Config::default().close_timeout(FAR);
        let role = Role::Server;
        let (mut peer, running) = role.open::<S, _, _>(config, act);
        exchange_closes(&mut peer, role, first);
        let (closed, time) = running.finish();
        closed.unwrap_or_else(|error| panic!("{first:?}: {error}"));
        assert!(time < FAR / 5, "{first:?}: {time:?}");
        assert!(peer.read_frame().is_none(), "{first:?}");
    }
}

/// On a client, `close` returns only after the server has ended its direction (RFC 6455 §7.1.1).
pub fn close_waits_for_the_end_of_the_transport<S: Suite>() {
    let pause = Duration::from_millis(300);
    let role = Role::Client;
    for first in [Initiator::Local, Initiator::Peer] {
        let case = format!("{first:?}");
        let seen = Signal::default();
        let is_seen = seen.clone();
        let act = move |mut ws: Ws<S>| async move {
            if first == Initiator::Peer {
                assert!(ws.recv().await.expect("a clean end").is_none());
                is_seen.give();
            }
            let closed = ws.close(CloseCode::NORMAL, "").await;
            (closed, Instant::now())
        };
        let config = Config::default().close_timeout(FAR);
        let (mut peer, running) = role.open::<S, _, _>(config, act);
        if first == Initiator::Peer {
            peer.send(&role.peer().close(1000, ""));
            seen.await_here();
        }
        peer.read_close(1000);
        if first == Initiator::Local {
            peer.send(&role.peer().close(1000, ""));
        }
        std::thread::sleep(pause);
        let ended = Instant::now();
        peer.end();
        let (closed, at) = running.finish();
        closed.unwrap_or_else(|error| panic!("{case}: {error}"));
        assert!(at >= ended, "{case}: close did not wait");
    }
}

/// `close` first writes the messages in the queue.
pub fn many_messages_in_the_queue_arrive_before_the_close<S: Suite>() {
    for role in ROLES {
        let act = |mut ws: Ws<S>| async move {
            assert!(ws.recv().await?.is_some());
            for _ in 0..100 {
                ws.feed("x".repeat(40_000)).await?;
            }
            ws.close(CloseCode::NORMAL, "").await
        };
        let (mut peer, running) = role.open_with::<S, _, _>(config(), SMALL, act);
        peer.send(&role.peer().text("go"));
        let mut reader = FrameReader::new(&peer);
        for _ in 0..100 {
            let seen = reader.next().expect("a message");
            assert_eq!((seen.opcode, seen.fin, seen.len), (TEXT, true, 40_000));
            std::thread::sleep(REST / 5);
        }
        assert_eq!(reader.close_code(), 1000);
        peer.send(&role.peer().close(1000, ""));
        peer.end();
        running.finish().expect("a clean end");
    }
}
