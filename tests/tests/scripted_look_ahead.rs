//! Input that arrives while somebody only sends: Pings are answered, and no message is lost.

#![forbid(unsafe_code)]

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use ws_driver::{Config, DeflateConfig, Error, Message};
use ws_tests::clock;
use ws_tests::exec::{self, Order, Task, Tasks};
use ws_tests::pairs;
use ws_tests::scripted::{End, Fault, Op, Peer, Ws, queued, receive_all};
use ws_tests::steps::octets;
use ws_tests::wire::{self, BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT};

const FAULTS: [Fault; 4] = [Fault::Fail, Fault::Stick, Fault::Shorten, Fault::Interrupt];

const SECOND: Duration = Duration::from_secs(1);

/// More than is queued before senders wait.
const LARGE: usize = 100_000;

/// Sends `message` for as long as something happens; the transport takes nothing.
fn stuck(ws: &mut Ws, peer: &Peer, message: impl Into<Vec<u8>>) {
    peer.window(0);
    assert!(exec::attempt(ws.send(message.into())).is_pending());
}

/// Takes everything again.
fn unstick(ws: &mut Ws, peer: &Peer) {
    peer.window(usize::MAX);
    exec::run(ws.flush()).unwrap();
}

/// The payloads of the Pongs among what was written.
fn pongs(frames: &[wire::Frame]) -> Vec<Vec<u8>> {
    frames
        .iter()
        .filter(|frame| frame.opcode() == PONG)
        .map(|frame| frame.payload.clone())
        .collect()
}

#[test]
fn a_message_that_is_read_in_pieces_stays_whole_when_a_send_looks_ahead() {
    for end in End::BOTH {
        for (first, behind) in [
            (40_000, 100),
            (60_000, 10),
            (5, 5),
            (5000, 4000),
            (30_000, 20_000),
        ] {
            let from = end.peer();
            let (mut ws, peer) = end.open(&Config::default());
            peer.push(
                [
                    from.fragment(BINARY, &vec![1; first]),
                    from.fragment(CONTINUATION, &vec![2; behind]),
                ]
                .concat(),
            );
            {
                let mut reader = exec::run(ws.recv_stream()).unwrap().unwrap();
                assert_eq!(
                    exec::run(reader.chunk()).unwrap(),
                    Some(&vec![1; first][..])
                );
            }
            stuck(&mut ws, &peer, vec![0; LARGE]);
            peer.push([from.frame(CONTINUATION, &[3; 7]), from.text("next")].concat());
            stuck(&mut ws, &peer, "more");
            unstick(&mut ws, &peer);
            assert_eq!(
                exec::run(ws.recv()).unwrap(),
                Some("next".into()),
                "{end:?} {first} {behind}"
            );
        }
    }
}

#[test]
fn waiting_for_room_to_answer_ends_with_the_transport() {
    for end in End::BOTH {
        for how in ["ends", "breaks", "closes", "violates"] {
            let (mut ws, peer) = end.open(&Config::default());
            peer.window(0);
            exec::expect_ready(exec::glance(ws.feed(vec![0; LARGE]))).unwrap();
            match how {
                "ends" => peer.end(),
                "breaks" => peer.reset(),
                "closes" => peer.push(end.peer().close(1000, "")),
                _ => peer.push(end.peer().frame(3, b"")),
            }
            let before = clock::elapsed();
            let received =
                exec::try_run(async { ws.recv_ref().await.map(|found| found.is_some()) });
            let received = received.unwrap_or_else(|| panic!("{end:?} {how}: waits for ever"));
            assert!(!matches!(received, Ok(true)), "{end:?} {how}");
            let took = clock::elapsed() - before;
            match how {
                "closes" => assert!(took <= 5 * SECOND),
                "violates" => assert!(took <= SECOND),
                _ => assert_eq!(took, Duration::ZERO, "{end:?} {how}"),
            }
        }
    }
}

#[test]
fn a_round_trip_that_is_measured_does_not_hold_keepalive_back() {
    for end in End::BOTH {
        let config = Config::default().keepalive(10 * SECOND, 5 * SECOND);
        let (mut ws, peer) = end.open(&config);
        let mut pinging = pin!(ws.ping());
        let mut task = Task::new();
        assert!(exec::settle(&mut task, pinging.as_mut()).is_pending());
        assert_eq!(peer.take_frames().len(), 1);
        assert!(clock::advance_to_alarm());
        assert!(exec::settle(&mut task, pinging.as_mut()).is_pending());
        let frames = peer.take_frames();
        assert_eq!(
            frames.len(),
            1,
            "{end:?}: the Ping of keepalive has not left"
        );
        assert_eq!(frames[0].opcode(), PING);
    }
}

