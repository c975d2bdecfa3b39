//! Connections from and into parts, over any transport, and what is left when sending fails.

#![forbid(unsafe_code)]

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use ws_driver::{
    Acceptor, CloseCode, Config, Connector, Control, Duplex, Error, LimitError, Message,
    MessageKind, Phase, ReadHalf, ReceiveError, SendError, Split, Transport, TrySendError,
    WebSocket, WriteHalf, duplex,
};
use ws_tests::clock::{self, ManualTimer};
use ws_tests::exec::{self, Order, Task, Tasks};
use ws_tests::scripted::{self, End, Fault, Manual, Op, Peer, Scripted, Ws, queued, receive_all};
use ws_tests::wire::{self, BINARY, CLOSE, CONTINUATION, Frame, PING, PONG, TEXT};

const SECOND: Duration = Duration::from_secs(1);

type Boxed = Box<dyn Transport<Timer = ManualTimer> + Send>;

/// A connection over `transport`, whose handshake someone else did.
fn take_over<T: Transport<Timer = ManualTimer>>(
    end: End,
    config: &Config,
    transport: T,
    leftover: impl Into<Vec<u8>>,
) -> WebSocket<T> {
    match end {
        End::Server => Acceptor::<Manual>::new()
            .config(config.clone())
            .take_over(transport, leftover.into()),
        End::Client => Connector::<Manual>::new()
            .config(config.clone())
            .take_over(transport, leftover.into()),
    }
}

fn timed<R>(act: impl FnOnce() -> R) -> (R, Duration) {
    let before = clock::elapsed();
    let result = act();
    (result, clock::elapsed() - before)
}

fn opcodes(frames: &[Frame]) -> Vec<u8> {
    frames.iter().map(Frame::opcode).collect()
}

/// Both directions still work.
fn assert_works<T: Transport>(ws: &mut WebSocket<T>, end: End, peer: &Peer) {
    exec::run(ws.flush()).unwrap();
    let _ = peer.take_output();
    peer.push(end.peer().text("still"));
    assert_eq!(exec::run(ws.recv()).unwrap(), Some("still".into()));
    exec::run(ws.send("here")).unwrap();
    let frames = peer.take_frames();
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].whole(), (TEXT, &b"here"[..]));
    assert_eq!(frames[0].key.is_some(), end == End::Client);
}

// What was received before sending failed.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Receive {
    Recv,
    RecvRef,
    Stream,
    Drive,
}

impl Receive {
    const ALL: [Receive; 4] = [
        Receive::Recv,
        Receive::RecvRef,
        Receive::Stream,
        Receive::Drive,
    ];

    /// The next message, whichever way.
    async fn next(self, ws: &mut Ws) -> Result<Option<Vec<u8>>, Error> {
        match self {
            Receive::Recv => Ok(ws.recv().await?.map(octets)),
            Receive::RecvRef => {
                let message = ws.recv_ref().await?;
                Ok(message.map(|(message, _)| octets(message.to_message())))
            }
            Receive::Stream => {
                let Some(mut reader) = ws.recv_stream().await? else {
                    return Ok(None);
                };
                let mut all = Vec::new();
                while let Some(chunk) = reader.chunk().await? {
                    all.extend_from_slice(chunk);
                }
                Ok(Some(all))
            }
            Receive::Drive => {
                if !ws.drive().await? {
                    return Ok(None);
                }
                Ok(ws.recv().await?.map(octets))
            }
        }
    }
}

fn octets(message: Message) -> Vec<u8> {
    match message {
        Message::Text(text) => text.as_bytes().to_vec(),
        Message::Binary(octets) => octets.to_vec(),
    }
}

#[test]
fn what_was_received_before_a_write_stall_is_delivered_after_it() {
    for end in End::BOTH {
        for receive in Receive::ALL {
            for stalled_in in ["send", "flush", "ready", "receive"] {
                let from = end.peer();
                let (mut ws, peer) = end.open(&Config::default());
                peer.push(
                    [
                        from.text("one"),
                        from.fragment(BINARY, b"t"),
                        from.frame(PING, b"unanswered"),
                        from.frame(CONTINUATION, b"wo"),
                        from.text("three"),
                        from.text("cut")[..1].to_vec(),
                    ]
                    .concat(),
                );
                assert_eq!(exec::run(ws.recv()).unwrap(), Some("one".into()));
                peer.window(5);
                assert!(exec::glance(ws.send(vec![1; 100_000])).is_pending());
                let context = format!("{end:?} {receive:?} {stalled_in}");
                let mut fault = None;
                if stalled_in != "receive" {
                    let (result, time) = timed(|| match stalled_in {
                        "send" => exec::run(ws.send("x")),
                        "flush" => exec::run(ws.flush()),
                        _ => exec::run(ws.ready()),
                    });
                    assert_eq!(time, 30 * SECOND, "{context}");
                    fault = result.err();
                }
                let mut got = Vec::new();
                loop {
                    match exec::run(receive.next(&mut ws)) {
                        Ok(Some(message)) => got.push(message),
                        Ok(None) => break,
                        Err(error) => {
                            assert!(fault.is_none(), "{context}: twice, then {error:?}");
                            fault = Some(error);
                        }
                    }
                }
                assert!(
                    matches!(fault, Some(Error::Timeout(Phase::WriteStall))),
                    "{context}: {fault:?}"
                );
                assert_eq!(got, [&b"two"[..], b"three"], "{context}");
                assert!(exec::run(receive.next(&mut ws)).unwrap().is_none());
                assert_eq!(ws.end().unwrap().code, CloseCode::ABNORMAL);
                assert!(peer.is_dropped());
            }
        }
    }
}

#[test]
fn halves_deliver_what_was_received_before_a_write_stall() {
    for end in End::BOTH {
        for reads in ["recv", "recv_ref", "stream", "drive"] {
            let from = end.peer();
            let (mut tx, mut rx, peer) = scripted::halves::<Scripted>(end, &Config::default());
            peer.push([from.text("one"), from.text("two"), from.text("three")].concat());
            assert_eq!(exec::run(rx.recv()).unwrap(), Some("one".into()));
            peer.window(0);
            let (result, time) = timed(|| exec::run(tx.send("stuck")));
            assert!(matches!(result, Err(Error::Timeout(Phase::WriteStall))));
            assert_eq!(time, 30 * SECOND);
            for expected in ["two", "three"] {
                match reads {
                    "recv" => assert_eq!(exec::run(rx.recv()).unwrap(), Some(expected.into())),
                    "recv_ref" => {
                        let message = exec::run(rx.recv_ref()).unwrap().unwrap();
                        assert_eq!(message.to_message(), expected.into());
                    }
                    "stream" => {
                        let mut reader = exec::run(rx.recv_stream()).unwrap().unwrap();
                        let chunk = exec::run(reader.chunk()).unwrap();
                        assert_eq!(chunk, Some(expected.as_bytes()));
                        assert!(exec::run(reader.chunk()).unwrap().is_none());
                    }
                    _ => {
                        assert!(exec::run(rx.drive()).unwrap());
                        assert_eq!(exec::run(rx.recv()).unwrap(), Some(expected.into()));
                    }
                }
            }
            assert!(exec::run(rx.recv()).unwrap().is_none());
            assert!(exec::run(rx.recv()).unwrap().is_none());
            let mut ws = tx.reunite(rx).unwrap();
            assert!(exec::run(ws.recv()).unwrap().is_none());
            assert!(peer.is_dropped());
        }
    }
}

#[test]
fn halves_joined_after_a_write_stall_deliver_it_too() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = scripted::halves::<Scripted>(end, &Config::default());
        peer.push([end.peer().text("one"), end.peer().text("two")].concat());
        assert!(exec::run(rx.drive()).unwrap());
        peer.window(0);
        assert!(exec::run(tx.send("stuck")).is_err());
        let mut ws = rx.reunite(tx).unwrap();
        let (messages, fault) = receive_all(&mut ws);
        assert_eq!(messages, ["one".into(), "two".into()]);
        assert!(fault.is_none(), "{fault:?}");
    }
}

