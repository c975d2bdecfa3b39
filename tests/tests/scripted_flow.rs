//! How octets flow: batching, backpressure, pongs, and what memory is offered for reads.

#![forbid(unsafe_code)]

use std::pin::pin;
use std::task::Poll;

use ws_driver::{Bytes, Config, Error, Message, MessageRef, TrySendError};
use ws_tests::clock;
use ws_tests::exec::{self, Task};
use ws_tests::scripted::{self, End, Op, Ws, queued};
use ws_tests::wire::{self, BINARY, CONTINUATION, PING, PONG, TEXT};

const BLOCK: usize = 64 * 1024;

fn writes(log: &[Op]) -> Vec<usize> {
    let len = |op: &Op| match op {
        Op::Write { len, .. } => Some(*len),
        _ => None,
    };
    log.iter().filter_map(len).collect()
}

fn reads(log: &[Op]) -> usize {
    log.iter()
        .filter(|op| matches!(op, Op::Read { .. }))
        .count()
}

/// The echo loop that the documentation recommends.
async fn echo(ws: &mut Ws) -> Result<(), Error> {
    while let Some((message, out)) = ws.recv_ref().await? {
        out.feed(message).await?;
    }
    Ok(())
}

#[test]
fn a_burst_of_messages_in_one_read_is_echoed_in_one_write() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        let burst: Vec<u8> = (0..100)
            .flat_map(|number| end.peer().text(&format!("message {number}")))
            .collect();
        peer.push(burst);
        assert!(exec::attempt(echo(&mut ws)).is_pending());
        let log = peer.take_log();
        assert_eq!((reads(&log), writes(&log).len()), (1, 1), "{log:?}");
        assert_eq!(log.iter().filter(|op| **op == Op::Flush).count(), 1);
        let frames = peer.take_frames();
        assert_eq!(frames.len(), 100);
        assert_eq!(frames[99].whole(), (TEXT, &b"message 99"[..]));
    }
}

#[test]
fn recv_and_feed_batch_as_well() {
    let (mut ws, peer) = scripted::server(&Config::default());
    let burst: Vec<u8> = (0..100)
        .flat_map(|_| wire::From::Client.text("m"))
        .collect();
    peer.push(burst);
    let echo = async |ws: &mut Ws| {
        while let Some(message) = ws.recv().await? {
            ws.feed(message).await?;
        }
        Ok::<(), Error>(())
    };
    assert!(exec::attempt(echo(&mut ws)).is_pending());
    let log = peer.take_log();
    assert_eq!((reads(&log), writes(&log).len()), (1, 1), "{log:?}");
}

#[test]
fn a_round_trip_is_one_read_and_one_write() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        let mut echo = std::pin::pin!(echo(&mut ws));
        let mut task = exec::Task::new();
        assert!(exec::settle(&mut task, echo.as_mut()).is_pending());
        let _ = (peer.take_log(), peer.take_rooms());
        for _ in 0..50 {
            peer.push(end.peer().text("ping-pong"));
            let wakes = task.wakes();
            assert!(exec::settle(&mut task, echo.as_mut()).is_pending());
            assert_eq!(task.wakes(), wakes, "it wakes itself");
            assert_eq!(peer.take_frames().len(), 1);
        }
        let log = peer.take_log();
        assert_eq!((reads(&log), writes(&log).len()), (50, 50));
        assert_eq!(peer.take_rooms().len(), 100, "one read and one look each");
    }
}

#[test]
fn every_read_is_offered_a_whole_block() {
    let (mut ws, peer) = scripted::server(&Config::default());
    let from = wire::From::Client;
    for _ in 0..20 {
        peer.push(from.text("short"));
        assert!(exec::run(ws.recv()).unwrap().is_some());
    }
    assert!(exec::attempt(ws.recv()).is_pending());
    assert_eq!(peer.take_rooms(), [BLOCK; 21]);
    // Of a message that is still under way nothing stays in the block either.
    peer.push(&from.frame(BINARY, &[1; 60_000])[..30_000]);
    assert!(exec::attempt(ws.recv()).is_pending());
    assert!(exec::attempt(ws.recv()).is_pending());
    let rooms = peer.take_rooms();
    assert_eq!(*rooms.last().unwrap(), BLOCK, "{rooms:?}");
}

