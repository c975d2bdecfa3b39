//! Compressed messages. Either this crate sends them, or the test contains their bytes.

use ws_proto::{
    Chunk, CloseCode, CloseFrame, Config, Connection, ControlPayload, DeflateConfig, DeflateParams,
    Message, MessageKind, MessageRef, Prepared, ProtocolError, ReceiveError, Role, SendHalf, Step,
};

use crate::support::{
    self, BOTH, FIN, TEXT, connection, fill, fragmenting, output, read_input, receive_all,
    receive_frame,
};

/// Returns agreements with several windows. In each agreement, one of the ends has context
/// takeover.
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

/// Returns an end that compresses messages of every length.
fn end(role: Role, params: &DeflateParams, config: &Config) -> Connection {
    let mut end = connection(role, config);
    end.deflate(params, &DeflateConfig::default().threshold(0));
    end
}

/// Returns the sending half of an [`end`].
fn sender(role: Role, params: &DeflateParams, config: &Config) -> SendHalf {
    end(role, params, config).split().1
}

/// Returns an end that has read `input` into one block.
fn with_input(role: Role, config: &Config, input: &[u8]) -> Connection {
    let mut end = end(role, &DeflateParams::default(), config);
    let lending = &mut end.recv.lending();
    lending.set_up(input.into(), 64 * 1024, 64 * 1024);
    end
}