#[test]
fn what_was_received_before_a_write_error_is_delivered_after_it() {
    for end in End::BOTH {
        for receive in Receive::ALL {
            for ending in ["wait", "end", "reset"] {
                for seen_in in ["send", "flush", "receive"] {
                    let from = end.peer();
                    let (mut ws, peer) = end.open(&Config::default());
                    peer.push([from.text("one"), from.text("two")].concat());
                    peer.push(from.text("three"));
                    match ending {
                        "end" => peer.end(),
                        "reset" => peer.reset(),
                        _ => {}
                    }
                    assert_eq!(exec::run(ws.recv()).unwrap(), Some("one".into()));
                    exec::run(ws.feed("for nobody")).unwrap();
                    peer.break_writes();
                    let context = format!("{end:?} {receive:?} {ending} {seen_in}");
                    let sent = match seen_in {
                        "send" => exec::run(ws.send("x")).err(),
                        "flush" => exec::run(ws.flush()).err(),
                        _ => None,
                    };
                    if let Some(error) = sent {
                        assert!(
                            matches!(&error, Error::Io(e) if e.kind() == io::ErrorKind::BrokenPipe),
                            "{context}: {error:?}"
                        );
                    }
                    let mut got = Vec::new();
                    let fault = loop {
                        match exec::run(receive.next(&mut ws)) {
                            Ok(Some(message)) => got.push(message),
                            Ok(None) => break None,
                            Err(error) => break Some(error),
                        }
                    };
                    assert_eq!(got, [&b"two"[..], b"three"], "{context}");
                    let kind = if ending == "reset" {
                        io::ErrorKind::ConnectionReset
                    } else {
                        io::ErrorKind::BrokenPipe
                    };
                    assert!(
                        matches!(&fault, Some(Error::Io(e)) if e.kind() == kind),
                        "{context}: {fault:?}"
                    );
                    assert!(exec::run(receive.next(&mut ws)).unwrap().is_none());
                    assert!(exec::run(ws.recv()).unwrap().is_none());
                    assert!(!ws.end().unwrap().clean);
                    assert!(peer.is_dropped());
                }
            }
        }
    }
}

#[test]
fn after_a_write_error_everything_that_sends_is_refused_and_nothing_piles_up() {
    for end in End::BOTH {
        for (at, len) in [("write", 1000), ("offer", 100_000), ("flush", 1000)] {
            let (mut ws, peer) = end.open(&Config::default());
            if at == "flush" {
                peer.fault(1, Fault::Fail);
            } else {
                peer.break_writes();
            }
            let broken = |result: Result<(), Error>, what: &str| match result {
                Err(Error::Io(error)) => assert_eq!(error.kind(), io::ErrorKind::BrokenPipe),
                other => panic!("{end:?} {at} {what}: {other:?}"),
            };
            broken(exec::run(ws.send(&vec![1; len])), "send");
            for _ in 0..3 {
                assert_eq!(queued(&ws), 0);
                broken(exec::run(ws.send("x")), "send");
                broken(exec::run(ws.send(vec![2; 1 << 20])), "send");
                broken(exec::run(ws.feed("x")), "feed");
                broken(exec::run(ws.ready()), "ready");
                broken(exec::run(ws.flush()), "flush");
                broken(exec::run(ws.send_ping("x")), "ping");
                broken(exec::run(ws.send_pong("x")), "pong");
                let tried = ws.try_send("mine");
                assert!(matches!(tried, Err(TrySendError::Closing("mine"))));
                let begun = ws.writer(MessageKind::Text);
                assert!(matches!(begun, Err(Error::Send(SendError::Closing))));
                let closed = ws.start_close(CloseCode::NORMAL, "");
                assert!(matches!(closed, Err(Error::Send(SendError::Closing))));
                peer.push([end.peer().frame(PING, b"p"), end.peer().text("m")].concat());
                let (_, out) = exec::run(ws.recv_ref()).unwrap().unwrap();
                let fed = out.feed("x");
                assert!(matches!(fed, Err(Error::Send(SendError::Closing))));
                assert!(out.ping(&Default::default()).is_err());
            }
            assert_eq!(queued(&ws), 0);
            assert!(ws.end().is_none());
            let (messages, fault) = receive_all(&mut ws);
            assert!(messages.is_empty());
            broken(Err(fault.unwrap()), "recv");
            assert!(matches!(
                exec::run(ws.send("x")),
                Err(Error::Send(SendError::Closing))
            ));
        }
    }
}

#[test]
fn after_a_write_error_halves_refuse_and_report_it_too() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = scripted::halves::<Scripted>(end, &Config::default());
        peer.break_writes();
        peer.push(end.peer().text("last words"));
        assert!(matches!(exec::run(tx.send("x")), Err(Error::Io(_))));
        for _ in 0..2 {
            assert!(matches!(exec::run(tx.feed("x")), Err(Error::Io(_))));
            assert!(matches!(exec::run(tx.ready()), Err(Error::Io(_))));
            assert!(matches!(exec::run(tx.flush()), Err(Error::Io(_))));
            assert!(matches!(tx.try_send("x"), Err(TrySendError::Closing("x"))));
        }
        assert_eq!(exec::run(rx.recv()).unwrap(), Some("last words".into()));
        let fault = exec::run(rx.recv()).unwrap_err();
        assert!(
            matches!(&fault, Error::Io(e) if e.kind() == io::ErrorKind::BrokenPipe),
            "{fault:?}"
        );
        assert!(exec::run(rx.recv()).unwrap().is_none());
        assert!(peer.is_dropped());
    }
}

#[test]
fn a_receiver_that_waits_is_woken_by_its_senders_write_error() {
    for order in Order::BOTH {
        let (mut tx, mut rx, peer) = scripted::halves::<Scripted>(End::Server, &Config::default());
        let mut tasks = Tasks::new(order);
        let receiving = tasks.spawn(async { rx.recv().await });
        tasks.settle();
        peer.break_writes();
        let sending = tasks.spawn(async { tx.send("x").await });
        assert!(tasks.run(), "the receiver is not woken");
        assert!(matches!(sending.output(), Some(Err(Error::Io(_)))));
        assert!(matches!(receiving.output(), Some(Err(Error::Io(_)))));
    }
}

// drive

#[test]
fn drive_sends_what_is_queued_and_answers_pings() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        exec::run(ws.feed("one")).unwrap();
        exec::run(ws.feed("two")).unwrap();
        let mut task = Task::new();
        let mut driving = pin!(ws.drive());
        assert!(exec::settle(&mut task, driving.as_mut()).is_pending());
        let log = peer.take_log();
        let writes = log.iter().filter(|op| matches!(op, Op::Write { .. }));
        assert_eq!(writes.count(), 1, "{log:?}");
        assert_eq!(opcodes(&peer.take_frames()), [TEXT, TEXT]);
        peer.push(end.peer().frame(PING, b"ping"));
        peer.push(end.peer().frame(PONG, b"pong"));
        assert!(task.is_woken());
        assert!(exec::settle(&mut task, driving.as_mut()).is_pending());
        let frames = peer.take_frames();
        assert_eq!(frames.len(), 1);
        assert_eq!(frames[0].whole(), (PONG, &b"ping"[..]));
    }
}

#[test]
fn drive_ends_with_false_in_order_and_with_an_error_otherwise() {
    for end in End::BOTH {
        type Act = fn(&Peer, wire::From);
        let cases: [(&str, Act); 4] = [
            ("close", |peer, from| {
                peer.push(from.close(1000, ""));
                peer.end();
            }),
            ("end", |peer, _| peer.end()),
            ("reset", |peer, _| peer.reset()),
            ("violation", |peer, from| {
                peer.push(from.frame(3, b""));
                peer.end();
            }),
        ];
        for (what, act) in cases {
            let (mut ws, peer) = end.open(&Config::default());
            act(&peer, end.peer());
            let result = exec::run(ws.drive());
            let ok = match what {
                "close" => matches!(result, Ok(false)),
                "end" => matches!(result, Err(Error::Lost)),
                "reset" => matches!(result, Err(Error::Io(_))),
                _ => matches!(result, Err(Error::Receive(_))),
            };
            assert!(ok, "{what}: {result:?}");
            for _ in 0..2 {
                assert!(matches!(exec::glance(ws.drive()), Poll::Ready(Ok(false))));
                assert!(matches!(exec::glance(ws.recv()), Poll::Ready(Ok(None))));
            }
            assert_eq!(ws.end().unwrap().clean, what == "close");
        }
    }
}

