//! Looking ahead: control frames are answered while messages wait.

#![forbid(unsafe_code)]

mod support;

use proptest::prelude::*;
use support::*;
use ws_proto::{Config, LookAhead, RecvHalf, Role, SendHalf, Step};

/// Bytes in a block: few, so that messages soon fill it.
const BLOCK: usize = 300;

/// An end that looks ahead and receives, with input that nobody has read yet.
struct End {
    recv: RecvHalf,
    send: SendHalf,
    arriving: Vec<u8>,
    seen: Vec<Seen>,
}

impl End {
    fn new(role: Role, arriving: &[u8]) -> Self {
        let config = Config::default();
        let mut recv = RecvHalf::new(role, &config);
        recv.lending().set_up(Box::default(), BLOCK, 2 * BLOCK);
        Self {
            recv,
            send: match role {
                Role::Server => SendHalf::server(&config),
                Role::Client => SendHalf::client(&config, Keys::default()),
            },
            arriving: arriving.to_vec(),
            seen: Vec::new(),
        }
    }

    /// Moves up to `most` bytes of what arrives to `spare`.
    fn read(arriving: &mut Vec<u8>, spare: &mut [u8], most: usize) -> usize {
        let len = most.min(spare.len()).min(arriving.len());
        spare[..len].copy_from_slice(&arriving[..len]);
        arriving.drain(..len);
        len
    }

    /// Looks as far as it can, with reads of `most` bytes.
    fn look(&mut self, most: usize) -> LookAhead {
        loop {
            match self.recv.look_ahead(&mut self.send) {
                LookAhead::Control(control) => self.seen.push(Seen::control(&control)),
                LookAhead::NeedInput if !self.arriving.is_empty() => {
                    let mut lending = self.recv.lending();
                    if let Some(len) = lending.wants_block() {
                        lending.lend_ahead(vec![0; len].into());
                    }
                    let len = Self::read(&mut self.arriving, lending.spare_ahead(), most);
                    self.recv.filled(len);
                }
                found => {
                    self.recv.lending().settle_ahead();
                    return found;
                }
            }
        }
    }

    /// Takes a step that finds a message or control frame, with reads of `most` bytes. `false` if there is none.
    fn receive(&mut self, most: usize) -> bool {
        loop {
            match self.recv.next_message(&mut self.send) {
                Step::Found(()) => {
                    let message = self.recv.message().expect("a message");
                    self.seen.push(Seen::message(message));
                    return true;
                }
                Step::Control(control) => {
                    self.seen.push(Seen::control(&control));
                    return true;
                }
                Step::NeedInput if self.arriving.is_empty() => {
                    self.recv.lending().park(&mut self.send);
                    return false;
                }
                Step::NeedInput => {
                    let mut lending = self.recv.lending();
                    if let Some(len) = lending.wants_block() {
                        lending.lend(vec![0; len].into());
                    }
                    let len = Self::read(&mut self.arriving, self.recv.spare(), most);
                    self.recv.filled(len);
                }
                Step::Busy => {}
                Step::Ended => return false,
            }
        }
    }

    fn output(&mut self) -> Vec<u8> {
        let mut output = Vec::new();
        while self.send.queued() > 0 {
            let mut slices = [&[][..]; 16];
            let used = self.send.slices(&mut slices);
            let bytes = slices[..used].concat();
            self.send.advance(bytes.len());
            output.extend(bytes);
        }
        output
    }
}

fn from_peer(role: Role, script: impl Fn(&mut Wire)) -> Vec<u8> {
    let mut wire = Wire::from(role.peer());
    script(&mut wire);
    wire.octets
}

fn from_us(role: Role, script: impl Fn(&mut Wire)) -> Vec<u8> {
    let mut wire = Wire::from(role);
    script(&mut wire);
    wire.octets
}

const BOTH: [Role; 2] = [Role::Server, Role::Client];

#[test]
fn pings_behind_messages_are_answered_once_and_the_messages_stay() {
    for role in BOTH {
        let input = from_peer(role, |w| {
            w.frame(FIN | PING, b"a");
            w.frame(FIN | TEXT, b"one");
            w.frame(FIN | PING, b"b");
            w.frame(BINARY, b"tw");
            w.frame(FIN | PING, b"c");
            w.frame(FIN | CONTINUATION, b"o");
        });
        let mut end = End::new(role, &input);
        assert_eq!(end.look(7), LookAhead::NeedInput);
        assert_eq!(end.seen, [Seen::Ping(b"a".to_vec())]);
        let pongs = from_us(role, |w| {
            for payload in [b"a", b"b", b"c"] {
                w.frame(FIN | PONG, payload);
            }
        });
        assert_eq!(end.output(), pongs);
        while end.receive(7) {}
        assert_eq!(
            end.seen[1..],
            [
                Seen::Text("one".into()),
                Seen::Ping(b"b".to_vec()),
                Seen::Ping(b"c".to_vec()),
                Seen::Binary(b"two".to_vec()),
            ]
        );
        assert!(end.output().is_empty(), "none is answered twice");
    }
}