fn received(end: &mut Connection, bytes: &[u8]) -> Result<Vec<Message>, ReceiveError> {
    receive_all(&mut end.recv, &mut end.send, bytes)
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
fn messages_arrive_unchanged_under_any_agreement_and_any_cut() {
    for params in agreements() {
        for role in BOTH {
            for fragment_len in [None, Some(7), Some(1000)] {
                let config = fragmenting(Config::default(), fragment_len);
                let mut send = sender(role, &params, &config);
                let mut peer = end(role.peer(), &params, &config);
                for message in messages() {
                    if fragment_len == Some(7) && message.as_bytes().len() > 500_000 {
                        continue;
                    }
                    send.message(&message).unwrap();
                    let bytes = output(&mut send);
                    let mut got = Vec::new();
                    for piece in bytes.chunks(1013) {
                        got.extend(received(&mut peer, piece).unwrap());
                    }
                    assert!(got == [message], "{params:?} {role:?} {fragment_len:?}");
                }
            }
        }
    }
}

#[test]
fn messages_can_be_compressed_and_received_in_pieces() {
    let params = DeflateParams::default();
    let config = Config::default();
    let mut send = sender(Role::Client, &params, &config);
    let mut server = end(Role::Server, &params, &config);
    let lending = &mut server.recv.lending();
    lending.set_up(Box::default(), 4096, 4096);
    let pieces = ["one ".repeat(5000), "two €".repeat(5000), "three".into()];
    for _ in 0..2 {
        send.begin(MessageKind::Text).unwrap();
        for piece in &pieces {
            send.write(piece.as_bytes()).unwrap();
        }
        send.finish().unwrap();
        send.message("behind").unwrap();
        let bytes = output(&mut send);
        assert_eq!(bytes[0], 0x41);
        assert!(bytes.len() < 1000, "{}", bytes.len());
        let mut input = bytes.chunks(100);
        let mut feed = |server: &mut Connection| {
            let mut next = input.next().expect("more input");
            fill(&mut server.recv, &mut next, 0);
        };
        loop {
            match server.next_start() {
                Step::NeedInput => feed(&mut server),
                step => break assert_eq!(step, Step::Found(MessageKind::Text)),
            }
        }
        let mut got = Vec::new();
        loop {
            match server.next_chunk() {
                Step::Found(Chunk::Data) => got.extend_from_slice(server.recv.chunk()),
                Step::NeedInput => feed(&mut server),
                step => break assert_eq!(step, Step::Found(Chunk::End)),
            }
        }
        assert_eq!(got, pieces.concat().as_bytes());
        loop {
            match server.next_message() {
                Step::NeedInput => feed(&mut server),
                step => break assert_eq!(step, Step::Found(MessageRef::Text("behind"))),
            }
        }
    }
}

#[test]
fn a_held_message_that_was_compressed_is_found_again() {
    let params = DeflateParams::default();
    let mut send = sender(Role::Server, &params, &Config::default());
    for text in ["again and again and again", "behind, again and again"] {
        send.message(text).unwrap();
    }
    let bytes = output(&mut send);
    let text = MessageRef::Text("again and again and again");
    for in_pieces in [false, true] {
        let mut client = with_input(Role::Client, &Config::default(), &bytes);
        assert_eq!(client.next_message(), Step::Found(text));
        client.recv.hold();
        if in_pieces {
            assert_eq!(client.next_start(), Step::Found(MessageKind::Text));
            assert_eq!(client.next_chunk(), Step::Found(Chunk::Data));
            assert_eq!(client.recv.chunk(), text.as_bytes());
            assert_eq!(client.next_chunk(), Step::Found(Chunk::End));
        } else {
            assert_eq!(client.next_message(), Step::Found(text));
        }
        let behind = MessageRef::Text("behind, again and again");
        assert_eq!(client.next_message(), Step::Found(behind));
    }
}

/// The examples of RFC 7692 §7.2.3, and variants of them.
#[test]
fn the_examples_of_the_rfc_are_decompressed() {
    let hello = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00";
    for (bytes, expected) in [
        (&hello[..], vec!["Hello"]),
        // In two frames, with a Ping between them.
        (
            b"\x41\x03\xf2\x48\xcd\x89\x00\x80\x04\xc9\xc9\x07\x00",
            vec!["Hello"],
        ),
        // The second message refers to the first.
        (
            b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x05\xf2\x00\x11\x00\x00",
            vec!["Hello", "Hello"],
        ),
        // A stored DEFLATE block.
        (
            b"\xc1\x0b\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00",
            vec!["Hello"],
        ),
        // A final DEFLATE block, and a message after it.
        (
            b"\xc1\x08\xf3\x48\xcd\xc9\xc9\x07\x00\x00\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00",
            vec!["Hello", "Hello"],
        ),
        // Two DEFLATE blocks.
        (
            b"\xc1\x0d\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
            vec!["Hello"],
        ),
        // An empty message, and a message that is not compressed.
        (b"\xc1\x01\x00\x81\x02hi", vec!["", "hi"]),
    ] {
        for cut in 1..=bytes.len() {
            let mut client = with_input(Role::Client, &Config::default(), b"");
            let mut got = Vec::new();
            for piece in bytes.chunks(cut) {
                got.extend(received(&mut client, piece).unwrap());
            }
            let expected: Vec<Message> = expected.iter().map(|text| (*text).into()).collect();
            assert_eq!(got, expected, "cut at {cut}");
        }
    }
}

/// Returns the number of events before the violation, and the violation.
fn fault(bytes: &[u8], config: &Config) -> (usize, ReceiveError) {
    let mut client = with_input(Role::Client, config, bytes);
    let mut count = 0;
    loop {
        match client.next_message() {
            Step::Found(_) | Step::Control(_) => count += 1,
            Step::Busy => {}
            step => {
                assert_eq!(step, Step::Ended, "no violation");
                return (count, client.send.failure().unwrap());
            }
        }
    }
}

#[test]
fn invalid_compressed_messages_fail() {
    let config = Config::default();
    let invalid = |bytes: &[u8]| {
        let (count, error) = fault(bytes, &config);
        assert_eq!((count, error), (0, ProtocolError::InvalidDeflate.into()));
        assert_eq!(error.close_code(), CloseCode::INVALID_PAYLOAD);
    };
    invalid(b"\xc1\x01\xff");
    invalid(b"\xc1\x05\x00\x05\x00\xff\xff");
    // A distance that reaches back beyond the first byte.
    invalid(b"\xc1\x05\xf2\x00\x11\x00\x00");
    // The compressed data ends inside a DEFLATE block.
    invalid(b"\xc1\x04\xf2\x48\xcd\xc9");
    let reserved = |bytes: &[u8]| {
        assert_eq!(fault(bytes, &config).1, ProtocolError::ReservedBits.into());
    };
    reserved(b"\x41\x01\xf2\xc0\x00");
    reserved(b"\xc9\x00");
    reserved(b"\xa1\x00");
    // The decompressed bytes are not UTF-8.
    let mut send = sender(Role::Server, &DeflateParams::default(), &config);
    send.message(&b"fine \xff not"[..]).unwrap();
    let mut bytes = output(&mut send);
    bytes[0] = 0xc1;
    assert_eq!(fault(&bytes, &config).1, ProtocolError::InvalidUtf8.into());
}

#[test]
fn limits_apply_to_the_decompressed_length() {
    let params = DeflateParams::default();
    for (len, passes) in [(1000, true), (1001, false), (1 << 20, false)] {
        let config = Config::default().max_message(1000).max_frame(1000);
        let mut send = sender(Role::Server, &params, &Config::default());
        send.message(vec![b'x'; len]).unwrap();
        let bytes = output(&mut send);
        if passes {
            let mut client = end(Role::Client, &params, &config);
            let got = received(&mut client, &bytes).unwrap();
            assert_eq!(got, [vec![b'x'; len].into()]);
        } else {
            let (_, error) = fault(&bytes, &config);
            assert_eq!(error.close_code(), CloseCode::TOO_BIG, "{error:?}");
        }
    }
    // The violation that comes first in the message is reported.
    let config = Config::default().max_message(1000);
    for (bad, code) in [
        (999, CloseCode::INVALID_PAYLOAD),
        (1001, CloseCode::TOO_BIG),
    ] {
        let mut payload = vec![b'x'; 5000];
        payload[bad] = 0xff;
        let mut send = sender(Role::Server, &params, &Config::default());
        send.message(payload).unwrap();
        let mut bytes = output(&mut send);
        bytes[0] = 0xc1;
        assert_eq!(fault(&bytes, &config).1.close_code(), code);
    }
}

/// An empty stored DEFLATE block has compressed bytes, but no content.
#[test]
fn compressed_bytes_without_content_are_limited() {
    let config = Config::default().max_message(1 << 20);
    let mut client = with_input(Role::Client, &config, b"");
    let block = b"\x00\x00\x00\xff\xff".repeat(20_000);
    let mut total = 0;
    let error = loop {
        let first = if total == 0 { 0x42 } else { 0x00 };
        let mut frame = vec![first, 127];
        frame.extend((block.len() as u64).to_be_bytes());
        frame.extend(&block);
        total += block.len();
        match received(&mut client, &frame) {
            Ok(messages) => assert!(messages.is_empty() && total < 3 << 20),
            Err(error) => break error,
        }
    };
    assert_eq!(error.close_code(), CloseCode::TOO_BIG);
}

/// Between the steps, the receiver returns `Busy`. It continues without more input.
#[test]
fn a_long_message_is_decompressed_in_several_steps() {
    let params = DeflateParams::default();
    let mut send = sender(Role::Server, &params, &Config::default());
    send.message(vec![0; 8 << 20]).unwrap();
    let bytes = output(&mut send);
    let mut client = with_input(Role::Client, &Config::default(), &bytes);
    let mut pauses = 0;
    while client.next_message() == Step::Busy {
        let block = client.recv.lending().park(&mut client.send);
        assert!(block.is_empty(), "the block with the input was returned");
        pauses += 1;
    }
    assert!((20..=40).contains(&pauses), "{pauses}");
    assert_eq!(client.recv.take_message(), Some(vec![0; 8 << 20].into()));
}

#[test]
fn a_long_message_is_received_in_pieces_or_skipped_in_several_steps() {
    let params = DeflateParams::default();
    let mut send = sender(Role::Server, &params, &Config::default());
    send.message(vec![0; 8 << 20]).unwrap();
    send.message("behind").unwrap();
    let bytes = output(&mut send);
    for skips in [false, true] {
        let mut client = with_input(Role::Client, &Config::default(), &bytes);
        assert_eq!(client.next_start(), Step::Found(MessageKind::Binary));
        let mut pauses = 0;
        let mut len = 0;
        let mut is_over = skips;
        while !is_over {
            match client.next_chunk() {
                Step::Found(Chunk::Data) => len += client.recv.chunk().len(),
                Step::Found(Chunk::End) => is_over = true,
                step => {
                    assert_eq!(step, Step::Busy);
                    pauses += 1;
                }
            }
        }
        assert_eq!(len, if skips { 0 } else { 8 << 20 });
        while client.next_message() == Step::Busy {
            pauses += 1;
        }
        assert!((20..=40).contains(&pauses), "{pauses}");
        assert_eq!(client.recv.take_message(), Some("behind".into()));
    }
}

#[test]
fn short_and_incompressible_messages_are_sent_uncompressed() {
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

/// RFC 7692 §7.1.1 and §7.1.2: the agreed parameters are limits. A sender may stay below them.
#[test]
fn own_settings_apply_even_if_they_are_not_agreed() {
    // Incompressible, and longer than a window of 512 bytes.
    let noise: Vec<u8> = std::iter::successors(Some(1_u64), |last| {
        Some(last.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1))
    })
    .map(|number| (number >> 56) as u8)
    .take(1000)
    .collect();
    let params = DeflateParams::default();
    let lens = |config: DeflateConfig| {
        let mut send = SendHalf::server(&Config::default());
        send.deflate(&params, &config);
        let mut client = end(Role::Client, &params, &Config::default());
        [0, 1].map(|_| {
            send.message(&noise[..]).unwrap();
            let bytes = output(&mut send);
            assert_eq!(
                received(&mut client, &bytes).unwrap(),
                [Message::from(&noise[..])]
            );
            bytes.len()
        })
    };
    let config = DeflateConfig::default().threshold(0);
    // The second message refers to the first, if the window reaches it and is kept.
    let [first, second] = lens(config.own_window_bits(15));
    assert!(second < first / 10, "{first} {second}");
    let [first, second] = lens(config.own_window_bits(9));
    assert!(second > first / 2, "{first} {second}");
    let [first, second] = lens(config.own_window_bits(15).own_no_context_takeover());
    assert_eq!(first, second);
}

#[test]
fn joined_halves_receive_compressed_messages() {
    let params = DeflateParams::default();
    let config = DeflateConfig::default();
    let (mut recv, mut send) = Connection::server(&Config::default()).split();
    recv.inflate(&params);
    send.deflate(&params, &config);
    let mut server = Connection::join(recv, send);
    let mut client = sender(Role::Client, &params, &Config::default());
    client.message("again and again and again").unwrap();
    let bytes = output(&mut client);
    assert_eq!(bytes[0], 0xc1);
    read_input(&mut server, &mut &bytes[..]);
    let text = MessageRef::Text("again and again and again");
    assert_eq!(server.next_message(), Step::Found(text));
}

/// Returns a message that takes several steps to compress.
fn long(number: usize) -> String {
    format!("{number}: some people said something; ").repeat(100_000)
}

/// Returns a server that compresses in steps, and its client.
fn in_steps(takeover: bool) -> (Connection, Connection) {
    let params = DeflateParams {
        server_no_context_takeover: !takeover,
        ..DeflateParams::default()
    };
    let mut server = end(Role::Server, &params, &Config::default());
    server.send.lending().compress_in_steps();
    (server, end(Role::Client, &params, &Config::default()))
}

#[test]
fn control_frames_are_sent_while_a_long_message_is_compressed_in_steps() {
    let (server, mut client) = in_steps(true);
    let (_, mut send) = server.split();
    send.message(long(1)).unwrap();
    let mut steps = 0;
    while send.is_busy() {
        assert_eq!((send.queued(), send.has_room()), (0, false));
        send.ping(&ControlPayload::new(b"?").unwrap()).unwrap();
        assert_eq!(output(&mut send), b"\x89\x01?");
        send.lending().work();
        steps += 1;
    }
    assert_eq!(steps, long(1).len().div_ceil(256 * 1024));
    assert!(steps > 8);
    let messages = received(&mut client, &output(&mut send)).unwrap();
    assert!(messages == [Message::from(long(1))]);
    send.message("short").unwrap();
    assert!(!send.is_busy());
}

#[test]
fn messages_after_a_long_message_keep_their_order() {
    for takeover in [true, false] {
        let (server, mut client) = in_steps(takeover);
        let (_, mut send) = server.split();
        send.message(long(1)).unwrap();
        send.lending().work();
        send.message(long(2)).unwrap();
        send.lending().work();
        send.message("short").unwrap();
        send.begin(MessageKind::Text).unwrap();
        for number in 3..5 {
            send.write(long(number).as_bytes()).unwrap();
            assert!(send.is_busy());
            send.lending().work();
        }
        send.finish().unwrap();
        send.message(&Prepared::new(long(5))).unwrap();
        send.message(long(6)).unwrap();
        send.start_close(CloseFrame::without_code()).unwrap();
        assert!(!send.is_busy());
        let bytes = output(&mut send);
        assert!(bytes.ends_with(&[0x88, 0]));
        let expected = [
            long(1),
            long(2),
            "short".into(),
            long(3) + &long(4),
            long(5),
            long(6),
        ];
        let messages = received(&mut client, &bytes).unwrap();
        assert!(messages == expected.map(Message::from), "{takeover}");
    }
}

#[test]
fn an_incompressible_long_message_is_sent_uncompressed() {
    let mut random = support::Rng::new(1);
    let noise: Vec<u8> = (0..600_000).map(|_| random.next() as u8).collect();
    let (server, mut client) = in_steps(false);
    let (_, mut send) = server.split();
    send.message(&noise).unwrap();
    while send.is_busy() {
        send.lending().work();
    }
    let bytes = output(&mut send);
    assert_eq!(bytes[0], 0x82);
    let messages = received(&mut client, &bytes).unwrap();
    assert!(messages == [Message::from(noise)]);
}

#[test]
fn a_failed_connection_stops_compressing() {
    let (mut recv, mut send) = in_steps(true).0.split();
    send.message(long(1)).unwrap();
    send.lending().work();
    let failed = receive_frame(&mut recv, &mut send, FIN | TEXT, b"\xff");
    assert_eq!(failed, Err(ProtocolError::InvalidUtf8.into()));
    assert!(!send.is_busy());
    assert_eq!(output(&mut send), [0x88, 2, 3, 0xef]);

    let (_, mut send) = in_steps(true).0.split();
    send.message(long(1)).unwrap();
    send.transport_ended();
    assert!(!send.is_busy());
}

#[test]
fn compressor_memory_can_be_reclaimed_when_no_later_message_refers_to_it() {
    let params = |takeover: bool| DeflateParams {
        server_no_context_takeover: !takeover,
        ..DeflateParams::default()
    };
    for takeover in [false, true] {
        let mut client = end(Role::Client, &params(takeover), &Config::default());
        let mut send = sender(Role::Server, &params(takeover), &Config::default());
        assert!(send.lending().wants_compressor());
        send.message(long(1)).unwrap();
        assert!(!send.lending().wants_compressor());
        let memory = send.lending().reclaim_compressor();
        assert_eq!(memory.is_none(), takeover);
        if let Some(memory) = memory {
            assert!(send.lending().lend_compressor(memory).is_none());
        }
        send.begin(MessageKind::Text).unwrap();
        send.write(b"inside a message").unwrap();
        assert!(send.lending().reclaim_compressor().is_none());
        send.finish().unwrap();
        let messages = received(&mut client, &output(&mut send)).unwrap();
        assert!(messages == [long(1), "inside a message".into()].map(Message::from));
        send.transport_ended();
        assert!(send.lending().reclaim_compressor().is_some());
    }
}