#[test]
fn drive_keeps_the_deadlines() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        ws.start_close(CloseCode::NORMAL, "").unwrap();
        let (result, time) = timed(|| exec::run(ws.drive()));
        assert!(matches!(result, Err(Error::Timeout(Phase::Close))));
        assert_eq!(time, 5 * SECOND);
        assert_eq!(opcodes(&peer.take_frames()), [CLOSE]);
        let (mut ws, peer) = end.open(&Config::default());
        peer.window(0);
        exec::run(ws.feed("stuck")).unwrap();
        let (result, time) = timed(|| exec::run(ws.drive()));
        assert!(matches!(result, Err(Error::Timeout(Phase::WriteStall))));
        assert_eq!(time, 30 * SECOND);
        assert!(peer.is_dropped());
    }
}

/// A message that waits in one block with others, or was put together.
fn driven(end: End, how: usize) -> (Ws, Peer) {
    let from = end.peer();
    let (mut ws, peer) = end.open(&Config::default());
    let first = match how {
        0 => from.text("first"),
        1 => [
            from.fragment(TEXT, b"fi"),
            from.frame(PING, b"p"),
            from.frame(CONTINUATION, b"rst"),
        ]
        .concat(),
        _ => from.frame(TEXT, "first".repeat(20_000).as_bytes()),
    };
    peer.push([first, from.text("second")].concat());
    assert!(exec::run(ws.drive()).unwrap());
    (ws, peer)
}

fn is_first(octets: &[u8]) -> bool {
    octets == b"first" || octets == "first".repeat(20_000).as_bytes()
}

#[test]
fn a_message_that_drive_found_comes_with_the_next_receive_exactly_once() {
    for end in End::BOTH {
        for how in 0..3 {
            for receive in [Receive::Recv, Receive::RecvRef, Receive::Drive] {
                for drives in [1, 5] {
                    let (mut ws, peer) = driven(end, how);
                    for _ in 1..drives {
                        let again = exec::expect_ready(exec::glance(ws.drive()));
                        assert!(again.unwrap());
                    }
                    let first = exec::run(receive.next(&mut ws)).unwrap().unwrap();
                    assert!(is_first(&first), "{how} {receive:?}");
                    let second = exec::run(receive.next(&mut ws)).unwrap();
                    assert_eq!(second, Some(b"second".to_vec()));
                    assert!(exec::attempt(ws.drive()).is_pending());
                    assert_works(&mut ws, end, &peer);
                }
            }
        }
    }
}

#[test]
fn a_message_that_drive_found_can_be_read_piece_by_piece() {
    for end in End::BOTH {
        for how in 0..3 {
            let (mut ws, _peer) = driven(end, how);
            let first = exec::try_run(Receive::Stream.next(&mut ws))
                .expect("it waits for a message that was found already")
                .unwrap();
            assert!(
                first.as_deref().is_some_and(is_first),
                "{end:?} {how}: {:?}",
                first.map(|octets| octets.escape_ascii().to_string())
            );
            let second = exec::run(Receive::Stream.next(&mut ws)).unwrap();
            assert_eq!(second, Some(b"second".to_vec()));
        }
    }
}

/// Whatever `recv_stream` makes of it, what follows is neither lost nor taken for the end.
#[test]
fn receiving_goes_on_behind_a_stream_behind_drive() {
    for end in End::BOTH {
        for how in 0..3 {
            let (mut ws, peer) = driven(end, how);
            let glanced = exec::attempt(async { ws.recv_stream().await.map(|_| ()) });
            let context = format!("{end:?} {how} {glanced:?}");
            let mut got = Vec::new();
            peer.push(end.peer().text("third"));
            while got.last().map(Vec::as_slice) != Some(b"third") {
                match exec::try_run(ws.recv()) {
                    Some(Ok(Some(message))) => got.push(octets(message)),
                    other => panic!("{context}: {other:?} behind {} messages", got.len()),
                }
            }
        }
    }
}

#[test]
fn a_receiver_that_drove_gives_the_message_once_also_piece_by_piece_and_joined_again() {
    for end in End::BOTH {
        for reads in ["recv", "recv_ref", "joined", "split", "stream"] {
            let from = end.peer();
            let (tx, mut rx, peer) = scripted::halves::<Scripted>(end, &Config::default());
            peer.push([from.text("first"), from.text("second")].concat());
            assert!(exec::run(rx.drive()).unwrap());
            let mut tx = tx;
            match reads {
                "recv" => assert_eq!(exec::run(rx.recv()).unwrap(), Some("first".into())),
                "recv_ref" => {
                    let first = exec::run(rx.recv_ref()).unwrap().unwrap().to_message();
                    assert_eq!(first, "first".into());
                }
                "stream" => {
                    let mut reader = exec::run(rx.recv_stream()).unwrap().unwrap();
                    assert_eq!(exec::run(reader.chunk()).unwrap(), Some(&b"first"[..]));
                    assert!(exec::run(reader.chunk()).unwrap().is_none());
                }
                _ => {
                    let mut ws = tx.reunite(rx).unwrap();
                    if reads == "joined" {
                        assert_eq!(exec::run(ws.recv()).unwrap(), Some("first".into()));
                        (tx, rx) = ws.split();
                    } else {
                        (tx, rx) = ws.split();
                        assert_eq!(exec::run(rx.recv()).unwrap(), Some("first".into()));
                    }
                }
            }
            assert_eq!(
                exec::run(rx.recv()).unwrap(),
                Some("second".into()),
                "{reads}"
            );
            assert!(exec::attempt(rx.drive()).is_pending());
            drop(tx);
        }
    }
}

#[test]
fn drive_on_a_split_connection_sends_what_the_sender_feeds() {
    for order in Order::BOTH {
        for end in End::BOTH {
            let (mut tx, mut rx, peer) = scripted::halves::<Scripted>(end, &Config::default());
            let mut tasks = Tasks::new(order);
            let driving = tasks.spawn(async { rx.drive().await });
            tasks.settle();
            exec::run(tx.feed("fed")).unwrap();
            tasks.settle();
            assert_eq!(opcodes(&peer.take_frames()), [TEXT]);
            peer.push(end.peer().text("m"));
            tasks.settle();
            assert!(matches!(driving.output(), Some(Ok(true))));
        }
    }
}

#[test]
fn drive_dropped_at_every_await_loses_and_doubles_nothing() {
    for end in End::BOTH {
        for piece in [1, 3, 1000] {
            let from = end.peer();
            let (mut ws, peer) = end.open(&Config::default());
            peer.hesitate();
            peer.pieces(piece, piece);
            for number in 0..5 {
                exec::run(ws.feed(format!("out {number}"))).unwrap();
                peer.push(
                    [
                        from.frame(PING, &[number]),
                        from.fragment(TEXT, b"in "),
                        from.frame(CONTINUATION, number.to_string().as_bytes()),
                    ]
                    .concat(),
                );
            }
            peer.push(from.close(1000, ""));
            peer.end();
            let mut got = Vec::new();
            while exec::run_dropping(&mut ws, async |ws| ws.drive().await).unwrap() {
                // Twice is as good as once.
                assert!(exec::run_dropping(&mut ws, async |ws| ws.drive().await).unwrap());
                let message = exec::run_dropping(&mut ws, async |ws| ws.recv().await);
                got.push(message.unwrap().unwrap());
            }
            let expected: Vec<Message> = (0..5).map(|n| format!("in {n}").into()).collect();
            assert_eq!(got, expected, "{end:?} {piece}");
            let frames = peer.take_frames();
            let of = |opcode: u8| -> Vec<Vec<u8>> {
                let frames = frames.iter().filter(|frame| frame.opcode() == opcode);
                frames.map(|frame| frame.payload.clone()).collect()
            };
            let sent: Vec<Vec<u8>> = (0..5).map(|n| format!("out {n}").into_bytes()).collect();
            assert_eq!(of(TEXT), sent);
            assert_eq!(of(CLOSE).len(), 1);
            assert!(of(PONG).iter().all(|payload| payload.len() == 1));
            assert_eq!(of(PONG).last(), Some(&vec![4]));
            assert!(ws.end().unwrap().clean);
        }
    }
}

#[test]
fn close_behind_drive_discards_the_message_and_ends() {
    for end in End::BOTH {
        let (mut ws, peer) = driven(end, 0);
        peer.push(end.peer().close(1000, ""));
        peer.end();
        exec::run(ws.close(CloseCode::NORMAL, "")).unwrap();
        assert!(ws.end().unwrap().clean);
        assert!(exec::run(ws.recv()).unwrap().is_none());
        assert!(!exec::run(ws.drive()).unwrap());
    }
}

