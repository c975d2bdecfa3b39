//! Receiving piece by piece. The messages include those that another call has begun to receive, and
//! those whose reader is dropped.

use ws_driver::{CloseCode, Config, MessageKind};
use ws_tests::exec;
use ws_tests::scripted::End;
use ws_tests::wire::{BINARY, CONTINUATION, PING, PONG, TEXT};

use super::{FIN, header_len, next_joined, piece, shape};

#[test]
fn pieces_are_returned_as_they_arrive_and_pings_between_them_are_answered_in_order() {
    for end in End::BOTH {
        let from = end.peer();
        let (mut ws, peer) = end.open(&Config::default());
        peer.push(from.frame(PING, b"0"));
        peer.push(&from.fragment(TEXT, "aκ€".as_bytes())[..header_len(end) + 2]);
        let mut reader = exec::run(ws.recv_stream()).unwrap().unwrap();
        assert_eq!(reader.kind(), MessageKind::Text);
        // The piece ends inside a character.
        assert_eq!(exec::run(reader.chunk()).unwrap(), Some(&b"a\xce"[..]));
        assert!(exec::attempt(reader.chunk()).is_pending());
        assert_eq!(shape(&peer.take_frames()), [(FIN | PONG, &b"0"[..])]);
        peer.push(&from.fragment(TEXT, "aκ€".as_bytes())[header_len(end) + 2..]);
        assert_eq!(
            exec::run(reader.chunk()).unwrap().unwrap(),
            &"κ€".as_bytes()[1..]
        );
        peer.push([from.frame(PING, b"1"), from.frame(PING, b"2")].concat());
        peer.push(from.fragment(CONTINUATION, b""));
        assert!(exec::attempt(reader.chunk()).is_pending());
        let frames = peer.take_frames();
        assert_eq!(
            shape(&frames),
            [(FIN | PONG, &b"1"[..]), (FIN | PONG, b"2")]
        );
        peer.push([from.frame(CONTINUATION, b"end"), from.text("next")].concat());
        assert_eq!(exec::run(reader.chunk()).unwrap(), Some(&b"end"[..]));
        for _ in 0..3 {
            assert_eq!(exec::run(reader.chunk()).unwrap(), None);
        }
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("next".into()));
    }
}

#[test]
fn messages_over_the_limits_can_be_streamed_but_not_received_whole() {
    for end in End::BOTH {
        let config = Config::default().max_message(1000).max_frame(500);
        let (mut ws, peer) = end.open(&config);
        peer.pieces(999, 999);
        peer.push(end.peer().frame(BINARY, &[7; 300_000]));
        peer.push(end.peer().frame(BINARY, &[7; 501]));
        peer.end();
        let message = exec::run(next_joined(&mut ws)).unwrap().unwrap();
        assert!(message == (MessageKind::Binary, vec![7; 300_000]));
        let error = exec::run(ws.recv()).unwrap_err();
        assert_eq!(error.violation_code(), Some(CloseCode::TOO_BIG));
        assert_eq!(peer.take_frames()[0].close_code(), 1009);
        assert!(exec::run(ws.recv_stream()).unwrap().is_none());
    }
}

#[test]
fn a_message_whose_recv_was_dropped_can_be_streamed_from_its_first_byte() {
    let text = "κόσμε 😀".repeat(3);
    for end in End::BOTH {
        let from = end.peer();
        let (first, last) = text.as_bytes().split_at(21);
        let bytes = [
            from.fragment(TEXT, first),
            from.frame(PING, b"between"),
            from.fragment(CONTINUATION, b""),
            from.frame(CONTINUATION, last),
        ]
        .concat();
        for at in 0..bytes.len() {
            for looks in [1, 2] {
                let (mut ws, peer) = end.open(&Config::default());
                peer.push(&bytes[..at]);
                for _ in 0..looks {
                    assert!(exec::attempt(ws.recv()).is_pending());
                    assert!(exec::attempt(ws.recv_ref()).is_pending());
                }
                peer.push([&bytes[at..], &from.text("next")].concat());
                let message = exec::run(next_joined(&mut ws)).unwrap().unwrap();
                assert_eq!(
                    message,
                    (MessageKind::Text, text.clone().into_bytes()),
                    "{at}"
                );
                assert_eq!(exec::run(ws.recv()).unwrap(), Some("next".into()));
                exec::run(ws.flush()).unwrap();
                assert_eq!(shape(&peer.take_frames()), [(FIN | PONG, &b"between"[..])]);
            }
        }
    }
}

#[test]
fn a_large_message_that_is_half_assembled_can_be_streamed() {
    for end in End::BOTH {
        let payload: Vec<u8> = (0..200_000_u32).map(|n| (n * 7) as u8).collect();
        let bytes = end.peer().frame(BINARY, &payload);
        for at in [5, 1000, 65_536, 70_000, 150_000] {
            let (mut ws, peer) = end.open(&Config::default());
            peer.push(&bytes[..at]);
            assert!(exec::attempt(ws.recv()).is_pending());
            peer.push(&bytes[at..]);
            let (_, joined) = exec::run(next_joined(&mut ws)).unwrap().unwrap();
            assert!(joined == payload, "{end:?} at {at}");
        }
    }
}

