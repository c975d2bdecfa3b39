//! Bytes written by hand, and two ways to receive them.

#![expect(dead_code, reason = "Each test binary uses its part")]

use ws_proto::{
    CloseCode, Config, Connection, Control, MaskKey, MaskSource, Message, MessageRef, ReceiveError,
    RecvHalf, Role, SendHalf, Step,
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
            MessageRef::Binary(octets) => Self::Binary(octets.to_vec()),
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
        Self {
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

/// Lends a block if one is wanted, of this length at least, and reads as much of `input` as fits.
pub(crate) fn fill(recv: &mut RecvHalf, input: &mut &[u8], block_len: usize) {
    if let Some(wanted) = recv.lending().wants_block() {
        recv.lending()
            .lend(vec![0xaa; wanted.max(block_len)].into());
    }
    let len = take(recv.spare(), input);
    recv.filled(len);
}

/// Moves as much of `input` as fits into `spare`; returns its length.
pub(crate) fn take(spare: &mut [u8], input: &mut &[u8]) -> usize {
    assert!(!spare.is_empty(), "no room to read into");
    let (now, later) = input.split_at(spare.len().min(input.len()));
    spare[..now.len()].copy_from_slice(now);
    *input = later;
    now.len()
}

/// The messages in `input`, up to the peer's Close if there is one.
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

/// Both halves of the end with this role.
pub(crate) fn halves(role: Role, config: &Config) -> (RecvHalf, SendHalf) {
    connection(role, config).split()
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

/// Gives `input` to a connection; returns the violation that has ended it.
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
                let len = take(connection.spare(), &mut input);
                connection.recv.filled(len);
                continue;
            }
            Step::NeedInput | Step::Ended => return connection.send.failure(),
        };
        each(event, &mut connection.send);
    }
}

/// Receives pieces through a [`Connection`], as they arrive.
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
            let len = take(connection.spare(), &mut late);
            connection.recv.filled(len);
            let error = feed(&mut connection, &[], |event, _| panic!("{event:?}"));
            assert_eq!((error, connection.send.queued()), (outcome.error, 0));
        }
    }
    outcome
}

/// How often a driver does something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Habit {
    Always,
    Never,
    Sometimes,
}

/// How to drive a [`RecvHalf`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) block_len: usize,
    /// Call `park` when there is nothing to do without more input; after the last piece it is called anyway.
    pub(crate) park: Habit,
    /// Call `settle` after events and reads.
    pub(crate) settle: Habit,
    /// Lend a block although none is wanted.
    pub(crate) lend: Habit,
    /// The first piece is there before the first block.
    pub(crate) early: bool,
    pub(crate) seed: u64,
}

/// Receives pieces into blocks that are lent by plan.
pub(crate) fn receive_blocks(
    role: Role,
    config: &Config,
    pieces: &[&[u8]],
    plan: &Plan,
) -> Outcome {
    let (mut recv, send) = halves(role, config);
    let (early, pieces) = match pieces.split_first() {
        Some((first, rest)) if plan.early => (*first, rest),
        _ => (&[][..], pieces),
    };
    recv.lending()
        .set_up(early.into(), plan.block_len, plan.block_len);
    let mut driver = Driver {
        recv,
        send,
        plan: *plan,
        rng: Rng::new(plan.seed),
        outcome: Outcome::default(),
    };
    driver.take_steps();
    for piece in pieces {
        driver.read(piece);
    }
    driver.park();
    driver.outcome
}

struct Driver {
    recv: RecvHalf,
    send: SendHalf,
    plan: Plan,
    rng: Rng,
    outcome: Outcome,
}

impl Driver {
    fn now(&mut self, habit: Habit) -> bool {
        match habit {
            Habit::Always => true,
            Habit::Never => false,
            Habit::Sometimes => self.rng.below(3) == 0,
        }
    }

    fn message(&self) -> Option<Seen> {
        self.recv.message().map(Seen::message)
    }

    fn settle(&mut self) {
        if self.now(self.plan.settle) {
            let before = (self.recv.unread().to_vec(), self.message());
            self.recv.lending().settle();
            assert_eq!((self.recv.unread().to_vec(), self.message()), before);
        }
    }

    /// Takes steps until there is nothing to do without more input.
    fn take_steps(&mut self) {
        loop {
            let event = match self.recv.next_message(&mut self.send) {
                Step::Found(()) => self.found(),
                Step::Control(control) => {
                    assert_eq!(self.message(), None);
                    Seen::control(&control)
                }
                Step::Busy => continue,
                Step::NeedInput | Step::Ended => break,
            };
            self.outcome.events.push(event);
            drain(&mut self.send, &mut self.outcome.sent);
            self.settle();
        }
        self.settle();
        if self.now(self.plan.park) {
            self.park();
        }
        self.check_failure();
    }

    fn park(&mut self) {
        self.recv.lending().park(&mut self.send);
        assert!(self.recv.unread().is_empty());
        self.check_failure();
    }

    fn found(&mut self) -> Seen {
        let message = self.message();
        self.settle();
        if self.now(Habit::Sometimes) {
            self.recv.hold();
            assert!(self.recv.is_holding());
            self.settle();
            assert_eq!(self.recv.next_message(&mut self.send), Step::Found(()));
            assert!(!self.recv.is_holding());
            assert_eq!(self.message(), message);
        }
        if self.now(Habit::Sometimes) {
            let taken = self.recv.take_message();
            assert_eq!(taken.as_ref().map(|it| Seen::message(it.as_ref())), message);
            assert_eq!(self.message(), None);
        }
        message.expect("it was found")
    }

    fn check_failure(&mut self) {
        drain(&mut self.send, &mut self.outcome.sent);
        self.outcome.error = self.send.failure();
        if self.outcome.error.is_some() {
            assert_eq!(self.recv.next_message(&mut self.send), Step::Ended);
            self.recv.lending().park(&mut self.send);
            assert_eq!(self.send.failure(), self.outcome.error);
            assert_eq!(self.send.queued(), 0);
            assert!(self.recv.message().is_none() && self.recv.take_message().is_none());
            assert!(self.recv.unread().is_empty() && !self.recv.is_between_messages());
        }
    }

    fn read(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() && self.outcome.error.is_none() {
            if self.now(self.plan.lend) {
                let block = vec![0xaa; self.plan.block_len];
                self.recv.lending().lend(block.into());
            }
            fill(&mut self.recv, &mut piece, 0);
            self.take_steps();
        }
    }
}