#[test]
fn a_message_that_drive_found_survives_the_end_of_the_connection() {
    for end in End::BOTH {
        let (mut ws, peer) = driven(end, 0);
        peer.window(0);
        assert!(matches!(
            exec::run(ws.send("stuck")),
            Err(Error::Timeout(Phase::WriteStall))
        ));
        assert!(peer.is_dropped());
        let (messages, fault) = receive_all(&mut ws);
        assert_eq!(messages, ["first".into(), "second".into()]);
        assert!(fault.is_none());
    }
}

/// For those who mostly send: `drive` says so itself.
#[test]
fn drive_sends_what_is_queued_also_while_a_message_waits() {
    for end in End::BOTH {
        let (mut ws, peer) = driven(end, 0);
        exec::run(ws.feed("queued behind it")).unwrap();
        assert!(exec::run(ws.drive()).unwrap());
        let frames = peer.take_frames();
        assert!(
            frames
                .iter()
                .any(|frame| frame.payload == b"queued behind it"),
            "{end:?}: {frames:?}"
        );
    }
}

// into_parts and take_over

fn refused(ws: Ws, end: End, why: &str) -> Ws {
    match ws.into_parts() {
        Ok((_, unread)) => panic!("{end:?}, {why}: given up with {} octets", unread.len()),
        Err(ws) => *ws,
    }
}

/// Takes a connection apart and makes another of the parts.
fn rebuild(ws: Ws, end: End) -> (Ws, Vec<u8>) {
    let (transport, unread) = match ws.into_parts() {
        Ok(parts) => parts,
        Err(ws) => panic!("{end:?}: refused: {ws:?}"),
    };
    let copy = unread.clone();
    (take_over(end, &Config::default(), transport, unread), copy)
}

#[test]
fn a_fresh_connection_is_given_up_with_nothing_or_with_what_came_behind_the_handshake() {
    for end in End::BOTH {
        let (ws, peer) = end.open(&Config::default());
        let (mut ws, unread) = rebuild(ws, end);
        assert!(unread.is_empty());
        assert!(!peer.is_dropped(), "the transport lives");
        assert_works(&mut ws, end, &peer);
        let (mut ws, unread) = rebuild(ws, end);
        assert!(unread.is_empty());
        assert_works(&mut ws, end, &peer);
    }
    let behind = [
        wire::From::Client.text("a"),
        wire::From::Client.text("b")[..3].to_vec(),
    ]
    .concat();
    let (ws, peer) = scripted::server_with(&Config::default(), &behind);
    let (mut ws, unread) = rebuild(ws, End::Server);
    assert_eq!(unread, behind, "unmasked or lost");
    assert_eq!(exec::run(ws.recv()).unwrap(), Some("a".into()));
    peer.push(&wire::From::Client.text("b")[3..]);
    assert_eq!(exec::run(ws.recv()).unwrap(), Some("b".into()));
}

/// Every cut between two reads, every number of messages received before.
#[test]
fn a_connection_rebuilt_from_its_parts_goes_on_without_loss() {
    for end in End::BOTH {
        let from = end.peer();
        let messages: [(Vec<u8>, Message); 5] = [
            (from.text("one"), "one".into()),
            (
                [
                    from.frame(PING, b"p"),
                    from.fragment(TEXT, b"t\xc3"),
                    from.frame(PONG, b""),
                    from.frame(CONTINUATION, b"\xbc"),
                ]
                .concat(),
                "tü".into(),
            ),
            (from.frame(BINARY, &[3; 200]), vec![3; 200].into()),
            (from.text(""), "".into()),
            (from.frame(BINARY, &[5; 300]), vec![5; 300].into()),
        ];
        let octets: Vec<u8> = messages.iter().flat_map(|(o, _)| o.clone()).collect();
        let expected: Vec<Message> = messages.iter().map(|(_, m)| m.clone()).collect();
        for received in 0..=5 {
            for borrowed in [false, true] {
                for cut in (0..=octets.len()).step_by(if received == 0 { 1 } else { 7 }) {
                    let (mut ws, peer) = end.open(&Config::default());
                    peer.push(&octets[..cut]);
                    let mut got = Vec::new();
                    for _ in 0..received {
                        let next = if borrowed {
                            exec::attempt(async {
                                let message = ws.recv_ref().await;
                                message.map(|m| m.map(|(m, _)| m.to_message()))
                            })
                        } else {
                            exec::attempt(ws.recv())
                        };
                        match next {
                            Poll::Ready(message) => got.push(message.unwrap().unwrap()),
                            Poll::Pending => break,
                        }
                    }
                    if queued(&ws) > 0 {
                        exec::run(ws.flush()).unwrap();
                    }
                    let waited = got.len() < received;
                    let mut ws = match ws.into_parts() {
                        Ok((transport, unread)) => {
                            assert!(!waited || unread.is_empty());
                            take_over(end, &Config::default(), transport, unread)
                        }
                        Err(ws) => {
                            assert!(waited, "{end:?}, {received}, {cut}: refused");
                            *ws
                        }
                    };
                    peer.push(&octets[cut..]);
                    peer.push(from.close(1000, ""));
                    peer.end();
                    let (rest, fault) = receive_all(&mut ws);
                    assert!(fault.is_none(), "{end:?}, {received}, {cut}: {fault:?}");
                    got.extend(rest);
                    assert_eq!(got, expected, "{end:?}, {received}, {cut}");
                    let frames = peer.take_frames();
                    assert_eq!(opcodes(&frames), [PONG, CLOSE], "{received} {cut}");
                    assert!(
                        frames
                            .iter()
                            .all(|f| f.key.is_some() == (end == End::Client))
                    );
                }
            }
        }
    }
}

#[test]
fn in_the_middle_of_a_frame_or_message_it_comes_back() {
    for end in End::BOTH {
        let from = end.peer();
        let frame = from.frame(BINARY, &[9; 300]);
        let fragments = [
            from.fragment(TEXT, b"abc"),
            from.frame(PING, b""),
            from.frame(CONTINUATION, b"def"),
        ]
        .concat();
        let ping = from.frame(PING, b"payload");
        for (octets, is_message) in [(frame, true), (fragments, true), (ping, false)] {
            for cut in 1..octets.len() {
                let (mut ws, peer) = end.open(&Config::default());
                peer.push(&octets[..cut]);
                // It waited, so the beginning was used.
                assert!(exec::attempt(ws.recv()).is_pending());
                let ws = refused(ws, end, &format!("cut at {cut}"));
                let mut ws = refused(ws, end, "again");
                peer.push(&octets[cut..]);
                if is_message {
                    assert!(exec::run(ws.recv()).unwrap().is_some());
                } else {
                    assert!(exec::attempt(ws.recv()).is_pending());
                }
                assert_works(&mut ws, end, &peer);
                let (mut ws, unread) = rebuild(ws, end);
                assert!(unread.is_empty());
                assert_works(&mut ws, end, &peer);
            }
        }
    }
}

#[test]
fn a_large_frame_under_way_keeps_the_connection_together() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        let frame = end.peer().frame(BINARY, &[9; 300_000]);
        peer.push([end.peer().text("a"), frame[..20_000].to_vec()].concat());
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("a".into()));
        // Nobody has looked at it yet: it is given up as it is.
        let (mut ws, unread) = rebuild(ws, end);
        assert_eq!(unread, &frame[..20_000]);
        assert!(exec::attempt(ws.recv()).is_pending());
        let mut ws = refused(ws, end, "a large frame");
        peer.push(&frame[20_000..]);
        assert_eq!(exec::run(ws.recv()).unwrap(), Some(vec![9; 300_000].into()));
        assert_works(&mut ws, end, &peer);
    }
}

