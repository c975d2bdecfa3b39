//! Messages that travel compressed, between two ends of this crate and from recorded octets.

#![forbid(unsafe_code)]
#![cfg(feature = "deflate")]

mod support;

use ws_proto::{
    BlockReceiver, Chunk, CloseCode, Config, Connection, ControlPayload, DeflateConfig,
    DeflateParams, Event, Message, MessageKind, Prepared, ProtocolError, Ready, ReceiveError,
    ReceiveSide, Role, SendHalf, Start,
};

use support::{Keys, output, receive_all};

/// Both takeover modes and several windows.
fn agreements() -> impl Iterator<Item = DeflateParams> {
    let windows = [8, 9, 11, 15];
    windows.into_iter().flat_map(move |bits| {
        [false, true].map(|reset| DeflateParams {
            server_no_context_takeover: reset,
            client_no_context_takeover: !reset,
            server_max_window_bits: bits,
            client_max_window_bits: 23 - bits,
        })
    })
}

fn sides(role: Role, params: &DeflateParams, config: &Config) -> (ReceiveSide, SendHalf) {
    let mut recv = ReceiveSide::new(role, config);
    let mut send = match role {
        Role::Client => SendHalf::client(config, Keys::default()),
        Role::Server => SendHalf::server(config),
    };
    recv.inflate(params);
    send.deflate(params, &DeflateConfig::default().threshold(0));
    (recv, send)
}

