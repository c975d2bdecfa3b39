//! Messages that were looked at and are to be forgotten: their memory is free, and nothing else has changed.

#![forbid(unsafe_code)]

mod support;

use allocation_counter::measure;
use support::{BINARY, CONTINUATION, FIN, PING, Seen, TEXT, Wire};
use ws_proto::{BlockReceiver, Chunk, Config, MessageKind, Ready, ReceiveSide, Role, Start};

const BOTH: [Role; 2] = [Role::Client, Role::Server];
const BLOCK_LEN: usize = 4096;
const MIB: usize = 1 << 20;

fn wire(receiver: Role, script: impl Fn(&mut Wire)) -> Vec<u8> {
    let mut wire = Wire::from(receiver.peer());
    script(&mut wire);
    wire.octets
}

fn receiver(role: Role, input: &[u8]) -> BlockReceiver {
    let side = ReceiveSide::new(role, &Config::default());
    BlockReceiver::new(side, input.into(), BLOCK_LEN)
}

/// Goes to the next message or control frame, reading `input` as far as need be.
fn next(receiver: &mut BlockReceiver, input: &mut &[u8]) -> Option<Seen> {
    loop {
        match receiver.poll().unwrap() {
            Some(Ready::Message) => return receiver.message().map(Seen::message),
            Some(Ready::Control(control)) => return Some(Seen::control(&control)),
            None if input.is_empty() => return None,
            None => read(receiver, input),
        }
    }
}

fn read(receiver: &mut BlockReceiver, input: &mut &[u8]) {
    if receiver.wants_block() {
        receiver.lend(vec![0xaa; BLOCK_LEN].into());
    }
    let spare = receiver.spare();
    let len = input.len().min(spare.len());
    spare[..len].copy_from_slice(&input[..len]);
    receiver.filled(len);
    *input = &input[len..];
}

/// Forgets the message, which must be all that changes.
fn drop_message(receiver: &mut BlockReceiver) {
    let unread = receiver.unread().to_vec();
    let between = receiver.side().is_between_messages();
    for _ in 0..2 {
        receiver.drop_message();
        assert!(receiver.message().is_none() && receiver.take_message().is_none());
        assert_eq!(receiver.unread(), unread);
        assert_eq!(receiver.side().is_between_messages(), between);
    }
}