#[test]
fn a_message_being_read_piece_by_piece_keeps_the_connection_together() {
    for end in End::BOTH {
        let from = end.peer();
        let (mut ws, peer) = end.open(&Config::default());
        peer.push(
            [
                from.fragment(TEXT, b"ab"),
                from.frame(CONTINUATION, b"c"),
                from.text("next"),
            ]
            .concat(),
        );
        assert!(exec::run(ws.recv_stream()).unwrap().is_some());
        let mut ws = refused(ws, end, "a reader dropped at the start");
        // It was begun: the next reader goes on, or skips; here it skips.
        let mut reader = exec::run(ws.recv_stream()).unwrap().unwrap();
        assert_eq!(exec::run(reader.chunk()).unwrap(), Some(&b"next"[..]));
        let mut ws = refused(ws, end, "the end was not read");
        assert!(exec::attempt(async { ws.recv_stream().await.map(|_| ()) }).is_pending());
        let (mut ws, unread) = rebuild(ws, end);
        assert!(unread.is_empty());
        assert_works(&mut ws, end, &peer);
        peer.push([from.text("whole"), from.text("behind")].concat());
        let whole = exec::run(Receive::Stream.next(&mut ws)).unwrap();
        assert_eq!(whole, Some(b"whole".to_vec()));
        let (mut ws, unread) = rebuild(ws, end);
        assert_eq!(unread, from.text("behind"));
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("behind".into()));
        assert_works(&mut ws, end, &peer);
    }
}

#[test]
fn with_queued_output_or_an_unfinished_message_it_comes_back() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        exec::run(ws.feed("queued")).unwrap();
        let mut ws = refused(ws, end, "queued");
        peer.window(3);
        assert!(exec::glance(ws.flush()).is_pending());
        let mut ws = refused(ws, end, "half written");
        peer.window(usize::MAX);
        exec::run(ws.flush()).unwrap();
        assert_eq!(opcodes(&peer.take_frames()), [TEXT]);
        // A Pong that is queued.
        peer.push([end.peer().frame(PING, b"p"), end.peer().text("m")].concat());
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("m".into()));
        let mut ws = refused(ws, end, "a Pong");
        exec::run(ws.flush()).unwrap();
        assert_eq!(opcodes(&peer.take_frames()), [PONG]);
        // A Ping that is queued, and the answer to the newest that waits behind.
        peer.window(0);
        peer.push(end.peer().frame(PING, b"p"));
        assert!(exec::attempt(ws.recv()).is_pending());
        peer.push(end.peer().frame(PING, b"q"));
        assert!(exec::attempt(ws.recv()).is_pending());
        let mut ws = refused(ws, end, "two Pongs");
        peer.window(usize::MAX);
        exec::run(ws.flush()).unwrap();
        assert_eq!(opcodes(&peer.take_frames()), [PONG, PONG]);
        // A writer that was dropped.
        let mut writer = ws.writer(MessageKind::Text).unwrap();
        exec::run(writer.write("piece")).unwrap();
        exec::run(ws.flush()).unwrap();
        let mut ws = refused(ws, end, "an unfinished message");
        exec::run(ws.resume_writer().unwrap().finish()).unwrap();
        let sent = peer.take_frames();
        assert_eq!(sent[0].payload, b"piece");
        let (mut ws, unread) = rebuild(ws, end);
        assert!(unread.is_empty());
        assert_works(&mut ws, end, &peer);
    }
}

#[test]
fn a_writer_begun_without_a_piece_is_no_unfinished_message() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        assert!(ws.writer(MessageKind::Text).is_ok());
        let (mut ws, _) = match ws.into_parts() {
            Ok((transport, unread)) => (
                take_over(end, &Config::default(), transport, unread.clone()),
                unread,
            ),
            Err(mut ws) => {
                // Held to be unfinished: then it can be finished.
                exec::run(ws.resume_writer().expect("why else").finish()).unwrap();
                (*ws, Vec::new())
            }
        };
        assert_works(&mut ws, end, &peer);
    }
}

#[test]
fn while_closing_and_after_the_end_it_comes_back() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        ws.start_close(CloseCode::NORMAL, "").unwrap();
        let mut ws = refused(ws, end, "our Close is queued");
        exec::run(ws.flush()).unwrap();
        let mut ws = refused(ws, end, "our Close is sent");
        peer.push(end.peer().close(1000, ""));
        let pending = exec::attempt(ws.recv());
        let mut ws = refused(ws, end, "both Closes");
        peer.end();
        if pending.is_pending() {
            assert!(exec::run(ws.recv()).unwrap().is_none());
        }
        let ws = refused(ws, end, "the end");
        assert!(ws.end().unwrap().clean);

        let (mut ws, peer) = end.open(&Config::default());
        peer.end();
        assert!(matches!(exec::run(ws.recv()), Err(Error::Lost)));
        refused(ws, end, "lost");

        let (mut ws, peer) = end.open(&Config::default());
        peer.push(end.peer().frame(3, b""));
        assert!(exec::attempt(ws.recv()).is_pending());
        let mut ws = refused(ws, end, "a violation");
        peer.end();
        assert!(matches!(exec::run(ws.recv()), Err(Error::Receive(_))));
        refused(ws, end, "a violation reported");

        let (mut ws, peer) = end.open(&Config::default());
        peer.break_writes();
        assert!(exec::run(ws.send("x")).is_err());
        let mut ws = refused(ws, end, "a broken transport");
        assert!(matches!(exec::run(ws.recv()), Err(Error::Io(_))));
    }
}

#[test]
fn behind_drive_it_comes_back_with_the_message() {
    for end in End::BOTH {
        for how in 0..3 {
            let (ws, peer) = driven(end, how);
            let mut ws = refused(ws, end, "drive found a message");
            assert!(is_first(&octets(exec::run(ws.recv()).unwrap().unwrap())));
            if how == 1 {
                exec::run(ws.flush()).unwrap();
            }
            let (mut ws, unread) = rebuild(ws, end);
            if how < 2 {
                assert_eq!(unread, end.peer().text("second"));
            }
            assert_eq!(exec::run(ws.recv()).unwrap(), Some("second".into()));
            assert_works(&mut ws, end, &peer);
        }
    }
}

#[test]
fn halves_joined_again_can_be_given_up() {
    for end in End::BOTH {
        let (tx, mut rx, peer) = scripted::halves::<Scripted>(end, &Config::default());
        peer.push([end.peer().text("a"), end.peer().text("b")].concat());
        assert_eq!(exec::run(rx.recv()).unwrap(), Some("a".into()));
        let (mut ws, unread) = rebuild(tx.reunite(rx).unwrap(), end);
        assert_eq!(unread, end.peer().text("b"));
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("b".into()));
        assert_works(&mut ws, end, &peer);
    }
}

#[test]
fn a_connection_with_a_ping_under_way_can_be_given_up() {
    let config = Config::default().keepalive(SECOND, SECOND);
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&config);
        assert!(exec::attempt(ws.recv()).is_pending());
        clock::advance(SECOND);
        assert!(exec::attempt(ws.recv()).is_pending());
        let (mut ws, _) = rebuild(ws, end);
        assert_eq!(clock::timers(), 0);
        let payload = peer.take_frames()[0].payload.clone();
        peer.push(end.peer().frame(PONG, &payload));
        assert!(exec::attempt(ws.recv()).is_pending());
        assert_works(&mut ws, end, &peer);
    }
}

#[test]
fn leftovers_of_any_size_are_the_first_input() {
    for end in End::BOTH {
        let from = end.peer();
        for len in [
            0, 1, 100, 125, 4096, 65_521, 65_522, 65_530, 65_535, 65_536, 65_537, 100_000, 200_000,
        ] {
            let first = from.frame(BINARY, &vec![1; len]);
            let second = from.text("another message");
            for behind in [0, 1, 5, second.len()] {
                let leftover = [&first[..], &second[..behind]].concat();
                let (transport, peer) = scripted::pair();
                let mut ws = take_over(end, &Config::default(), transport, leftover);
                assert_eq!(exec::run(ws.recv()).unwrap(), Some(vec![1; len].into()));
                if behind < second.len() {
                    assert!(exec::attempt(ws.recv()).is_pending());
                    peer.push(&second[behind..]);
                }
                assert_eq!(
                    exec::run(ws.recv()).unwrap(),
                    Some("another message".into())
                );
                assert_works(&mut ws, end, &peer);
            }
        }
    }
}