/// Input of every shape, the messages in it, and the payloads of its Pings.
fn session(from: wire::From) -> (Vec<u8>, Vec<Message>, Vec<Vec<u8>>) {
    let bytes = [
        from.frame(PING, b"1"),
        from.text("first"),
        from.frame(PING, b"2"),
        from.fragment(TEXT, "κόσ".as_bytes()),
        from.frame(PING, b"3"),
        from.fragment(CONTINUATION, b""),
        from.frame(PONG, b"unasked"),
        from.frame(CONTINUATION, "με".as_bytes()),
        from.frame(BINARY, &[0xa5; 20_000]),
        from.frame(PING, b"4"),
        from.frame(BINARY, b""),
        from.frame(BINARY, &vec![0x5a; 90_000]),
        from.frame(PING, b"5"),
        from.text("last"),
    ];
    let messages = vec![
        Message::from("first"),
        Message::from("κόσμε"),
        Message::from(vec![0xa5; 20_000]),
        Message::from(vec![]),
        Message::from(vec![0x5a; 90_000]),
        Message::from("last"),
    ];
    let pings = [b"1", b"2", b"3", b"4", b"5"].map(|payload| payload.to_vec());
    (bytes.concat(), messages, pings.to_vec())
}

/// Message number `number` of an upload.
fn upload(number: u8) -> Vec<u8> {
    vec![number; 300 * 1024]
}

/// Checks that the messages of an upload have left whole, in order and once, and returns the Pongs between them.
fn uploaded(peer: &Peer, expected: u8) -> Vec<Vec<u8>> {
    let frames = peer.take_frames();
    let data: Vec<_> = frames
        .iter()
        .filter(|frame| frame.opcode() < CLOSE)
        .collect();
    assert_eq!(data.len(), usize::from(expected));
    for (number, frame) in data.iter().enumerate() {
        assert!(frame.whole() == (BINARY, &upload(number as u8)[..]));
    }
    pongs(&frames)
}

#[test]
fn an_upload_dropped_at_every_await_loses_and_repeats_nothing() {
    for end in End::BOTH {
        for (read, write) in [(1, 4096), (7, 1000), (4096, 10_000), (usize::MAX, 65_536)] {
            let (bytes, expected, pings) = session(end.peer());
            let (mut ws, peer) = end.open(&Config::default());
            peer.hesitate();
            peer.pieces(read, write);
            peer.push(bytes);
            for number in 0..4 {
                exec::run_dropping(&mut ws, async |ws| ws.ready().await).unwrap();
                // With room, one poll is enough for it to be sent.
                assert!(exec::glance(ws.send(upload(number))).is_pending());
                exec::run_dropping(&mut ws, async |ws| ws.flush().await).unwrap();
            }
            peer.push(end.peer().close(1000, ""));
            peer.end();
            let mut messages = Vec::new();
            while let Some(message) =
                exec::run_dropping(&mut ws, async |ws| ws.recv().await).unwrap()
            {
                messages.push(message);
            }
            let context = format!("{end:?} {read} {write}");
            assert!(messages == expected, "{context}");
            let answered = uploaded(&peer, 4);
            // While the transport takes nothing, only the newest Ping is remembered.
            assert!(
                answered.is_sorted_by(|a, b| a < b),
                "{context}: {answered:?}"
            );
            assert!(answered.iter().all(|pong| pings.contains(pong)));
            assert_eq!(answered.last(), pings.last(), "{context}");
            assert!(ws.end().unwrap().clean);
            assert_eq!(clock::elapsed(), Duration::ZERO);
        }
    }
}

#[test]
fn an_upload_that_never_waits_answers_each_ping_once() {
    for end in End::BOTH {
        for read in [1000, usize::MAX] {
            let (bytes, expected, pings) = session(end.peer());
            let (mut ws, peer) = end.open(&Config::default());
            peer.pieces(read, usize::MAX);
            peer.push(bytes);
            for number in 0..4 {
                exec::expect_ready(exec::glance(ws.send(upload(number)))).unwrap();
            }
            exec::run(ws.flush()).unwrap();
            peer.push(end.peer().close(1000, ""));
            peer.end();
            let (messages, fault) = receive_all(&mut ws);
            assert!(fault.is_none() && messages == expected, "{end:?} {read}");
            assert_eq!(uploaded(&peer, 4), pings, "{end:?} {read}");
        }
    }
}