fn messages() -> Vec<Message> {
    let json = "{\"id\": 17, \"name\": \"somebody\", \"tags\": [\"a\", \"b\"]}, ";
    let noise: Vec<u8> = (0..100_000_u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    vec![
        "".into(),
        "Hello".into(),
        json.into(),
        json.repeat(3000).into(),
        noise.into(),
        vec![0; 1 << 20].into(),
        "ä€𤭢".repeat(10_000).into(),
        Vec::new().into(),
        json.into(),
    ]
}

#[test]
fn messages_arrive_as_they_were_sent_whatever_was_agreed_and_however_they_are_cut() {
    for params in agreements() {
        for role in [Role::Client, Role::Server] {
            for fragment_len in [None, Some(7_usize), Some(1000)] {
                let mut config = Config::default();
                if let Some(len) = fragment_len {
                    config = config.fragment_len(len.try_into().unwrap());
                }
                let (_, mut send) = sides(role, &params, &config);
                let (mut recv, _) = sides(role.peer(), &params, &config);
                for message in messages() {
                    if fragment_len == Some(7) && message.as_bytes().len() > 500_000 {
                        continue;
                    }
                    send.message(&message).unwrap();
                    let mut octets = output(&mut send);
                    let mut got = Vec::new();
                    for piece in octets.chunks_mut(1013) {
                        got.extend(receive_all(&mut recv, piece).unwrap());
                    }
                    assert!(got == [message], "{params:?} {role:?} {fragment_len:?}");
                }
            }
        }
    }
}

#[test]
fn pieces_are_compressed_and_passed_on() {
    let params = DeflateParams::default();
    let config = Config::default();
    let (_, mut send) = sides(Role::Client, &params, &config);
    let (recv, _) = sides(Role::Server, &params, &config);
    let mut recv = BlockReceiver::new(recv, Box::default(), 4096);
    let pieces = ["one ".repeat(5000), "two €".repeat(5000), "three".into()];
    for _ in 0..2 {
        send.begin(MessageKind::Text).unwrap();
        for piece in &pieces {
            send.write(piece.as_bytes()).unwrap();
        }
        send.finish().unwrap();
        send.message("behind").unwrap();
        let octets = output(&mut send);
        assert_eq!(octets[0], 0x41);
        assert!(octets.len() < 1000, "{}", octets.len());
        let mut input = &octets[..];
        let mut got = Vec::new();
        let mut begun = false;
        let mut ended = false;
        while !ended {
            let more = if begun {
                match recv.poll_chunk().unwrap() {
                    Some(Chunk::Data) => {
                        got.extend_from_slice(recv.chunk());
                        continue;
                    }
                    Some(Chunk::End) => {
                        ended = true;
                        continue;
                    }
                    other => other.is_none(),
                }
            } else {
                match recv.poll_start().unwrap() {
                    Some(Start::Message(kind)) => {
                        assert_eq!(kind, MessageKind::Text);
                        begun = true;
                        continue;
                    }
                    other => other.is_none(),
                }
            };
            assert!(more);
            feed(&mut recv, &mut input);
        }
        assert_eq!(got, pieces.concat().as_bytes());
        while recv.poll().unwrap() != Some(Ready::Message) {
            feed(&mut recv, &mut input);
        }
        assert_eq!(recv.take_message(), Some("behind".into()));
    }
}

fn feed(recv: &mut BlockReceiver, input: &mut &[u8]) {
    if recv.wants_block() {
        recv.lend(vec![0; 4096].into());
    }
    let spare = recv.spare();
    let len = spare.len().min(input.len()).min(100);
    assert!(len > 0, "nothing is left");
    spare[..len].copy_from_slice(&input[..len]);
    recv.filled(len);
    *input = &input[len..];
}

/// RFC 7692 §7.2.3, and what may be put around it.
#[test]
fn the_examples_of_the_rfc_are_read() {
    let hello = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00";
    for (octets, expected) in [
        (&hello[..], vec!["Hello"]),
        // In two frames, with a Ping between them.
        (
            b"\x41\x03\xf2\x48\xcd\x89\x00\x80\x04\xc9\xc9\x07\x00",
            vec!["Hello"],
        ),
        // The second refers to the first.
        (
            b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x05\xf2\x00\x11\x00\x00",
            vec!["Hello", "Hello"],
        ),
        // A stored block.
        (
            b"\xc1\x0b\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00",
            vec!["Hello"],
        ),
        // A final block, and a message behind it.
        (
            b"\xc1\x08\xf3\x48\xcd\xc9\xc9\x07\x00\x00\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00",
            vec!["Hello", "Hello"],
        ),
        // Two blocks.
        (
            b"\xc1\x0d\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
            vec!["Hello"],
        ),
        // Empty; and one that is not compressed.
        (b"\xc1\x01\x00\x81\x02hi", vec!["", "hi"]),
    ] {
        for cut in 1..=octets.len() {
            let (mut recv, _) = sides(Role::Client, &DeflateParams::default(), &Config::default());
            let mut octets = octets.to_vec();
            let mut got = Vec::new();
            for piece in octets.chunks_mut(cut) {
                got.extend(receive_all(&mut recv, piece).unwrap());
            }
            let expected: Vec<Message> = expected.iter().map(|text| (*text).into()).collect();
            assert_eq!(got, expected, "cut at {cut}");
        }
    }
}

fn fault(octets: &[u8], config: &Config) -> (usize, ReceiveError) {
    let (mut recv, _) = sides(Role::Client, &DeflateParams::default(), config);
    let mut octets = octets.to_vec();
    let mut input = &mut octets[..];
    let mut count = 0;
    loop {
        match recv.receive(input) {
            Err(error) => return (count, error),
            Ok(received) => {
                assert!(received.event.is_some(), "no fault");
                count += 1;
                let consumed = received.consumed;
                input = &mut input[consumed..];
            }
        }
    }
}

#[test]
fn what_is_no_compressed_message_fails() {
    let config = Config::default();
    let invalid = |octets: &[u8]| {
        let (count, error) = fault(octets, &config);
        assert_eq!((count, error), (0, ProtocolError::InvalidDeflate.into()));
        assert_eq!(error.close_code(), CloseCode::INVALID_PAYLOAD);
    };
    invalid(b"\xc1\x01\xff");
    invalid(b"\xc1\x05\x00\x05\x00\xff\xff");
    // A distance before the beginning.
    invalid(b"\xc1\x05\xf2\x00\x11\x00\x00");
    // Cut inside a block.
    invalid(b"\xc1\x04\xf2\x48\xcd\xc9");
    let reserved = |octets: &[u8]| {
        assert_eq!(fault(octets, &config).1, ProtocolError::ReservedBits.into());
    };
    reserved(b"\x41\x01\xf2\xc0\x00");
    reserved(b"\xc9\x00");
    reserved(b"\xa1\x00");
    // Compressed text that is none.
    let (mut text, mut send) = sides(Role::Server, &DeflateParams::default(), &config);
    send.message(&b"fine \xff not"[..]).unwrap();
    let mut octets = output(&mut send);
    octets[0] = 0xc1;
    assert_eq!(fault(&octets, &config).1, ProtocolError::InvalidUtf8.into());
    drop(receive_all(&mut text, &mut []));
}

#[test]
fn limits_count_what_comes_out_exactly() {
    let params = DeflateParams::default();
    for (len, passes) in [(1000, true), (1001, false), (1 << 20, false)] {
        let config = Config::default().max_message_len(1000).max_frame_len(1000);
        let (_, mut send) = sides(Role::Server, &params, &Config::default());
        send.message(vec![b'x'; len]).unwrap();
        let octets = output(&mut send);
        if passes {
            let (mut recv, _) = sides(Role::Client, &params, &config);
            let got = receive_all(&mut recv, &mut octets.clone()).unwrap();
            assert_eq!(got, [vec![b'x'; len].into()]);
        } else {
            let (_, error) = fault(&octets, &config);
            assert_eq!(error.close_code(), CloseCode::TOO_BIG, "{error:?}");
        }
    }
    // Of two faults the first in the message counts.
    let config = Config::default().max_message_len(1000);
    for (bad, code) in [
        (999, CloseCode::INVALID_PAYLOAD),
        (1001, CloseCode::TOO_BIG),
    ] {
        let mut payload = vec![b'x'; 5000];
        payload[bad] = 0xff;
        let (_, mut send) = sides(Role::Server, &params, &Config::default());
        send.message(payload).unwrap();
        let mut octets = output(&mut send);
        octets[0] = 0xc1;
        assert_eq!(fault(&octets, &config).1.close_code(), code);
    }
}

/// Empty stored blocks take octets and give none.
#[test]
fn endless_compressed_octets_without_content_are_too_many() {
    let config = Config::default().max_message_len(1 << 20);
    let (mut recv, _) = sides(Role::Client, &DeflateParams::default(), &config);
    let block = b"\x00\x00\x00\xff\xff".repeat(20_000);
    let mut total = 0;
    let error = loop {
        let first = if total == 0 { 0x42 } else { 0x00 };
        let mut frame = vec![first, 127];
        frame.extend((block.len() as u64).to_be_bytes());
        frame.extend(&block);
        total += block.len();
        match receive_all(&mut recv, &mut frame) {
            Ok(messages) => assert!(messages.is_empty() && total < 3 << 20),
            Err(error) => break error,
        }
    };
    assert_eq!(error.close_code(), CloseCode::TOO_BIG);
}

/// A receiver over blocks gives way to others, and goes on without more input.
#[test]
fn a_message_that_takes_long_to_decompress_comes_in_turns() {
    let params = DeflateParams::default();
    let (_, mut send) = sides(Role::Server, &params, &Config::default());
    send.message(vec![0; 8 << 20]).unwrap();
    let octets = output(&mut send);
    let (recv, _) = sides(Role::Client, &params, &Config::default());
    let mut recv = BlockReceiver::new(recv, octets.into(), 64 * 1024);
    let mut turns = 0;
    while recv.poll().unwrap().is_none() {
        assert!(recv.is_busy());
        assert!(recv.rest().unwrap().is_empty(), "the input goes nowhere");
        turns += 1;
    }
    assert!((20..=40).contains(&turns), "{turns}");
    assert_eq!(recv.take_message(), Some(vec![0; 8 << 20].into()));
}

/// Neither reading a message piece by piece nor skipping what is left of it keeps others waiting.
#[test]
fn a_message_that_is_passed_on_or_skipped_comes_in_turns_too() {
    let params = DeflateParams::default();
    let (_, mut send) = sides(Role::Server, &params, &Config::default());
    send.message(vec![0; 8 << 20]).unwrap();
    send.message("behind").unwrap();
    let octets = output(&mut send);
    for skips in [false, true] {
        let (recv, _) = sides(Role::Client, &params, &Config::default());
        let mut recv = BlockReceiver::new(recv, octets.clone().into(), 64 * 1024);
        assert_eq!(
            recv.poll_start().unwrap(),
            Some(Start::Message(MessageKind::Binary))
        );
        let mut turns = 0;
        let mut len = 0;
        loop {
            let chunk = match skips {
                true => Some(Chunk::End),
                false => recv.poll_chunk().unwrap(),
            };
            match chunk {
                Some(Chunk::Data) => len += recv.chunk().len(),
                Some(_) => break,
                None => {
                    assert!(recv.is_busy());
                    turns += 1;
                }
            }
        }
        assert_eq!(len, if skips { 0 } else { 8 << 20 });
        while recv.poll().unwrap().is_none() {
            assert!(recv.is_busy());
            turns += 1;
        }
        assert!((20..=40).contains(&turns), "{turns}");
        assert_eq!(recv.take_message(), Some("behind".into()));
    }
}

#[test]
fn messages_below_the_threshold_and_without_gain_leave_as_they_are() {
    let params = DeflateParams {
        server_no_context_takeover: true,
        ..DeflateParams::default()
    };
    let mut send = SendHalf::server(&Config::default());
    send.deflate(&params, &DeflateConfig::default().threshold(10));
    send.message("123456789").unwrap();
    assert_eq!(output(&mut send)[0], 0x81);
    send.message("aaaaaaaaaaaaaaaaaaaa").unwrap();
    assert_eq!(output(&mut send)[0], 0xc1);
    send.message("q8jf0a7zKx").unwrap();
    assert_eq!(output(&mut send)[0], 0x81);
}

#[test]
fn connections_compress_as_well() {
    let params = DeflateParams::default();
    let config = DeflateConfig::default();
    let (mut recv, mut send) = Connection::server(&Config::default()).split();
    recv.inflate(&params);
    send.deflate(&params, &config);
    let mut server = Connection::join(recv, send);
    let (_, mut client) = sides(Role::Client, &params, &Config::default());
    client.message("again and again and again").unwrap();
    let mut octets = output(&mut client);
    let received = server.receive(&mut octets).unwrap();
    assert!(matches!(
        received.event,
        Some(Event::Message(message)) if message.as_text() == Some("again and again and again")
    ));
}

/// A message that takes several steps to compress.
fn long(number: usize) -> String {
    format!("{number}: somebody said something; ").repeat(100_000)
}

/// A server that compresses in steps, and its client's receiving side.
fn in_steps(takeover: bool) -> (SendHalf, ReceiveSide) {
    let params = DeflateParams {
        server_no_context_takeover: !takeover,
        ..DeflateParams::default()
    };
    let (_, mut send) = sides(Role::Server, &params, &Config::default());
    send.compress_in_steps();
    let (recv, _) = sides(Role::Client, &params, &Config::default());
    (send, recv)
}

#[test]
fn a_long_message_is_compressed_in_steps_while_control_frames_go_out() {
    let (mut send, mut recv) = in_steps(true);
    send.message(long(1)).unwrap();
    let mut steps = 0;
    while send.is_busy() {
        assert_eq!((send.queued(), send.has_room()), (0, false));
        send.ping(&ControlPayload::new(b"?").unwrap()).unwrap();
        assert_eq!(output(&mut send), b"\x89\x01?");
        send.work();
        steps += 1;
    }
    assert_eq!(steps, long(1).len().div_ceil(256 * 1024));
    assert!(steps > 8);
    let messages = receive_all(&mut recv, &mut output(&mut send)).unwrap();
    assert!(messages == [Message::from(long(1))]);
    send.message("short").unwrap();
    assert!(!send.is_busy());
}

#[test]
fn what_follows_a_long_message_follows_it() {
    for takeover in [true, false] {
        let (mut send, mut recv) = in_steps(takeover);
        send.message(long(1)).unwrap();
        send.work();
        send.message(long(2)).unwrap();
        send.work();
        send.message("short").unwrap();
        send.begin(MessageKind::Text).unwrap();
        for number in 3..5 {
            send.write(long(number).as_bytes()).unwrap();
            assert!(send.is_busy());
            send.work();
        }
        send.finish().unwrap();
        send.message(&Prepared::new(long(5))).unwrap();
        send.message(long(6)).unwrap();
        send.start_close(None).unwrap();
        assert!(!send.is_busy());
        let mut octets = output(&mut send);
        assert!(octets.ends_with(&[0x88, 0]));
        let expected = [
            long(1),
            long(2),
            "short".into(),
            long(3) + &long(4),
            long(5),
            long(6),
        ];
        let messages = receive_all(&mut recv, &mut octets).unwrap();
        assert!(messages == expected.map(Message::from), "{takeover}");
    }
}

#[test]
fn a_long_message_that_does_not_get_shorter_leaves_as_it_is() {
    let mut random = support::Rng::new(1);
    let noise: Vec<u8> = (0..600_000).map(|_| random.next() as u8).collect();
    let (mut send, mut recv) = in_steps(false);
    send.message(&noise).unwrap();
    while send.is_busy() {
        send.work();
    }
    let mut octets = output(&mut send);
    assert_eq!(octets[0], 0x82);
    let messages = receive_all(&mut recv, &mut octets).unwrap();
    assert!(messages == [Message::from(noise)]);
}

#[test]
fn a_failed_connection_does_not_finish_its_work() {
    let (mut send, _) = in_steps(true);
    send.message(long(1)).unwrap();
    send.work();
    send.fail(ReceiveError::Protocol(ProtocolError::InvalidUtf8));
    assert!(!send.is_busy());
    assert_eq!(output(&mut send), [0x88, 2, 3, 0xef]);

    let (mut send, _) = in_steps(true);
    send.message(long(1)).unwrap();
    send.transport_ended();
    assert!(!send.is_busy());
}

#[test]
fn the_memory_of_a_compressor_is_given_up_when_nothing_refers_to_it() {
    let params = |takeover: bool| DeflateParams {
        server_no_context_takeover: !takeover,
        ..DeflateParams::default()
    };
    for takeover in [false, true] {
        let (mut recv, _) = sides(Role::Client, &params(takeover), &Config::default());
        let (_, mut send) = sides(Role::Server, &params(takeover), &Config::default());
        assert!(send.wants_compressor());
        send.message(long(1)).unwrap();
        assert!(!send.wants_compressor());
        let memory = send.reclaim_compressor();
        assert_eq!(memory.is_none(), takeover);
        if let Some(memory) = memory {
            assert!(send.lend_compressor(memory).is_none());
        }
        send.begin(MessageKind::Text).unwrap();
        send.write(b"inside a message").unwrap();
        assert!(send.reclaim_compressor().is_none());
        send.finish().unwrap();
        let messages = receive_all(&mut recv, &mut output(&mut send)).unwrap();
        assert!(messages == [long(1), "inside a message".into()].map(Message::from));
        send.transport_ended();
        assert!(send.reclaim_compressor().is_some());
    }
}
