//! Messages arrive and leave unchanged, however the transport splits them.

use std::pin::pin;

use ws_driver::{Bytes, Config, Message, MessageRef, TryFeedError};
use ws_tests::exec::{self, Task};
use ws_tests::scripted::{self, End};
use ws_tests::steps::{echo, opcodes};
use ws_tests::wire::{self, BINARY, CONTINUATION, PING, TEXT};

#[test]
#[should_panic(expected = "polled after it has returned a message")]
fn polling_recv_ref_after_its_message_panics() {
    let (mut ws, peer) = scripted::server(&Config::default());
    peer.push(wire::From::Client.text("once"));
    let mut received = pin!(ws.recv_ref());
    let mut task = Task::new();
    assert!(task.poll(received.as_mut()).is_ready());
    let _ = task.poll(received.as_mut());
}

#[test]
fn frames_directly_after_the_request_are_the_first_messages() {
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
fn a_borrowed_message_stays_valid_while_answers_are_fed() {
    let (mut ws, peer) = scripted::server(&Config::default());
    let from = wire::From::Client;
    peer.push([from.text("one"), from.text("two")].concat());
    for expected in ["one", "two"] {
        let (message, out) = exec::run(ws.recv_ref()).unwrap().unwrap();
        exec::run(out.feed(vec![1; 100_000])).unwrap();
        assert!(!out.has_room());
        assert!(matches!(
            out.try_feed("three"),
            Err(TryFeedError::Full("three"))
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
            let mut bytes = Vec::new();
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
                        bytes.extend(end.peer().frame(opcode, part));
                    } else {
                        bytes.extend(end.peer().fragment(opcode, part));
                        if random.bool() {
                            bytes.extend(end.peer().frame(PING, b"between"));
                        }
                    }
                }
                expected.push((opcode, payload));
            }
            while !bytes.is_empty() {
                let len = random.usize(1..=bytes.len().min(20_000));
                peer.push(bytes.drain(..len).collect::<Vec<u8>>());
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
fn a_client_masks_each_frame_with_a_new_key_and_a_server_masks_none() {
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
    // Two of 1001 random keys are equal once in 8,600 runs. Three duplicates are tolerated.
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
    assert_eq!(opcodes(&frames), [1, 1, 1, 1, 2, 2, 2, 2, 2, 9, 10]);
    assert_eq!(frames[2].payload, b"string ref");
}

#[test]
fn messages_up_to_the_limit_pass_and_one_byte_more_does_not() {
    for end in End::BOTH {
        for over in [false, true] {
            let limit = 300_000;
            let config = Config::default().max_message(limit).max_frame(limit);
            let (mut ws, peer) = end.open(&config);
            let payload = vec![1; limit + usize::from(over)];
            peer.push(end.peer().frame(BINARY, &payload));
            peer.end();
            match exec::run(ws.recv()) {
                Ok(Some(message)) => assert!(!over && message.as_bytes() == payload),
                Err(error) => {
                    assert!(over);
                    assert_eq!(error.violation_code().unwrap().number(), 1009);
                    assert_eq!(peer.take_frames()[0].close_code(), 1009);
                }
                Ok(None) => panic!("the connection has ended"),
            }
        }
    }
}