#[test]
fn a_large_owned_message_leaves_without_a_copy_beside_its_header() {
    let (mut ws, peer) = scripted::server(&Config::default());
    exec::run(ws.send(Bytes::from(vec![7; 1 << 20]))).unwrap();
    let log = peer.take_log();
    assert_eq!(
        log,
        [
            Op::Write {
                len: (1 << 20) + 10,
                slices: 2
            },
            Op::Flush
        ]
    );
    assert_eq!(peer.take_frames()[0].payload, vec![7; 1 << 20]);
}

#[test]
fn pings_are_answered_in_order_ten_of_ten() {
    for end in End::BOTH {
        for one_by_one in [false, true] {
            let (mut ws, peer) = end.open(&Config::default());
            if one_by_one {
                peer.pieces(1, 1);
            }
            let pings: Vec<u8> = (0..10_u8)
                .flat_map(|number| end.peer().frame(PING, &[number; 125]))
                .collect();
            peer.push([pings, end.peer().fragment(TEXT, b"a")].concat());
            peer.push(end.peer().frame(PING, b"between"));
            peer.push(end.peer().frame(CONTINUATION, b"b"));
            assert_eq!(exec::run(ws.recv()).unwrap(), Some("ab".into()));
            assert!(exec::attempt(ws.recv()).is_pending());
            let frames = peer.take_frames();
            assert_eq!(frames.len(), 11);
            for (number, frame) in frames[..10].iter().enumerate() {
                assert_eq!(frame.whole(), (PONG, &[number as u8; 125][..]));
            }
            assert_eq!(frames[10].whole(), (PONG, &b"between"[..]));
        }
    }
}

#[test]
fn a_peer_that_floods_pings_and_never_reads_costs_one_block_of_pongs_and_gets_the_newest() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.window(100);
        let mut most = 0;
        let mut flooded = 0;
        let mut number = 0_u32;
        while flooded < 10 << 20 {
            let mut burst = Vec::new();
            while burst.len() < 60_000 {
                number += 1;
                let payload = [&number.to_be_bytes()[..], &[0; 100]].concat();
                burst.extend(end.peer().frame(PING, &payload));
            }
            flooded += burst.len();
            peer.push(burst);
            assert!(exec::attempt(ws.recv()).is_pending());
            most = most.max(queued(&ws));
        }
        assert!(most <= BLOCK + 131, "{most} octets of pongs");
        assert_eq!(peer.unread(), 0);
        peer.window(usize::MAX);
        assert!(exec::attempt(ws.recv()).is_pending());
        let frames = peer.take_frames();
        let newest = frames.last().unwrap();
        assert_eq!(newest.opcode(), PONG);
        assert_eq!(newest.payload[..4], number.to_be_bytes());
        assert!(frames.len() < 700);
        // Once it reads again, each ping is answered again.
        let pings = [end.peer().frame(PING, b"a"), end.peer().frame(PING, b"b")];
        peer.push(pings.concat());
        assert!(exec::attempt(ws.recv()).is_pending());
        assert_eq!(peer.take_frames().len(), 2);
    }
}

#[test]
fn a_peer_that_sends_messages_and_never_reads_is_no_longer_read() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.window(0);
        let message = end.peer().frame(BINARY, &[3; 10_000]);
        peer.push_for_ever(&message);
        for _ in 0..10 {
            assert!(exec::attempt(echo(&mut ws)).is_pending());
        }
        let count = reads(&peer.take_log());
        assert!(queued(&ws) < BLOCK + 10_014, "{} queued", queued(&ws));
        assert!(queued(&ws) >= BLOCK);
        assert!(count <= 8, "{count} messages read");
        // Nothing was lost: it goes on when the peer reads.
        peer.push_for_ever(&[]);
        peer.window(usize::MAX);
        assert!(exec::attempt(echo(&mut ws)).is_pending());
        assert_eq!(peer.take_frames().len(), count);
    }
}