/// Messages in one block, put together and in one large frame, with control frames between them.
fn dialogue(role: Role) -> (Vec<u8>, Vec<Seen>) {
    let octets = wire(role, |w| {
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
    (octets, events)
}

#[test]
fn forgetting_every_other_message_changes_no_other_event() {
    for role in BOTH {
        let (octets, events) = dialogue(role);
        for parity in 0..2 {
            let mut receiver = receiver(role, &[]);
            let mut input = &octets[..];
            for (at, expected) in events.iter().enumerate() {
                let found = next(&mut receiver, &mut input);
                assert_eq!(found.as_ref(), Some(expected), "{role:?} {parity} {at}");
                if at % 2 == parity {
                    drop_message(&mut receiver);
                }
            }
            assert_eq!(next(&mut receiver, &mut input), None);
        }
    }
}

#[test]
fn forgetting_when_nothing_is_whole_changes_nothing() {
    for role in BOTH {
        let (octets, events) = dialogue(role);
        for piece in [1, 7, 1000, BLOCK_LEN] {
            let mut receiver = receiver(role, &[]);
            let mut found = Vec::new();
            for mut input in octets.chunks(piece) {
                loop {
                    match receiver.poll().unwrap() {
                        Some(Ready::Message) => {
                            found.extend(receiver.message().map(Seen::message));
                        }
                        Some(Ready::Control(control)) => {
                            found.push(Seen::control(&control));
                            // A message may be under way around it.
                            drop_message(&mut receiver);
                        }
                        None => {
                            drop_message(&mut receiver);
                            if input.is_empty() {
                                break;
                            }
                            read(&mut receiver, &mut input);
                            drop_message(&mut receiver);
                        }
                    }
                }
                receiver.rest().unwrap();
                drop_message(&mut receiver);
            }
            assert_eq!(found, events, "{role:?} {piece}");
        }
    }
}

#[test]
fn a_message_that_was_put_together_is_given_back_when_it_is_forgotten() {
    for role in BOTH {
        for (opcode, frames) in [(BINARY, 1), (BINARY, 1024), (TEXT, 1), (TEXT, 1024)] {
            let octets = wire(role, |w| {
                if frames == 1 {
                    w.frame(FIN | opcode, &vec![b'x'; MIB]);
                } else {
                    w.fragments(opcode, &vec![b'x'; MIB], MIB / frames);
                }
                w.text("behind");
            });
            let mut receiver = receiver(role, &[]);
            let mut input = &octets[..];
            let held = measure(|| assert!(next(&mut receiver, &mut input).is_some()));
            assert!(held.bytes_current >= MIB as i64);
            let freed = measure(|| receiver.drop_message());
            assert!(freed.bytes_max < 100, "copied first: {freed:?}");
            let after = held.bytes_current + freed.bytes_current;
            assert!(after <= BLOCK_LEN as i64, "{role:?} {frames}: {after}");
            assert_eq!(
                next(&mut receiver, &mut input),
                Some(Seen::Text("behind".into()))
            );
        }
    }
}

#[test]
fn a_message_that_was_taken_is_the_users_and_forgetting_it_is_nothing() {
    for role in BOTH {
        let octets = wire(role, |w| {
            w.frame(FIN | BINARY, &[1; 2 * BLOCK_LEN]);
            w.text("behind");
        });
        let mut receiver = receiver(role, &[]);
        let mut input = &octets[..];
        assert!(next(&mut receiver, &mut input).is_some());
        let taken = receiver.take_message().unwrap();
        drop_message(&mut receiver);
        assert_eq!(
            Seen::message(taken.as_ref()),
            Seen::Binary(vec![1; 2 * BLOCK_LEN])
        );
        assert_eq!(
            next(&mut receiver, &mut input),
            Some(Seen::Text("behind".into()))
        );
    }
}

/// Forgets before each piece, after each piece, or both.
fn pieces(receiver: &mut BlockReceiver, input: &mut &[u8], before: bool, after: bool) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        if before {
            drop_message(receiver);
        }
        match receiver.poll_chunk().unwrap() {
            Some(Chunk::Data) => all.extend_from_slice(receiver.chunk()),
            Some(Chunk::Control(_)) => {}
            Some(Chunk::End) => return all,
            None => read(receiver, input),
        }
        if after {
            drop_message(receiver);
        }
    }
}

#[test]
fn a_message_that_is_passed_on_is_not_disturbed() {
    for role in BOTH {
        for (before, after) in [(true, false), (false, true), (true, true)] {
            for begun in [false, true] {
                let octets = wire(role, |w| {
                    w.frame(BINARY, &[7; 10_000]);
                    w.frame(FIN | PING, b"between");
                    w.frame(FIN | CONTINUATION, &[7; 10_000]);
                    w.text("behind");
                });
                let mut receiver = receiver(role, &[]);
                let mut input = &octets[..];
                if begun {
                    // A part is put together before.
                    for _ in 0..2 {
                        read(&mut receiver, &mut input);
                        assert_eq!(receiver.poll(), Ok(None));
                    }
                } else {
                    read(&mut receiver, &mut input);
                }
                let start = receiver.poll_start().unwrap();
                assert_eq!(start, Some(Start::Message(MessageKind::Binary)));
                let all = pieces(&mut receiver, &mut input, before, after);
                assert_eq!(all, [7; 20_000], "{role:?} {before} {after} {begun}");
                assert_eq!(
                    next(&mut receiver, &mut input),
                    Some(Seen::Text("behind".into()))
                );
            }
        }
    }
}

/// As [`BlockReceiver::take_message`] leaves it.
#[test]
fn a_piece_that_was_found_stays_when_the_message_is_forgotten() {
    for role in BOTH {
        for begun in [false, true] {
            let octets = wire(role, |w| w.frame(BINARY, &[7; 1000]));
            let mut receiver = receiver(role, &octets);
            if begun {
                receiver.rest().unwrap();
            }
            receiver.poll_start().unwrap();
            assert_eq!(receiver.poll_chunk(), Ok(Some(Chunk::Data)));
            assert_eq!(receiver.chunk(), [7; 1000]);
            assert!(receiver.take_message().is_none());
            assert_eq!(receiver.chunk(), [7; 1000]);
            receiver.drop_message();
            assert_eq!(receiver.chunk(), [7; 1000], "{role:?} {begun}");
        }
    }
}
