//! Against a decoder so simple that it is right by inspection, and against the encoder.

#![forbid(unsafe_code)]

mod support;

use std::num::NonZeroUsize;

use proptest::prelude::*;
use support::{
    BINARY, CLOSE, CONTINUATION, FIN, Habit, Outcome, PING, PONG, Plan, Seen, TEXT, Wire,
    connection, cut, drain, receive, receive_blocks, replies,
};
use ws_proto::{
    CloseCode, Config, LimitError, MAX_FRAGMENTS, MessageRef, ProtocolError, ReceiveError, Role,
};

const MAX_FRAME: usize = 300;
const MAX_MESSAGE: usize = 500;

/// Decodes all input at once, frame by frame, and checks each rule where RFC 6455 states it.
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
    /// Opcode, payload and number of frames of the open message.
    message: Option<(u8, Vec<u8>, u32)>,
}

impl Oracle<'_> {
    /// Decodes one frame; `false` at the end.
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
        let long = long
            .iter()
            .fold(0, |len, octet| len << 8 | u64::from(*octet));
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
            .map(|(i, octet)| octet ^ key[i % 4])
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
            .map_or((0, 0), |(_, octets, frames)| (octets.len() as u64, *frames));
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
        let (kind, mut octets, frames) = self.message.take().unwrap_or((opcode, Vec::new(), 0));
        octets.extend_from_slice(payload);
        if kind == TEXT
            && let Err(error) = std::str::from_utf8(&octets)
            && (ends || error.error_len().is_some())
        {
            return Err(ProtocolError::InvalidUtf8.into());
        }
        if !ends {
            self.message = Some((kind, octets, frames + 1));
        } else if kind == TEXT {
            let text = String::from_utf8(octets).expect("checked above");
            self.events.push(Seen::Text(text));
        } else {
            self.events.push(Seen::Binary(octets));
        }
        Ok(())
    }

    fn control(&mut self, opcode: u8, payload: Vec<u8>) -> Result<(), ProtocolError> {
        self.events.push(match (opcode, &payload[..]) {
            (PING, _) => Seen::Ping(payload),
            (PONG, _) => Seen::Pong(payload),
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

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Client), Just(Role::Server)]
}

/// Payload that is text more often than not, of lengths around the marks.
fn octets() -> impl Strategy<Value = Vec<u8>> {
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

/// Steps that mostly form a legal sequence of frames.
#[derive(Clone, Debug)]
enum Step {
    Whole(u8, Vec<u8>),
    Fragments(u8, Vec<u8>, usize, bool),
    Control(u8, Vec<u8>),
    Close(Option<u16>, Vec<u8>),
    Any(u8, Vec<u8>),
}

fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![Just(TEXT), Just(BINARY)];
    let control = prop_oneof![Just(PING), Just(PONG)];
    let code = prop_oneof![3 => 998..1018_u16, 1 => any::<u16>(), 1 => 3000..5000_u16];
    prop_oneof![
        6 => (kind.clone(), octets()).prop_map(|(kind, octets)| Step::Whole(kind, octets)),
        6 => (kind, octets(), 1..40_usize, any::<bool>())
            .prop_map(|(kind, octets, len, pings)| Step::Fragments(kind, octets, len, pings)),
        3 => (control, octets()).prop_map(|(opcode, octets)| Step::Control(opcode, octets)),
        1 => (prop::option::of(code), octets())
            .prop_map(|(code, octets)| Step::Close(code, octets)),
        1 => (any::<u8>(), octets()).prop_map(|(first, octets)| Step::Any(first, octets)),
    ]
}

fn encode(sender: Role, steps: &[Step]) -> Vec<u8> {
    let mut wire = Wire::from(sender);
    for step in steps {
        match step {
            Step::Whole(kind, octets) => wire.frame(FIN | kind, octets),
            Step::Fragments(kind, octets, len, pings) => {
                let mut opcode = *kind;
                for piece in octets.chunks(*len) {
                    wire.frame(opcode, piece);
                    opcode = CONTINUATION;
                    if *pings {
                        wire.frame(FIN | PING, piece);
                    }
                }
                wire.frame(FIN | opcode, b"");
            }
            Step::Control(opcode, octets) => {
                wire.frame(FIN | opcode, &octets[..octets.len().min(125)]);
            }
            Step::Close(None, _) => wire.frame(FIN | CLOSE, b""),
            Step::Close(Some(code), reason) => {
                wire.close(*code, &reason[..reason.len().min(123)]);
            }
            Step::Any(first, octets) => wire.frame(*first, octets),
        }
    }
    wire.octets
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
    let block_len = prop_oneof![Just(16_usize), Just(64), Just(200), Just(4096)];
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

fn agrees(role: Role, octets: &[u8], cuts: &[prop::sample::Index], plan: &Plan) {
    let expected = oracle(role, octets);
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(octets.len() + 1)).collect();
    at.sort_unstable();
    let pieces = cut(octets, &at);
    assert_eq!(receive(role, &config(), &[octets]), expected);
    assert_eq!(receive(role, &config(), &pieces), expected);
    assert_eq!(receive_blocks(role, &config(), &pieces, plan), expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn frames_decode_as_the_oracle_says(
        role in role(),
        steps in prop::collection::vec(step(), 0..8),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        plan in plan(),
    ) {
        agrees(role, &encode(role.peer(), &steps), &cuts, &plan);
    }

    #[test]
    fn mutated_frames_decode_as_the_oracle_says(
        role in role(),
        steps in prop::collection::vec(step(), 1..6),
        mutations in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..4),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        plan in plan(),
    ) {
        let mut octets = encode(role.peer(), &steps);
        for (at, value, how) in mutations {
            let at = at.index(octets.len());
            match how {
                0 => octets[at] = value,
                1 => octets[at] ^= 1 << (value % 8),
                _ => octets.truncate(at.max(1)),
            }
        }
        agrees(role, &octets, &cuts, &plan);
    }

    #[test]
    fn what_is_sent_is_what_arrives(
        role in role(),
        messages in prop::collection::vec((any::<bool>(), octets(), any::<bool>()), 0..8),
        repeat in prop_oneof![9 => Just(1_usize), 1 => Just(100)],
        fragment_len in prop::option::of(1..200_usize),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        plan in plan(),
    ) {
        let mut config = Config::default();
        if let Some(len) = fragment_len.and_then(NonZeroUsize::new) {
            config = config.fragment_len(len);
        }
        let mut sender = connection(role, &config);
        let mut expected = Vec::new();
        for (as_text, octets, owned) in messages {
            let octets = octets.repeat(repeat);
            let text = if as_text { String::from_utf8(octets.clone()).ok() } else { None };
            let message = match &text {
                Some(text) => MessageRef::Text(text),
                None => MessageRef::Binary(&octets),
            };
            expected.push(Seen::message(message));
            if owned {
                sender.send.message(message.to_message()).unwrap();
            } else {
                sender.send.message(message).unwrap();
            }
        }
        let mut sent = Vec::new();
        drain(&mut sender.send, &mut sent);
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(sent.len() + 1)).collect();
        at.sort_unstable();
        let pieces = cut(&sent, &at);
        let whole = receive(role.peer(), &config, &[&sent]);
        prop_assert!(whole.error.is_none() && whole.events == expected && whole.sent.is_empty());
        prop_assert!(receive(role.peer(), &config, &pieces) == whole);
        prop_assert!(receive_blocks(role.peer(), &config, &pieces, &plan) == whole);
    }
}
