//! The contract of sending, which `docs/sending.md` states in a table. The contract is the same for
//! a connection, its `Sender` and the `Outbox` that `recv_ref` lends. It is the same for every
//! message and every framing.

use std::num::NonZeroUsize;
use std::task::Poll;

use ws_driver::{Config, DeflateConfig, Error, MessageKind};
use ws_tests::exec;
use ws_tests::pairs;
use ws_tests::scripted::{End, Peer, Ws};
use ws_tests::wire::{CLOSE, CONTINUATION, PING, PONG};

/// The ways in which a message can be framed.
#[derive(Clone, Copy, Debug)]
enum Framing {
    Whole,
    Fragments,
    Compressed,
}

const FRAMINGS: [Framing; 3] = [Framing::Whole, Framing::Fragments, Framing::Compressed];

/// A connection and the other end of its transport.
struct Place {
    ws: Ws,
    peer: Peer,
    /// A connection that decompresses the messages of `ws`, and the other end of its transport.
    /// `None` if `ws` does not compress.
    other: Option<(Ws, Peer)>,
}

impl Place {
    fn open(end: End, framing: Framing) -> Self {
        let config = Config::default();
        let (ws, peer, other) = match framing {
            Framing::Whole => {
                let (ws, peer) = end.open(&config);
                (ws, peer, None)
            }
            Framing::Fragments => {
                let len = NonZeroUsize::new(1000).unwrap();
                let (ws, peer) = end.open(&config.fragment_len(len));
                (ws, peer, None)
            }
            Framing::Compressed => {
                let config = config.deflate(DeflateConfig::default());
                let ((ws, peer), other) = pairs::compressing(end, &config, &config);
                (ws, peer, Some(other))
            }
        };
        Self { ws, peer, other }
    }
}

/// Runs the body three times. `$tx` is first a connection, then a sending half, then an outbox.
macro_rules! on_each {
    ($end:expr, $framing:expr, |$tx:ident, $peer:ident, $other:ident, $who:ident| $body:block) => {{
        {
            let $crate::contract::Place {
                mut ws,
                peer,
                other,
            } = $crate::contract::Place::open($end, $framing);
            let ($tx, $peer, mut $other, $who) = (&mut ws, peer, other, "WebSocket");
            $body
        }
        {
            let $crate::contract::Place { ws, peer, other } =
                $crate::contract::Place::open($end, $framing);
            let (mut sender, _receiver) = ws.split();
            let ($tx, $peer, mut $other, $who) = (&mut sender, peer, other, "Sender");
            $body
        }
        {
            let $crate::contract::Place {
                mut ws,
                peer,
                other,
            } = $crate::contract::Place::open($end, $framing);
            peer.push($end.peer().text("question"));
            let (_, $tx) = ws_tests::exec::run(ws.recv_ref()).unwrap().unwrap();
            let ($peer, mut $other, $who) = (peer, other, "Outbox");
            $body
        }
    }};
}

mod delivery;
mod errors;
mod waiting;

/// Asserts that each message that was written is whole. Returns the messages, and the payloads of
/// the Pings that were written.
fn arrived(peer: &Peer, other: &mut Option<(Ws, Peer)>) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    if let Some((ws, transport)) = other {
        transport.push(peer.take_output());
        let mut messages = Vec::new();
        while let Poll::Ready(Ok(Some(message))) = exec::attempt(ws.recv()) {
            messages.push(message.into_bytes().to_vec());
        }
        let pongs = transport.take_frames().into_iter();
        let pings = pongs.filter(|frame| frame.opcode() == PONG);
        return (messages, pings.map(|frame| frame.payload).collect());
    }
    let (mut messages, mut pings) = (Vec::new(), Vec::new());
    let mut is_whole = true;
    for frame in peer.take_frames() {
        match frame.opcode() {
            PING => pings.push(frame.payload),
            CONTINUATION => {
                assert!(!is_whole, "a continuation frame outside a message");
                let message: &mut Vec<u8> = messages.last_mut().unwrap();
                message.extend(frame.payload);
                is_whole = frame.first & 0x80 != 0;
            }
            opcode => {
                assert!(
                    is_whole && opcode < CLOSE,
                    "opcode {opcode} inside a message"
                );
                messages.push(frame.payload);
                is_whole = frame.first & 0x80 != 0;
            }
        }
    }
    assert!(is_whole, "a message is cut");
    (messages, pings)
}

/// Queues messages until there is no room.
fn fill(ws: &mut Ws) {
    while ws.has_room() {
        ws.try_feed(vec![0; 10_000]).unwrap();
    }
}

/// Polls the future of this operation until it makes no more progress, then drops the future.
fn wait(ws: &mut Ws, operation: &str) -> Poll<Result<(), Error>> {
    match operation {
        "send" => exec::attempt(ws.send("x")),
        "feed" => exec::attempt(ws.feed("x")),
        "flush" => exec::attempt(ws.flush()),
        "ready" => exec::attempt(ws.ready()),
        "send_ping" => exec::attempt(ws.send_ping("")),
        "send_pong" => exec::attempt(ws.send_pong("")),
        "ping" => exec::attempt(ws.ping()).map_ok(drop),
        "write" => {
            let mut writer = ws.writer(MessageKind::Text)?;
            exec::attempt(writer.write("x"))
        }
        "finish" => exec::attempt(ws.writer(MessageKind::Text)?.finish()),
        _ => exec::attempt(ws.recv_ref()).map_ok(drop),
    }
}