#[test]
fn an_upload_survives_any_fault() {
    for end in End::BOTH {
        for fault in FAULTS {
            for at in 0.. {
                assert!(at < 300, "the run has no end");
                let (bytes, expected, pings) = session(end.peer());
                let (mut ws, peer) = end.open(&Config::default());
                let before = clock::elapsed();
                peer.pieces(30_000, 100_000);
                peer.hesitate();
                peer.push(bytes);
                peer.fault(at, fault);
                let mut sent = 0;
                let mut send_fault = None;
                for number in 0..3 {
                    match exec::run(ws.send(upload(number))) {
                        Ok(()) => sent = number + 1,
                        Err(error) => {
                            send_fault = Some(error);
                            break;
                        }
                    }
                }
                peer.push(end.peer().close(1000, ""));
                peer.end();
                let mut messages = Vec::new();
                let mut receive_fault = None;
                loop {
                    match exec::try_run(ws.recv()) {
                        Some(Ok(Some(message))) => messages.push(message),
                        Some(Ok(None)) => break,
                        Some(Err(error)) => {
                            receive_fault = Some(error);
                            break;
                        }
                        // Only reads that are stuck leave nothing to wait for.
                        None => {
                            assert_eq!(fault, Fault::Stick);
                            break;
                        }
                    }
                }
                let context = format!(
                    "{end:?} {fault:?} {at}: sent {sent}, {send_fault:?}, {receive_fault:?}"
                );
                assert!(expected.starts_with(&messages), "{context}");
                assert!(clock::elapsed() - before <= 41 * SECOND, "{context}");
                let output = peer.take_output();
                let (frames, cut) = wire::parse(&output);
                let answered = pongs(&frames);
                assert!(
                    answered.is_sorted_by(|a, b| a < b),
                    "{context}: {answered:?}"
                );
                if matches!(fault, Fault::Shorten | Fault::Interrupt) || peer.fault_waits() {
                    assert!(send_fault.is_none() && receive_fault.is_none(), "{context}");
                    assert!(messages == expected && sent == 3 && cut == 0, "{context}");
                    assert_eq!(answered.last(), pings.last(), "{context}");
                    let closes = frames.iter().filter(|frame| frame.opcode() == CLOSE);
                    assert_eq!(closes.count(), 1, "{context}");
                    assert_eq!(frames.last().map(wire::Frame::opcode), Some(CLOSE));
                    assert!(ws.end().unwrap().clean, "{context}");
                    assert_eq!(clock::elapsed(), before, "{context}");
                }
                if peer.fault_waits() {
                    assert!(at > 15, "{context}");
                    break;
                }
            }
        }
    }
}

#[test]
fn the_bytes_of_a_look_ahead_come_back_with_the_transport() {
    for end in End::BOTH {
        let from = end.peer();
        for piece in [1, 3, usize::MAX] {
            let (mut ws, peer) = end.open(&Config::default());
            peer.pieces(piece, usize::MAX);
            let rest = [
                from.text("one"),
                from.frame(PING, b"2"),
                from.fragment(TEXT, b"th"),
            ];
            let rest = [&rest.concat()[..], &[0x80]].concat();
            peer.push([from.frame(PING, b"0"), rest.clone()].concat());
            stuck(&mut ws, &peer, "sent");
            unstick(&mut ws, &peer);
            let (transport, bytes) = ws
                .into_parts()
                .unwrap_or_else(|_| panic!("{end:?} {piece}"));
            assert_eq!(
                bytes.escape_ascii().to_string(),
                rest.escape_ascii().to_string()
            );
            drop(transport);
            assert!(!pongs(&peer.take_frames()).is_empty());
        }
    }
}

#[test]
fn what_was_looked_at_survives_split_and_reunite() {
    for end in End::BOTH {
        for reunites in [false, true] {
            let from = end.peer();
            let (mut ws, peer) = end.open(&Config::default());
            peer.push(
                [
                    from.text("one"),
                    from.frame(PING, b"2"),
                    from.fragment(TEXT, b"thr"),
                ]
                .concat(),
            );
            stuck(&mut ws, &peer, "sent");
            unstick(&mut ws, &peer);
            assert_eq!(pongs(&peer.take_frames()), [b"2"]);
            let (tx, mut rx) = ws.split();
            peer.push([from.frame(PING, b"4"), from.frame(CONTINUATION, b"ee")].concat());
            peer.push(from.close(1000, ""));
            peer.end();
            let expected = [Message::from("one"), Message::from("three")];
            if reunites {
                let mut ws = tx.reunite(rx).unwrap();
                let (messages, fault) = receive_all(&mut ws);
                assert!(fault.is_none() && messages == expected);
            } else {
                for message in &expected {
                    assert_eq!(exec::run(rx.recv()).unwrap().as_ref(), Some(message));
                }
                assert!(exec::run(rx.recv()).unwrap().is_none());
                drop(tx);
            }
            assert_eq!(pongs(&peer.take_frames()), [b"4"]);
        }
    }
}

