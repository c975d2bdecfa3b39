//! Dropping the message that a step found. The memory of the message is freed, and nothing else
//! changes.

use allocation_counter::measure;
use ws_proto::{Chunk, Config, Connection, MessageKind, Role, Step};

use crate::support::{
    BINARY, BOTH, CONTINUATION, FIN, PING, Seen, TEXT, connection, fill, frames_to, take,
};

const BLOCK_LEN: usize = 4096;
const MIB: usize = 1 << 20;

/// Returns an end that has received `input` before its first block is lent.
fn end(role: Role, input: &[u8]) -> Connection {
    let mut end = connection(role, &Config::default());
    let lending = &mut end.recv.lending();
    lending.set_up(input.into(), BLOCK_LEN, BLOCK_LEN);
    end
}

fn read(end: &mut Connection, input: &mut &[u8]) {
    fill(&mut end.recv, input, 0);
}

fn park(end: &mut Connection) {
    end.recv.lending().park(&mut end.send);
}

/// Takes the next message or control frame from the input that was read.
fn found(end: &mut Connection) -> Option<Seen> {
    match end.recv.next_message(&mut end.send) {
        Step::Found(()) => end.recv.message().map(Seen::message),
        Step::Control(control) => Some(Seen::control(&control)),
        step => {
            assert_eq!(step, Step::NeedInput);
            None
        }
    }
}

/// Takes the next message or control frame, and reads `input` if necessary.
fn next(end: &mut Connection, input: &mut &[u8]) -> Option<Seen> {
    loop {
        match found(end) {
            None if !input.is_empty() => read(end, input),
            found => return found,
        }
    }
}

/// Drops the message, and asserts that nothing else changes.
fn drop_message(end: &mut Connection) {
    let recv = &mut end.recv;
    let unread = recv.unread().to_vec();
    let between = recv.is_between_messages();
    for _ in 0..2 {
        recv.drop_message();
        assert!(recv.message().is_none() && recv.take_message().is_none());
        assert_eq!(recv.unread(), unread);
        assert_eq!(recv.is_between_messages(), between);
    }
}

/// Returns the bytes of messages with Pings between them, and the expected events. The messages are
/// short, in fragments, or in frames that are longer than a block.
fn dialogue(role: Role) -> (Vec<u8>, Vec<Seen>) {
    let bytes = frames_to(role, |w| {
        w.text("in the block");
        w.fragments(BINARY, &[1; 10_000], 1000);
        w.frame(FIN | PING, b"1");
        w.frame(TEXT, b"a");
        w.frame(FIN | PING, b"2");
        w.frame(FIN | CONTINUATION, b"b");
        w.frame(FIN | BINARY, &[2; 3 * BLOCK_LEN]);
        w.frame(FIN | BINARY, &[]);
        w.fragments(TEXT, "ü".repeat(10_000).as_bytes(), 999);
        w.text("the end");
    });
    let events = vec![
        Seen::Text("in the block".into()),
        Seen::Binary(vec![1; 10_000]),
        Seen::Ping(b"1".to_vec()),
        Seen::Ping(b"2".to_vec()),
        Seen::Text("ab".into()),
        Seen::Binary(vec![2; 3 * BLOCK_LEN]),
        Seen::Binary(Vec::new()),
        Seen::Text("ü".repeat(10_000)),
        Seen::Text("the end".into()),
    ];
    (bytes, events)
}

#[test]
fn dropping_every_other_message_changes_no_event() {
    for role in BOTH {
        let (bytes, events) = dialogue(role);
        for parity in 0..2 {
            let mut end = end(role, &[]);
            let mut input = &bytes[..];
            for (at, expected) in events.iter().enumerate() {
                let seen = next(&mut end, &mut input);
                assert_eq!(seen.as_ref(), Some(expected), "{role:?} {parity} {at}");
                if at % 2 == parity {
                    drop_message(&mut end);
                }
            }
            assert_eq!(next(&mut end, &mut input), None);
        }
    }
}

