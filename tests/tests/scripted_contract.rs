//! The contract of sending, cell by cell, as the documentation of `WebSocket` tells it: the same on a connection, on
//! its sending half and on the outbox that `recv_ref` lends, whatever is sent and however it is framed.

#![forbid(unsafe_code)]

use std::num::NonZeroUsize;
use std::task::Poll;
use std::time::Duration;

use futures_util::SinkExt;
use ws_driver::{
    CloseCode, Config, DeflateConfig, Error, Message, MessageKind, Timeout, TryFeedError, WebSocket,
};
use ws_tests::clock;
use ws_tests::exec;
use ws_tests::pairs;
use ws_tests::scripted::{End, Op, Peer, Ws};
use ws_tests::wire::{CLOSE, CONTINUATION, PING, PONG};

const BLOCK: usize = 64 * 1024;

/// Bytes of the messages: within a buffer, above what is copied, above what is framed or compressed at once.
const LENS: [usize; 3] = [20, 10 * 1024, 1 << 20];

/// The ways in which messages leave.
#[derive(Clone, Copy, Debug)]
enum Framing {
    Whole,
    Fragments,
    Compressed,
}

const FRAMINGS: [Framing; 3] = [Framing::Whole, Framing::Fragments, Framing::Compressed];

/// A connection, the other end of its transport, and who understands what is compressed.
struct Place {
    ws: Ws,
    peer: Peer,
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

/// Runs the body three times: `$tx` is a connection, a sending half and an outbox.
macro_rules! on_each {
    ($end:expr, $framing:expr, |$tx:ident, $peer:ident, $other:ident, $who:ident| $body:block) => {{
        {
            let Place {
                mut ws,
                peer,
                other,
            } = Place::open($end, $framing);
            let ($tx, $peer, mut $other, $who) = (&mut ws, peer, other, "WebSocket");
            $body
        }
        {
            let Place { ws, peer, other } = Place::open($end, $framing);
            let (mut sender, _receiver) = ws.split();
            let ($tx, $peer, mut $other, $who) = (&mut sender, peer, other, "Sender");
            $body
        }
        {
            let Place {
                mut ws,
                peer,
                other,
            } = Place::open($end, $framing);
            peer.push($end.peer().text("question"));
            let (_, $tx) = exec::run(ws.recv_ref()).unwrap().unwrap();
            let ($peer, mut $other, $who) = (peer, other, "Outbox");
            $body
        }
    }};
}

/// A future that sends the payload, owned or borrowed, passed to `$then`.
macro_rules! message {
    ($tx:ident.$method:ident($payload:ident, $is_owned:expr), $then:expr) => {
        match $is_owned {
            true => $then($tx.$method($payload.clone())),
            false => $then($tx.$method(&$payload)),
        }
    };
}

fn payload(len: usize) -> Vec<u8> {
    // Half of it gets shorter.
    let mut random = fastrand::Rng::with_seed(len as u64);
    (0..len)
        .map(|at| if at % 2 == 0 { random.u8(..) } else { 0 })
        .collect()
}

/// The messages and the payloads of Pings that have left, each message whole.
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
                assert!(!is_whole, "nothing to continue");
                let message: &mut Vec<u8> = messages.last_mut().unwrap();
                message.extend(frame.payload);
                is_whole = frame.first & 0x80 != 0;
            }
            opcode => {
                assert!(is_whole && opcode < CLOSE, "{opcode} inside a message");
                messages.push(frame.payload);
                is_whole = frame.first & 0x80 != 0;
            }
        }
    }
    assert!(is_whole, "a message is cut");
    (messages, pings)
}

/// Every case of what is sent, and how.
fn cases() -> impl Iterator<Item = (End, Framing, usize, bool)> {
    End::BOTH.into_iter().flat_map(|end| {
        FRAMINGS.into_iter().flat_map(move |framing| {
            LENS.into_iter()
                .flat_map(move |len| [false, true].map(|is_owned| (end, framing, len, is_owned)))
        })
    })
}