#[test]
fn a_burst_that_echoes_more_than_the_mark_stays_bounded() {
    let (mut ws, peer) = scripted::server(&Config::default().high_water_mark(1000));
    peer.window(0);
    let burst: Vec<u8> = (0..1000)
        .flat_map(|_| wire::From::Client.frame(BINARY, &[1; 50]))
        .collect();
    peer.push(burst);
    assert!(exec::attempt(echo(&mut ws)).is_pending());
    assert!(queued(&ws) < 1052, "{}", queued(&ws));
    peer.window(usize::MAX);
    assert!(exec::attempt(echo(&mut ws)).is_pending());
    assert_eq!(peer.take_frames().len(), 1000);
}

#[test]
fn a_message_can_be_answered_at_once_although_a_ping_before_it_took_the_room() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        let from = end.peer();
        peer.push([from.text("1"), from.frame(PING, &[1; 125]), from.text("2")].concat());
        let (_, out) = exec::run(ws.recv_ref()).unwrap().unwrap();
        // With the Pong it is more than the mark.
        exec::run(out.feed(vec![0; BLOCK - 36])).unwrap();
        assert!(out.has_room());
        peer.window(0);
        assert!(exec::attempt(ws.recv_ref()).is_pending());
        assert!(!ws.has_room());

        // It was found; giving up the wait for room has not lost it.
        peer.window(usize::MAX);
        let (message, out) = exec::run(ws.recv_ref()).unwrap().unwrap();
        assert_eq!(message, MessageRef::Text("2"));
        assert!(out.has_room());
        exec::run(out.feed("3")).unwrap();
        assert!(exec::attempt(ws.recv_ref()).is_pending());
        let opcodes: Vec<_> = peer
            .take_frames()
            .iter()
            .map(|frame| frame.opcode())
            .collect();
        assert_eq!(opcodes, [BINARY, PONG, TEXT]);
    }
}

#[test]
#[should_panic(expected = "polled after it has given a message")]
fn a_received_message_is_not_given_twice() {
    let (mut ws, peer) = scripted::server(&Config::default());
    peer.push(wire::From::Client.text("once"));
    let mut received = pin!(ws.recv_ref());
    let mut task = Task::new();
    assert!(task.poll(received.as_mut()).is_ready());
    let _ = task.poll(received.as_mut());
}

#[test]
fn reads_without_a_message_give_other_tasks_a_turn() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.push_for_ever(&end.peer().frame(PONG, b""));
        peer.end_after(10_000);
        let mut task = exec::Task::new();
        let mut recv = std::pin::pin!(ws.recv());
        assert!(task.poll(recv.as_mut()).is_pending());
        assert!(task.is_woken());
        assert!(reads(&peer.take_log()) <= 64);
    }
}

#[test]
fn messages_without_end_give_other_tasks_a_turn() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.push_for_ever(&end.peer().text("more"));
        peer.end_after(10_000);
        let mut task = exec::Task::new();
        let mut polls = 0;
        let mut receives = std::pin::pin!(async {
            let mut received = 0;
            while ws.recv_ref().await.is_ok_and(|message| message.is_some()) {
                received += 1;
            }
            received
        });
        let received = loop {
            if let Poll::Ready(received) = task.poll(receives.as_mut()) {
                break received;
            }
            assert!(task.is_woken(), "{end:?}");
            polls += 1;
            assert!(reads(&peer.take_log()) <= 256, "{end:?}");
        };
        assert!(polls >= 10_000 / 256, "{end:?}: {polls}");
        assert_eq!(received, 10_000, "{end:?}");
    }
}

