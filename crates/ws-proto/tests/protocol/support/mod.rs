//! Helpers that several tests share. They encode frames by hand, record events, receive and send.

use std::num::NonZeroUsize;

use proptest::test_runner::Config as ProptestConfig;
use ws_proto::{
    CloseCode, CloseFrame, CloseReason, Config, Connection, Control, Message, MessageRef,
    ReceiveError, RecvHalf, Role, SendHalf, Step,
};

pub(crate) mod plan;
mod wire;

pub(crate) use wire::*;

pub(crate) const BOTH: [Role; 2] = [Role::Client, Role::Server];

/// An event that a receiver reported, with a copy of its payload.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seen {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
}

impl Seen {
    /// Returns the message, Ping or Pong with this opcode.
    pub(crate) fn new(opcode: u8, payload: Vec<u8>) -> Self {
        match opcode {
            TEXT => Self::Text(String::from_utf8(payload).expect("text is UTF-8")),
            BINARY => Self::Binary(payload),
            PING => Self::Ping(payload),
            PONG => Self::Pong(payload),
            _ => panic!("opcode {opcode} is no message, Ping or Pong"),
        }
    }

    pub(crate) fn message(message: MessageRef<'_>) -> Self {
        match message {
            MessageRef::Binary(bytes) => Self::Binary(bytes.to_vec()),
            MessageRef::Text(text) => {
                assert!(std::str::from_utf8(text.as_bytes()).is_ok());
                Self::Text(text.into())
            }
        }
    }

    pub(crate) fn control(control: &Control) -> Self {
        match control {
            Control::Ping(payload) => Self::Ping(payload.to_vec()),
            Control::Pong(payload) => Self::Pong(payload.to_vec()),
            Control::Close(close) => Self::Close(
                (close.code != CloseCode::NO_STATUS)
                    .then(|| (close.code.number(), close.reason.to_string())),
            ),
        }
    }
}

/// Everything that a receiver did with its input.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) events: Vec<Seen>,
    pub(crate) error: Option<ReceiveError>,
    /// The bytes that were sent. All output was taken after each event, so no Pong was delayed.
    pub(crate) sent: Vec<u8>,
}

/// Returns the bytes that must be sent in response to these events and this error (RFC 6455 §5.5).
pub(crate) fn replies(role: Role, events: &[Seen], error: Option<ReceiveError>) -> Vec<u8> {
    let mut wire = Wire::from(role);
    for event in events {
        match event {
            Seen::Ping(payload) => wire.frame(FIN | PONG, payload),
            Seen::Close(close) => {
                let code = close.as_ref().map(|(code, _)| code.to_be_bytes());
                wire.frame(FIN | CLOSE, code.as_ref().map_or(&[][..], |code| code));
                return wire.bytes;
            }
            Seen::Text(_) | Seen::Binary(_) | Seen::Pong(_) => {}
        }
    }
    if let Some(error) = error {
        wire.frame(FIN | CLOSE, &error.close_code().number().to_be_bytes());
    }
    wire.bytes
}

/// Returns a configuration of proptest with this number of cases. A failure writes no file.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// A small pseudorandom generator with a seed (xorshift).
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 11) as usize % limit
    }
}

/// Returns the next bytes of the output, as many as `slots` slices hold.
pub(crate) fn peek_output(send: &SendHalf, slots: usize) -> Vec<u8> {
    let mut slices = vec![&[][..]; slots];
    let used = send.slices(&mut slices);
    slices[..used].concat()
}

/// Moves all output to `sent`. The numbers of slices and of bytes that are taken at once vary.
pub(crate) fn drain(send: &mut SendHalf, sent: &mut Vec<u8>) {
    for slots in [1, 2, 4].into_iter().cycle() {
        let bytes = peek_output(send, slots);
        if bytes.is_empty() {
            break;
        }
        assert!(bytes.len() <= send.queued());
        let taken = bytes.len().div_ceil(slots);
        sent.extend_from_slice(&bytes[..taken]);
        send.advance(taken);
    }
    assert_eq!(send.queued(), 0);
}

/// Takes all output and returns it.
pub(crate) fn output(send: &mut SendHalf) -> Vec<u8> {
    let mut sent = Vec::new();
    drain(send, &mut sent);
    sent
}

/// Lends a block of at least `block_len` bytes if the receiver wants a block. Then reads as much of
/// `input` as fits.
pub(crate) fn fill(recv: &mut RecvHalf, input: &mut &[u8], block_len: usize) {
    if let Some(wanted) = recv.lending().wants_block() {
        recv.lending()
            .lend(vec![0xaa; wanted.max(block_len)].into());
    }
    let len = take(recv.spare(), input);
    recv.filled(len);
}

/// Reads as much of `input` as fits into the connection's own memory.
pub(crate) fn read_input(connection: &mut Connection, input: &mut &[u8]) {
    let len = take(connection.spare(), input);
    connection.recv.filled(len);
}