#[test]
fn a_future_that_was_never_polled_has_done_nothing() {
    for (end, framing, len, is_owned) in cases() {
        let payload = payload(len);
        on_each!(end, framing, |tx, peer, other, who| {
            message!(tx.send(payload, is_owned), drop);
            message!(tx.feed(payload, is_owned), drop);
            drop(tx.send_ping("ping"));
            drop(tx.send_pong("pong"));
            drop(tx.ready());
            drop(tx.flush());
            assert!(tx.has_room());
            exec::run(tx.flush()).unwrap();
            let context = format!("{who} {end:?} {framing:?} {len} {is_owned}");
            assert_eq!(peer.output_len(), 0, "{context}");
            assert!(arrived(&peer, &mut other).0.is_empty(), "{context}");
        });
    }
}

#[test]
fn a_message_that_waited_for_room_when_it_was_dropped_is_not_sent() {
    let fill = {
        let mut random = fastrand::Rng::with_seed(1);
        let bytes: Vec<u8> = (0..10_000).map(|_| random.u8(..)).collect();
        bytes
    };
    for (end, framing, len, is_owned) in cases() {
        let payload = payload(len);
        on_each!(end, framing, |tx, peer, other, who| {
            peer.window(0);
            let mut queued = 0;
            while tx.has_room() {
                tx.try_feed(&fill).unwrap();
                queued += 1;
            }
            for _ in 0..2 {
                let sent = message!(tx.send(payload, is_owned), exec::attempt);
                assert!(sent.is_pending(), "{who} {end:?} {framing:?}");
                assert!(message!(tx.feed(payload, is_owned), exec::attempt).is_pending());
                assert!(exec::attempt(tx.send_ping("ping")).is_pending());
                assert!(exec::attempt(tx.send_pong("pong")).is_pending());
                assert!(exec::attempt(tx.ready()).is_pending());
                assert!(exec::attempt(tx.flush()).is_pending());
                let refused = tx.try_feed(&payload);
                assert!(matches!(refused, Err(TryFeedError::Full(message)) if *message == payload));
            }
            peer.window(usize::MAX);
            exec::run(tx.flush()).unwrap();
            let (messages, pings) = arrived(&peer, &mut other);
            assert_eq!(messages.len(), queued, "{who} {end:?} {framing:?} {len}");
            assert!(messages.iter().all(|message| *message == fill));
            assert!(pings.is_empty(), "{who}: a Ping left");
        });
    }
}

#[test]
fn a_message_that_was_queued_when_its_future_was_dropped_is_sent_whole() {
    for (end, framing, len, is_owned) in cases() {
        let payload = payload(len);
        for taken in [0, 1, len / 2] {
            on_each!(end, framing, |tx, peer, other, who| {
                let context = format!("{who} {end:?} {framing:?} {len} {is_owned} {taken}");
                peer.window(taken);
                let sent = message!(tx.send(payload, is_owned), exec::glance);
                assert!(
                    sent.is_pending() || matches!(framing, Framing::Compressed),
                    "{context}"
                );
                peer.window(usize::MAX);
                exec::run(tx.flush()).unwrap();
                peer.window(taken);
                // Only an outbox that lends what is borrowed makes this wait.
                let _ = message!(tx.feed(payload, is_owned), exec::glance);
                peer.window(usize::MAX);
                exec::run(tx.flush()).unwrap();
                peer.window(0);
                assert!(exec::glance(tx.send_ping("ping")).is_pending());
                peer.window(usize::MAX);
                exec::run(tx.flush()).unwrap();
                let (messages, pings) = arrived(&peer, &mut other);
                assert!(messages == [&payload[..], &payload], "{context}");
                assert_eq!(pings, [b"ping"], "{context}");
            });
        }
    }
}

#[test]
fn try_feed_queues_a_copy_at_once() {
    for (end, framing, len, is_owned) in cases() {
        on_each!(end, framing, |tx, peer, other, who| {
            let payload = payload(len);
            peer.window(0);
            match is_owned {
                true => tx.try_feed(payload.clone()).unwrap(),
                false => tx.try_feed(&payload).unwrap(),
            }
            let expected = payload.clone();
            drop(payload);
            peer.window(usize::MAX);
            exec::run(tx.flush()).unwrap();
            let (messages, _) = arrived(&peer, &mut other);
            assert!(messages == [expected], "{who} {end:?} {framing:?} {len}");
        });
    }
}