#[test]
fn a_leftover_larger_than_a_block_may_end_anywhere() {
    for end in End::BOTH {
        let from = end.peer();
        let frames = [
            from.frame(BINARY, &[1; 9000]),
            from.frame(BINARY, &[2; 60_000]),
            from.frame(BINARY, &[3; 65_000]),
            from.frame(BINARY, &[4; 70_000]),
            from.text("end"),
        ];
        let all = frames.concat();
        let mut cuts: Vec<usize> = (0..all.len()).step_by(9973).collect();
        cuts.extend(65_530..65_542);
        cuts.extend(all.len() - 20..all.len());
        for cut in cuts {
            let (transport, peer) = scripted::pair();
            let mut ws = take_over(end, &Config::default(), transport, &all[..cut]);
            peer.push(&all[cut..]);
            for (number, len) in [(1, 9000), (2, 60_000), (3, 65_000), (4, 70_000)] {
                let message = exec::run(ws.recv()).unwrap().unwrap();
                assert_eq!(message, vec![number; len].into(), "{end:?} {cut}");
            }
            assert_eq!(exec::run(ws.recv()).unwrap(), Some("end".into()));
        }
    }
}

#[test]
fn a_close_or_a_violation_can_be_left_over() {
    for end in End::BOTH {
        let (transport, peer) = scripted::pair();
        let leftover = [end.peer().text("last"), end.peer().close(4000, "bye")].concat();
        let mut ws = take_over(end, &Config::default(), transport, leftover);
        peer.end();
        let (messages, fault) = receive_all(&mut ws);
        assert_eq!(messages, ["last".into()]);
        assert!(fault.is_none());
        assert_eq!(ws.end().unwrap().code.number(), 4000);
        assert_eq!(opcodes(&peer.take_frames()), [CLOSE]);

        let (transport, peer) = scripted::pair();
        let mut ws = take_over(end, &Config::default(), transport, end.peer().frame(3, b""));
        peer.end();
        assert!(matches!(exec::run(ws.recv()), Err(Error::Receive(_))));
        assert_eq!(peer.take_frames()[0].close_code(), 1002);
    }
}

#[test]
fn take_over_heeds_the_configuration() {
    for end in End::BOTH {
        let config = Config::default()
            .max_message_len(10)
            .close_timeout(2 * SECOND)
            .high_water_mark(10)
            .idle_timeout(3 * SECOND);
        let open = |leftover: &[u8]| {
            let (transport, peer) = scripted::pair();
            (take_over(end, &config, transport, leftover), peer)
        };
        let (mut ws, peer) = open(&end.peer().frame(BINARY, &[0; 11]));
        peer.end();
        let fault = exec::run(ws.recv()).unwrap_err();
        assert!(
            matches!(
                fault,
                Error::Receive(ReceiveError::Limit(LimitError::MessageTooLong { .. }))
            ),
            "{fault:?}"
        );
        assert_eq!(peer.take_frames()[0].close_code(), 1009);
        let (mut ws, _peer) = open(&[]);
        let (result, time) = timed(|| exec::run(ws.recv()));
        assert!(matches!(result, Err(Error::Timeout(Phase::Idle))));
        assert_eq!(time, 3 * SECOND);
        let (mut ws, _peer) = open(&[]);
        let (result, time) = timed(|| exec::run(ws.close(CloseCode::NORMAL, "")));
        assert!(matches!(result, Err(Error::Timeout(Phase::Close))));
        assert_eq!(time, 2 * SECOND);
        let (mut ws, peer) = open(&[]);
        peer.window(0);
        exec::run(ws.feed("0123456789")).unwrap();
        assert!(matches!(ws.try_send("x"), Err(TrySendError::Full("x"))));
        assert!(ws.protocol().is_none() && ws.extensions().is_empty() && ws.response().is_none());
    }
}

/// `max_message` of the acceptor and connector, and masks of the caller's choice.
#[test]
fn take_over_heeds_what_acceptor_and_connector_were_told() {
    struct Zero;
    impl ws_driver::MaskSource for Zero {
        fn next_key(&mut self) -> ws_driver::MaskKey {
            ws_driver::MaskKey::new([0; 4])
        }
    }
    let (transport, peer) = scripted::pair();
    let connector = Connector::<Manual>::new().masks(|| Zero).max_message(5);
    let mut ws = connector.take_over(transport, wire::From::Server.text("123456"));
    exec::run(ws.send("hi")).unwrap();
    assert_eq!(peer.take_output(), b"\x81\x82\0\0\0\0hi");
    peer.end();
    assert!(matches!(exec::run(ws.recv()), Err(Error::Receive(_))));
    let (transport, peer) = scripted::pair();
    let acceptor = Acceptor::<Manual>::new().max_message(5);
    let mut ws = acceptor.take_over(transport, wire::From::Client.text("123456"));
    peer.end();
    assert!(matches!(exec::run(ws.recv()), Err(Error::Receive(_))));
}

// Transports behind a pointer

async fn echo<T: Transport>(ws: &mut WebSocket<T>) -> Result<(), Error> {
    while let Some((message, out)) = ws.recv_ref().await? {
        out.feed(message)?;
    }
    Ok(())
}

#[test]
fn boxed_transports_of_two_kinds_live_in_one_place() {
    fn is_send<T: Send + 'static>(_: &T) {}
    for end in End::BOTH {
        let (transport, peer) = scripted::pair();
        let (here, there) = duplex::<ManualTimer>(100);
        let boxes: Vec<Boxed> = vec![Box::new(transport), Box::new(here)];
        let mut connections: Vec<WebSocket<Boxed>> = boxes
            .into_iter()
            .map(|boxed| take_over(end, &Config::default(), boxed, []))
            .collect();
        is_send(&connections);
        for _ in 0..3 {
            peer.push(end.peer().text("echo"));
            assert!(exec::attempt(echo(&mut connections[0])).is_pending());
            assert_eq!(peer.take_frames()[0].whole(), (TEXT, &b"echo"[..]));
        }
        let log = peer.take_log();
        assert_eq!(
            log.iter()
                .filter(|op| matches!(op, Op::Write { .. }))
                .count(),
            3
        );
        let mut other = take_over(
            if end == End::Client {
                End::Server
            } else {
                End::Client
            },
            &Config::default(),
            there,
            [],
        );
        exec::run(other.send("over there")).unwrap();
        let got = exec::run(connections[1].recv()).unwrap();
        assert_eq!(got, Some("over there".into()));
        peer.push(end.peer().close(1000, ""));
        peer.end();
        exec::run(connections[0].close(CloseCode::NORMAL, "")).unwrap();
        assert!(connections[0].end().unwrap().clean);
        assert!(peer.is_dropped());
    }
}

#[test]
fn a_boxed_transport_splits_and_joins_and_comes_back() {
    for end in End::BOTH {
        let (transport, peer) = scripted::pair();
        let boxed: Boxed = Box::new(transport);
        let ws = take_over(end, &Config::default(), boxed, end.peer().text("left"));
        let (mut tx, mut rx) = ws.split();
        assert_eq!(exec::run(rx.recv()).unwrap(), Some("left".into()));
        let mut tasks = Tasks::new(Order::Newest);
        let receiving = tasks.spawn(async { (rx.recv().await, rx) });
        tasks.settle();
        exec::run(tx.feed("fed")).unwrap();
        tasks.settle();
        assert_eq!(opcodes(&peer.take_frames()), [TEXT]);
        exec::run(tx.send("sent")).unwrap();
        peer.push(end.peer().frame(PING, b"p"));
        tasks.settle();
        assert_eq!(opcodes(&peer.take_frames()), [TEXT, PONG]);
        peer.push(end.peer().text("m"));
        tasks.settle();
        let (got, rx) = receiving.output().unwrap();
        assert_eq!(got.unwrap(), Some("m".into()));
        let mut ws = tx.reunite(rx).unwrap();
        assert_works(&mut ws, end, &peer);
        let (boxed, unread) = ws.into_parts().unwrap_or_else(|_| panic!("refused"));
        assert!(unread.is_empty() && !peer.is_dropped());
        let mut ws = take_over(end, &Config::default(), boxed, unread);
        assert_works(&mut ws, end, &peer);
    }
}

#[test]
fn halves_of_two_boxed_transports_do_not_join() {
    let boxed = || -> Boxed { Box::new(scripted::pair().0) };
    let ((read, _), (_, write)) = (boxed().split(), boxed().split());
    assert!(<Boxed as Split>::reunite(read, write).is_none());
    let (read, write) = boxed().split();
    assert!(<Boxed as Split>::reunite(read, write).is_some());
}

// Transports in memory