#[test]
fn dropping_without_a_complete_message_changes_nothing() {
    for role in BOTH {
        let (bytes, expected) = dialogue(role);
        for piece in [1, 7, 1000, BLOCK_LEN] {
            let mut end = end(role, &[]);
            let mut events = Vec::new();
            for mut input in bytes.chunks(piece) {
                loop {
                    match found(&mut end) {
                        Some(seen @ Seen::Ping(_)) => {
                            events.push(seen);
                            // The Ping may be between the fragments of a message.
                            drop_message(&mut end);
                        }
                        Some(seen) => events.push(seen),
                        None => {
                            drop_message(&mut end);
                            if input.is_empty() {
                                break;
                            }
                            read(&mut end, &mut input);
                            drop_message(&mut end);
                        }
                    }
                }
                park(&mut end);
                drop_message(&mut end);
            }
            assert_eq!(events, expected, "{role:?} {piece}");
        }
    }
}

#[test]
fn dropping_an_assembled_message_frees_its_memory() {
    for role in BOTH {
        for (opcode, frames) in [(BINARY, 1), (BINARY, 1024), (TEXT, 1), (TEXT, 1024)] {
            let bytes = frames_to(role, |w| {
                if frames == 1 {
                    w.frame(FIN | opcode, &vec![b'x'; MIB]);
                } else {
                    w.fragments(opcode, &vec![b'x'; MIB], MIB / frames);
                }
                w.text("behind");
            });
            let mut end = end(role, &[]);
            let mut input = &bytes[..];
            let held = measure(|| assert!(next(&mut end, &mut input).is_some()));
            assert!(held.bytes_current >= MIB as i64);
            let freed = measure(|| end.recv.drop_message());
            assert!(
                freed.bytes_max < 100,
                "the message was copied first: {freed:?}"
            );
            let after = held.bytes_current + freed.bytes_current;
            assert!(after <= BLOCK_LEN as i64, "{role:?} {frames}: {after}");
            assert_eq!(
                next(&mut end, &mut input),
                Some(Seen::Text("behind".into()))
            );
        }
    }
}

#[test]
fn dropping_after_take_message_changes_nothing() {
    for role in BOTH {
        let bytes = frames_to(role, |w| {
            w.frame(FIN | BINARY, &[1; 2 * BLOCK_LEN]);
            w.text("behind");
        });
        let mut end = end(role, &[]);
        let mut input = &bytes[..];
        assert!(next(&mut end, &mut input).is_some());
        let taken = end.recv.take_message().unwrap();
        drop_message(&mut end);
        assert_eq!(
            Seen::message(taken.as_ref()),
            Seen::Binary(vec![1; 2 * BLOCK_LEN])
        );
        assert_eq!(
            next(&mut end, &mut input),
            Some(Seen::Text("behind".into()))
        );
    }
}

/// Receives a message in pieces, and calls `drop_message` before each step, after each step, or
/// both.
fn pieces(end: &mut Connection, input: &mut &[u8], before: bool, after: bool) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        if before {
            drop_message(end);
        }
        match end.recv.next_chunk(&mut end.send) {
            Step::Found(Chunk::Data) => all.extend_from_slice(end.recv.chunk()),
            Step::Found(Chunk::End) => return all,
            Step::Control(_) => {}
            step => {
                assert_eq!(step, Step::NeedInput);
                read(end, input);
            }
        }
        if after {
            drop_message(end);
        }
    }
}