#[test]
fn sending_without_end_gives_other_tasks_a_turn_and_sends_each_message_once() {
    for end in End::BOTH {
        for len in [1, 100_000] {
            let (mut ws, peer) = end.open(&Config::default());
            let message = vec![7; len];
            let mut task = exec::Task::new();
            let mut polls = 0;
            let mut sends = std::pin::pin!(async {
                for _ in 0..1000 {
                    ws.send(&message).await.unwrap();
                }
            });
            while task.poll(sends.as_mut()).is_pending() {
                assert!(task.is_woken(), "{end:?}");
                polls += 1;
            }
            assert!(polls >= 1000 / 256, "{end:?}: {polls}");
            assert_eq!(peer.take_frames().len(), 1000, "{end:?}");
        }
    }
}

#[test]
fn frames_right_behind_the_request_are_the_first_messages() {
    let from = wire::From::Client;
    let leftover = [
        from.text("early"),
        from.frame(BINARY, &[8; 30_000]),
        from.text("cut")[..3].to_vec(),
    ]
    .concat();
    let (mut ws, peer) = scripted::server_with(&Config::default(), &leftover);
    assert_eq!(exec::run(ws.recv()).unwrap(), Some("early".into()));
    {
        let (message, out) = exec::run(ws.recv_ref()).unwrap().unwrap();
        assert_eq!(message, MessageRef::Binary(&[8; 30_000]));
        exec::run(out.feed(message)).unwrap();
    }
    assert!(exec::attempt(ws.recv()).is_pending());
    peer.push(&from.text("cut")[3..]);
    assert_eq!(exec::run(ws.recv()).unwrap(), Some("cut".into()));
    assert_eq!(peer.take_frames().len(), 1);
}

#[test]
fn a_borrowed_message_survives_answers_of_any_size() {
    let (mut ws, peer) = scripted::server(&Config::default());
    let from = wire::From::Client;
    peer.push([from.text("one"), from.text("two")].concat());
    for expected in ["one", "two"] {
        let (message, out) = exec::run(ws.recv_ref()).unwrap().unwrap();
        exec::run(out.feed(vec![1; 100_000])).unwrap();
        assert!(!out.has_room());
        assert!(matches!(
            out.try_send("three"),
            Err(TrySendError::Full("three"))
        ));
        exec::run(out.feed(message)).unwrap();
        assert!(out.has_room());
        assert_eq!(message, MessageRef::Text(expected));
    }
    exec::run(ws.flush()).unwrap();
    let lens: Vec<usize> = peer.take_frames().iter().map(|f| f.payload.len()).collect();
    assert_eq!(lens, [100_000, 3, 100_000, 3]);
}

#[test]
fn random_segmentation_changes_nothing() {
    for end in End::BOTH {
        for seed in 0..20 {
            let mut random = fastrand::Rng::with_seed(seed);
            let (mut ws, peer) = end.open(&Config::default());
            peer.pieces(random.usize(1..9000), random.usize(1..9000));
            let mut octets = Vec::new();
            let mut expected = Vec::new();
            for _ in 0..60 {
                let most = [2, 200, 5000, 70_000][random.usize(..4)];
                let len = random.usize(0..most);
                let payload: Vec<u8> = (0..len).map(|_| random.u8(b'a'..=b'z')).collect();
                let opcode = if random.bool() { TEXT } else { BINARY };
                let cuts = random.usize(0..4).min(len);
                let mut rest = &payload[..];
                for cut in 0..=cuts {
                    let part_len = if cut == cuts {
                        rest.len()
                    } else {
                        random.usize(0..=rest.len())
                    };
                    let (part, behind) = rest.split_at(part_len);
                    rest = behind;
                    let opcode = if cut == 0 { opcode } else { CONTINUATION };
                    if cut == cuts {
                        octets.extend(end.peer().frame(opcode, part));
                    } else {
                        octets.extend(end.peer().fragment(opcode, part));
                        if random.bool() {
                            octets.extend(end.peer().frame(PING, b"between"));
                        }
                    }
                }
                expected.push((opcode, payload));
            }
            while !octets.is_empty() {
                let len = random.usize(1..=octets.len().min(20_000));
                peer.push(octets.drain(..len).collect::<Vec<u8>>());
                if random.bool() {
                    assert!(exec::attempt(echo(&mut ws)).is_pending());
                }
            }
            assert!(exec::attempt(echo(&mut ws)).is_pending());
            let frames = peer.take_frames();
            let echoed: Vec<(u8, Vec<u8>)> = frames
                .iter()
                .filter(|frame| frame.opcode() < 8)
                .map(|frame| (frame.opcode(), frame.payload.clone()))
                .collect();
            assert!(echoed == expected, "{end:?}, seed {seed}");
        }
    }
}