#[test]
fn a_sent_message_has_been_flushed_and_a_fed_one_waits() {
    for (end, framing, len, is_owned) in cases() {
        let payload = payload(len);
        on_each!(end, framing, |tx, peer, other, who| {
            message!(tx.send(payload, is_owned), exec::run).unwrap();
            assert_eq!(peer.take_log().last(), Some(&Op::Flush), "{who}");
            assert!(arrived(&peer, &mut other).0 == [&payload[..]]);
            exec::run(tx.feed("small")).unwrap();
            assert_eq!(peer.output_len(), 0, "{who} {end:?} {framing:?}");
            exec::run(tx.ready()).unwrap();
            exec::run(tx.flush()).unwrap();
            assert!(arrived(&peer, &mut other).0 == [b"small"]);
        });
    }
}

#[test]
fn after_a_close_everything_is_refused() {
    for end in End::BOTH {
        on_each!(end, Framing::Whole, |tx, peer, _other, who| {
            let long = "x".repeat(124);
            assert!(matches!(
                tx.start_close(CloseCode::NORMAL, &long),
                Err(Error::Send(_))
            ));
            assert!(matches!(
                tx.start_close(CloseCode::ABNORMAL, ""),
                Err(Error::Send(_))
            ));
            tx.start_close(CloseCode::NORMAL, "bye").unwrap();
            assert!(matches!(
                tx.start_close(CloseCode::NORMAL, ""),
                Err(Error::Closed(None))
            ));
            assert!(
                matches!(exec::run(tx.send("late")), Err(Error::Closed(None))),
                "{who}"
            );
            assert!(matches!(
                exec::run(tx.feed("late")),
                Err(Error::Closed(None))
            ));
            assert!(matches!(exec::run(tx.ready()), Err(Error::Closed(None))));
            assert!(matches!(
                exec::run(tx.send_ping("")),
                Err(Error::Closed(None))
            ));
            assert!(matches!(
                exec::run(tx.send_pong("")),
                Err(Error::Closed(None))
            ));
            assert!(matches!(
                tx.try_feed("late"),
                Err(TryFeedError::Closed("late"))
            ));
            exec::run(tx.flush()).unwrap();
            let frames = peer.take_frames();
            assert_eq!(frames.len(), 1);
            assert_eq!((frames[0].opcode(), frames[0].close_code()), (CLOSE, 1000));
        });
    }
}

#[test]
fn a_broken_or_stalled_transport_is_an_error_of_whatever_sends() {
    for end in End::BOTH {
        on_each!(end, Framing::Whole, |tx, peer, _other, who| {
            peer.break_writes();
            assert!(
                matches!(exec::run(tx.send("x")), Err(Error::Io(_))),
                "{who}"
            );
            assert!(
                matches!(exec::run(tx.send("x")), Err(Error::Io(_))),
                "{who}"
            );
            assert!(matches!(exec::run(tx.ready()), Err(Error::Io(_))), "{who}");
            assert!(matches!(tx.try_feed("x"), Err(TryFeedError::Closed("x"))));
        });
        on_each!(end, Framing::Whole, |tx, peer, _other, who| {
            peer.window(0);
            let before = clock::elapsed();
            let sent = exec::run(tx.send("x"));
            assert_eq!(clock::elapsed() - before, Duration::from_secs(30));
            // Nobody receives from the other half.
            let expected = match who {
                "Sender" => Timeout::Unreceived,
                _ => Timeout::WriteStall,
            };
            assert!(
                matches!(sent, Err(Error::Timeout(it)) if it == expected),
                "{who} {sent:?}"
            );
            assert!(
                matches!(exec::run(tx.send("x")), Err(Error::Closed(None))),
                "{who}"
            );
        });
        on_each!(end, Framing::Whole, |tx, _peer, _other, who| {
            let sent = exec::run(tx.send_ping([0; 126]));
            assert!(matches!(sent, Err(Error::Send(_))), "{who}");
            let sent = exec::run(tx.send_pong([0; 126]));
            assert!(matches!(sent, Err(Error::Send(_))), "{who}");
        });
    }
}

