//! Messages: owned, borrowed, and outgoing (RFC 6455 §5.6).

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use bytes::{Bytes, BytesMut};

use crate::opcode::OpCode;
use crate::prepared::Prepared;
use crate::text::Text;

/// The kind of a message: text or binary (RFC 6455 §5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// Arbitrary bytes.
    Binary,
    /// UTF-8 text.
    Text,
}

impl MessageKind {
    /// Returns the opcode of the first frame.
    pub(crate) const fn opcode(self) -> OpCode {
        match self {
            Self::Binary => OpCode::Binary,
            Self::Text => OpCode::Text,
        }
    }
}

/// An owned message. A clone is cheap. `Debug` prints only the kind and the length.
///
/// ```
/// use ws_proto::{Message, MessageKind};
///
/// let message = Message::from("hello");
/// assert_eq!(message.kind(), MessageKind::Text);
/// assert_eq!(message.as_text(), Some("hello"));
/// assert_eq!(message.into_bytes(), &b"hello"[..]);
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Message {
    /// Arbitrary bytes.
    Binary(Bytes),
    /// UTF-8 text, already validated.
    Text(Text),
}

impl Message {
    /// Borrows the message.
    pub fn as_ref(&self) -> MessageRef<'_> {
        match self {
            Self::Binary(bytes) => MessageRef::Binary(bytes),
            Self::Text(text) => MessageRef::Text(text),
        }
    }

    /// Returns the kind of the message.
    pub fn kind(&self) -> MessageKind {
        self.as_ref().kind()
    }

    /// Returns the payload bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.as_ref().as_bytes()
    }

    /// Returns the payload bytes without a copy, except for a short text: see
    /// [`Text::into_bytes`].
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Binary(bytes) => bytes,
            Self::Text(text) => text.into_bytes(),
        }
    }

    /// Returns the text, or `None` for a binary message.
    pub fn as_text(&self) -> Option<&str> {
        self.as_ref().as_text()
    }

    /// Returns `true` for a text message.
    pub fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// Returns `true` for a binary message.
    pub fn is_binary(&self) -> bool {
        matches!(self, Self::Binary(_))
    }

    /// Returns the text without a copy.
    ///
    /// # Errors
    ///
    /// Returns a binary message unchanged as the error.
    pub fn into_text(self) -> Result<Text, Self> {
        match self {
            Self::Text(text) => Ok(text),
            binary @ Self::Binary(_) => Err(binary),
        }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

/// Implements `From` for each type, with the expression that makes the message.
macro_rules! messages {
    ($([$($generics:tt)*] $from:ty, |$payload:ident| $message:expr;)+) => {$(
        impl<$($generics)*> From<$from> for Message {
            fn from($payload: $from) -> Self {
                $message
            }
        }
    )+};
}

messages! {
    [] Text, |text| Message::Text(text);
    [] String, |text| Message::Text(text.into());
    [] Box<str>, |text| Message::Text(text.into());
    [] Arc<str>, |text| Message::Text(text.into());
    [] Cow<'_, str>, |text| Message::Text(text.into());
    [] &str, |text| Message::Text(text.into());
    [] &String, |text| Message::Text(text.into());
    [] Bytes, |data| Message::Binary(data);
    [] BytesMut, |data| Message::Binary(data.freeze());
    [] Vec<u8>, |data| Message::Binary(data.into());
    [] Box<[u8]>, |data| Message::Binary(data.into());
    [] Arc<[u8]>, |data| Message::Binary(Bytes::from_owner(data));
    [] Cow<'_, [u8]>, |data| Message::Binary(data.into_owned().into());
    [] &[u8], |data| Message::Binary(Bytes::copy_from_slice(data));
    [] &Vec<u8>, |data| Message::Binary(Bytes::copy_from_slice(data));
    [const N: usize] [u8; N], |data| Message::Binary(Bytes::copy_from_slice(&data));
    [const N: usize] &[u8; N], |data| Message::Binary(Bytes::copy_from_slice(data));
    [] MessageRef<'_>, |message| message.to_message();
}

/// A borrowed message. The payload of a received message is in the memory of the connection, and is
/// valid until the next call. `Debug` prints only the kind and the length.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum MessageRef<'a> {
    /// Arbitrary bytes.
    Binary(&'a [u8]),
    /// UTF-8 text, already validated.
    Text(&'a str),
}

impl<'a> MessageRef<'a> {
    /// Returns the kind of the message.
    pub const fn kind(self) -> MessageKind {
        match self {
            MessageRef::Binary(_) => MessageKind::Binary,
            MessageRef::Text(_) => MessageKind::Text,
        }
    }

    /// Returns the payload bytes.
    pub const fn as_bytes(self) -> &'a [u8] {
        match self {
            MessageRef::Binary(bytes) => bytes,
            MessageRef::Text(text) => text.as_bytes(),
        }
    }

    /// Returns the text, or `None` for a binary message.
    pub const fn as_text(self) -> Option<&'a str> {
        match self {
            MessageRef::Binary(_) => None,
            MessageRef::Text(text) => Some(text),
        }
    }

    /// Copies the message into an owned one.
    pub fn to_message(self) -> Message {
        match self {
            MessageRef::Binary(bytes) => Message::Binary(Bytes::copy_from_slice(bytes)),
            MessageRef::Text(text) => Message::Text(text.into()),
        }
    }
}