#[test]
fn a_message_that_was_driven_to_stays_in_front_of_what_is_looked_at() {
    for end in End::BOTH {
        for len in [5, 5000, 70_000, 300_000] {
            let from = end.peer();
            let (mut ws, peer) = end.open(&Config::default());
            peer.push([from.frame(BINARY, &vec![7; len]), from.frame(PING, b"?")].concat());
            assert!(exec::run(ws.drive()).unwrap());
            stuck(&mut ws, &peer, vec![0; LARGE]);
            peer.push(
                [
                    from.text("next"),
                    from.frame(PING, b"!"),
                    from.close(1000, ""),
                ]
                .concat(),
            );
            peer.end();
            stuck(&mut ws, &peer, "more");
            unstick(&mut ws, &peer);
            assert!(exec::run(ws.drive()).unwrap());
            let (messages, fault) = receive_all(&mut ws);
            assert!(fault.is_none(), "{end:?} {len}: {fault:?}");
            assert!(
                messages == [vec![7; len].into(), "next".into()],
                "{end:?} {len}"
            );
            let answered = pongs(&peer.take_frames());
            assert!(
                answered.is_sorted_by(|a, b| a != b),
                "{end:?} {len}: {answered:?}"
            );
            assert_eq!(
                answered.last().map(Vec::as_slice),
                Some(&b"!"[..]),
                "{end:?} {len}"
            );
        }
    }
}

#[test]
fn looks_ahead_between_compressed_messages_change_nothing() {
    for end in End::BOTH {
        for takeover in [false, true] {
            let mut config = DeflateConfig::default();
            if !takeover {
                config = config.own_no_context_takeover().peer_no_context_takeover();
            }
            let config = Config::default().deflate(config);
            let ((mut ws, peer), (mut other, other_peer)) =
                pairs::compressing(end, &config, &config);
            let mut random = fastrand::Rng::with_seed(u64::from(takeover));
            let mut expected = Vec::new();
            for number in 0..60_u32 {
                let word = format!("number {number} of many ");
                let most = [3, 300, 4000][random.usize(..3)];
                let text = word.repeat(random.usize(1..most));
                exec::run(other.send(&text)).unwrap();
                if number % 3 == 0 {
                    exec::run(other.send_ping(number.to_be_bytes())).unwrap();
                }
                expected.push(Message::from(text));
            }
            let mut arriving = other_peer.take_output();
            let mut messages = Vec::new();
            while !arriving.is_empty() {
                let len = random.usize(1..3000).min(arriving.len());
                let rest = arriving.split_off(len);
                peer.push(std::mem::replace(&mut arriving, rest));
                match random.u8(..3) {
                    0 => {
                        stuck(&mut ws, &peer, vec![0; LARGE]);
                        unstick(&mut ws, &peer);
                    }
                    1 => {
                        if let Poll::Ready(found) = exec::attempt(ws.recv_stream()) {
                            let mut reader = found.unwrap().unwrap();
                            let mut all = Vec::new();
                            // A message in the middle of which no more has come is given up.
                            while let Poll::Ready(piece) = exec::attempt(reader.chunk()) {
                                match piece.unwrap() {
                                    Some(piece) => all.extend_from_slice(piece),
                                    None => break,
                                }
                            }
                            messages
                                .push(Message::from(String::from_utf8_lossy(&all).into_owned()));
                        }
                    }
                    _ => {
                        if let Poll::Ready(message) = exec::attempt(ws.recv()) {
                            messages.push(message.unwrap().unwrap());
                        }
                    }
                }
            }
            while let Poll::Ready(message) = exec::attempt(ws.recv()) {
                messages.push(message.unwrap().unwrap());
            }
            assert_eq!(messages.len(), expected.len(), "{end:?} {takeover}");
            for (message, expected) in messages.iter().zip(&expected) {
                assert!(octets(expected.clone()).starts_with(message.as_bytes()));
            }
        }
    }
}

