//! Messages: owned, borrowed, and on their way out (RFC 6455 §5.6).

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use crate::opcode::OpCode;
use crate::prepared::Prepared;
use crate::text::Text;

/// Text or binary (RFC 6455 §5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // The two that RFC 6455 defines.
pub enum MessageKind {
    /// Any octets.
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
#[allow(clippy::exhaustive_enums)] // The two that RFC 6455 defines; control frames are no messages.
pub enum Message {
    /// Any octets.
    Binary(Bytes),
    /// UTF-8, already validated.
    Text(Text),
}

impl Message {
    /// The message, borrowed.
    #[must_use]
    pub fn as_ref(&self) -> MessageRef<'_> {
        match self {
            Message::Binary(octets) => MessageRef::Binary(octets),
            Message::Text(text) => MessageRef::Text(text),
        }
    }

    /// Text or binary.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        self.as_ref().kind()
    }

    /// The payload octets of either kind.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.as_ref().as_bytes()
    }

    /// The payload octets of either kind, without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self {
            Message::Binary(octets) => octets,
            Message::Text(text) => text.into_bytes(),
        }
    }

    /// The text of a text message.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        self.as_ref().as_text()
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

impl From<Text> for Message {
    fn from(text: Text) -> Self {
        Message::Text(text)
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Message::Text(text.into())
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Message::Text(text.into())
    }
}

impl From<Bytes> for Message {
    fn from(octets: Bytes) -> Self {
        Message::Binary(octets)
    }
}

impl From<Vec<u8>> for Message {
    fn from(octets: Vec<u8>) -> Self {
        Message::Binary(octets.into())
    }
}

/// A message that lies in the connection's memory until the next call. `Debug` prints kind and length alone.
#[derive(Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // The two that RFC 6455 defines.
pub enum MessageRef<'a> {
    /// Any octets.
    Binary(&'a [u8]),
    /// UTF-8, already validated.
    Text(&'a str),
}

impl<'a> MessageRef<'a> {
    /// Text or binary.
    #[must_use]
    pub const fn kind(self) -> MessageKind {
        match self {
            MessageRef::Binary(_) => MessageKind::Binary,
            MessageRef::Text(_) => MessageKind::Text,
        }
    }

    /// The payload octets of either kind.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        match self {
            MessageRef::Binary(octets) => octets,
            MessageRef::Text(text) => text.as_bytes(),
        }
    }

    /// The text of a text message.
    #[must_use]
    pub const fn as_text(self) -> Option<&'a str> {
        match self {
            MessageRef::Binary(_) => None,
            MessageRef::Text(text) => Some(text),
        }
    }

    /// A copy to keep.
    #[must_use]
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

    #[cfg(feature = "deflate")]
    pub(crate) fn into_bytes(self) -> Bytes {
        match self {
            Payload::Borrowed(octets) => Bytes::copy_from_slice(octets),
            Payload::Owned(octets) => octets,
            Payload::Prepared(prepared) => prepared.to_bytes(),
        }
    }
}

/// Whether a message is to be compressed where compression was agreed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Compression {
    /// If it is long enough.
    #[default]
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
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        self.kind
    }

    /// The payload octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.payload.as_bytes()
    }

    fn borrowed(kind: MessageKind, octets: &'a [u8]) -> Self {
        Outgoing {
            kind,
            payload: Payload::Borrowed(octets),
            compression: Compression::default(),
        }
    }

    pub(crate) fn owned(kind: MessageKind, octets: Bytes) -> Self {
        Outgoing {
            kind,
            payload: Payload::Owned(octets),
            compression: Compression::default(),
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
        Outgoing::borrowed(message.kind(), message.as_bytes())
    }
}

impl From<Message> for Outgoing<'_> {
    fn from(message: Message) -> Self {
        Outgoing::owned(message.kind(), message.into_bytes())
    }
}

impl From<&Message> for Outgoing<'_> {
    fn from(message: &Message) -> Self {
        message.clone().into()
    }
}

impl<'a> From<&'a str> for Outgoing<'a> {
    fn from(text: &'a str) -> Self {
        Outgoing::borrowed(MessageKind::Text, text.as_bytes())
    }
}

impl<'a> From<&'a String> for Outgoing<'a> {
    fn from(text: &'a String) -> Self {
        text.as_str().into()
    }
}

impl From<String> for Outgoing<'_> {
    fn from(text: String) -> Self {
        Text::from(text).into()
    }
}

impl<'a> From<Cow<'a, str>> for Outgoing<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        match text {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        }
    }
}

impl From<Text> for Outgoing<'_> {
    fn from(text: Text) -> Self {
        Outgoing::owned(MessageKind::Text, text.into_bytes())
    }
}

impl From<&Text> for Outgoing<'_> {
    fn from(text: &Text) -> Self {
        text.clone().into()
    }
}

impl<'a> From<&'a [u8]> for Outgoing<'a> {
    fn from(octets: &'a [u8]) -> Self {
        Outgoing::borrowed(MessageKind::Binary, octets)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Outgoing<'a> {
    fn from(octets: &'a [u8; N]) -> Self {
        octets.as_slice().into()
    }
}

impl<'a> From<&'a Vec<u8>> for Outgoing<'a> {
    fn from(octets: &'a Vec<u8>) -> Self {
        octets.as_slice().into()
    }
}

impl From<Vec<u8>> for Outgoing<'_> {
    fn from(octets: Vec<u8>) -> Self {
        Bytes::from(octets).into()
    }
}

impl From<Bytes> for Outgoing<'_> {
    fn from(octets: Bytes) -> Self {
        Outgoing::owned(MessageKind::Binary, octets)
    }
}

impl From<&Bytes> for Outgoing<'_> {
    fn from(octets: &Bytes) -> Self {
        octets.clone().into()
    }
}
