//! Messages: owned, borrowed, and on their way out (RFC 6455 §5.6).

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use crate::opcode::OpCode;
use crate::prepared::Prepared;
use crate::text::Text;

/// Implements `From` for types from which one step leads to something that there is an `Into` for.
macro_rules! from {
    ($to:ty; $($by_way_of:path: $($from:ty),+;)+) => {$($(
        impl<'a> From<$from> for $to {
            fn from(payload: $from) -> Self {
                $by_way_of(payload).into()
            }
        }
    )+)+};
}

/// Text or binary (RFC 6455 §5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// Any bytes.
    Binary,
    /// UTF-8.
    Text,
}

impl MessageKind {
    /// The opcode of the first frame.
    pub(crate) const fn opcode(self) -> OpCode {
        match self {
            MessageKind::Binary => OpCode::Binary,
            MessageKind::Text => OpCode::Text,
        }
    }
}

/// A message of one's own, cheap to clone. `Debug` prints kind and length alone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Message {
    /// Any bytes.
    Binary(Bytes),
    /// UTF-8, already validated.
    Text(Text),
}

impl Message {
    /// The message, borrowed.
    pub fn as_ref(&self) -> MessageRef<'_> {
        match self {
            Message::Binary(octets) => MessageRef::Binary(octets),
            Message::Text(text) => MessageRef::Text(text),
        }
    }

    /// Text or binary.
    pub fn kind(&self) -> MessageKind {
        self.as_ref().kind()
    }

    /// The payload bytes of either kind.
    pub fn as_bytes(&self) -> &[u8] {
        self.as_ref().as_bytes()
    }

    /// The payload bytes of either kind, without a copy.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Message::Binary(octets) => octets,
            Message::Text(text) => text.into_bytes(),
        }
    }

    /// The text of a text message.
    pub fn as_text(&self) -> Option<&str> {
        self.as_ref().as_text()
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

from! {
    Message;
    Message::Text: Text;
    Text::from: &str, String;
    Message::Binary: Bytes;
    Bytes::from: Vec<u8>;
}

/// A message that lies in the connection's memory until the next call. `Debug` prints kind and length alone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum MessageRef<'a> {
    /// Any bytes.
    Binary(&'a [u8]),
    /// UTF-8, already validated.
    Text(&'a str),
}

impl<'a> MessageRef<'a> {
    /// Text or binary.
    pub const fn kind(self) -> MessageKind {
        match self {
            MessageRef::Binary(_) => MessageKind::Binary,
            MessageRef::Text(_) => MessageKind::Text,
        }
    }

    /// The payload bytes of either kind.
    pub const fn as_bytes(self) -> &'a [u8] {
        match self {
            MessageRef::Binary(octets) => octets,
            MessageRef::Text(text) => text.as_bytes(),
        }
    }

    /// The text of a text message.
    pub const fn as_text(self) -> Option<&'a str> {
        match self {
            MessageRef::Binary(_) => None,
            MessageRef::Text(text) => Some(text),
        }
    }

    /// A copy to keep.
    pub fn to_message(self) -> Message {
        match self {
            MessageRef::Binary(octets) => Message::Binary(Bytes::copy_from_slice(octets)),
            MessageRef::Text(text) => Message::Text(text.into()),
        }
    }
}

impl fmt::Debug for MessageRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({} octets)", self.kind(), self.as_bytes().len())
    }
}

/// A message to send, borrowed or owned: what every sending method takes, by `Into`.
///
/// Text comes from `&str`, `String` and [`Text`], binary from slices, `Vec<u8>` and [`Bytes`], either from
/// [`Message`] and [`MessageRef`]. Owned payloads of some size leave without a copy where no mask changes them. A message
/// for many connections is a [`Prepared`].
///
/// Where compression was agreed, a message can be kept out of it, or put in however short it is:
///
/// ```
/// use ws_proto::{Config, Outgoing, SendHalf};
///
/// let mut send = SendHalf::server(&Config::default());
/// // A secret beside text that an attacker chooses: its length after compression would tell of it (RFC 7692 §8).
/// send.message(Outgoing::from("token=5f3a").uncompressed())?;
/// # Ok::<(), ws_proto::SendError>(())
/// ```
#[derive(Clone)]
pub struct Outgoing<'a> {
    pub(crate) kind: MessageKind,
    pub(crate) payload: Payload<'a>,
    pub(crate) compression: Compression,
}

#[derive(Clone)]
pub(crate) enum Payload<'a> {
    Borrowed(&'a [u8]),
    Owned(Bytes),
    Prepared(&'a Prepared),
}

impl Payload<'_> {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Payload::Borrowed(octets) => octets,
            Payload::Owned(octets) => octets,
            Payload::Prepared(prepared) => prepared.as_bytes(),
        }
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        match self {
            Payload::Borrowed(octets) => Bytes::copy_from_slice(octets),
            Payload::Owned(octets) => octets,
            Payload::Prepared(prepared) => prepared.to_bytes(),
        }
    }
}

/// The choice whether to compress a message where compression was agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    /// If it is long enough.
    ByLength,
    Always,
    Never,
}

impl<'a> Outgoing<'a> {
    /// Compresses the message however short it is, where compression was agreed.
    #[must_use]
    pub fn compressed(mut self) -> Self {
        self.compression = Compression::Always;
        self
    }

    /// Sends the message as it is, also where compression was agreed (RFC 7692 §6).
    #[must_use]
    pub fn uncompressed(mut self) -> Self {
        self.compression = Compression::Never;
        self
    }

    /// Text or binary.
    pub fn kind(&self) -> MessageKind {
        self.kind
    }

    /// The payload bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.payload.as_bytes()
    }

    fn new(kind: MessageKind, payload: Payload<'a>) -> Self {
        Outgoing {
            kind,
            payload,
            compression: Compression::ByLength,
        }
    }
}

impl fmt::Debug for Outgoing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({} octets)", self.kind, self.as_bytes().len())
    }
}

impl<'a> From<MessageRef<'a>> for Outgoing<'a> {
    fn from(message: MessageRef<'a>) -> Self {
        Outgoing::new(message.kind(), Payload::Borrowed(message.as_bytes()))
    }
}

impl From<Message> for Outgoing<'_> {
    fn from(message: Message) -> Self {
        Outgoing::new(message.kind(), Payload::Owned(message.into_bytes()))
    }
}

from! {
    Outgoing<'a>;
    MessageRef::Text: &'a str, &'a String;
    MessageRef::Binary: &'a [u8], &'a Vec<u8>;
    Message::from: Text, String, Bytes, Vec<u8>;
    Message::clone: &Message;
    Text::clone: &Text;
    Bytes::clone: &Bytes;
}

impl<'a> From<Cow<'a, str>> for Outgoing<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        match text {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        }
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Outgoing<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        bytes.as_slice().into()
    }
}