impl fmt::Debug for MessageRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({} bytes)", self.kind(), self.as_bytes().len())
    }
}

/// A message to send, borrowed or owned. Every sending method accepts it through [`IntoOutgoing`].
///
/// An owned payload of 8 KiB or more is queued without a copy, unless it is compressed or sent in
/// fragments of less than 8 KiB. A client also copies a payload that is shared or sent in
/// fragments, because a client must mask the bytes. For a message to many connections, use
/// [`Prepared`].
///
/// If compression was agreed, a message can be excluded from it, or compressed even if it is short:
///
/// ```
/// use ws_proto::{Config, Outgoing, SendHalf};
///
/// let mut send = SendHalf::server(&Config::default());
/// // An attacker chooses other text on this connection. The compressed length of the secret could
/// // then reveal the secret (RFC 7692 §8).
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
    Owned(Message),
    Prepared(&'a Prepared),
}

impl Payload<'_> {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Payload::Borrowed(bytes) => bytes,
            Payload::Owned(message) => message.as_bytes(),
            Payload::Prepared(prepared) => prepared.as_bytes(),
        }
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        match self {
            Payload::Borrowed(bytes) => Bytes::copy_from_slice(bytes),
            Payload::Owned(message) => message.into_bytes(),
            Payload::Prepared(prepared) => prepared.to_bytes(),
        }
    }
}

/// The condition under which a message is compressed, provided that compression was agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    /// The message is compressed if its length reaches the threshold.
    ByLength,
    Always,
    Never,
}

impl<'a> Outgoing<'a> {
    /// Compresses the message even if it is short, provided that compression was agreed.
    #[must_use]
    pub fn compressed(mut self) -> Self {
        self.compression = Compression::Always;
        self
    }

    /// Sends the message uncompressed, even if compression was agreed (RFC 7692 §6).
    #[must_use]
    pub fn uncompressed(mut self) -> Self {
        self.compression = Compression::Never;
        self
    }

    /// Returns the kind of the message.
    pub fn kind(&self) -> MessageKind {
        self.kind
    }

    /// Returns the payload bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.payload.as_bytes()
    }

    fn borrowed(message: MessageRef<'a>) -> Self {
        Outgoing {
            kind: message.kind(),
            payload: Payload::Borrowed(message.as_bytes()),
            compression: Compression::ByLength,
        }
    }

    fn owned(message: Message) -> Self {
        Outgoing {
            kind: message.kind(),
            payload: Payload::Owned(message),
            compression: Compression::ByLength,
        }
    }
}

impl fmt::Debug for Outgoing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({} bytes)", self.kind, self.as_bytes().len())
    }
}

/// A type that can be sent as a message.
///
/// Every sending method accepts these types:
///
/// * Text: `&str`, `String`, `Box<str>`, `Arc<str>`, `Cow<str>` and [`Text`].
/// * Binary data: slices, arrays, `Vec<u8>`, [`Bytes`], [`BytesMut`], `Box<[u8]>`, `Arc<[u8]>` and
///   `Cow<[u8]>`.
/// * Either kind: [`Message`], [`MessageRef`], `&`[`Prepared`] and [`Outgoing`].
/// * References to the owned types.
///
/// ```
/// use std::sync::Arc;
/// use ws_proto::{Config, SendHalf};
///
/// let mut send = SendHalf::server(&Config::default());
/// send.message("text")?;
/// send.message(format!("{} more", 2))?;
/// send.message(Arc::<str>::from("shared"))?;
/// send.message([1, 2, 3])?;
/// # Ok::<(), ws_proto::SendError>(())
/// ```
///
/// Serialize a value of another type first, or implement this trait for its type:
///
/// ```
/// use ws_proto::{Config, IntoOutgoing, Outgoing, SendHalf};
///
/// struct Move {
///     from: u8,
///     to: u8,
/// }
///
/// impl IntoOutgoing<'static> for Move {
///     fn into_outgoing(self) -> Outgoing<'static> {
///         [self.from, self.to].into()
///     }
/// }
///
/// SendHalf::server(&Config::default()).message(Move { from: 12, to: 28 })?;
/// # Ok::<(), ws_proto::SendError>(())
/// ```
///
/// A type that does not implement the trait causes a compile error:
///
/// ```compile_fail,E0277
/// use ws_proto::{Config, SendHalf};
///
/// struct Move {
///     from: u8,
///     to: u8,
/// }
///
/// SendHalf::server(&Config::default()).message(Move { from: 12, to: 28 });
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a WebSocket message",
    label = "neither text nor binary data",
    note = "text: `&str`, `String`, `Box<str>`, `Arc<str>`, `Cow<str>`, `Text`",
    note = "binary: `&[u8]`, `[u8; N]`, `Vec<u8>`, `Bytes`, `BytesMut`, `Box<[u8]>`, `Arc<[u8]>`, `Cow<[u8]>`",
    note = "serialize a type of your own first, as with `serde_json::to_string(&value)?`"
)]
pub trait IntoOutgoing<'a> {
    /// Converts the value into a message. The message borrows the payload or owns it.
    fn into_outgoing(self) -> Outgoing<'a>;
}