#[test]
fn dropping_does_not_change_a_message_in_pieces() {
    for role in BOTH {
        for (before, after) in [(true, false), (false, true), (true, true)] {
            for assembled in [false, true] {
                let bytes = frames_to(role, |w| {
                    w.frame(BINARY, &[7; 10_000]);
                    w.frame(FIN | PING, b"between");
                    w.frame(FIN | CONTINUATION, &[7; 10_000]);
                    w.text("behind");
                });
                let mut end = end(role, &[]);
                let mut input = &bytes[..];
                if assembled {
                    // `next_message` assembles a part of the message first.
                    for _ in 0..2 {
                        read(&mut end, &mut input);
                        assert_eq!(end.recv.next_message(&mut end.send), Step::NeedInput);
                    }
                } else {
                    read(&mut end, &mut input);
                }
                assert_eq!(
                    end.recv.next_start(&mut end.send),
                    Step::Found(MessageKind::Binary)
                );
                let all = pieces(&mut end, &mut input, before, after);
                assert_eq!(all, [7; 20_000], "{role:?} {before} {after} {assembled}");
                assert_eq!(
                    next(&mut end, &mut input),
                    Some(Seen::Text("behind".into()))
                );
            }
        }
    }
}

#[test]
fn neither_take_message_nor_drop_message_removes_a_piece() {
    for role in BOTH {
        for assembled in [false, true] {
            let bytes = frames_to(role, |w| w.frame(BINARY, &[7; 1000]));
            let mut end = end(role, &bytes);
            if assembled {
                assert_eq!(end.recv.next_message(&mut end.send), Step::NeedInput);
                park(&mut end);
            }
            assert_eq!(
                end.recv.next_start(&mut end.send),
                Step::Found(MessageKind::Binary)
            );
            assert_eq!(end.recv.next_chunk(&mut end.send), Step::Found(Chunk::Data));
            assert_eq!(end.recv.chunk(), [7; 1000]);
            assert!(end.recv.take_message().is_none());
            assert_eq!(end.recv.chunk(), [7; 1000]);
            end.recv.drop_message();
            assert_eq!(end.recv.chunk(), [7; 1000], "{role:?} {assembled}");
        }
    }
}

/// The memory that the small messages after a long read were moved to is also exchanged.
#[test]
fn a_message_holds_little_memory_even_at_the_end_of_a_large_block() {
    const LARGE: usize = 4 * BLOCK_LEN;
    for role in BOTH {
        let mut end = end(role, &[]);
        let lending = &mut end.recv.lending();
        lending.set_up(Box::default(), BLOCK_LEN, LARGE);
        lending.lend(vec![0; LARGE].into());
        let bytes = frames_to(role, |w| {
            for _ in 0..600 {
                w.text("a text of 20 bytes..");
            }
        });
        assert_eq!(take(end.recv.spare(), &mut &bytes[..]), bytes.len());
        end.recv.filled(bytes.len());
        let mut held = LARGE;
        for number in 1..=600 {
            assert_eq!(end.recv.next_message(&mut end.send), Step::Found(()));
            if let Some(old) = end.recv.lending().settle() {
                assert_eq!(old.len(), held);
                held = end.recv.message().unwrap().as_bytes().len() + end.recv.unread().len();
            }
            let used = bytes.len() * (601 - number) / 600;
            assert!(held <= 16 * used + 4096, "{held} for {used}");
            assert_eq!(end.recv.message().unwrap().as_bytes().len(), 20);
        }
    }
}

/// With usual blocks, a connection whose messages are as long as a block would need two reads for
/// each message.
#[test]
fn a_frame_that_does_not_fit_a_block_with_its_header_requires_large_blocks() {
    for role in BOTH {
        for len in [BLOCK_LEN - 3, BLOCK_LEN, BLOCK_LEN + 1, 4 * BLOCK_LEN] {
            let bytes = frames_to(role, |w| w.frame(FIN | BINARY, &vec![7; len]));
            let mut end = end(role, &[]);
            end.recv
                .lending()
                .set_up(Box::default(), BLOCK_LEN, 4 * BLOCK_LEN);
            let mut input = &bytes[..];
            assert_eq!(next(&mut end, &mut input), Some(Seen::Binary(vec![7; len])));
            assert_eq!(next(&mut end, &mut input), None);
            park(&mut end);
            assert_eq!(end.recv.lending().wants_block(), Some(4 * BLOCK_LEN));
        }
    }
}
