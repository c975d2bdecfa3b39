//! Held messages. The next step finds a held message again, whole or as one piece.

use allocation_counter::measure;
use ws_proto::{Chunk, Config, Message, MessageKind, Role, Step};

use super::{End, Pieces, end, end_with, found_text, next, read, read_all, started, take_pieces};
use crate::support::{BINARY, BOTH, CONTINUATION, FIN, PING, Seen, TEXT, frames_to};

const BLOCK_LEN: usize = 4096;
const MIB: usize = 1 << 20;

/// Runs `test` on ends that have just found a message. The message is in the block, or it is
/// assembled. Then asserts that the Ping and the text after this message are found.
fn each(test: impl Fn(&mut End, Message)) {
    let text = "κόσμε";
    for role in BOTH {
        for (opcode, payload, fragment_len) in [
            (TEXT, text.as_bytes(), None),
            (TEXT, text.as_bytes(), Some(3)),
            (BINARY, &[7; 100], None),
            (BINARY, &[7; 100], Some(10)),
            // These messages are longer than the block.
            (BINARY, &[7; 10_000], None),
            (BINARY, &[7; 10_000], Some(1000)),
            (TEXT, &[], None),
            (TEXT, &[], Some(0)),
            (BINARY, &[], None),
            (BINARY, &[], Some(0)),
        ] {
            let bytes = frames_to(role, |w| {
                match fragment_len {
                    None => w.frame(FIN | opcode, payload),
                    Some(0) => {
                        w.frame(opcode, b"");
                        w.frame(FIN | CONTINUATION, b"");
                    }
                    Some(len) => w.fragments(opcode, payload, len),
                }
                w.frame(FIN | PING, b"between");
                w.text("behind");
            });
            let mut end = end(role, &Config::default(), BLOCK_LEN);
            let mut input = &bytes[..];
            while next(&mut end).unwrap().is_none() {
                read(&mut end, &mut input);
            }
            assert!(!end.recv.is_holding());
            let message = end.recv.message().unwrap().to_message();
            assert_eq!(message.as_bytes(), payload);
            test(&mut end, message);
            assert_eq!(next(&mut end), Ok(Some(Seen::Ping(b"between".to_vec()))));
            while !input.is_empty() {
                read(&mut end, &mut input);
            }
            assert_eq!(next(&mut end), found_text("behind"));
            assert_eq!(next(&mut end), Ok(None));
            assert!(end.recv.is_between_messages());
        }
    }
}

fn hold(end: &mut End) {
    end.recv.hold();
    assert!(end.recv.is_holding());
    assert!(!end.recv.is_between_messages());
}

#[test]
fn a_held_message_is_found_again_whole() {
    each(|end, message| {
        for _ in 0..3 {
            let unread = end.recv.unread().to_vec();
            hold(end);
            // None of the next four calls changes anything.
            hold(end);
            end.recv.drop_message();
            end.recv.lending().settle();
            assert!(end.park().is_empty());
            assert_eq!(end.recv.unread(), unread);
            assert_eq!(end.recv.message(), Some(message.as_ref()));
            assert_eq!(end.next_message(), Step::Found(message.as_ref()));
            assert!(!end.recv.is_holding());
        }
        assert_eq!(end.recv.take_message(), Some(message));
        assert_eq!(end.recv.take_message(), None);
    });
}

#[test]
fn a_held_message_is_found_again_as_one_piece_and_an_empty_one_without_a_piece() {
    for settles in [false, true] {
        let settle = |end: &mut End| {
            if settles {
                end.recv.lending().settle();
            }
        };
        each(|end, message| {
            hold(end);
            settle(end);
            assert_eq!(end.next_start(), Step::Found(message.kind()));
            assert!(!end.recv.is_holding());
            assert!(end.recv.chunk().is_empty(), "before the first piece");
            settle(end);
            if !message.as_bytes().is_empty() {
                assert_eq!(end.next_chunk(), Step::Found(Chunk::Data));
                settle(end);
                assert_eq!(end.recv.chunk(), message.as_bytes());
            }
            assert_eq!(end.next_chunk(), Step::Found(Chunk::End));
            assert!(end.recv.chunk().is_empty());
            // Each further step finds the end again, until the next start.
            assert_eq!(end.next_chunk(), Step::Found(Chunk::End));
        });
    }
}

#[test]
fn a_held_message_that_is_received_in_pieces_is_not_available_as_a_whole() {
    each(|end, message| {
        hold(end);
        assert_eq!(end.next_start(), Step::Found(message.kind()));
        for _ in 0..2 {
            assert!(!end.recv.is_between_messages());
            // The message can no longer be held, taken or dropped as a whole.
            end.recv.hold();
            end.recv.drop_message();
            assert!(!end.recv.is_holding());
            assert!(end.recv.message().is_none() && end.recv.take_message().is_none());
            if !message.as_bytes().is_empty() && end.recv.chunk().is_empty() {
                assert_eq!(end.next_chunk(), Step::Found(Chunk::Data));
                assert_eq!(end.recv.chunk(), message.as_bytes());
            }
        }
        assert_eq!(end.recv.chunk(), message.as_bytes());
        let mut pieces = Pieces::default();
        take_pieces(end, &mut pieces).unwrap();
        assert!(pieces.is_whole && pieces.bytes.is_empty() && pieces.controls.is_empty());
    });
}

