//! Comparisons with an oracle, a decoder that is so simple that it can be verified by reading it.
//! Other tests compare the received messages with the sent messages.

use proptest::prelude::*;
use ws_proto::{
    CloseCode, Config, LimitError, MAX_FRAGMENTS, MessageRef, ProtocolError, ReceiveError, Role,
};

use crate::support::plan::{BLOCK_LENS, Habit, Plan, receive_blocks};
use crate::support::{
    self, BINARY, BOTH, CLOSE, CONTINUATION, FIN, Outcome, PING, PONG, Seen, TEXT, Wire, cases,
    connection, cut, fragmenting, frames_to, output, receive, replies,
};

const MAX_FRAME: usize = 300;
const MAX_MESSAGE: usize = 500;

/// Decodes all input frame by frame, and checks the rules of RFC 6455 one after the other.
fn oracle(role: Role, input: &[u8]) -> Outcome {
    let mut decoder = Oracle {
        role,
        input,
        events: Vec::new(),
        message: None,
    };
    let error = loop {
        match decoder.frame() {
            Ok(true) => {}
            Ok(false) => break None,
            Err(error) => break Some(error),
        }
    };
    let sent = replies(role, &decoder.events, error);
    Outcome {
        events: decoder.events,
        error,
        sent,
    }
}

struct Oracle<'a> {
    role: Role,
    input: &'a [u8],
    events: Vec<Seen>,
    /// The opcode, the payload and the number of frames of the open message.
    message: Option<(u8, Vec<u8>, u32)>,
}

impl Oracle<'_> {
    /// Decodes one frame. Returns `false` at the end of the input or after a Close.
    fn frame(&mut self) -> Result<bool, ReceiveError> {
        use ProtocolError::*;
        if let Some(Seen::Close(_)) = self.events.last() {
            return Ok(false);
        }
        let Some(&first) = self.input.first() else {
            return Ok(false);
        };
        let opcode = first & 15;
        let fin = first & FIN != 0;
        if first & 0x70 != 0 {
            return Err(ReservedBits.into());
        }
        if !matches!(opcode, 0..=2 | 8..=10) {
            return Err(ReservedOpcode(opcode).into());
        }
        if opcode >= 8 && !fin {
            return Err(FragmentedControl.into());
        }
        if opcode == CONTINUATION && self.message.is_none() {
            return Err(UnexpectedContinuation.into());
        }
        if (1..=2).contains(&opcode) && self.message.is_some() {
            return Err(ExpectedContinuation.into());
        }
        let Some(&second) = self.input.get(1) else {
            return Ok(false);
        };
        let masked = second & 0x80 != 0;
        match self.role {
            Role::Server if !masked => return Err(UnmaskedFrame.into()),
            Role::Client if masked => return Err(MaskedFrame.into()),
            _ => {}
        }
        let short = usize::from(second & 0x7f);
        if opcode >= 8 && short > 125 {
            return Err(ControlTooLong.into());
        }
        let (len_len, least) = match short {
            126 => (2, 126),
            127 => (8, 65536),
            _ => (0, 0),
        };
        let Some(long) = self.input.get(2..2 + len_len) else {
            return Ok(false);
        };
        let long = long.iter().fold(0, |len, byte| len << 8 | u64::from(*byte));
        let len = if len_len == 0 { short as u64 } else { long };
        if len < least {
            return Err(NonMinimalLength.into());
        }
        if len >= 1 << 63 {
            return Err(LengthOutOfRange.into());
        }
        let header_len = 2 + len_len + if masked { 4 } else { 0 };
        let Some(header) = self.input.get(..header_len) else {
            return Ok(false);
        };
        let mut key = [0; 4];
        if masked {
            key.copy_from_slice(&header[header_len - 4..]);
        }
        if opcode < 8 {
            self.check_limits(len)?;
        }
        let rest = &self.input[header_len..];
        let arrived = rest.len().min(usize::try_from(len).unwrap_or(usize::MAX));
        let whole = arrived as u64 == len;
        let payload: Vec<u8> = rest[..arrived]
            .iter()
            .enumerate()
            .map(|(i, byte)| byte ^ key[i % 4])
            .collect();
        self.input = &rest[arrived..];
        if opcode >= 8 {
            if whole {
                self.control(opcode, payload)?;
            }
        } else {
            self.data(opcode, fin && whole, &payload)?;
        }
        Ok(whole)
    }

    fn check_limits(&self, len: u64) -> Result<(), LimitError> {
        if len > MAX_FRAME as u64 {
            let limit = MAX_FRAME;
            return Err(LimitError::FrameTooLong { len, limit });
        }
        let (before, frames) = self
            .message
            .as_ref()
            .map_or((0, 0), |(_, bytes, frames)| (bytes.len() as u64, *frames));
        if before + len > MAX_MESSAGE as u64 {
            let (len, limit) = (before + len, MAX_MESSAGE);
            return Err(LimitError::MessageTooLong { len, limit });
        }
        if frames >= MAX_FRAGMENTS {
            return Err(LimitError::TooManyFragments);
        }
        Ok(())
    }

    fn data(&mut self, opcode: u8, ends: bool, payload: &[u8]) -> Result<(), ReceiveError> {
        let (kind, mut bytes, frames) = self.message.take().unwrap_or((opcode, Vec::new(), 0));
        bytes.extend_from_slice(payload);
        if kind == TEXT
            && let Err(error) = std::str::from_utf8(&bytes)
            && (ends || error.error_len().is_some())
        {
            return Err(ProtocolError::InvalidUtf8.into());
        }
        if !ends {
            self.message = Some((kind, bytes, frames + 1));
        } else {
            self.events.push(Seen::new(kind, bytes));
        }
        Ok(())
    }

    fn control(&mut self, opcode: u8, payload: Vec<u8>) -> Result<(), ProtocolError> {
        self.events.push(match (opcode, &payload[..]) {
            (PING | PONG, _) => Seen::new(opcode, payload),
            (_, []) => Seen::Close(None),
            (_, [_]) => return Err(ProtocolError::CloseTooShort),
            (_, [high, low, reason @ ..]) => {
                let code = u16::from_be_bytes([*high, *low]);
                if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
                    return Err(ProtocolError::InvalidCloseCode(CloseCode::new(code)));
                }
                match std::str::from_utf8(reason) {
                    Ok(reason) => Seen::Close(Some((code, reason.into()))),
                    Err(_) => return Err(ProtocolError::CloseReasonNotUtf8),
                }
            }
        });
        Ok(())
    }
}