#[test]
fn a_client_masks_each_frame_with_a_key_of_its_own_and_a_server_none() {
    let (mut ws, peer) = scripted::client(&Config::default());
    for _ in 0..1000 {
        exec::expect_ready(exec::glance(ws.feed("x"))).unwrap();
    }
    ws.start_close(ws_driver::CloseCode::NORMAL, "").unwrap();
    exec::run(ws.flush()).unwrap();
    let mut keys: Vec<[u8; 4]> = peer
        .take_frames()
        .iter()
        .map(|frame| frame.key.expect("a client masks"))
        .collect();
    assert_eq!(keys.len(), 1001);
    keys.sort_unstable();
    keys.dedup();
    // Of 1001 random keys two are alike once in 8,600 runs; four never are.
    assert!(keys.len() >= 998);

    let (mut ws, peer) = scripted::server(&Config::default());
    exec::run(ws.send("x")).unwrap();
    assert_eq!(peer.take_frames()[0].key, None);
}

#[test]
fn every_kind_of_message_can_be_sent() {
    let (mut ws, peer) = scripted::server(&Config::default());
    exec::run(async {
        ws.send("str").await?;
        ws.send(String::from("string")).await?;
        ws.send(&String::from("string ref")).await?;
        ws.send(Message::from("text")).await?;
        ws.send(&Message::from(vec![1])).await?;
        ws.send(&[2_u8][..]).await?;
        ws.send(vec![3]).await?;
        ws.send(&vec![4]).await?;
        ws.send(Bytes::from_static(b"5")).await?;
        ws.send_ping("ping").await?;
        ws.send_pong(&b"pong"[..]).await
    })
    .unwrap();
    let frames = peer.take_frames();
    let opcodes: Vec<u8> = frames.iter().map(|frame| frame.opcode()).collect();
    assert_eq!(opcodes, [1, 1, 1, 1, 2, 2, 2, 2, 2, 9, 10]);
    assert_eq!(frames[2].payload, b"string ref");
}

#[test]
fn messages_up_to_the_limit_pass_and_one_octet_more_does_not() {
    for end in End::BOTH {
        for over in [false, true] {
            let limit = 300_000;
            let config = Config::default()
                .max_message_len(limit)
                .max_frame_len(limit);
            let (mut ws, peer) = end.open(&config);
            let payload = vec![1; limit + usize::from(over)];
            peer.push(end.peer().frame(BINARY, &payload));
            peer.end();
            match exec::run(ws.recv()) {
                Ok(Some(message)) => assert!(!over && message.as_bytes() == payload),
                Err(error) => {
                    assert!(over);
                    assert_eq!(error.close_code().unwrap().number(), 1009);
                    assert_eq!(peer.take_frames()[0].close_code(), 1009);
                }
                Ok(None) => panic!("the end"),
            }
        }
    }
}

#[test]
fn a_stalled_peer_costs_no_wake_ups() {
    let (mut ws, peer) = scripted::server(&Config::default());
    peer.window(0);
    exec::expect_ready(exec::glance(ws.feed("x"))).unwrap();
    let mut task = exec::Task::new();
    let mut recv = std::pin::pin!(ws.recv());
    assert!(exec::settle(&mut task, recv.as_mut()).is_pending());
    assert_eq!(task.wakes(), 0);
    assert_eq!(clock::timers(), 1);
    assert!(matches!(exec::settle(&mut task, recv), Poll::Pending));
}