#[test]
fn a_close_that_nobody_takes_ends_a_flush_at_its_own_time_limit() {
    for end in End::BOTH {
        on_each!(end, Framing::Whole, |tx, peer, _other, who| {
            peer.window(0);
            tx.start_close(CloseCode::NORMAL, "").unwrap();
            let before = clock::elapsed();
            let flushed = exec::run(tx.flush());
            assert!(
                matches!(flushed, Err(Error::Timeout(Timeout::Close))),
                "{who} {flushed:?}"
            );
            assert_eq!(clock::elapsed() - before, Duration::from_secs(5));
        });
    }
}

#[test]
fn a_ping_whose_connection_ends_is_told_why() {
    for end in End::BOTH {
        let Place { mut ws, peer, .. } = Place::open(end, Framing::Whole);
        peer.window(0);
        let answer = exec::run(ws.ping());
        assert!(
            matches!(answer, Err(Error::Timeout(Timeout::WriteStall))),
            "{answer:?}"
        );
        assert!(matches!(
            exec::run(ws.recv()),
            Err(Error::Timeout(Timeout::WriteStall))
        ));
    }
}

/// The reason is told by `recv`, once, and by whatever closes.
#[test]
fn a_call_that_waits_is_told_of_a_loss_and_later_ones_that_the_connection_is_closed() {
    for end in End::BOTH {
        for is_lost in [true, false] {
            let happens = |peer: &Peer| {
                if !is_lost {
                    peer.push(end.peer().frame(3, b""));
                }
                peer.end();
            };
            let is_reason = |error: &Error| match is_lost {
                true => matches!(error, Error::Lost),
                false => matches!(error, Error::Receive(_)),
            };
            for operation in [
                "send",
                "feed",
                "ready",
                "flush",
                "send_ping",
                "ping",
                "write",
            ] {
                let Place { mut ws, peer, .. } = Place::open(end, Framing::Whole);
                peer.window(0);
                fill(&mut ws);
                happens(&peer);
                let waited = wait(&mut ws, operation);
                let is_told = match &waited {
                    Poll::Ready(Err(Error::Closed(None))) => !is_lost,
                    Poll::Ready(Err(error)) => is_lost && is_reason(error),
                    _ => false,
                };
                assert!(is_told, "{operation} {is_lost}: {waited:?}");
                assert!(is_reason(&exec::run(ws.recv()).unwrap_err()));
                assert!(exec::run(ws.recv()).unwrap().is_none());
                assert!(is_reason(
                    &exec::run(ws.close(CloseCode::NORMAL, "")).unwrap_err()
                ));
                assert!(matches!(exec::run(ws.send("x")), Err(Error::Closed(None))));
            }
            let Place { ws, peer, .. } = Place::open(end, Framing::Whole);
            let (mut tx, mut rx) = ws.split();
            happens(&peer);
            assert!(is_reason(&exec::run(rx.recv()).unwrap_err()));
            assert!(matches!(exec::run(tx.send("x")), Err(Error::Closed(None))));
            assert!(is_reason(
                &exec::run(tx.close(CloseCode::NORMAL, "")).unwrap_err()
            ));
            assert!(is_reason(&exec::run(tx.closed()).unwrap_err()));
        }
    }
}

#[test]
fn a_message_under_way_piece_by_piece_gives_others_back() {
    for end in End::BOTH {
        let Place { mut ws, peer, .. } = Place::open(end, Framing::Whole);
        let mut writer = ws.writer(MessageKind::Text).unwrap();
        exec::run(writer.write("piece")).unwrap();
        assert!(matches!(
            ws.try_feed("x"),
            Err(TryFeedError::Unfinished("x"))
        ));
        assert!(matches!(exec::run(ws.send("x")), Err(Error::Send(_))));
        peer.push(end.peer().text("question"));
        let (_, out) = exec::run(ws.recv_ref()).unwrap().unwrap();
        assert!(matches!(
            out.try_feed("x"),
            Err(TryFeedError::Unfinished("x"))
        ));
        assert!(matches!(exec::run(out.feed("x")), Err(Error::Send(_))));
        let (mut tx, _rx) = ws.split();
        assert!(matches!(
            tx.try_feed("x"),
            Err(TryFeedError::Unfinished("x"))
        ));
        assert!(matches!(exec::run(tx.feed("x")), Err(Error::Send(_))));
    }
}

