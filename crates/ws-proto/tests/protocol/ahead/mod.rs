//! Looking ahead: control frames are answered while messages wait in the input.

mod kept;

use proptest::prelude::*;
use ws_proto::{Config, LookAhead, RecvHalf, Role, SendHalf, Step};

use crate::support::*;

/// The length of a block. It is short, so that few messages fill it.
const BLOCK: usize = 300;

/// An end that looks ahead and receives.
struct End {
    recv: RecvHalf,
    send: SendHalf,
    /// The input that has not been read yet.
    arriving: Vec<u8>,
    seen: Vec<Seen>,
}

impl End {
    fn new(role: Role, config: &Config, arriving: &[u8]) -> Self {
        let (mut recv, send) = halves(role, config);
        recv.lending().set_up(Box::default(), BLOCK, 2 * BLOCK);
        Self {
            recv,
            send,
            arriving: arriving.to_vec(),
            seen: Vec::new(),
        }
    }

    /// Moves up to `most` bytes of `arriving` to `spare`.
    fn read(arriving: &mut Vec<u8>, spare: &mut [u8], most: usize) -> usize {
        let len = most.min(arriving.len());
        let len = take(spare, &mut &arriving[..len]);
        arriving.drain(..len);
        len
    }

    /// Looks ahead until that is no longer possible. A read has at most `most` bytes.
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

    fn step(&mut self) -> Step<()> {
        let step = self.recv.next_message(&mut self.send);
        match &step {
            Step::Found(()) => self.seen.extend(self.recv.message().map(Seen::message)),
            Step::Control(control) => self.seen.push(Seen::control(control)),
            Step::NeedInput | Step::Busy | Step::Ended => {}
        }
        step
    }

    /// Reads up to `most` bytes. If nothing is left to read, parks and returns `false`.
    fn fill(&mut self, most: usize) -> bool {
        let mut lending = self.recv.lending();
        if self.arriving.is_empty() {
            lending.park(&mut self.send);
            return false;
        }
        if let Some(len) = lending.wants_block() {
            lending.lend(vec![0; len].into());
        }
        let len = Self::read(&mut self.arriving, self.recv.spare(), most);
        self.recv.filled(len);
        true
    }

    /// Receives the next message or control frame. A read has at most `most` bytes. Returns `false`
    /// if neither was found.
    fn receive(&mut self, most: usize) -> bool {
        loop {
            match self.step() {
                Step::Found(()) | Step::Control(_) => return true,
                Step::NeedInput if self.fill(most) => {}
                Step::NeedInput | Step::Ended => return false,
                Step::Busy => {}
            }
        }
    }

    fn output(&mut self) -> Vec<u8> {
        output(&mut self.send)
    }
}

