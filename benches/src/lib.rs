//! The parts that the benchmarks share: payloads, masking keys, encoded input, and the two halves
//! of a connection.

#![forbid(unsafe_code)]

pub mod frame_floor;
pub mod handshake;

use std::hint::black_box;
use std::num::NonZeroUsize;

use ws_proto::{Config, MaskKey, MaskSource, MessageRef, RecvHalf, Role, SendHalf, Step};

/// Payload lengths. They cover every range of lengths that the code treats differently. They
/// include the last length of each header form, and the first length of the next form.
pub const LENS: [usize; 11] = [
    0,
    20,
    125,
    126,
    1 << 10,
    16 << 10,
    65_535,
    65_536,
    256 << 10,
    1 << 20,
    16 << 20,
];

/// The kind of data in a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Text of one-byte characters.
    Ascii,
    /// Bytes with values from 0 to 250.
    Binary,
    /// Text with two-, three- and four-byte characters.
    NonAscii,
}

impl Content {
    /// All kinds of data.
    pub const ALL: [Self; 3] = [Self::Ascii, Self::Binary, Self::NonAscii];

    /// Returns the name that reports have for this kind.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ascii => "text-ascii",
            Self::Binary => "binary",
            Self::NonAscii => "text-non-ascii",
        }
    }
}

/// The payload of a message.
#[derive(Clone, Debug)]
pub enum Payload {
    /// The payload of a binary message.
    Binary(Vec<u8>),
    /// The payload of a text message.
    Text(String),
}

impl Payload {
    /// Makes a payload of exactly `len` bytes.
    #[must_use]
    pub fn new(content: Content, len: usize) -> Self {
        match content {
            Content::Ascii => Self::Text(repeat("The quick brown fox jumps. ", len)),
            Content::Binary => Self::Binary((0..len).map(|i| (i * 31 % 251) as u8).collect()),
            Content::NonAscii => Self::Text(repeat("Γειά σου κόσμε, 你好世界 𤭢! ", len)),
        }
    }

    /// Returns the payload as a message to send.
    #[must_use]
    pub fn message(&self) -> MessageRef<'_> {
        match self {
            Self::Binary(bytes) => MessageRef::Binary(bytes),
            Self::Text(text) => MessageRef::Text(text),
        }
    }
}

/// Repeats the pattern until the text has `len` bytes. Spaces fill the end if the next character
/// does not fit.
fn repeat(pattern: &str, len: usize) -> String {
    let mut text = String::with_capacity(len);
    for character in pattern.chars().cycle() {
        if text.len() + character.len_utf8() > len {
            break;
        }
        text.push(character);
    }
    text.extend(std::iter::repeat_n(' ', len - text.len()));
    text
}

/// A counter as the source of masking keys. It costs almost nothing, so it does not affect the
/// measurements.
#[derive(Clone, Debug, Default)]
pub struct CountedKeys(u32);

impl MaskSource for CountedKeys {
    fn next_key(&mut self) -> MaskKey {
        self.0 = self.0.wrapping_add(0x9e37_79b9);
        MaskKey::new(self.0.to_le_bytes())
    }
}

/// Returns the sending half of a connection with this role.
#[must_use]
pub fn send_half(role: Role) -> SendHalf {
    match role {
        Role::Client => SendHalf::client(&Config::default(), CountedKeys::default()),
        Role::Server => SendHalf::server(&Config::default()),
    }
}

/// Returns the bytes that a sender with this role sends for `count` copies of `message`.
#[must_use]
pub fn encoded(sender: Role, message: MessageRef<'_>, count: usize) -> Vec<u8> {
    let mut send = send_half(sender);
    for _ in 0..count {
        // An error is impossible, because a new connection is open.
        let _ = send.message(message);
    }
    let mut slices = [&[][..]; 8];
    let used = send.slices(&mut slices);
    slices.get(..used).unwrap_or_default().concat()
}

/// Returns the bytes that a client sends for `message` in fragments of `fragment_len` bytes.
#[must_use]
pub fn fragmented(message: MessageRef<'_>, fragment_len: NonZeroUsize) -> Vec<u8> {
    let config = Config::default().fragment_len(fragment_len);
    let mut send = SendHalf::client(&config, CountedKeys::default());
    // An error is impossible, because a new connection is open.
    let _ = send.message(message);
    let mut bytes = Vec::new();
    while send.queued() > 0 {
        bytes.extend(written(&mut send));
    }
    bytes
}

/// Removes the next bytes to send from the queue, in place of a write, and returns them.
pub fn written(send: &mut SendHalf) -> Vec<u8> {
    let mut slices = [&[][..]; 8];
    let used = send.slices(&mut slices);
    let bytes = slices.get(..used).unwrap_or_default().concat();
    send.advance(bytes.len());
    bytes
}

/// Returns a receiving half with a block of `len` bytes, as during a read. Also returns the sending
/// half that queues its answers.
#[must_use]
pub fn receiver(role: Role, len: usize) -> (RecvHalf, SendHalf) {
    let mut recv = RecvHalf::new(role, &Config::default());
    let mut lending = recv.lending();
    lending.set_up(Box::default(), len, len);
    lending.lend(vec![0; len].into());
    (recv, send_half(role))
}

/// Copies `input` into the block, in place of a read. Receives all messages of `input`, and returns
/// their number.
///
/// # Panics
///
/// If `input` does not fit the block.
pub fn receive(recv: &mut RecvHalf, send: &mut SendHalf, input: &[u8]) -> usize {
    recv.spare()[..input.len()].copy_from_slice(input);
    recv.filled(input.len());
    let mut messages = 0;
    while let Step::Found(()) = recv.next_message(send) {
        black_box(recv.message());
        messages += 1;
    }
    messages
}