/// Returns payloads. Most of them are text, and some have lengths near a limit.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    let len = prop_oneof![4 => 0..20_usize, 2 => 120..130_usize, 1 => 290..302_usize];
    let kind = prop_oneof![3 => Just(0), 3 => Just(1), 1 => Just(2)];
    (len, kind, any::<u64>()).prop_map(|(len, kind, seed)| {
        let mut rng = support::Rng::new(seed);
        match kind {
            0 => vec![b'a' + (seed % 26) as u8; len],
            1 => {
                let mut text = String::new();
                while text.len() < len {
                    text.push(['a', 'é', '€', '𤭢'][rng.below(4)]);
                }
                text.into_bytes()
            }
            _ => (0..len).map(|_| rng.next() as u8).collect(),
        }
    })
}

/// A part of the input. Most sequences of parts are valid.
#[derive(Clone, Debug)]
enum Part {
    Whole(u8, Vec<u8>),
    Fragments(u8, Vec<u8>, usize, bool),
    Control(u8, Vec<u8>),
    Close(Option<u16>, Vec<u8>),
    Any(u8, Vec<u8>),
}

fn part() -> impl Strategy<Value = Part> {
    let kind = prop_oneof![Just(TEXT), Just(BINARY)];
    let control = prop_oneof![Just(PING), Just(PONG)];
    let code = prop_oneof![3 => 998..1018_u16, 1 => any::<u16>(), 1 => 3000..5000_u16];
    prop_oneof![
        6 => (kind.clone(), payload()).prop_map(|(kind, bytes)| Part::Whole(kind, bytes)),
        6 => (kind, payload(), 1..40_usize, any::<bool>())
            .prop_map(|(kind, bytes, len, pings)| Part::Fragments(kind, bytes, len, pings)),
        3 => (control, payload()).prop_map(|(opcode, bytes)| Part::Control(opcode, bytes)),
        1 => (prop::option::of(code), payload())
            .prop_map(|(code, bytes)| Part::Close(code, bytes)),
        1 => (any::<u8>(), payload()).prop_map(|(first, bytes)| Part::Any(first, bytes)),
    ]
}