/// Moves as many bytes of `input` to `spare` as fit. Returns their number.
pub(crate) fn take(spare: &mut [u8], input: &mut &[u8]) -> usize {
    assert!(!spare.is_empty(), "no room to read into");
    let (now, later) = input.split_at(spare.len().min(input.len()));
    spare[..now.len()].copy_from_slice(now);
    *input = later;
    now.len()
}

/// Receives `input` and returns the messages in it, up to a Close.
pub(crate) fn receive_all(
    recv: &mut RecvHalf,
    send: &mut SendHalf,
    mut input: &[u8],
) -> Result<Vec<Message>, ReceiveError> {
    let mut messages = Vec::new();
    loop {
        match recv.next_message(send) {
            Step::Found(()) => messages.extend(recv.take_message()),
            Step::Control(_) | Step::Busy => {}
            Step::NeedInput if input.is_empty() => return Ok(messages),
            Step::NeedInput => fill(recv, &mut input, 0),
            Step::Ended => return send.failure().map_or(Ok(messages), Err),
        }
    }
}

/// Receives one frame from the peer.
pub(crate) fn receive_frame(
    recv: &mut RecvHalf,
    send: &mut SendHalf,
    first: u8,
    payload: &[u8],
) -> Result<Vec<Message>, ReceiveError> {
    let frame = frames_to(send.role(), |w| w.frame(first, payload));
    receive_all(recv, send, &frame)
}

pub(crate) fn halves(role: Role, config: &Config) -> (RecvHalf, SendHalf) {
    connection(role, config).split()
}

pub(crate) fn sender(role: Role) -> SendHalf {
    halves(role, &Config::default()).1
}

pub(crate) fn connection(role: Role, config: &Config) -> Connection {
    match role {
        Role::Client => Connection::client(config, Keys::default()),
        Role::Server => Connection::server(config),
    }
}

/// Sets the fragment length of `config`, unless `len` is `None`.
pub(crate) fn fragmenting(config: Config, len: impl Into<Option<usize>>) -> Config {
    match len.into() {
        Some(len) => config.fragment_len(NonZeroUsize::new(len).expect("a length above 0")),
        None => config,
    }
}

pub(crate) fn close_frame(code: u16, reason: &str) -> CloseFrame {
    CloseFrame::new(CloseCode::new(code), CloseReason::new(reason).unwrap())
}

/// Replaces the value of [`Step::Found`].
pub(crate) fn map_step<T, U>(step: Step<T>, change: impl FnOnce(T) -> U) -> Step<U> {
    match step {
        Step::Found(found) => Step::Found(change(found)),
        Step::Control(control) => Step::Control(control),
        Step::NeedInput => Step::NeedInput,
        Step::Busy => Step::Busy,
        Step::Ended => Step::Ended,
    }
}

/// Cuts the input at these positions. The positions may be in any order.
pub(crate) fn cut(input: &[u8], at: impl IntoIterator<Item = usize>) -> Vec<&[u8]> {
    let mut positions: Vec<usize> = at.into_iter().collect();
    positions.sort_unstable();
    let mut pieces = Vec::new();
    let mut from = 0;
    for at in positions {
        pieces.push(&input[from..at]);
        from = at;
    }
    pieces.push(&input[from..]);
    pieces
}

/// Cuts the input into pieces of one byte each.
pub(crate) fn singles(input: &[u8]) -> Vec<&[u8]> {
    input.chunks(1).collect()
}

/// Passes `input` to a connection and calls `each` for every event. Returns the violation that
/// ended the connection, if there was a violation.
pub(crate) fn feed(
    connection: &mut Connection,
    mut input: &[u8],
    mut each: impl FnMut(Seen, &mut SendHalf),
) -> Option<ReceiveError> {
    loop {
        let event = match connection.next_message() {
            Step::Found(message) => Seen::message(message),
            Step::Control(control) => Seen::control(&control),
            Step::Busy => continue,
            Step::NeedInput if !input.is_empty() => {
                read_input(connection, &mut input);
                continue;
            }
            Step::NeedInput | Step::Ended => return connection.send.failure(),
        };
        each(event, &mut connection.send);
    }
}

/// Reads the pieces into a [`Connection`] one after the other. Takes all possible steps after each
/// piece. Asserts that later input does not change a failure.
pub(crate) fn receive(role: Role, config: &Config, pieces: &[&[u8]]) -> Outcome {
    let mut connection = connection(role, config);
    let mut outcome = Outcome::default();
    let Outcome { events, sent, .. } = &mut outcome;
    let mut each = |event, send: &mut SendHalf| {
        events.push(event);
        drain(send, sent);
    };
    for piece in pieces {
        feed(&mut connection, piece, &mut each);
    }
    let (recv, send) = (&mut connection.recv, &mut connection.send);
    recv.lending().park(send);
    drain(send, sent);
    outcome.error = connection.send.failure();
    if outcome.error.is_some() {
        for mut late in [&[][..], &[0x81, 0x00]] {
            read_input(&mut connection, &mut late);
            let error = feed(&mut connection, &[], |event, _| panic!("{event:?}"));
            assert_eq!((error, connection.send.queued()), (outcome.error, 0));
        }
    }
    outcome
}