#[test]
fn the_rest_of_a_held_message_is_skipped() {
    // `each` asserts that the frames after the message are found.
    each(|end, message| {
        hold(end);
        assert_eq!(end.next_start(), Step::Found(message.kind()));
    });
    each(|end, message| {
        hold(end);
        assert_eq!(end.next_start(), Step::Found(message.kind()));
        let is_empty = message.as_bytes().is_empty();
        let chunk = if is_empty { Chunk::End } else { Chunk::Data };
        assert_eq!(end.next_chunk(), Step::Found(chunk));
    });
    for role in BOTH {
        let bytes = frames_to(role, |w| {
            w.text("first");
            w.frame(FIN | BINARY, b"second");
        });
        let mut end = end_with(role, &Config::default(), &bytes, BLOCK_LEN);
        assert_eq!(next(&mut end), found_text("first"));
        hold(&mut end);
        assert_eq!(started(&mut end), Some(MessageKind::Text));
        assert_eq!(started(&mut end), Some(MessageKind::Binary));
        let mut pieces = Pieces::default();
        take_pieces(&mut end, &mut pieces).unwrap();
        assert_eq!(pieces.bytes, b"second");
    }
}

#[test]
fn a_message_is_held_until_it_is_taken_or_more_is_read() {
    each(|end, message| {
        hold(end);
        assert_eq!(end.recv.take_message(), Some(message));
        assert!(!end.recv.is_holding() && end.recv.message().is_none());
    });
    type Read = fn(&mut End);
    let reads: [Read; 2] = [
        |end| {
            let _ = end.recv.spare();
        },
        |end| drop(end.recv.lending().lend(vec![0; BLOCK_LEN].into())),
    ];
    for read in reads {
        each(|end, _| {
            hold(end);
            read(end);
            assert!(!end.recv.is_holding() && end.recv.message().is_none());
        });
    }
}

#[test]
fn only_a_complete_message_that_was_just_found_can_be_held() {
    for role in BOTH {
        let mut end = end(role, &Config::default(), BLOCK_LEN);
        let holds = |end: &mut End| {
            end.recv.hold();
            end.recv.is_holding()
        };
        assert!(!holds(&mut end));
        let bytes = frames_to(role, |w| {
            w.text("taken");
            w.text("dropped");
            w.frame(FIN | PING, b"");
            w.frame(TEXT, b"in");
            w.frame(FIN, b"complete");
        });
        let (now, later) = bytes.split_at(bytes.len() - 3);
        read_all(&mut end, now);
        assert!(!holds(&mut end));
        assert_eq!(next(&mut end), found_text("taken"));
        assert!(end.recv.take_message().is_some() && !holds(&mut end));
        assert_eq!(next(&mut end), found_text("dropped"));
        end.recv.drop_message();
        assert!(!holds(&mut end));
        assert_eq!(next(&mut end), Ok(Some(Seen::Ping(Vec::new()))));
        assert!(!holds(&mut end));
        assert_eq!(next(&mut end), Ok(None));
        assert!(!holds(&mut end));
        assert_eq!(started(&mut end), Some(MessageKind::Text));
        assert!(!holds(&mut end));
        let mut pieces = Pieces::default();
        take_pieces(&mut end, &mut pieces).unwrap();
        assert!(!holds(&mut end));
        read_all(&mut end, later);
        take_pieces(&mut end, &mut pieces).unwrap();
        assert!(!holds(&mut end));
        assert_eq!(pieces.bytes, b"incomplete");
    }
}

#[test]
fn the_memory_of_a_held_message_is_freed_after_its_piece() {
    let bytes = frames_to(Role::Client, |w| w.frame(FIN | BINARY, &[7; MIB]));
    let mut end = end(Role::Client, &Config::default(), BLOCK_LEN);
    let mut input = &bytes[..];
    let mut held = measure(|| {
        while end.next_message() == Step::NeedInput {
            read(&mut end, &mut input);
        }
        hold(&mut end);
        assert_eq!(started(&mut end), Some(MessageKind::Binary));
    })
    .bytes_current;
    assert!(held >= MIB as i64);
    held += measure(|| {
        assert_eq!(end.next_chunk(), Step::Found(Chunk::Data));
        assert_eq!(end.recv.chunk().len(), MIB);
        assert_eq!(end.next_chunk(), Step::Found(Chunk::End));
        end.recv.lending().settle();
    })
    .bytes_current;
    assert!(held <= 5 * 1024, "{held}");
}
