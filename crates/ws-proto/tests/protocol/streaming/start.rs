//! The first piece of a message. If `next_message` has assembled the start of a message, the pieces
//! begin with this start.

use ws_proto::{Chunk, Config, MessageKind, Role, Step};

use super::{End, Pieces, end, found_text, next, read, read_all, started, take_pieces, with_input};
use crate::support::{BINARY, BOTH, CONTINUATION, FIN, TEXT, frames_to};

#[test]
fn pieces_of_a_partly_assembled_message_begin_with_its_first_byte() {
    let text = "κόσμε 😀 ".repeat(5);
    for role in BOTH {
        for frames in [1, 2, 5] {
            let bytes = frames_to(role, |w| {
                w.fragments(TEXT, text.as_bytes(), text.len() / frames);
                w.text("next");
            });
            for at in 0..bytes.len() - 10 {
                for parked in [false, true] {
                    let mut end = end(role, &Config::default(), 64);
                    let mut input = &bytes[..at];
                    let mut is_whole = false;
                    while !input.is_empty() && !is_whole {
                        read(&mut end, &mut input);
                        is_whole = next(&mut end).unwrap().is_some();
                        if parked && !is_whole {
                            end.park();
                        }
                    }
                    if is_whole {
                        break;
                    }
                    let mut input = &bytes[at..];
                    let mut kind = started(&mut end);
                    let mut pieces = Pieces::default();
                    if kind.is_some() {
                        take_pieces(&mut end, &mut pieces).unwrap();
                        assert_eq!(pieces.bytes, text.as_bytes()[..pieces.bytes.len()]);
                    }
                    while !pieces.is_whole {
                        read(&mut end, &mut input);
                        kind = kind.or_else(|| started(&mut end));
                        if kind.is_some() {
                            take_pieces(&mut end, &mut pieces).unwrap();
                        }
                    }
                    assert_eq!(kind, Some(MessageKind::Text));
                    assert_eq!(pieces.bytes, text.as_bytes(), "{at} of {role:?}");
                    while !input.is_empty() {
                        read(&mut end, &mut input);
                    }
                    assert_eq!(next(&mut end), found_text("next"));
                }
            }
        }
    }
}

#[test]
fn no_call_between_two_steps_loses_the_assembled_start() {
    type Between = fn(&mut End);
    let calls: [Between; 5] = [
        // The last step did not return `NeedInput`, so `park` keeps everything.
        |end| assert!(end.park().is_empty()),
        |end| drop(end.recv.lending().settle()),
        |end| drop(end.recv.lending().lend(vec![0; 100].into())),
        |end| {
            let _ = end.recv.spare();
        },
        |end| {
            end.park();
            end.recv.lending().settle();
            end.park();
        },
    ];
    for (n, call) in calls.iter().enumerate() {
        for piece_taken in [false, true] {
            for (partial, parked) in [(false, false), (true, false), (true, true)] {
                let bytes = frames_to(Role::Client, |w| {
                    w.frame(TEXT, b"assembled, ");
                    w.frame(FIN, b"in pieces");
                });
                let mut end = end(Role::Client, &Config::default(), 100);
                // With `partial`, a part of the second frame arrives, too. This part stays in the
                // block or is parked.
                let at = if partial { 13 + 2 + 4 } else { 13 };
                read_all(&mut end, &bytes[..at]);
                assert_eq!(end.next_message(), Step::NeedInput);
                if parked {
                    end.park();
                }
                assert_eq!(started(&mut end), Some(MessageKind::Text));
                let mut pieces = Pieces::default();
                if piece_taken {
                    assert_eq!(end.next_chunk(), Step::Found(Chunk::Data));
                    pieces.bytes.extend_from_slice(end.recv.chunk());
                }
                call(&mut end);
                take_pieces(&mut end, &mut pieces).unwrap();
                read_all(&mut end, &bytes[at..]);
                take_pieces(&mut end, &mut pieces).unwrap();
                assert!(pieces.is_whole);
                let text = String::from_utf8(pieces.bytes).unwrap();
                assert_eq!(text, "assembled, in pieces", "{n} {piece_taken} {partial}");
            }
        }
    }
}

#[test]
fn an_empty_assembled_start_is_no_piece() {
    for role in BOTH {
        for parked in [false, true] {
            let bytes = frames_to(role, |w| {
                w.frame(BINARY, b"");
                w.frame(CONTINUATION, b"");
                w.frame(FIN, b"x");
            });
            let header_len = if role == Role::Server { 6 } else { 2 };
            let mut end = end(role, &Config::default(), 100);
            read_all(&mut end, &bytes[..header_len]);
            assert_eq!(end.next_message(), Step::NeedInput);
            if parked {
                end.park();
            }
            assert_eq!(started(&mut end), Some(MessageKind::Binary));
            assert_eq!(end.next_chunk(), Step::NeedInput, "an empty piece");
            // The receiver is between two frames of a message, not between two messages.
            assert!(!end.recv.is_between_messages());
            read_all(&mut end, &bytes[header_len..]);
            assert_eq!(end.next_chunk(), Step::Found(Chunk::Data));
            assert_eq!(end.recv.chunk(), b"x");
            assert_eq!(end.next_chunk(), Step::Found(Chunk::End));
        }
    }
}

#[test]
fn messages_that_are_complete_in_the_block_can_be_received_in_pieces() {
    for role in BOTH {
        let bytes = frames_to(role, |w| {
            w.text("whole");
            w.frame(FIN | BINARY, b"");
            w.frame(FIN | TEXT, b"");
            w.frame(BINARY, b"");
            w.frame(CONTINUATION, b"");
            w.frame(FIN, b"");
            w.text("last");
        });
        let mut end = with_input(role, &Config::default(), &bytes);
        for (kind, bytes) in [
            (MessageKind::Text, &b"whole"[..]),
            (MessageKind::Binary, b""),
            (MessageKind::Text, b""),
            (MessageKind::Binary, b""),
        ] {
            assert!(end.recv.is_between_messages());
            assert_eq!(started(&mut end), Some(kind));
            assert!(!end.recv.is_between_messages());
            let mut pieces = Pieces::default();
            take_pieces(&mut end, &mut pieces).unwrap();
            assert!(pieces.is_whole && pieces.controls.is_empty());
            assert_eq!(pieces.bytes, bytes);
            // Each further step finds the end again, until the next start.
            assert_eq!(end.next_chunk(), Step::Found(Chunk::End));
        }
        assert_eq!(next(&mut end), found_text("last"));
        assert_eq!(end.next_start(), Step::NeedInput);
        assert_eq!(end.next_chunk(), Step::Found(Chunk::End));
        assert_eq!(end.next_message(), Step::NeedInput);
    }
}

#[test]
fn the_next_start_skips_the_rest_of_a_message() {
    let bytes = frames_to(Role::Server, |w| {
        for text in ["one", "two", "three", "four"] {
            w.fragments(TEXT, text.as_bytes(), 2);
        }
    });
    let mut end = with_input(Role::Server, &Config::default(), &bytes);
    assert_eq!(started(&mut end), Some(MessageKind::Text));
    assert_eq!(started(&mut end), Some(MessageKind::Text));
    assert_eq!(end.next_chunk(), Step::Found(Chunk::Data));
    assert_eq!(end.recv.chunk(), b"tw");
    assert_eq!(started(&mut end), Some(MessageKind::Text));
    assert_eq!(next(&mut end), found_text("four"));
}