#[test]
fn a_peer_that_dribbles_costs_bounded_work() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        let mut task = Task::new();
        peer.window(0);
        let mut sending = pin!(ws.send(vec![0; LARGE]));
        assert!(exec::settle(&mut task, sending.as_mut()).is_pending());
        let frame = end.peer().frame(BINARY, &[1; 20_000]);
        let before = task.wakes();
        let _ = peer.take_rooms();
        let mut pooled = 0;
        for (number, byte) in frame.iter().enumerate() {
            peer.push([*byte]);
            let made = allocation_counter::measure(|| {
                assert!(exec::settle(&mut task, sending.as_mut()).is_pending());
            });
            // Until it is worth to keep a block, what there is moves to memory of its size.
            if number > 5000 {
                pooled += made.count_total;
            }
        }
        assert_eq!(
            task.wakes() - before,
            frame.len(),
            "one wake-up for each byte"
        );
        // One read that brings it, and one that has to wait.
        assert_eq!(peer.take_rooms().len(), 2 * frame.len(), "{end:?}");
        assert!(pooled < 100_000, "{pooled}");
    }
}

#[test]
fn endless_pings_fill_nothing_and_let_others_have_their_turn() {
    for end in End::BOTH {
        for behind_a_message in [false, true] {
            for blocked_flush in [false, true] {
                let (mut ws, peer) = end.open(&Config::default());
                if behind_a_message {
                    peer.push(end.peer().text("in front"));
                }
                peer.push_for_ever(&end.peer().frame(PING, b"?").repeat(1000));
                if blocked_flush {
                    peer.block_flush(true);
                } else {
                    peer.window(0);
                }
                let mut most = 0;
                for _ in 0..300 {
                    let _ = exec::glance(ws.flush());
                    let _ = exec::glance(ws.send(vec![0; 1000]));
                    most = most.max(queued(&ws));
                }
                assert!(
                    most < 200_000,
                    "{end:?} {behind_a_message} {blocked_flush}: {most}"
                );
                if blocked_flush {
                    // A transport that takes bytes is not stalled, wherever it leaves them.
                    continue;
                }
                let mut tasks = Tasks::new(Order::Newest);
                let before = clock::elapsed();
                let sending = tasks.spawn(async {
                    loop {
                        if let Err(error) = ws.send(vec![0; LARGE]).await {
                            return error;
                        }
                    }
                });
                let other = tasks.spawn(async {
                    for _ in 0..10 {
                        let mut is_first = true;
                        std::future::poll_fn(|cx| {
                            cx.waker().wake_by_ref();
                            match std::mem::take(&mut is_first) {
                                true => Poll::Pending,
                                false => Poll::Ready(()),
                            }
                        })
                        .await;
                    }
                    // Time passes only when nobody is woken, which a peer that never stops prevents.
                    clock::advance(40 * SECOND);
                });
                assert!(tasks.run());
                assert!(other.output().is_some());
                assert!(matches!(sending.output(), Some(Error::Timeout(_))));
                assert!(clock::elapsed() - before <= 71 * SECOND);
                assert!(peer.is_dropped());
            }
        }
    }
}

#[test]
fn a_block_of_small_messages_with_a_look_before_each_is_received_in_step() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        let count = 60_000 / end.peer().text("").len();
        peer.push(end.peer().text("").repeat(count));
        peer.push(end.peer().frame(PING, b"behind"));
        stuck(&mut ws, &peer, vec![0; LARGE]);
        let mut messages = 0;
        while let Poll::Ready(message) = exec::attempt(ws.recv()) {
            assert_eq!(message.unwrap(), Some("".into()));
            messages += 1;
            let _ = exec::glance(ws.flush());
        }
        assert_eq!(messages, count);
        unstick(&mut ws, &peer);
        assert_eq!(pongs(&peer.take_frames()), [b"behind"]);
    }
}

#[test]
fn nothing_that_is_looked_at_is_written_by_itself() {
    let (mut ws, peer) = End::Server.open(&Config::default());
    peer.push(wire::From::Client.frame(PING, b"?"));
    peer.block_flush(true);
    let mut task = Task::new();
    let mut sending = pin!(ws.send("x"));
    assert!(exec::settle(&mut task, sending.as_mut()).is_pending());
    peer.block_flush(false);
    assert!(task.is_woken());
    exec::expect_ready(exec::settle(&mut task, sending.as_mut())).unwrap();
    assert_eq!(pongs(&peer.take_frames()), [b"?"]);
    let reads = peer.take_log();
    assert!(reads.iter().any(|op| matches!(op, Op::Read { .. })));
}
