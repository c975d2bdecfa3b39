//! A message that is held: the next step finds it again, whole or as one piece.

use allocation_counter::measure;
use ws_proto::{Chunk, Config, Message, MessageKind, Role, Step};

use crate::support::{BINARY, CONTINUATION, FIN, PING, Seen, TEXT};
use crate::{
    BOTH, End, Pieces, end, end_with, found_text, next, read, read_all, started, take_pieces, wire,
};

const BLOCK_LEN: usize = 4096;
const MIB: usize = 1 << 20;

/// Gives `test` ends that have found a message just now, which lies in the block or was put together. A Ping and a
/// text message lie behind it.
fn each(test: impl Fn(&mut End, Message)) {
    let text = "κόσμε";
    for role in BOTH {
        for (opcode, payload, fragment_len) in [
            (TEXT, text.as_bytes(), None),
            (TEXT, text.as_bytes(), Some(3)),
            (BINARY, &[7; 100], None),
            (BINARY, &[7; 100], Some(10)),
            // Longer than the block.
            (BINARY, &[7; 10_000], None),
            (BINARY, &[7; 10_000], Some(1000)),
            (TEXT, &[], None),
            (TEXT, &[], Some(0)),
            (BINARY, &[], None),
            (BINARY, &[], Some(0)),
        ] {
            let octets = wire(role, |w| {
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
            let mut input = &octets[..];
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
            // Neither of these changes anything.
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
fn a_held_message_is_found_again_as_one_piece_and_an_empty_one_as_none() {
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
            // The end repeats itself until the next beginning.
            assert_eq!(end.next_chunk(), Step::Found(Chunk::End));
        });
    }
}

#[test]
fn a_held_message_in_pieces_is_no_whole_one() {
    each(|end, message| {
        hold(end);
        assert_eq!(end.next_start(), Step::Found(message.kind()));
        for _ in 0..2 {
            assert!(!end.recv.is_between_messages());
            // There is nothing to hold, to take or to forget.
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
        assert!(pieces.is_whole && pieces.octets.is_empty() && pieces.controls.is_empty());
    });
}

#[test]
fn a_held_message_that_is_dropped_half_way_is_skipped() {
    // What follows it is found by `each`.
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
        let octets = wire(role, |w| {
            w.text("first");
            w.frame(FIN | BINARY, b"second");
        });
        let mut end = end_with(role, &Config::default(), &octets, BLOCK_LEN);
        assert_eq!(next(&mut end), found_text("first"));
        hold(&mut end);
        assert_eq!(started(&mut end), Some(MessageKind::Text));
        assert_eq!(started(&mut end), Some(MessageKind::Binary));
        let mut pieces = Pieces::default();
        take_pieces(&mut end, &mut pieces).unwrap();
        assert_eq!(pieces.octets, b"second");
    }
}

#[test]
fn a_held_message_ends_where_it_is_taken_or_more_is_read() {
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
fn without_a_message_nothing_is_held() {
    for role in BOTH {
        let mut end = end(role, &Config::default(), BLOCK_LEN);
        let holds = |end: &mut End| {
            end.recv.hold();
            end.recv.is_holding()
        };
        assert!(!holds(&mut end));
        let octets = wire(role, |w| {
            w.text("taken");
            w.text("dropped");
            w.frame(FIN | PING, b"");
            w.frame(TEXT, b"in");
            w.frame(FIN, b"complete");
        });
        let (now, later) = octets.split_at(octets.len() - 3);
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
        assert_eq!(pieces.octets, b"incomplete");
    }
}

#[test]
fn the_memory_of_a_held_message_is_given_back_when_it_was_passed_on() {
    let octets = wire(Role::Client, |w| w.frame(FIN | BINARY, &[7; MIB]));
    let mut end = end(Role::Client, &Config::default(), BLOCK_LEN);
    let mut input = &octets[..];
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