/// Queues until there is no room.
fn fill(ws: &mut Ws) {
    while ws.has_room() {
        ws.try_feed(vec![0; 10_000]).unwrap();
    }
}

/// The operations of a connection that wait for room, or for what is queued to leave.
const WAITING: [&str; 10] = [
    "send",
    "feed",
    "flush",
    "ready",
    "send_ping",
    "send_pong",
    "ping",
    "write",
    "finish",
    "recv_ref",
];

/// Lets one of them wait, and drops it.
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

#[test]
fn a_connection_that_waits_for_room_answers_pings_and_leaves_messages() {
    for end in End::BOTH {
        for operation in WAITING {
            let Place { mut ws, peer, .. } = Place::open(end, Framing::Whole);
            peer.window(0);
            fill(&mut ws);
            let from = end.peer();
            peer.push(
                [
                    from.text("first"),
                    from.frame(PING, b"?"),
                    from.text("second"),
                ]
                .concat(),
            );
            assert!(wait(&mut ws, operation).is_pending(), "{operation}");
            assert_eq!(peer.unread(), 0, "{operation} did not look");
            peer.window(usize::MAX);
            exec::run(ws.flush()).unwrap();
            let frames = peer.take_frames();
            let pongs = frames.iter().filter(|frame| frame.opcode() == PONG);
            assert_eq!(pongs.count(), 1, "{operation}");
            for expected in ["first", "second"] {
                assert_eq!(exec::run(ws.recv()).unwrap(), Some(expected.into()));
            }
            assert!(exec::attempt(ws.recv()).is_pending());
            assert!(peer.take_frames().is_empty(), "{operation}: answered twice");
        }
    }
}

#[test]
fn a_connection_that_waits_for_room_sees_a_close_in_front_and_none_behind_messages() {
    for end in End::BOTH {
        for operation in WAITING {
            let from = end.peer();
            let Place { mut ws, peer, .. } = Place::open(end, Framing::Whole);
            peer.window(0);
            fill(&mut ws);
            peer.push(from.close(1001, "gone"));
            match (operation, wait(&mut ws, operation)) {
                // They go on until our Close has been written.
                ("flush" | "recv_ref", Poll::Pending) => {}
                (_, Poll::Ready(Err(error))) => {
                    assert_eq!(
                        error.peer_close().map(|close| close.code.number()),
                        Some(1001)
                    );
                }
                (_, other) => panic!("{operation}: {other:?}"),
            }
            assert_eq!(ws.end().unwrap().code().number(), 1001);

            let Place { mut ws, peer, .. } = Place::open(end, Framing::Whole);
            peer.window(0);
            fill(&mut ws);
            peer.push([from.text("before"), from.close(1001, "gone")].concat());
            assert!(wait(&mut ws, operation).is_pending(), "{operation}");
            assert!(ws.end().is_none());
            assert_eq!(exec::run(ws.recv()).unwrap(), Some(Message::from("before")));
            assert!(exec::attempt(ws.recv()).is_pending());
            assert_eq!(ws.end().unwrap().code().number(), 1001);
        }
    }
}

#[test]
fn a_connection_that_waits_for_room_reads_one_block_of_messages_at_most() {
    for end in End::BOTH {
        for operation in WAITING {
            let Place { mut ws, peer, .. } = Place::open(end, Framing::Whole);
            peer.window(0);
            fill(&mut ws);
            peer.push_for_ever(&end.peer().frame(2, &[3; 10_000]));
            for _ in 0..5 {
                assert!(wait(&mut ws, operation).is_pending() || operation == "ping");
            }
            let read = |op: &Op| match op {
                Op::Read { got, .. } => *got,
                _ => 0,
            };
            let read: usize = peer.take_log().iter().map(read).sum();
            // And the header of the first message, which is used up.
            assert!(read > 0 && read <= BLOCK + 14, "{operation}: {read} bytes");
        }
    }
}