#[test]
fn the_rest_of_a_message_whose_reader_was_dropped_is_skipped() {
    for end in End::BOTH {
        for chunks in 0..8 {
            for streamed in [false, true] {
                let from = end.peer();
                let (mut ws, peer) = end.open(&Config::default());
                for number in 0..6_u8 {
                    let opcode = if number == 0 { BINARY } else { CONTINUATION };
                    peer.push(from.fragment(opcode, &[number; 3]));
                    peer.push(from.frame(PING, &[number]));
                }
                peer.push(from.frame(CONTINUATION, b"last"));
                peer.push(from.text("next"));
                {
                    let mut reader = exec::run(ws.recv_stream()).unwrap().unwrap();
                    for _ in 0..chunks {
                        exec::run(reader.chunk()).unwrap();
                    }
                }
                if streamed {
                    let next = exec::run(next_joined(&mut ws)).unwrap().unwrap();
                    assert_eq!(next, (MessageKind::Text, b"next".to_vec()));
                } else {
                    assert_eq!(exec::run(ws.recv()).unwrap(), Some("next".into()));
                }
                assert!(exec::attempt(ws.recv()).is_pending());
                let pongs = peer.take_frames();
                let numbers: Vec<u8> = pongs.iter().map(|frame| frame.payload[0]).collect();
                assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
            }
        }
    }
}

#[test]
fn a_message_that_drive_found_is_streamed_next() {
    for end in End::BOTH {
        for fragmented in [false, true] {
            let from = end.peer();
            let (mut ws, peer) = end.open(&Config::default());
            if fragmented {
                peer.push([from.fragment(TEXT, b"fi"), from.frame(CONTINUATION, b"rst")].concat());
            } else {
                peer.push(from.text("first"));
            }
            peer.push([from.text("second"), from.text("third")].concat());
            assert!(exec::run(ws.drive()).unwrap());
            let first = exec::run(next_joined(&mut ws)).unwrap().unwrap();
            assert_eq!(first, (MessageKind::Text, b"first".to_vec()));
            assert_eq!(exec::run(ws.recv()).unwrap(), Some("second".into()));
            assert_eq!(exec::run(ws.recv()).unwrap(), Some("third".into()));
        }
    }
}

#[test]
fn drive_inside_a_message_skips_its_rest_or_keeps_its_beginning() {
    for end in End::BOTH {
        let from = end.peer();
        let (mut ws, peer) = end.open(&Config::default());
        peer.push(from.fragment(TEXT, b"begun "));
        assert!(exec::attempt(ws.drive()).is_pending());
        peer.push(from.fragment(CONTINUATION, b"by drive"));
        assert!(exec::attempt(ws.drive()).is_pending());
        peer.push(from.frame(CONTINUATION, b""));
        let message = exec::run(next_joined(&mut ws)).unwrap().unwrap();
        assert_eq!(message, (MessageKind::Text, b"begun by drive".to_vec()));
        // The rest of a message whose reader was dropped is skipped.
        peer.push(from.fragment(TEXT, b"dropped"));
        exec::run(ws.recv_stream()).unwrap().unwrap();
        assert!(exec::attempt(ws.drive()).is_pending());
        peer.push([from.frame(CONTINUATION, b""), from.text("next")].concat());
        assert!(exec::run(ws.drive()).unwrap());
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("next".into()));
    }
}

#[test]
fn a_connection_inside_a_streamed_message_cannot_be_taken_apart() {
    for end in End::BOTH {
        let from = end.peer();
        let (mut ws, peer) = end.open(&Config::default());
        peer.push(from.fragment(TEXT, b"begun"));
        {
            let mut reader = exec::run(ws.recv_stream()).unwrap().unwrap();
            exec::run(reader.chunk()).unwrap();
        }
        let Err(mut ws) = ws.into_parts() else {
            panic!("taken apart inside a message")
        };
        peer.push([from.frame(CONTINUATION, b""), from.text("next")].concat());
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("next".into()));
        assert!(ws.into_parts().is_ok());
    }
}

#[test]
fn futures_of_a_reader_dropped_at_every_await_lose_nothing() {
    for end in End::BOTH {
        for size in [1, 2, 7, 4096] {
            for glances in [0, 1, 3, 10] {
                let from = end.peer();
                let text = "κόσμε ".repeat(30);
                let (first, last) = text.as_bytes().split_at(101);
                let (mut ws, peer) = end.open(&Config::default());
                peer.hesitate();
                peer.pieces(size, size);
                peer.push(
                    [
                        from.fragment(TEXT, first),
                        from.frame(PING, b"between"),
                        from.frame(CONTINUATION, last),
                        from.text("next"),
                        from.close(1000, ""),
                    ]
                    .concat(),
                );
                peer.end();
                // These calls begin to receive the message. A read of 4,096 bytes returns the whole
                // message, so only the first call waits.
                for _ in 0..if size < 100 { glances } else { glances.min(1) } {
                    assert!(exec::glance(ws.recv()).is_pending());
                    if size < 100 {
                        assert!(exec::glance(ws.recv_ref()).is_pending());
                    }
                }
                let mut reader = exec::run(ws.recv_stream()).unwrap().unwrap();
                let mut bytes = Vec::new();
                while let Some(piece) =
                    exec::run_dropping(&mut reader, async |reader| piece(reader).await).unwrap()
                {
                    bytes.extend(piece);
                }
                assert_eq!(bytes, text.as_bytes(), "{end:?} by {size}");
                let next = exec::run_dropping(&mut ws, async |ws| ws.recv().await).unwrap();
                assert_eq!(next, Some("next".into()));
                let end = exec::run_dropping(&mut ws, async |ws| ws.recv().await).unwrap();
                assert_eq!(end, None);
                assert!(ws.end().unwrap().clean);
                let frames = peer.take_frames();
                assert_eq!(frames.len(), 2);
                assert_eq!(frames[0].whole(), (PONG, &b"between"[..]));
            }
        }
    }
}
