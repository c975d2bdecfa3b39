//! Control frames, violations and Closes between the pieces of a message.

use ws_proto::{
    Chunk, CloseCode, Config, Control, MessageKind, ProtocolError, ReceiveError, Role, Step,
};

use super::{
    End, INVALID_UTF8, Pieces, RESERVED_BITS, assert_failed, end, next, next_part, read_all,
    started, take_pieces, with_input,
};
use crate::support::{BOTH, CLOSE, CONTINUATION, FIN, PING, PONG, Seen, TEXT, Wire, frames_to};

#[test]
fn invalid_text_fails_at_its_first_invalid_byte_and_the_piece_with_it_is_not_returned() {
    let payload = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80edited";
    for skipped in [false, true] {
        let bytes = frames_to(Role::Server, |w| {
            w.header(FIN | TEXT, 100, &[]);
            w.payload(payload);
        });
        let mut end = end(Role::Server, &Config::default(), 200);
        read_all(&mut end, &bytes[..6 + 5]);
        assert_eq!(started(&mut end), Some(MessageKind::Text));
        let mut pieces = Pieces::default();
        take_pieces(&mut end, &mut pieces).unwrap();
        assert_eq!(pieces.bytes, payload[..5]);
        read_all(&mut end, &bytes[6 + 5..6 + 12]);
        let step = |end: &mut End, pieces: &mut Pieces| {
            if skipped {
                next(end).map(|seen| assert_eq!(seen, None))
            } else {
                take_pieces(end, pieces)
            }
        };
        step(&mut end, &mut pieces).unwrap();
        read_all(&mut end, &bytes[6 + 12..6 + 13]);
        assert_eq!(step(&mut end, &mut pieces), Err(INVALID_UTF8));
        assert_eq!(INVALID_UTF8.close_code(), CloseCode::INVALID_PAYLOAD);
        assert_eq!(pieces.bytes.len(), if skipped { 5 } else { 12 });
        assert_failed(&mut end, INVALID_UTF8);
    }
}

#[test]
fn an_unfinished_character_before_an_empty_last_fragment_is_invalid() {
    for skipped in [false, true] {
        for role in BOTH {
            let bytes = frames_to(role, |w| {
                w.frame(TEXT, b"\xc2");
                w.frame(FIN, b"");
                w.text("behind");
            });
            let mut end = with_input(role, &Config::default(), &bytes);
            assert_eq!(started(&mut end), Some(MessageKind::Text));
            if !skipped {
                assert_eq!(end.next_chunk(), Step::Found(Chunk::Data));
                assert_eq!(end.recv.chunk(), b"\xc2");
                assert_eq!(end.next_chunk(), Step::Ended);
            }
            assert_failed(&mut end, INVALID_UTF8);
        }
    }
}

#[test]
fn violations_in_skipped_fragments_are_reported_before_later_messages() {
    type Script = fn(&mut Wire);
    let rest: [(Script, ReceiveError); 4] = [
        (|w| w.frame(FIN, b"a\xffb"), INVALID_UTF8),
        (|w| w.frame(FIN | TEXT, b""), {
            ProtocolError::ExpectedContinuation.into()
        }),
        (|w| w.frame(FIN | 0x40, b""), RESERVED_BITS),
        (|w| w.frame(FIN | CLOSE, b"x"), {
            ProtocolError::CloseTooShort.into()
        }),
    ];
    for (script, error) in rest {
        for role in BOTH {
            for at in 0..40 {
                let bytes = frames_to(role, |w| {
                    w.frame(TEXT, b"start");
                    script(w);
                    w.text("later");
                    w.text("later");
                });
                let at = at.min(bytes.len());
                let mut end = end(role, &Config::default(), 100);
                read_all(&mut end, &bytes[..at]);
                if end.next_start() == Step::Ended {
                    assert_eq!(end.send.failure(), Some(error));
                    continue;
                }
                read_all(&mut end, &bytes[at..]);
                // `next_message` reports the violation, even if no start was found.
                assert_eq!(next(&mut end), Err(error));
                assert_failed(&mut end, error);
            }
        }
    }
}

#[test]
fn control_frames_between_pieces_are_reported_in_order() {
    for role in BOTH {
        let bytes = frames_to(role, |w| {
            w.frame(FIN | PING, b"0");
            w.frame(TEXT, "aκ".as_bytes());
            w.frame(FIN | PING, b"1");
            w.frame(FIN | PONG, b"2");
            w.frame(CONTINUATION, b"");
            w.frame(FIN | PING, b"3");
            w.frame(FIN, b"b");
            w.frame(FIN | PING, b"4");
            w.text("next");
        });
        for step in [1, 2, 5, bytes.len()] {
            let mut end = end(role, &Config::default(), 100);
            let mut log = Vec::new();
            let mut kind = None;
            for input in bytes.chunks(step) {
                read_all(&mut end, input);
                loop {
                    match next_part(&mut end, &mut kind) {
                        Step::Found(None) => {
                            assert_eq!(kind, Some(MessageKind::Text));
                            log.push(Seen::Binary(Vec::new()));
                        }
                        Step::Found(Some(Chunk::End)) => kind = None,
                        Step::Found(Some(Chunk::Data)) => {
                            let piece = end.recv.chunk().to_vec();
                            match log.last_mut() {
                                Some(Seen::Binary(bytes)) => bytes.extend(piece),
                                _ => log.push(Seen::Binary(piece)),
                            }
                        }
                        Step::Control(control) => log.push(Seen::control(&control)),
                        step => break assert_eq!(step, Step::NeedInput),
                    }
                }
            }
            let ping = |n: &str| Seen::Ping(n.into());
            let data = |bytes: &str| Seen::Binary(bytes.into());
            let expected = [
                ping("0"),
                data("aκ"),
                ping("1"),
                Seen::Pong("2".into()),
                ping("3"),
                data("b"),
                ping("4"),
                data("next"),
            ];
            assert_eq!(log, expected, "{role:?} by {step}");
        }
    }
}

#[test]
fn a_close_inside_a_message_ends_the_pieces() {
    for role in BOTH {
        for skipped in [false, true] {
            let bytes = frames_to(role, |w| {
                w.frame(TEXT, b"begun\xce");
                w.close(1000, b"bye");
                w.frame(FIN, b"\xba");
                w.text("behind");
            });
            let mut end = with_input(role, &Config::default(), &bytes);
            started(&mut end).unwrap();
            if skipped {
                assert!(matches!(
                    end.next_message(),
                    Step::Control(Control::Close(_))
                ));
            } else {
                assert_eq!(end.next_chunk(), Step::Found(Chunk::Data));
                assert_eq!(end.recv.chunk(), b"begun\xce");
                let found = end.next_chunk();
                assert!(matches!(found, Step::Control(Control::Close(_))));
            }
            for _ in 0..2 {
                // The message is never completed.
                assert_eq!(end.next_chunk(), Step::Ended);
                assert_eq!(end.next_start(), Step::Ended);
                assert_eq!(end.next_message(), Step::Ended);
                assert!(end.recv.message().is_none() && end.recv.chunk().is_empty());
                end.park();
                assert_eq!(end.send.failure(), None);
            }
        }
    }
}