/// What a server has sent after a send of a borrowed payload whose first poll met this window.
fn after_a_cut_offer(before: &[u8], len: usize, window: usize, drop_it: bool) -> Vec<wire::Frame> {
    let payload: Vec<u8> = (0..len).map(|at| (at * 7) as u8).collect();
    let (mut ws, peer) = scripted::server(&Config::default());
    if !before.is_empty() {
        exec::run(ws.feed(before)).unwrap();
    }
    peer.window(window);
    {
        let mut send = std::pin::pin!(ws.send(&payload[..]));
        let polled = exec::Task::new().poll(send.as_mut());
        peer.window(usize::MAX);
        if polled.is_pending() && !drop_it {
            exec::run(send).unwrap();
        }
    }
    exec::run(ws.flush()).unwrap();
    exec::run(ws.send("behind")).unwrap();
    let frames = peer.take_frames();
    let offered = &frames[usize::from(!before.is_empty())];
    assert!(offered.payload == payload, "window {window} of {len}");
    frames
}

#[test]
fn a_large_borrowed_payload_is_sent_once_however_little_the_transport_takes_at_first() {
    for len in [8191, 8192, 70_000] {
        let windows = [0, 1, 2, 4, 5, 9, 10, 11, 12, 13, 14, 15, 100, 8000];
        for window in windows.into_iter().chain([len - 1, len, len + 4, len + 10]) {
            for drop_it in [false, true] {
                assert_eq!(after_a_cut_offer(b"", len, window, drop_it).len(), 2);
                assert_eq!(after_a_cut_offer(b"before", len, window, drop_it).len(), 3);
            }
        }
    }
}

#[test]
fn a_large_borrowed_payload_leaves_in_one_write_with_what_was_queued_before() {
    let (mut ws, peer) = scripted::server(&Config::default());
    exec::run(ws.feed("before")).unwrap();
    exec::run(ws.send(&[7; 100_000][..])).unwrap();
    assert_eq!(writes(&peer.take_log()), [8 + 10 + 100_000]);
    assert_eq!(peer.take_frames().len(), 2);
}

#[test]
fn a_pong_never_lands_inside_a_payload_that_was_offered() {
    let (mut ws, peer) = scripted::server(&Config::default());
    peer.window(5);
    assert!(exec::glance(ws.send(&[1; 20_000][..])).is_pending());
    peer.push(wire::From::Client.frame(PING, b"a"));
    peer.push(wire::From::Client.frame(PING, b"b"));
    assert!(exec::attempt(ws.recv()).is_pending());
    peer.window(usize::MAX);
    exec::run(ws.send(&[2; 20_000][..])).unwrap();
    assert!(exec::attempt(ws.recv()).is_pending());
    let frames = peer.take_frames();
    let opcodes: Vec<u8> = frames.iter().map(wire::Frame::opcode).collect();
    assert!(
        opcodes == [BINARY, PONG, BINARY] || opcodes == [BINARY, BINARY, PONG],
        "{opcodes:?}"
    );
    let pong = frames.iter().find(|frame| frame.opcode() == PONG).unwrap();
    assert_eq!(pong.payload, b"b");
}

#[test]
fn a_mark_of_zero_takes_one_message_at_a_time() {
    // In a thread of its own: what goes wrong here is a loop that nothing ends.
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let (mut ws, peer) = scripted::server(&Config::default().high_water_mark(0));
        exec::run(ws.ready()).unwrap();
        exec::run(ws.send("one")).unwrap();
        exec::run(ws.send("two")).unwrap();
        let _ = sender.send(peer.take_frames().len());
    });
    let sent = receiver.recv_timeout(std::time::Duration::from_secs(2));
    assert_eq!(sent, Ok(2), "it never returns");
}
