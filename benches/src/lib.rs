//! What the benchmarks share: payloads, masking keys and encoded input.

#![forbid(unsafe_code)]

pub mod broadcast;
pub mod client;
pub mod floor;
pub mod frame_floor;
pub mod handshake;

use std::hint::black_box;

use ws_proto::{Config, MaskKey, MaskSource, MessageRef, RecvHalf, Role, SendHalf, Step};

/// Payload lengths: every size tier of the code, both sides of each change of the header's length form.
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

/// What a payload holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Text of one-octet characters.
    Ascii,
    /// Octets of all values.
    Binary,
    /// Text of two-, three- and four-octet characters.
    NonAscii,
}

impl Content {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ascii, Self::Binary, Self::NonAscii];

    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ascii => "text-ascii",
            Self::Binary => "binary",
            Self::NonAscii => "text-non-ascii",
        }
    }
}

/// A payload of exactly this length.
#[derive(Clone, Debug)]
pub enum Payload {
    /// Any octets.
    Binary(Vec<u8>),
    /// UTF-8.
    Text(String),
}

impl Payload {
    /// `len` octets of this content.
    #[must_use]
    pub fn new(content: Content, len: usize) -> Self {
        match content {
            Content::Ascii => Self::Text(repeat("The quick brown fox jumps. ", len)),
            Content::Binary => Self::Binary((0..len).map(|i| (i * 31 % 251) as u8).collect()),
            Content::NonAscii => Self::Text(repeat("Γειά σου κόσμε, 你好世界 𤭢! ", len)),
        }
    }

    /// The payload as a message to send.
    #[must_use]
    pub fn message(&self) -> MessageRef<'_> {
        match self {
            Self::Binary(octets) => MessageRef::Binary(octets),
            Self::Text(text) => MessageRef::Text(text),
        }
    }
}

/// The pattern again and again, `len` octets of it: what does not fit as a character at the end becomes spaces.
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

/// Masking keys that cost nearly nothing, so that the source of keys is not what is measured.
#[derive(Clone, Debug, Default)]
pub struct CountedKeys(u32);

impl MaskSource for CountedKeys {
    fn next_key(&mut self) -> MaskKey {
        self.0 = self.0.wrapping_add(0x9e37_79b9);
        MaskKey::new(self.0.to_le_bytes())
    }
}

/// The sending half of the end with this role.
#[must_use]
pub fn send_half(role: Role) -> SendHalf {
    match role {
        Role::Client => SendHalf::client(&Config::default(), CountedKeys::default()),
        Role::Server => SendHalf::server(&Config::default()),
    }
}

/// The bytes of `count` messages as the end with this role sends them.
#[must_use]
pub fn encoded(sender: Role, message: MessageRef<'_>, count: usize) -> Vec<u8> {
    let mut send = send_half(sender);
    for _ in 0..count {
        // A fresh connection is open.
        let _ = send.message(message);
    }
    let mut slices = [&[][..]; 8];
    let used = send.slices(&mut slices);
    slices.get(..used).unwrap_or_default().concat()
}

/// A receiving half with a block of `len` bytes, as a connection has it while it is read from, and the half that answers
/// for it.
#[must_use]
pub fn receiver(role: Role, len: usize) -> (RecvHalf, SendHalf) {
    let mut recv = RecvHalf::new(role, &Config::default());
    let mut lending = recv.lending();
    lending.set_up(Box::default(), len, len);
    lending.lend(vec![0; len].into());
    (recv, send_half(role))
}

/// How many messages come out of `input`, which is copied into the block: the copy stands for the read.
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