fn encode(wire: &mut Wire, parts: &[Part]) {
    for part in parts {
        match part {
            Part::Whole(kind, bytes) => wire.frame(FIN | kind, bytes),
            Part::Fragments(kind, bytes, len, pings) => {
                let mut opcode = *kind;
                for piece in bytes.chunks(*len) {
                    wire.frame(opcode, piece);
                    opcode = CONTINUATION;
                    if *pings {
                        wire.frame(FIN | PING, piece);
                    }
                }
                wire.frame(FIN | opcode, b"");
            }
            Part::Control(opcode, bytes) => {
                wire.frame(FIN | opcode, &bytes[..bytes.len().min(125)]);
            }
            Part::Close(None, _) => wire.frame(FIN | CLOSE, b""),
            Part::Close(Some(code), reason) => {
                wire.close(*code, &reason[..reason.len().min(123)]);
            }
            Part::Any(first, bytes) => wire.frame(*first, bytes),
        }
    }
}

fn config() -> Config {
    Config::default()
        .max_frame(MAX_FRAME)
        .max_message(MAX_MESSAGE)
}

fn plan() -> impl Strategy<Value = Plan> {
    let habit = || {
        prop_oneof![
            Just(Habit::Always),
            Just(Habit::Never),
            Just(Habit::Sometimes)
        ]
    };
    let block_len = prop::sample::select(&BLOCK_LENS[..]);
    (
        block_len,
        habit(),
        habit(),
        habit(),
        any::<bool>(),
        any::<u64>(),
    )
        .prop_map(|(block_len, park, settle, lend, early, seed)| Plan {
            block_len,
            park,
            settle,
            lend,
            early,
            seed,
        })
}

/// Asserts that every receiver agrees with the oracle.
fn check(role: Role, bytes: &[u8], cuts: &[prop::sample::Index], plan: &Plan) {
    let expected = oracle(role, bytes);
    let pieces = cut(bytes, cuts.iter().map(|cut| cut.index(bytes.len() + 1)));
    assert_eq!(receive(role, &config(), &[bytes]), expected);
    assert_eq!(receive(role, &config(), &pieces), expected);
    assert_eq!(receive_blocks(role, &config(), &pieces, plan), expected);
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn frames_decode_as_in_the_oracle(
        role in prop::sample::select(&BOTH[..]),
        parts in prop::collection::vec(part(), 0..8),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        plan in plan(),
    ) {
        let bytes = frames_to(role, |w| encode(w, &parts));
        check(role, &bytes, &cuts, &plan);
    }

    #[test]
    fn mutated_frames_decode_as_in_the_oracle(
        role in prop::sample::select(&BOTH[..]),
        parts in prop::collection::vec(part(), 1..6),
        mutations in prop::collection::vec(
            (any::<prop::sample::Index>(), any::<u8>(), 0..3_u8),
            1..4,
        ),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        plan in plan(),
    ) {
        let mut bytes = frames_to(role, |w| encode(w, &parts));
        for (at, value, how) in mutations {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = value,
                1 => bytes[at] ^= 1 << (value % 8),
                _ => bytes.truncate(at.max(1)),
            }
        }
        check(role, &bytes, &cuts, &plan);
    }

    #[test]
    fn messages_arrive_unchanged(
        role in prop::sample::select(&BOTH[..]),
        messages in prop::collection::vec((any::<bool>(), payload(), any::<bool>()), 0..8),
        repeat in prop_oneof![9 => Just(1_usize), 1 => Just(100)],
        fragment_len in prop::option::of(1..200_usize),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        plan in plan(),
    ) {
        let config = fragmenting(Config::default(), fragment_len);
        let mut sender = connection(role, &config);
        let mut expected = Vec::new();
        for (as_text, bytes, owned) in messages {
            let bytes = bytes.repeat(repeat);
            let text = if as_text { String::from_utf8(bytes.clone()).ok() } else { None };
            let message = match &text {
                Some(text) => MessageRef::Text(text),
                None => MessageRef::Binary(&bytes),
            };
            expected.push(Seen::message(message));
            if owned {
                sender.send.message(message.to_message()).unwrap();
            } else {
                sender.send.message(message).unwrap();
            }
        }
        let sent = output(&mut sender.send);
        let pieces = cut(&sent, cuts.iter().map(|cut| cut.index(sent.len() + 1)));
        let whole = receive(role.peer(), &config, &[&sent]);
        prop_assert!(whole.error.is_none() && whole.events == expected && whole.sent.is_empty());
        prop_assert!(receive(role.peer(), &config, &pieces) == whole);
        prop_assert!(receive_blocks(role.peer(), &config, &pieces, &plan) == whole);
    }
}
