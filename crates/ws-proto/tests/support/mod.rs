//! Octets written by hand, and two ways to receive them.

#![allow(dead_code)] // Each test binary uses its part.

use ws_proto::{
    BlockReceiver, Config, Connection, Control, Event, MaskKey, MaskSource, Message, MessageRef,
    Ready, ReceiveError, ReceiveSide, Role, SendHalf,
};

pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;
pub(crate) const FIN: u8 = 0x80;

/// What a receiver reported, in memory of its own.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seen {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
}

impl Seen {
    pub(crate) fn message(message: MessageRef<'_>) -> Self {
        match message {
            MessageRef::Binary(octets) => Seen::Binary(octets.to_vec()),
            MessageRef::Text(text) => {
                assert!(std::str::from_utf8(text.as_bytes()).is_ok());
                Seen::Text(text.into())
            }
        }
    }

    pub(crate) fn control(control: &Control) -> Self {
        match control {
            Control::Ping(payload) => Seen::Ping(payload.to_vec()),
            Control::Pong(payload) => Seen::Pong(payload.to_vec()),
            Control::Close(close) => Seen::Close(
                close
                    .as_ref()
                    .map(|close| (close.code.number(), close.reason.to_string())),
            ),
        }
    }
}

/// Everything that a receiver did with its input.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) events: Vec<Seen>,
    pub(crate) error: Option<ReceiveError>,
    /// What it sent, with output never blocked.
    pub(crate) sent: Vec<u8>,
}

/// The octets that events and an error call for as replies (RFC 6455 §5.5).
pub(crate) fn replies(role: Role, events: &[Seen], error: Option<ReceiveError>) -> Vec<u8> {
    let mut wire = Wire::from(role);
    for event in events {
        match event {
            Seen::Ping(payload) => wire.frame(FIN | PONG, payload),
            Seen::Close(close) => {
                let code = close.as_ref().map(|(code, _)| code.to_be_bytes());
                wire.frame(FIN | CLOSE, code.as_ref().map_or(&[][..], |code| code));
                return wire.octets;
            }
            Seen::Text(_) | Seen::Binary(_) | Seen::Pong(_) => {}
        }
    }
    if let Some(error) = error {
        wire.frame(FIN | CLOSE, &error.close_code().number().to_be_bytes());
    }
    wire.octets
}

/// The masking key number `n` of [`Keys`] and [`Wire`].
pub(crate) fn nth_key(n: u32) -> [u8; 4] {
    n.wrapping_add(1).wrapping_mul(0x9e37_79b9).to_le_bytes()
}

/// A scripted source of masking keys.
#[derive(Default)]
pub(crate) struct Keys(u32);

impl MaskSource for Keys {
    fn next_key(&mut self) -> MaskKey {
        let key = nth_key(self.0);
        self.0 = self.0.wrapping_add(1);
        MaskKey::new(key)
    }
}

/// Frames as the end with a given role sends them, encoded octet by octet.
pub(crate) struct Wire {
    pub(crate) octets: Vec<u8>,
    masks: bool,
    frames: u32,
}

impl Wire {
    /// Frames that the end with this role sends.
    pub(crate) fn from(sender: Role) -> Self {
        Wire {
            octets: Vec::new(),
            masks: sender == Role::Client,
            frames: 0,
        }
    }

    pub(crate) fn raw(&mut self, octets: &[u8]) {
        self.octets.extend_from_slice(octets);
    }

    /// A frame with its length in the shortest form.
    pub(crate) fn frame(&mut self, first: u8, payload: &[u8]) {
        let len = payload.len();
        match len {
            0..=125 => self.header(first, len as u8, &[]),
            126..=0xffff => self.header(first, 126, &(len as u16).to_be_bytes()),
            _ => self.header(first, 127, &(len as u64).to_be_bytes()),
        }
        self.payload(payload);
    }

    /// The octets of a header, mask bit and key included; `payload` belongs behind it.
    pub(crate) fn header(&mut self, first: u8, short_len: u8, long_len: &[u8]) {
        let mask = if self.masks { 0x80 } else { 0 };
        self.raw(&[first, mask | short_len]);
        self.raw(long_len);
        if self.masks {
            self.raw(&nth_key(self.frames));
        }
        self.frames += 1;
    }