fn talk(capacity: usize, order: Order) {
    let (here, there) = duplex::<ManualTimer>(capacity);
    let mut server = take_over(End::Server, &Config::default(), here, []);
    let mut client = take_over(End::Client, &Config::default(), there, []);
    let longest = if capacity < 7 { 5000 } else { 200_000 };
    let mut lengths = vec![0, 1, 7, 125, 126, 1000, 65_535, 65_536, 200_000];
    lengths.retain(|len| *len <= longest);
    let mut tasks = Tasks::new(order);
    let serving = tasks.spawn(async move {
        let result = echo(&mut server).await;
        (result, server.end())
    });
    let asking = tasks.spawn(async move {
        for len in lengths {
            client.feed("text").await?;
            client.send(vec![7; len]).await?;
            client
                .feed(client.round_trip().map_or("none", |_| "some"))
                .await?;
            let got = client.recv().await?;
            assert_eq!(got, Some("text".into()));
            let got = client.recv().await?;
            assert_eq!(got, Some(vec![7; len].into()), "{capacity}");
            let got = client.recv().await?;
            assert_eq!(got, Some("none".into()));
        }
        client.close(CloseCode::NORMAL, "bye").await?;
        Ok::<_, Error>(client.end())
    });
    let before = clock::elapsed();
    assert!(tasks.run(), "capacity {capacity}: somebody waits for ever");
    assert_eq!(clock::elapsed(), before, "time passed");
    let end = asking.output().unwrap().unwrap().unwrap();
    assert!(end.clean && end.code == CloseCode::NORMAL);
    let (result, end) = serving.output().unwrap();
    result.unwrap();
    assert!(end.clone().unwrap().clean, "{end:?}");
    assert_eq!(&*end.unwrap().reason, "bye");
}

#[test]
fn two_connections_talk_in_memory_of_any_capacity() {
    for order in Order::BOTH {
        for capacity in [0, 1, 7, 1000, 64 * 1024] {
            talk(capacity, order);
        }
    }
}

