//! How long closing may take: a peer that goes on reading has all the time that it needs, any other has not.

use std::io::Read;
use std::time::{Duration, Instant};

use ws_driver::{CloseCode, Config, Error, Initiator, Timeout};

use super::roles::{FAR, FrameReader, ROLES, Role, Signal};
use super::{Running, Suite, Ws};
use crate::socket::RawPeer;
use crate::wire::{self, BINARY, TEXT};

/// The message that is under way when the connection is closed.
const LEN: usize = 9 << 20;

/// So that next to nothing of it is in the hands of the system.
const SMALL: Option<usize> = Some(64 << 10);

/// The time limit of the tests that wait for it.
const TIMEOUT: Duration = Duration::from_millis(1000);

/// Bytes that a slow peer reads in a row, and how long it rests then. It needs three times the limit for everything, and
/// each rest is far below it.
const STRIDE: usize = 288 << 10;
const REST: Duration = Duration::from_millis(100);

type Closed = (Result<(), Error>, Instant);

fn config() -> Config {
    Config::default()
        .close_timeout(TIMEOUT)
        .write_stall_timeout(FAR)
}

/// How the connection is closed behind the message.
#[derive(Clone, Copy, Debug)]
enum Means {
    Close,
    StartAndReceive,
    Halves,
}

/// Waits for a word of the peer, feeds the message, and closes.
async fn feed_and_close<S: Suite>(mut ws: Ws<S>, means: Means) -> Closed {
    assert!(ws.recv().await.expect("open").is_some());
    ws.feed(vec![7; LEN]).await.expect("room");
    let closed = match means {
        Means::Close => ws.close(CloseCode::NORMAL, "").await,
        Means::StartAndReceive => {
            ws.start_close(CloseCode::NORMAL, "").expect("open");
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

/// Tests several cases at once, because each takes its time.
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

/// Reads this many bytes with a rest now and then.
fn read_slowly(peer: &RawPeer, len: usize) -> Vec<u8> {
    let mut stream = peer.writer();
    let mut input = Vec::with_capacity(len);
    while input.len() < len {
        let mut part = vec![0; STRIDE.min(len - input.len())];
        stream
            .read_exact(&mut part)
            .expect("everything before the Close");
        input.extend(part);
        std::thread::sleep(REST);
    }
    input
}

/// The bytes of the message on the wire.
fn on_wire(role: Role) -> usize {
    // A header with a length of 8 bytes, and the key of a client.
    LEN + if role == Role::Client { 14 } else { 10 }
}

/// Everything has to be written before the Close, and the peer is not to blame for its line.
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
        let close = peer.read_frame().expect("the Close");
        let time = start.elapsed();
        assert_eq!((close.opcode(), close.close_code()), (wire::CLOSE, 1000));
        peer.send(&role.peer().close(1000, ""));
        peer.end();
        let (closed, _) = running.finish();
        closed.unwrap_or_else(|error| panic!("{role:?}, {means:?}: {error}"));
        assert!(time > 2 * TIMEOUT, "the peer was too quick: {time:?}");
        let frames = wire::parse_all(&input);
        assert_eq!(frames.len(), 1);
        assert!(frames[0].whole() == (BINARY, &vec![7; LEN]));
    });
}

/// With buffers that the system lets grow: they may hold more than the peer has read when its time for a Close is up.
pub fn what_the_system_holds_arrives_with_the_close<S: Suite>() {
    each(&ROLES, |role| {
        let (mut peer, running) = open::<S>(role, None, Means::Close);
        let input = read_slowly(&peer, on_wire(role));
        let close = peer.read_frame().expect("the Close");
        assert_eq!((close.opcode(), close.close_code()), (wire::CLOSE, 1000));
        let frames = wire::parse_all(&input);
        assert!(frames[0].whole() == (BINARY, &vec![7; LEN]));
        drop(peer);
        let (closed, _) = running.finish();
        // The Close may have been written long before the peer came to it.
        assert!(
            matches!(closed, Err(Error::Timeout(Timeout::Close) | Error::Lost)),
            "{closed:?}"
        );
    });
}

/// Having read some of it does not help.
pub fn a_peer_that_stops_reading_is_not_waited_for<S: Suite>() {
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
        // Its last rest counts, and what the system took meanwhile began its time anew.
        let time = at.saturating_duration_since(stopped) + REST;
        assert!(time >= TIMEOUT / 2, "{role:?}, {means:?}: {time:?}");
        assert!(time < 8 * TIMEOUT, "{role:?}, {means:?}: {time:?}");
        drop(peer);
    });
}

/// Its time to answer begins when it can have read our Close.
pub fn the_time_for_an_answer_begins_with_our_close<S: Suite>() {
    each(&ROLES, |role| {
        let (peer, running) = open::<S>(role, SMALL, Means::Close);
        let start = Instant::now();
        // The last part, of which the system may hold some, in no time.
        let last = 1 << 20;
        let _ = read_slowly(&peer, on_wire(role) - last);
        let close_len = if role == Role::Client { 8 } else { 4 };
        let mut rest = vec![0; last + close_len];
        let read = peer.writer().read_exact(&mut rest);
        read.expect("the rest and the Close");
        let seen = Instant::now();
        assert!(seen - start > 2 * TIMEOUT, "the peer was too quick");
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

/// A peer that leaves its socket open does not hold up those who receive.
pub fn both_closes_end_receiving_although_the_peer_lingers<S: Suite>() {
    for role in ROLES {
        for first in [Initiator::Local, Initiator::Peer] {
            for split in [false, true] {
                let case = format!("{role:?}, {first:?}, {split}");
                let act = move |mut ws: Ws<S>| async move {
                    if first == Initiator::Local {
                        ws.start_close(CloseCode::NORMAL, "").expect("open");
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
                if first == Initiator::Peer {
                    peer.send(&role.peer().close(1000, ""));
                }
                let close = peer.read_frame().expect("the Close");
                assert_eq!((close.opcode(), close.close_code()), (wire::CLOSE, 1000));
                if first == Initiator::Local {
                    peer.send(&role.peer().close(1000, ""));
                }
                let (received, end, time) = running.finish();
                assert!(matches!(received, Ok(None)), "{case}: {received:?}");
                let end = end.expect("an end");
                assert_eq!((end.clean, end.initiator), (true, first), "{case}");
                assert!(time < FAR / 5, "{case}: {time:?}");
                drop(peer);
            }
        }
    }
}

/// Closing returns when nothing is left.
pub fn close_waits_for_the_end_of_the_transport<S: Suite>() {
    let pause = Duration::from_millis(300);
    for role in ROLES {
        for first in [Initiator::Local, Initiator::Peer] {
            let case = format!("{role:?}, {first:?}");
            let seen = Signal::default();
            let is_seen = seen.clone();
            let act = move |mut ws: Ws<S>| async move {
                if first == Initiator::Peer {
                    assert!(ws.recv().await.expect("clean").is_none());
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
            assert_eq!(peer.read_frame().expect("the Close").close_code(), 1000);
            if first == Initiator::Local {
                peer.send(&role.peer().close(1000, ""));
            }
            std::thread::sleep(pause);
            let ended = Instant::now();
            peer.end();
            let (closed, at) = running.finish();
            closed.unwrap_or_else(|error| panic!("{case}: {error}"));
            assert!(at >= ended, "{case}: it did not wait");
        }
    }
}

/// As programs see it that only write: `close` takes the messages that wait in the queue along.
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