    /// Payload of the last header.
    pub(crate) fn payload(&mut self, payload: &[u8]) {
        let key = if self.masks {
            nth_key(self.frames - 1)
        } else {
            [0; 4]
        };
        for (i, octet) in payload.iter().enumerate() {
            self.octets.push(octet ^ key[i % 4]);
        }
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.frame(FIN | TEXT, text.as_bytes());
    }

    pub(crate) fn close(&mut self, code: u16, reason: &[u8]) {
        let payload = [&code.to_be_bytes()[..], reason].concat();
        self.frame(FIN | CLOSE, &payload);
    }

    /// A message in fragments of `len` octets. An exact multiple ends with an empty frame.
    pub(crate) fn fragments(&mut self, opcode: u8, payload: &[u8], len: usize) {
        let mut opcode = opcode;
        for piece in payload.chunks_exact(len) {
            self.frame(opcode, piece);
            opcode = CONTINUATION;
        }
        self.frame(FIN | opcode, payload.chunks_exact(len).remainder());
    }
}

/// A small random source with a seed (xorshift).
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Rng(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
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

/// Fetches all output, by slices and steps of several sizes.
pub(crate) fn drain(send: &mut SendHalf, sent: &mut Vec<u8>) {
    for slots in [1, 2, 4].into_iter().cycle() {
        let mut slices = [&[][..]; 4];
        let used = send.slices(&mut slices[..slots]);
        if used == 0 {
            break;
        }
        let octets = slices[..used].concat();
        assert!(octets.len() <= send.queued());
        let taken = octets.len().div_ceil(slots);
        sent.extend_from_slice(&octets[..taken]);
        send.advance(taken);
    }
    assert_eq!(send.queued(), 0);
}

/// Everything that is queued.
pub(crate) fn output(send: &mut SendHalf) -> Vec<u8> {
    let mut sent = Vec::new();
    drain(send, &mut sent);
    sent
}

/// The messages in `input`.
pub(crate) fn receive_all(
    recv: &mut ReceiveSide,
    mut input: &mut [u8],
) -> Result<Vec<Message>, ReceiveError> {
    let mut messages = Vec::new();
    loop {
        let received = recv.receive(input)?;
        let consumed = received.consumed;
        match received.event {
            Some(Event::Message(message)) => messages.push(message.to_message()),
            Some(Event::Control(_)) => {}
            None => return Ok(messages),
        }
        input = &mut input[consumed..];
    }
}

/// Both sides of the end with this role.
pub(crate) fn sides(role: Role, config: &Config) -> (ReceiveSide, SendHalf) {
    let send = match role {
        Role::Client => SendHalf::client(config, Keys::default()),
        Role::Server => SendHalf::server(config),
    };
    (ReceiveSide::new(role, config), send)
}

pub(crate) fn connection(role: Role, config: &Config) -> Connection {
    match role {
        Role::Client => Connection::client(config, Keys::default()),
        Role::Server => Connection::server(config),
    }
}

/// The input, cut at these ascending positions.
pub(crate) fn cut<'a>(input: &'a [u8], at: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut from = 0;
    for &at in at {
        pieces.push(&input[from..at]);
        from = at;
    }
    pieces.push(&input[from..]);
    pieces
}

/// Receives pieces through [`Connection::receive`].
pub(crate) fn receive(role: Role, config: &Config, pieces: &[&[u8]]) -> Outcome {
    let mut connection = connection(role, config);
    let mut outcome = Outcome::default();
    'pieces: for piece in pieces {
        let mut piece = piece.to_vec();
        let mut input = &mut piece[..];
        loop {
            let len = input.len();
            let (consumed, found) = match connection.receive(input) {
                Ok(received) => {
                    let event = received.event.map(|event| match event {
                        Event::Control(control) => Seen::control(&control),
                        Event::Message(message) => Seen::message(message),
                    });
                    (received.consumed, event)
                }
                Err(error) => {
                    outcome.error = Some(error);
                    drain(connection.send_side(), &mut outcome.sent);
                    assert_eq!(connection.receive(&mut [0x81, 0x00]), Err(error));
                    assert_eq!(connection.receive(&mut []), Err(error));
                    break 'pieces;
                }
            };
            drain(connection.send_side(), &mut outcome.sent);
            input = &mut input[consumed..];
            match found {
                Some(event) => outcome.events.push(event),
                None => {
                    assert_eq!(consumed, len, "input left without an event");
                    break;
                }
            }
        }
    }
    drain(connection.send_side(), &mut outcome.sent);
    outcome
}