#[test]
fn two_split_connections_talk_in_memory() {
    for order in Order::BOTH {
        for capacity in [1, 7, 64 * 1024] {
            let (here, there) = duplex::<ManualTimer>(capacity);
            let (mut server_tx, mut server_rx) =
                take_over(End::Server, &Config::default(), here, []).split();
            let (mut client_tx, mut client_rx) =
                take_over(End::Client, &Config::default(), there, []).split();
            let mut tasks = Tasks::new(order);
            let sending = tasks.spawn(async move {
                for number in 0..50 {
                    server_tx.feed(format!("server {number}")).await?;
                    client_tx.feed(format!("client {number}")).await?;
                }
                server_tx.flush().await?;
                client_tx.flush().await?;
                client_tx.close(CloseCode::NORMAL, "").await
            });
            let at_server = tasks.spawn(async move {
                let mut count = 0;
                while server_rx.recv().await?.is_some() {
                    count += 1;
                }
                Ok::<_, Error>(count)
            });
            let at_client = tasks.spawn(async move {
                let mut count = 0;
                while client_rx.recv().await?.is_some() {
                    count += 1;
                }
                Ok::<_, Error>(count)
            });
            assert!(tasks.run(), "{capacity}: somebody waits for ever");
            sending.output().unwrap().unwrap();
            assert_eq!(at_server.output().unwrap().unwrap(), 50);
            assert_eq!(at_client.output().unwrap().unwrap(), 50);
        }
    }
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn counter() -> (Arc<Count>, Waker) {
    let count = Arc::new(Count::default());
    (Arc::clone(&count), Waker::from(count))
}

fn write<W: WriteHalf>(to: &mut W, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
    to.poll_write_vectored(cx, &[IoSlice::new(&[]), IoSlice::new(octets)])
}

fn read<R: ReadHalf>(from: &mut R, cx: &mut Context<'_>, len: usize) -> Poll<io::Result<Vec<u8>>> {
    let mut buffer = vec![0; len];
    from.poll_read(cx, &mut buffer).map_ok(|got| {
        buffer.truncate(got);
        buffer
    })
}

#[test]
fn memory_holds_what_it_can_and_wakes_whoever_waits() {
    let (mut here, mut there) = duplex::<ManualTimer>(7);
    let (reader, reader_waker) = counter();
    let (writer, writer_waker) = counter();
    let cx_read = &mut Context::from_waker(&reader_waker);
    let cx_write = &mut Context::from_waker(&writer_waker);
    let count = |count: &Count| count.0.load(Ordering::Relaxed);

    assert!(read(&mut there, cx_read, 10).is_pending());
    assert!(matches!(
        write(&mut here, cx_write, b"abc"),
        Poll::Ready(Ok(3))
    ));
    assert_eq!(count(&reader), 1);
    assert!(matches!(
        write(&mut here, cx_write, b"defghi"),
        Poll::Ready(Ok(4))
    ));
    assert_eq!(count(&reader), 1, "woken although nobody waits");
    assert!(write(&mut here, cx_write, b"h").is_pending());
    assert_eq!(count(&writer), 0);
    assert!(matches!(here.poll_flush(cx_write), Poll::Ready(Ok(()))));
    assert!(matches!(read(&mut there, cx_read, 2), Poll::Ready(Ok(got)) if got == b"ab"));
    assert_eq!(count(&writer), 1);
    assert!(matches!(
        write(&mut here, cx_write, b"hijk"),
        Poll::Ready(Ok(2))
    ));
    // The other way is another matter.
    assert!(read(&mut here, cx_write, 2).is_pending());
    assert!(matches!(
        write(&mut there, cx_read, b"back"),
        Poll::Ready(Ok(4))
    ));
    assert_eq!(count(&writer), 2);
    assert!(matches!(read(&mut here, cx_write, 9), Poll::Ready(Ok(got)) if got == b"back"));
    // The end comes behind what was written.
    assert!(matches!(here.poll_shutdown(cx_write), Poll::Ready(Ok(()))));
    assert!(matches!(here.poll_shutdown(cx_write), Poll::Ready(Ok(()))));
    let late = write(&mut here, cx_write, b"late");
    assert!(matches!(late, Poll::Ready(Err(e)) if e.kind() == io::ErrorKind::BrokenPipe));
    let mut rest = Vec::new();
    while rest.len() < 7 {
        match read(&mut there, cx_read, 99) {
            Poll::Ready(Ok(got)) if !got.is_empty() => rest.extend(got),
            other => panic!("{other:?} behind {rest:?}"),
        }
    }
    assert_eq!(rest, b"cdefghi");
    for _ in 0..2 {
        assert!(matches!(read(&mut there, cx_read, 99), Poll::Ready(Ok(got)) if got.is_empty()));
    }
    // Reading goes on here.
    assert!(matches!(
        write(&mut there, cx_read, b"x"),
        Poll::Ready(Ok(1))
    ));
    assert!(matches!(read(&mut here, cx_write, 9), Poll::Ready(Ok(got)) if got == b"x"));
}

#[test]
fn a_dropped_end_is_the_end_of_input_and_a_broken_pipe() {
    let (here, mut there) = duplex::<ManualTimer>(4);
    let (count, waker) = counter();
    let cx = &mut Context::from_waker(&waker);
    assert!(read(&mut there, cx, 1).is_pending());
    drop(here);
    assert_eq!(count.0.load(Ordering::Relaxed), 1, "a reader is woken");
    assert!(matches!(read(&mut there, cx, 1), Poll::Ready(Ok(got)) if got.is_empty()));
    let broken = write(&mut there, cx, b"x");
    assert!(matches!(broken, Poll::Ready(Err(e)) if e.kind() == io::ErrorKind::BrokenPipe));

    let (here, mut there) = duplex::<ManualTimer>(4);
    let (count, waker) = counter();
    let cx = &mut Context::from_waker(&waker);
    assert!(matches!(write(&mut there, cx, b"full"), Poll::Ready(Ok(4))));
    assert!(write(&mut there, cx, b"x").is_pending());
    drop(here);
    assert_eq!(count.0.load(Ordering::Relaxed), 1, "a writer is woken");
    let broken = write(&mut there, cx, b"x");
    assert!(matches!(broken, Poll::Ready(Err(e)) if e.kind() == io::ErrorKind::BrokenPipe));
}

#[test]
fn dropping_one_half_in_memory_ends_one_direction() {
    let (here, mut there) = duplex::<ManualTimer>(4);
    let (_, waker) = counter();
    let cx = &mut Context::from_waker(&waker);
    let (mut here_read, here_write) = here.split();
    drop(here_write);
    assert!(matches!(read(&mut there, cx, 1), Poll::Ready(Ok(got)) if got.is_empty()));
    assert!(matches!(
        write(&mut there, cx, b"go on"),
        Poll::Ready(Ok(4))
    ));
    assert!(matches!(read(&mut here_read, cx, 9), Poll::Ready(Ok(got)) if got == b"go o"));

    let (here, mut there) = duplex::<ManualTimer>(4);
    let (here_read, mut here_write) = here.split();
    assert!(matches!(write(&mut there, cx, b"x"), Poll::Ready(Ok(1))));
    drop(here_read);
    let broken = write(&mut there, cx, b"x");
    assert!(matches!(broken, Poll::Ready(Err(e)) if e.kind() == io::ErrorKind::BrokenPipe));
    assert!(matches!(
        write(&mut here_write, cx, b"abc"),
        Poll::Ready(Ok(3))
    ));
    drop(here_write);
    assert!(matches!(read(&mut there, cx, 9), Poll::Ready(Ok(got)) if got == b"abc"));
    assert!(matches!(read(&mut there, cx, 9), Poll::Ready(Ok(got)) if got.is_empty()));
}

#[test]
fn a_connection_in_memory_notices_that_the_other_end_was_dropped() {
    for end in End::BOTH {
        let (here, there) = duplex::<ManualTimer>(10);
        let mut ws = take_over(end, &Config::default(), here, []);
        let mut receiving = pin!(ws.recv());
        let mut task = Task::new();
        assert!(exec::settle(&mut task, receiving.as_mut()).is_pending());
        drop(there);
        assert!(task.is_woken());
        let result = exec::expect_ready(exec::settle(&mut task, receiving.as_mut()));
        assert!(matches!(result, Err(Error::Lost)), "{result:?}");

        let (here, there) = duplex::<ManualTimer>(10);
        let mut ws = take_over(end, &Config::default(), here, []);
        let mut sending = pin!(ws.send(vec![0; 100]));
        let mut task = Task::new();
        assert!(exec::settle(&mut task, sending.as_mut()).is_pending());
        drop(there);
        assert!(task.is_woken());
        let result = exec::expect_ready(exec::settle(&mut task, sending.as_mut()));
        assert!(
            matches!(&result, Err(Error::Io(e)) if e.kind() == io::ErrorKind::BrokenPipe),
            "{result:?}"
        );
    }
}

/// Runs `act` on a thread of its own; `false` if it hangs.
fn comes_back(act: impl FnOnce() + Send + 'static) -> bool {
    let (done, wait) = mpsc::channel();
    std::thread::spawn(move || {
        act();
        let _ = done.send(());
    });
    wait.recv_timeout(Duration::from_secs(5)).is_ok()
}

/// A task that is polled by whoever wakes it, as some executors do.
struct Inline(Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>);

impl Wake for Inline {
    fn wake(self: Arc<Self>) {
        let Ok(mut future) = self.0.try_lock() else {
            return;
        };
        let waker = Waker::from(Arc::clone(&self));
        if let Some(running) = future.as_mut()
            && running
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_ready()
        {
            *future = None;
        }
    }
}

#[test]
fn a_waker_may_poll_at_once() {
    assert!(
        comes_back(|| {
            let (mut here, mut there) = duplex::<ManualTimer>(10);
            let task = Arc::new(Inline(Mutex::new(Some(Box::pin(async move {
                let got = poll_fn(|cx| read(&mut there, cx, 9)).await;
                assert_eq!(got.unwrap(), b"x");
            })))));
            Arc::clone(&task).wake();
            let cx = &mut Context::from_waker(Waker::noop());
            assert!(write(&mut here, cx, b"x").is_ready());
            assert!(task.0.lock().unwrap().is_none());
        }),
        "woken with the lock held"
    );
}

/// A task that only its waker keeps, and that is dropped when it is woken: its executor is gone.
struct Orphan {
    _kept: Mutex<Duplex<ManualTimer>>,
}

impl Wake for Orphan {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn a_waker_may_be_the_last_to_own_the_other_end() {
    assert!(
        comes_back(|| {
            let (mut here, there) = duplex::<ManualTimer>(10);
            let task = Arc::new(Orphan {
                _kept: Mutex::new(there),
            });
            let waker = Waker::from(Arc::clone(&task));
            let cx = &mut Context::from_waker(&waker);
            assert!(read(&mut *task._kept.lock().unwrap(), cx, 9).is_pending());
            drop((task, waker));
            let cx = &mut Context::from_waker(Waker::noop());
            assert!(write(&mut here, cx, b"x").is_ready());
        }),
        "woken with the lock held"
    );
}

// Observers

#[test]
fn an_observer_sees_every_control_frame_once_whoever_receives_and_however_it_comes() {
    for end in End::BOTH {
        for receive in Receive::ALL {
            for piece in [1, 2, 5, usize::MAX] {
                for drops in [false, true] {
                    let from = end.peer();
                    let (mut ws, peer) = end.open(&Config::default());
                    let seen = Arc::new(Mutex::new(Vec::new()));
                    let sink = Arc::clone(&seen);
                    ws.observe(move |control| {
                        sink.lock().unwrap().push(match control {
                            Control::Ping(payload) => (PING, payload.to_vec()),
                            Control::Pong(payload) => (PONG, payload.to_vec()),
                            Control::Close(_) => (CLOSE, Vec::new()),
                        });
                    });
                    peer.pieces(piece, piece);
                    if drops {
                        peer.hesitate();
                    }
                    let said = [
                        from.frame(PING, b"1"),
                        from.fragment(TEXT, b"a"),
                        from.frame(PONG, b"2"),
                        from.frame(CONTINUATION, b"b"),
                        from.frame(PING, b"3"),
                        from.text("c"),
                        from.frame(PING, &[4; 125]),
                        from.close(1000, ""),
                        from.frame(PING, b"nothing follows a Close"),
                    ];
                    peer.push(said.concat());
                    peer.end();
                    let mut messages = 0;
                    let next = async |ws: &mut Ws| receive.next(ws).await;
                    // A reader dropped in the middle begins the next message: only whole calls there.
                    let cancels = drops && receive != Receive::Stream;
                    while if cancels {
                        exec::run_dropping(&mut ws, next).unwrap().is_some()
                    } else {
                        exec::run(receive.next(&mut ws)).unwrap().is_some()
                    } {
                        messages += 1;
                    }
                    assert_eq!(messages, 2, "{end:?} {receive:?} {piece} {drops}");
                    let seen = seen.lock().unwrap();
                    let expected = [
                        (PING, b"1".to_vec()),
                        (PONG, b"2".to_vec()),
                        (PING, b"3".to_vec()),
                        (PING, vec![4; 125]),
                        (CLOSE, Vec::new()),
                    ];
                    assert_eq!(*seen, expected, "{end:?} {receive:?} {piece} {drops}");
                }
            }
        }
    }
}

#[test]
fn an_observer_stays_with_the_connection_through_split_and_reunite() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        let count = Arc::new(AtomicUsize::new(0));
        let sink = Arc::clone(&count);
        ws.observe(move |_| {
            sink.fetch_add(1, Ordering::Relaxed);
        });
        peer.push(end.peer().frame(PING, b"1"));
        assert!(exec::attempt(ws.recv()).is_pending());
        let (tx, mut rx) = ws.split();
        peer.push(end.peer().frame(PING, b"2"));
        assert!(exec::attempt(rx.recv()).is_pending());
        assert!(exec::attempt(rx.drive()).is_pending());
        let mut ws = tx.reunite(rx).unwrap();
        peer.push(end.peer().frame(PING, b"3"));
        assert!(exec::attempt(ws.drive()).is_pending());
        assert_eq!(count.load(Ordering::Relaxed), 3);
        // The one that replaces it sees the rest, and `close` shows it too.
        let other = Arc::new(AtomicUsize::new(0));
        let sink = Arc::clone(&other);
        ws.observe(move |_| {
            sink.fetch_add(1, Ordering::Relaxed);
        });
        peer.push([end.peer().frame(PING, b"4"), end.peer().close(1000, "")].concat());
        peer.end();
        exec::run(ws.close(CloseCode::NORMAL, "")).unwrap();
        assert_eq!(other.load(Ordering::Relaxed), 2);
        assert_eq!(count.load(Ordering::Relaxed), 3);
    }
}