impl<'a> IntoOutgoing<'a> for Outgoing<'a> {
    fn into_outgoing(self) -> Self {
        self
    }
}

/// Implements [`IntoOutgoing`] and `From` for each type, with the expression that makes the
/// message.
///
/// There is no blanket implementation for `Into<Outgoing>`. With such an implementation, the
/// compiler would not show the diagnostics of the trait.
macro_rules! outgoing {
    ($([$($generics:tt)*] $from:ty, |$payload:pat_param| $outgoing:expr;)+) => {$(
        impl<'a, $($generics)*> From<$from> for Outgoing<'a> {
            fn from($payload: $from) -> Self {
                $outgoing
            }
        }

        impl<'a, $($generics)*> IntoOutgoing<'a> for $from {
            fn into_outgoing(self) -> Outgoing<'a> {
                self.into()
            }
        }
    )+};
}

outgoing! {
    [] &'a str, |text| Outgoing::borrowed(MessageRef::Text(text));
    [] &'a String, |text| Outgoing::borrowed(MessageRef::Text(text));
    [] &'a Box<str>, |text| Outgoing::borrowed(MessageRef::Text(text));
    [] &'a Arc<str>, |text| Outgoing::borrowed(MessageRef::Text(text));
    ['b] &'a Cow<'b, str>, |text| Outgoing::borrowed(MessageRef::Text(text));
    [] &'a [u8], |data| Outgoing::borrowed(MessageRef::Binary(data));
    [] &'a Vec<u8>, |data| Outgoing::borrowed(MessageRef::Binary(data));
    [] &'a BytesMut, |data| Outgoing::borrowed(MessageRef::Binary(data));
    [] &'a Box<[u8]>, |data| Outgoing::borrowed(MessageRef::Binary(data));
    [] &'a Arc<[u8]>, |data| Outgoing::borrowed(MessageRef::Binary(data));
    ['b] &'a Cow<'b, [u8]>, |data| Outgoing::borrowed(MessageRef::Binary(data));
    [const N: usize] &'a [u8; N], |data| Outgoing::borrowed(MessageRef::Binary(data));
    [] MessageRef<'a>, |message| Outgoing::borrowed(message);
    [] &'a Prepared, |prepared| prepared.outgoing();

    [] Message, |message| Outgoing::owned(message);
    [] String, |text| Outgoing::owned(text.into());
    [] Box<str>, |text| Outgoing::owned(text.into());
    [] Arc<str>, |text| Outgoing::owned(text.into());
    [] Text, |text| Outgoing::owned(text.into());
    [] Vec<u8>, |data| Outgoing::owned(data.into());
    [] Bytes, |data| Outgoing::owned(data.into());
    [] BytesMut, |data| Outgoing::owned(data.into());
    [] Box<[u8]>, |data| Outgoing::owned(data.into());
    [] Arc<[u8]>, |data| Outgoing::owned(data.into());
    [const N: usize] [u8; N], |data| Outgoing::owned(data.into());

    // These are cheap to clone.
    [] &Message, |message| Outgoing::owned(message.clone());
    [] &Text, |text| Outgoing::owned(text.clone().into());
    [] &Bytes, |data| Outgoing::owned(data.clone().into());

    [] Cow<'a, str>, |text| match text {
        Cow::Borrowed(text) => text.into(),
        Cow::Owned(text) => text.into(),
    };
    [] Cow<'a, [u8]>, |data| match data {
        Cow::Borrowed(data) => data.into(),
        Cow::Owned(data) => data.into(),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the address of the payload in an outgoing message.
    fn memory<'a>(message: impl IntoOutgoing<'a>) -> *const u8 {
        let message = message.into_outgoing();
        let memory = message.as_bytes().as_ptr();
        drop(message.payload.into_bytes());
        memory
    }

    #[test]
    fn owned_payloads_are_not_copied() {
        let text = String::from("text");
        let at = text.as_ptr();
        assert_eq!(memory(text), at);
        let text = Box::<str>::from("text");
        let at = text.as_ptr();
        assert_eq!(memory(text), at);
        let text = Arc::<str>::from("text");
        assert_eq!(memory(Arc::clone(&text)), text.as_ptr());
        let text = Cow::<str>::Owned("text".into());
        let at = text.as_ptr();
        assert_eq!(memory(text), at);
        let text = Text::from("a text of more than 23 bytes");
        assert_eq!(memory(text.clone()), text.as_ptr());
        assert_eq!(memory(&text), text.as_ptr());

        let data = Vec::from(*b"data");
        let at = data.as_ptr();
        assert_eq!(memory(data), at);
        let data = Box::<[u8]>::from(*b"data");
        let at = data.as_ptr();
        assert_eq!(memory(data), at);
        let data = Arc::<[u8]>::from(*b"data");
        assert_eq!(memory(Arc::clone(&data)), data.as_ptr());
        let data = BytesMut::from(&b"data"[..]);
        let at = data.as_ptr();
        assert_eq!(memory(data), at);
        let data = Bytes::from_static(b"data");
        assert_eq!(memory(data.clone()), data.as_ptr());
        assert_eq!(memory(&data), data.as_ptr());
        let data = Cow::<[u8]>::Owned(Vec::from(*b"data"));
        let at = data.as_ptr();
        assert_eq!(memory(data), at);
        let message = Message::from("a text of more than 23 bytes");
        assert_eq!(memory(message.clone()), message.as_bytes().as_ptr());
        assert_eq!(memory(&message), message.as_bytes().as_ptr());
    }

    #[test]
    #[expect(
        clippy::needless_borrows_for_generic_args,
        reason = "the borrows are under test"
    )]
    fn borrowed_payloads_are_not_copied() {
        fn is_borrowed<'a>(message: impl IntoOutgoing<'a>, kind: MessageKind) {
            let message = message.into_outgoing();
            assert!(matches!(message.payload, Payload::Borrowed(b"same")));
            assert_eq!(message.kind(), kind);
        }
        is_borrowed("same", MessageKind::Text);
        is_borrowed(&String::from("same"), MessageKind::Text);
        is_borrowed(&Box::<str>::from("same"), MessageKind::Text);
        is_borrowed(&Arc::<str>::from("same"), MessageKind::Text);
        is_borrowed(Cow::Borrowed("same"), MessageKind::Text);
        is_borrowed(&Cow::<str>::Owned("same".into()), MessageKind::Text);
        is_borrowed(MessageRef::Text("same"), MessageKind::Text);
        is_borrowed(Message::from("same").as_ref(), MessageKind::Text);
        is_borrowed(b"same", MessageKind::Binary);
        is_borrowed(&b"same"[..], MessageKind::Binary);
        is_borrowed(&Vec::from(*b"same"), MessageKind::Binary);
        is_borrowed(&BytesMut::from(&b"same"[..]), MessageKind::Binary);
        is_borrowed(&Box::<[u8]>::from(*b"same"), MessageKind::Binary);
        is_borrowed(&Arc::<[u8]>::from(*b"same"), MessageKind::Binary);
        is_borrowed(Cow::Borrowed(&b"same"[..]), MessageKind::Binary);
        is_borrowed(&Cow::Borrowed(&b"same"[..]), MessageKind::Binary);
    }

    #[test]
    fn messages_convert_from_every_text_and_data_type() {
        let text = Message::Text(Text::from("same"));
        for message in [
            Message::from("same"),
            Message::from(&String::from("same")),
            Message::from(String::from("same")),
            Message::from(Box::<str>::from("same")),
            Message::from(Arc::<str>::from("same")),
            Message::from(Cow::Borrowed("same")),
            Message::from(Cow::<str>::Owned("same".into())),
            Message::from(MessageRef::Text("same")),
        ] {
            assert_eq!(message, text);
        }
        let binary = Message::Binary(Bytes::from_static(b"same"));
        for message in [
            Message::from(*b"same"),
            Message::from(b"same"),
            Message::from(&b"same"[..]),
            Message::from(&Vec::from(*b"same")),
            Message::from(Vec::from(*b"same")),
            Message::from(BytesMut::from(&b"same"[..])),
            Message::from(Box::<[u8]>::from(*b"same")),
            Message::from(Arc::<[u8]>::from(*b"same")),
            Message::from(Cow::Borrowed(&b"same"[..])),
            Message::from(MessageRef::Binary(b"same")),
        ] {
            assert_eq!(message, binary);
        }
    }

    #[test]
    fn into_text_returns_a_binary_message_unchanged() {
        let text = Message::from("text").into_text();
        assert_eq!(text, Ok(Text::from("text")));
        let binary = Message::from(b"data");
        assert_eq!(binary.clone().into_text(), Err(binary));
    }
}