#[test]
fn pings_after_messages_are_answered_once_and_the_messages_stay() {
    for role in BOTH {
        let input = frames_to(role, |w| {
            w.frame(FIN | PING, b"a");
            w.text("one");
            w.frame(FIN | PING, b"b");
            w.frame(BINARY, b"tw");
            w.frame(FIN | PING, b"c");
            w.frame(FIN | CONTINUATION, b"o");
        });
        let mut end = End::new(role, &Config::default(), &input);
        assert_eq!(end.look(7), LookAhead::NeedInput);
        assert_eq!(end.seen, [Seen::Ping(b"a".to_vec())]);
        let pongs = frames_from(role, |w| {
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
        assert!(end.output().is_empty(), "a second answer");
    }
}

#[test]
fn a_close_takes_effect_once_the_messages_before_it_have_been_received() {
    for role in BOTH {
        let input = frames_to(role, |w| {
            w.text("last words");
            w.close(4001, b"bye");
            w.text("ignored");
        });
        let mut end = End::new(role, &Config::default(), &input);
        assert_eq!(end.look(1000), LookAhead::Full);
        assert!(end.send.is_open() && end.output().is_empty());
        assert!(end.receive(1));
        assert_eq!(end.look(1000), LookAhead::Ended);
        assert_eq!(end.send.peer_close().unwrap().code.number(), 4001);
        assert_eq!(end.output(), frames_from(role, |w| w.close(4001, b"")));
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
    for (role, len) in BOTH.into_iter().zip([10_000, 80]) {
        let input = frames_to(role, |w| {
            for _ in 0..10 {
                w.frame(FIN | BINARY, &vec![7; len]);
            }
            w.frame(FIN | PING, b"far behind");
        });
        let mut end = End::new(role, &Config::default(), &input);
        assert_eq!(end.look(1000), LookAhead::Full);
        let read = input.len() - end.arriving.len();
        assert!(read <= 2 * BLOCK, "{read}");
        assert!(end.output().is_empty());
        let mut events = 0;
        while end.receive(1000) {
            events += 1;
        }
        assert_eq!(events, 11);
        let pong = frames_from(role, |w| w.frame(FIN | PONG, b"far behind"));
        assert_eq!(end.output(), pong);
    }
}

#[test]
fn a_violation_is_reported_after_the_messages_before_it() {
    for role in BOTH {
        let input = frames_to(role, |w| {
            w.text("fine");
            w.frame(0x83, b"reserved");
        });
        let mut end = End::new(role, &Config::default(), &input);
        assert_eq!(end.look(1000), LookAhead::Full);
        assert!(end.send.is_open());
        assert!(end.receive(1) && !end.receive(1));
        assert_eq!(end.seen, [Seen::Text("fine".into())]);
        assert!(end.send.failure().is_some());
    }
}

#[test]
fn looking_ahead_keeps_a_held_message() {
    for role in BOTH {
        let input = frames_to(role, |w| {
            w.text("held");
            w.frame(FIN | PING, b"?");
            w.text("next");
        });
        let mut end = End::new(role, &Config::default(), &input);
        assert!(end.receive(1000));
        end.recv.hold();
        assert_eq!(end.look(1000), LookAhead::Full);
        assert_eq!(
            end.output(),
            frames_from(role, |w| w.frame(FIN | PONG, b"?"))
        );
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

/// Kinds and payload lengths for [`conversation`].
fn frames() -> impl Strategy<Value = Vec<(u8, usize)>> {
    let len = prop_oneof![0..20_usize, 0..200_usize, 0..2000_usize];
    prop::collection::vec((0..5_u8, len), 0..30)
}

/// One entry for each round of a test: `true` to look ahead, and the maximum length of a read.
fn turns() -> impl Strategy<Value = Vec<(bool, usize)>> {
    prop::collection::vec((any::<bool>(), 1..700_usize), 1..40)
}

/// Encodes frames of these kinds and lengths in an order that breaks no rule, and a Close after
/// them. Returns the bytes and the expected events.
fn conversation(role: Role, frames: &[(u8, usize)]) -> (Vec<u8>, Vec<Seen>) {
    let mut wire = Wire::from(role.peer());
    let mut seen = Vec::new();
    let mut open: Option<(u8, Vec<u8>)> = None;
    for (number, &(kind, len)) in frames.iter().enumerate() {
        // The number of a frame is less than 128, so the payload is valid text.
        let payload = vec![number as u8; len];
        match (kind, &mut open) {
            (0 | 1, _) => {
                let opcode = if kind == 0 { PING } else { PONG };
                let short = &payload[..len.min(125)];
                wire.frame(FIN | opcode, short);
                seen.push(Seen::new(opcode, short.to_vec()));
            }
            (2, None) => {
                wire.frame(TEXT, &payload);
                open = Some((TEXT, payload));
            }
            (2, Some((_, message))) => {
                wire.frame(CONTINUATION, &payload);
                message.extend(payload);
            }
            (_, None) => {
                let opcode = if kind == 3 { TEXT } else { BINARY };
                wire.frame(FIN | opcode, &payload);
                seen.push(Seen::new(opcode, payload));
            }
            (_, Some((opcode, message))) => {
                wire.frame(FIN | CONTINUATION, &payload);
                message.extend(payload);
                seen.push(Seen::new(*opcode, std::mem::take(message)));
                open = None;
            }
        }
    }
    if let Some((opcode, message)) = open {
        wire.frame(FIN | CONTINUATION, b"");
        seen.push(Seen::new(opcode, message));
    }
    wire.close(1000, b"");
    seen.push(Seen::Close(Some((1000, String::new()))));
    (wire.bytes, seen)
}

proptest! {
    #[test]
    fn looking_ahead_at_any_time_changes_no_event_and_no_answer(
        role in prop::sample::select(&BOTH[..]),
        frames in frames(),
        turns in turns(),
    ) {
        let (input, expected) = conversation(role, &frames);
        let mut plain = End::new(role, &Config::default(), &input);
        while plain.receive(usize::MAX) {}
        prop_assert_eq!(&plain.seen, &expected);

        let mut end = End::new(role, &Config::default(), &input);
        let mut output = Vec::new();
        for (looks, most) in turns.iter().cycle() {
            if *looks {
                let _ = end.look(*most);
            }
            // Each round receives. Otherwise nothing is received if all rounds look ahead.
            let found = end.receive(*most);
            output.extend(end.output());
            if !found && end.arriving.is_empty() {
                break;
            }
        }
        prop_assert_eq!(&end.seen, &expected);
        prop_assert_eq!(output, replies(role, &expected, None));
        prop_assert_eq!(end.send.end(), plain.send.end());
    }
}
