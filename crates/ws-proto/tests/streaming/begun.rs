//! Where pieces begin: what was put together before comes first, and nothing of it is lost.

use ws_proto::{Chunk, Config, MessageKind, Role, Step};

use crate::support::{BINARY, CONTINUATION, FIN, TEXT};
use crate::{
    BOTH, End, Pieces, end, found_text, next, read, read_all, started, take_pieces, wire,
    with_input,
};

#[test]
fn a_message_begun_whole_goes_on_in_pieces_from_its_first_octet() {
    let text = "κόσμε 😀 ".repeat(5);
    for role in BOTH {
        for frames in [1, 2, 5] {
            let octets = wire(role, |w| {
                w.fragments(TEXT, text.as_bytes(), text.len() / frames);
                w.text("next");
            });
            for at in 0..octets.len() - 10 {
                for rest in [false, true] {
                    let mut end = end(role, &Config::default(), 64);
                    let mut input = &octets[..at];
                    let mut is_whole = false;
                    while !input.is_empty() && !is_whole {
                        read(&mut end, &mut input);
                        is_whole = next(&mut end).unwrap().is_some();
                        if rest && !is_whole {
                            end.park();
                        }
                    }
                    if is_whole {
                        break;
                    }
                    let mut input = &octets[at..];
                    let mut kind = started(&mut end);
                    let mut pieces = Pieces::default();
                    if kind.is_some() {
                        take_pieces(&mut end, &mut pieces).unwrap();
                        assert_eq!(pieces.octets, text.as_bytes()[..pieces.octets.len()]);
                    }
                    while !pieces.is_whole {
                        read(&mut end, &mut input);
                        kind = kind.or_else(|| started(&mut end));
                        if kind.is_some() {
                            take_pieces(&mut end, &mut pieces).unwrap();
                        }
                    }
                    assert_eq!(kind, Some(MessageKind::Text));
                    assert_eq!(pieces.octets, text.as_bytes(), "{at} of {role:?}");
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
fn the_beginning_put_together_survives_everything_between_two_steps() {
    // What is called between the beginning and the first piece must not lose that piece.
    type Between = fn(&mut End);
    let calls: [Between; 5] = [
        // There may be more to find, so this keeps everything.
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
        for taken_first in [false, true] {
            for (kept, rested) in [(false, false), (true, false), (true, true)] {
                let octets = wire(Role::Client, |w| {
                    w.frame(TEXT, b"put together, ");
                    w.frame(FIN, b"passed on");
                });
                let mut end = end(Role::Client, &Config::default(), 100);
                // The second frame may be there in part, in the block or taken over.
                let at = if kept { 16 + 2 + 4 } else { 16 };
                read_all(&mut end, &octets[..at]);
                assert_eq!(end.next_message(), Step::NeedInput);
                if rested {
                    end.park();
                }
                assert_eq!(started(&mut end), Some(MessageKind::Text));
                let mut pieces = Pieces::default();
                if taken_first {
                    assert_eq!(end.next_chunk(), Step::Found(Chunk::Data));
                    pieces.octets.extend_from_slice(end.recv.chunk());
                }
                call(&mut end);
                take_pieces(&mut end, &mut pieces).unwrap();
                read_all(&mut end, &octets[at..]);
                take_pieces(&mut end, &mut pieces).unwrap();
                assert!(pieces.is_whole);
                let text = String::from_utf8(pieces.octets).unwrap();
                assert_eq!(text, "put together, passed on", "{n} {taken_first} {kept}");
            }
        }
    }
}

#[test]
fn a_beginning_without_octets_gives_no_empty_piece() {
    for role in BOTH {
        for rest in [false, true] {
            let octets = wire(role, |w| {
                w.frame(BINARY, b"");
                w.frame(CONTINUATION, b"");
                w.frame(FIN, b"x");
            });
            let header_len = if role == Role::Server { 6 } else { 2 };
            let mut end = end(role, &Config::default(), 100);
            read_all(&mut end, &octets[..header_len]);
            assert_eq!(end.next_message(), Step::NeedInput);
            if rest {
                end.park();
            }
            assert_eq!(started(&mut end), Some(MessageKind::Binary));
            assert_eq!(end.next_chunk(), Step::NeedInput, "an empty piece");
            // Between two frames, but not between messages.
            assert!(!end.recv.is_between_messages());
            read_all(&mut end, &octets[header_len..]);
            assert_eq!(end.next_chunk(), Step::Found(Chunk::Data));
            assert_eq!(end.recv.chunk(), b"x");
            assert_eq!(end.next_chunk(), Step::Found(Chunk::End));
        }
    }
}

#[test]
fn a_message_that_is_whole_in_the_block_can_be_passed_on_too() {
    for role in BOTH {
        let octets = wire(role, |w| {
            w.text("whole");
            w.frame(FIN | BINARY, b"");
            w.frame(FIN | TEXT, b"");
            w.frame(BINARY, b"");
            w.frame(CONTINUATION, b"");
            w.frame(FIN, b"");
            w.text("last");
        });
        let mut end = with_input(role, &Config::default(), &octets);
        for (kind, octets) in [
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
            assert_eq!(pieces.octets, octets);
            // The end repeats itself until the next beginning.
            assert_eq!(end.next_chunk(), Step::Found(Chunk::End));
        }
        assert_eq!(next(&mut end), found_text("last"));
        assert_eq!(end.next_start(), Step::NeedInput);
        assert_eq!(end.next_chunk(), Step::Found(Chunk::End));
        assert_eq!(end.next_message(), Step::NeedInput);
    }
}

#[test]
fn a_beginning_asked_for_again_skips_the_message() {
    let octets = wire(Role::Server, |w| {
        for text in ["one", "two", "three", "four"] {
            w.fragments(TEXT, text.as_bytes(), 2);
        }
    });
    let mut end = with_input(Role::Server, &Config::default(), &octets);
    assert_eq!(started(&mut end), Some(MessageKind::Text));
    assert_eq!(started(&mut end), Some(MessageKind::Text));
    assert_eq!(end.next_chunk(), Step::Found(Chunk::Data));
    assert_eq!(end.recv.chunk(), b"tw");
    assert_eq!(started(&mut end), Some(MessageKind::Text));
    assert_eq!(next(&mut end), found_text("four"));
}