/// How often a user of [`BlockReceiver`] does something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Habit {
    Always,
    Never,
    Sometimes,
}

/// How to use a [`BlockReceiver`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) block_len: usize,
    /// Call `rest` when nothing is left to poll.
    pub(crate) rest: Habit,
    /// Call `settle` after events and reads.
    pub(crate) settle: Habit,
    /// Lend a block although none is wanted.
    pub(crate) lend: Habit,
    /// The first piece is there before the first block.
    pub(crate) early: bool,
    pub(crate) seed: u64,
}

/// Receives pieces through a [`BlockReceiver`].
pub(crate) fn receive_blocks(
    role: Role,
    config: &Config,
    pieces: &[&[u8]],
    plan: &Plan,
) -> Outcome {
    let (side, send) = sides(role, config);
    let (early, pieces) = match pieces.split_first() {
        Some((first, rest)) if plan.early => (*first, rest),
        _ => (&[][..], pieces),
    };
    let mut user = BlockUser {
        receiver: BlockReceiver::new(side, early.into(), plan.block_len),
        send,
        plan: *plan,
        rng: Rng::new(plan.seed),
        outcome: Outcome::default(),
    };
    if user.poll_all().is_ok() {
        for piece in pieces {
            if user.read(piece).is_err() {
                break;
            }
        }
    }
    user.outcome
}

struct BlockUser {
    receiver: BlockReceiver,
    send: SendHalf,
    plan: Plan,
    rng: Rng,
    outcome: Outcome,
}

impl BlockUser {
    fn now(&mut self, habit: Habit) -> bool {
        match habit {
            Habit::Always => true,
            Habit::Never => false,
            Habit::Sometimes => self.rng.below(3) == 0,
        }
    }

    fn failed(&mut self, error: ReceiveError) -> ReceiveError {
        self.outcome.error = Some(error);
        self.send.fail(error);
        drain(&mut self.send, &mut self.outcome.sent);
        assert_eq!(self.receiver.poll(), Err(error));
        assert_eq!(self.receiver.rest(), Err(error));
        assert!(self.receiver.message().is_none() && self.receiver.take_message().is_none());
        assert!(self.receiver.unread().is_empty() && !self.receiver.side().is_between_messages());
        error
    }

    fn settle(&mut self) {
        if self.now(self.plan.settle) {
            let unread = self.receiver.unread().to_vec();
            let message = self.receiver.message().map(Seen::message);
            self.receiver.settle();
            assert_eq!(self.receiver.unread(), unread);
            assert_eq!(self.receiver.message().map(Seen::message), message);
        }
    }

    fn poll_all(&mut self) -> Result<(), ReceiveError> {
        loop {
            let ready = self.receiver.poll().map_err(|error| self.failed(error))?;
            match ready {
                None => break,
                Some(Ready::Control(control)) => {
                    assert!(self.receiver.message().is_none());
                    self.outcome.events.push(Seen::control(&control));
                    self.send.respond(&control);
                    drain(&mut self.send, &mut self.outcome.sent);
                }
                Some(Ready::Message) => {
                    let message = self.receiver.message().map(Seen::message);
                    let message = message.expect("poll said so");
                    self.settle();
                    if self.now(Habit::Sometimes) {
                        let taken = self.receiver.take_message().expect("poll said so");
                        assert_eq!(Seen::message(taken.as_ref()), message);
                        assert!(self.receiver.message().is_none());
                    }
                    self.outcome.events.push(message);
                }
            }
            self.settle();
        }
        self.settle();
        if self.now(self.plan.rest) {
            if let Err(error) = self.receiver.rest() {
                return Err(self.failed(error));
            }
            assert!(self.receiver.unread().is_empty());
        }
        Ok(())
    }

    fn read(&mut self, mut piece: &[u8]) -> Result<(), ReceiveError> {
        while !piece.is_empty() {
            if self.receiver.wants_block() || self.now(self.plan.lend) {
                self.receiver.lend(vec![0xaa; self.plan.block_len].into());
            }
            let spare = self.receiver.spare();
            assert!(!spare.is_empty(), "no room to read into");
            let len = piece.len().min(spare.len());
            spare[..len].copy_from_slice(&piece[..len]);
            self.receiver.filled(len);
            piece = &piece[len..];
            self.poll_all()?;
        }
        Ok(())
    }
}