#[test]
fn a_close_counts_once_the_messages_before_it_have_been_received() {
    for role in BOTH {
        let input = from_peer(role, |w| {
            w.frame(FIN | TEXT, b"last words");
            w.close(4001, b"bye");
            w.frame(FIN | TEXT, b"ignored");
        });
        let mut end = End::new(role, &input);
        assert_eq!(end.look(1000), LookAhead::Full);
        assert!(end.send.is_open() && end.output().is_empty());
        assert!(end.receive(1));
        assert_eq!(end.look(1000), LookAhead::Ended);
        assert_eq!(end.send.peer_close().unwrap().code.number(), 4001);
        assert_eq!(end.output(), from_us(role, |w| w.close(4001, b"")));
        assert!(!end.receive(1));
        assert_eq!(
            end.seen,
            [
                Seen::Text("last words".into()),
                Seen::Close(Some((4001, "bye".into()))),
            ]
        );
        assert!(end.send.end().unwrap().clean && end.output().is_empty());
    }
}

#[test]
fn no_more_than_a_block_is_read() {
    for (role, len) in BOTH.into_iter().zip([80, 10_000]) {
        let input = from_peer(role, |w| {
            for _ in 0..10 {
                w.frame(FIN | BINARY, &vec![7; len]);
            }
            w.frame(FIN | PING, b"far behind");
        });
        let mut end = End::new(role, &input);
        assert_eq!(end.look(1000), LookAhead::Full);
        let read = input.len() - end.arriving.len();
        assert!(read <= 2 * BLOCK, "{read}");
        assert!(end.output().is_empty());
        let mut messages = 0;
        while end.receive(1000) {
            messages += 1;
        }
        assert_eq!(messages, 11);
        assert_eq!(
            end.output(),
            from_us(role, |w| w.frame(FIN | PONG, b"far behind"))
        );
    }
}

#[test]
fn a_violation_behind_messages_waits_for_its_turn() {
    for role in BOTH {
        let input = from_peer(role, |w| {
            w.frame(FIN | TEXT, b"fine");
            w.frame(0x83, b"reserved");
        });
        let mut end = End::new(role, &input);
        assert_eq!(end.look(1000), LookAhead::Full);
        assert!(end.send.is_open());
        assert!(end.receive(1) && !end.receive(1));
        assert_eq!(end.seen, [Seen::Text("fine".into())]);
        assert!(end.send.failure().is_some());
    }
}

#[test]
fn a_message_that_is_held_stays_where_it_is() {
    for role in BOTH {
        let input = from_peer(role, |w| {
            w.frame(FIN | TEXT, b"held");
            w.frame(FIN | PING, b"?");
            w.frame(FIN | TEXT, b"next");
        });
        let mut end = End::new(role, &input);
        assert!(end.receive(1000));
        end.recv.hold();
        assert_eq!(end.look(1000), LookAhead::Full);
        assert_eq!(end.output(), from_us(role, |w| w.frame(FIN | PONG, b"?")));
        while end.receive(1000) {}
        let held = Seen::Text("held".into());
        assert_eq!(end.seen[..2], [held.clone(), held]);
        assert_eq!(
            end.seen[2..],
            [Seen::Ping(b"?".to_vec()), Seen::Text("next".into())]
        );
        assert!(end.output().is_empty());
    }
}

/// A frame of a conversation: its kind, and the length of its payload.
fn frames() -> impl Strategy<Value = Vec<(u8, usize)>> {
    prop::collection::vec(
        (
            0..5_u8,
            prop_oneof![0..20_usize, 0..200_usize, 0..2000_usize],
        ),
        0..30,
    )
}

/// Encodes frames in an order that breaks no rule.
fn conversation(role: Role, frames: &[(u8, usize)]) -> Vec<u8> {
    from_peer(role, |w| {
        let mut is_open = false;
        for &(kind, len) in frames {
            let payload = vec![b'x'; len];
            match kind {
                0 => w.frame(FIN | PING, &payload[..len.min(125)]),
                1 => w.frame(FIN | PONG, &payload[..len.min(125)]),
                2 if is_open => w.frame(CONTINUATION, &payload),
                2 => w.frame(TEXT, &payload),
                _ if is_open => w.frame(FIN | CONTINUATION, &payload),
                3 => w.frame(FIN | TEXT, &payload),
                _ => w.frame(FIN | BINARY, &payload),
            }
            is_open = match kind {
                0 | 1 => is_open,
                kind => kind == 2,
            };
        }
        if is_open {
            w.frame(FIN | CONTINUATION, b"");
        }
        w.close(1000, b"");
    })
}

proptest! {
    #[test]
    fn looks_at_any_time_change_nothing_that_is_received_or_answered(
        frames in frames(),
        turns in prop::collection::vec((any::<bool>(), 1..700_usize), 1..40),
        is_server in any::<bool>(),
    ) {
        let role = if is_server { Role::Server } else { Role::Client };
        let input = conversation(role, &frames);
        let mut plain = End::new(role, &input);
        while plain.receive(usize::MAX) {}

        let mut end = End::new(role, &input);
        let mut output = Vec::new();
        for (looks, most) in turns.iter().cycle() {
            if *looks {
                let _ = end.look(*most);
            }
            // Of two in a row both may look: so a step is taken every time.
            let goes_on = end.receive(*most);
            output.extend(end.output());
            if !goes_on && end.arriving.is_empty() {
                break;
            }
        }
        prop_assert_eq!(&end.seen, &plain.seen);
        prop_assert_eq!(output, replies(role, &plain.seen, None));
        prop_assert_eq!(end.send.end(), plain.send.end());
    }
}