#[test]
fn a_connection_that_sends_without_a_wait_looks_after_256_kib() {
    for end in End::BOTH {
        let Place { mut ws, peer, .. } = Place::open(end, Framing::Whole);
        peer.push(end.peer().frame(PING, b"?"));
        for _ in 0..3 {
            exec::run(ws.send(vec![0; 65_000])).unwrap();
        }
        assert!(peer.unread() > 0, "it looks at every message");
        for _ in 0..3 {
            exec::run(ws.send(vec![0; 65_000])).unwrap();
        }
        let frames = peer.take_frames();
        let pongs = frames.iter().filter(|frame| frame.opcode() == PONG);
        assert_eq!(pongs.count(), 1, "{end:?}");
    }
}

#[test]
fn an_outbox_a_sender_and_a_sink_read_nothing() {
    for end in End::BOTH {
        on_each!(end, Framing::Whole, |tx, peer, _other, who| {
            peer.window(0);
            while tx.has_room() {
                tx.try_feed(vec![0; 10_000]).unwrap();
            }
            peer.push(end.peer().frame(PING, b"?"));
            let unread = peer.unread();
            assert!(exec::attempt(tx.send("x")).is_pending());
            assert!(exec::attempt(tx.feed("x")).is_pending());
            assert!(exec::attempt(tx.flush()).is_pending());
            assert!(exec::attempt(tx.ready()).is_pending());
            match who {
                "WebSocket" => assert_eq!(peer.unread(), 0),
                _ => assert_eq!(peer.unread(), unread, "{who}"),
            }
        });
        let Place { mut ws, peer, .. } = Place::open(end, Framing::Whole);
        peer.window(0);
        fill(&mut ws);
        peer.push(end.peer().frame(PING, b"?"));
        let unread = peer.unread();
        assert!(exec::attempt(SinkExt::feed(&mut ws, Message::from("x"))).is_pending());
        assert!(exec::attempt(SinkExt::flush(&mut ws)).is_pending());
        assert_eq!(peer.unread(), unread);
    }
}

#[test]
fn a_peer_that_stops_reading_while_its_messages_wait_here_is_told_apart() {
    for end in End::BOTH {
        for is_talking in [false, true] {
            let Place { mut ws, peer, .. } = Place::open(end, Framing::Whole);
            peer.window(0);
            if is_talking {
                peer.push_for_ever(&end.peer().frame(2, &[3; 10_000]));
            }
            let expected = match is_talking {
                true => Timeout::Unreceived,
                false => Timeout::WriteStall,
            };
            let sent = exec::run(ws.send("x"));
            assert!(
                matches!(sent, Err(Error::Timeout(it)) if it == expected),
                "{sent:?}"
            );
        }
    }
}

/// Closing a sink sends the Close, and loses nothing that the peer still says.
#[test]
fn a_sink_that_was_closed_leaves_what_the_peer_says_to_be_received() {
    for end in End::BOTH {
        let Place { mut ws, peer, .. } = Place::open(end, Framing::Whole);
        peer.push(end.peer().text("under way"));
        exec::run(SinkExt::feed(&mut ws, Message::from("last"))).unwrap();
        exec::run(SinkExt::close(&mut ws)).unwrap();
        exec::run(SinkExt::close(&mut ws)).unwrap();
        let opcodes: Vec<u8> = peer.take_frames().iter().map(|it| it.opcode()).collect();
        assert_eq!(opcodes, [1, CLOSE]);
        peer.push(end.peer().close(1000, ""));
        assert_eq!(
            exec::run(WebSocket::recv(&mut ws)).unwrap(),
            Some("under way".into())
        );
        assert!(exec::run(ws.recv()).unwrap().is_none());
        assert!(ws.end().unwrap().clean);
    }
}
