//! UTF-8 text: the type of a text message, and the two buffers in which the receiving half keeps
//! text.
//!
//! Text is validated once, when it arrives, and read many times. The types in this module own their
//! bytes, so that no code can change them between the check and a read. The only unchecked
//! conversion of this crate relies on that.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::{Deref, Range};

use bytes::Bytes;

use crate::arch;
use crate::mask::MaskKey;
use crate::message::{Message, MessageKind, MessageRef};
use crate::utf8::{InvalidUtf8, Utf8Stream};

/// The maximum number of bytes that a message under assembly reserves in addition to the announced
/// rest of the frame.
const RESERVE_LEN: usize = 64 * 1024;

/// The length in bytes of the longest text that is stored in a [`Text`] itself: as many as fit in
/// the memory that [`Bytes`] takes.
const MAX_SHORT_LEN: usize = 23;

/// A text message: UTF-8, reference-counted if it has more than 23 bytes. A clone is cheap.
///
/// A `Text` dereferences to `str`. A text of up to 23 bytes that was received or copied takes no
/// other memory. `Debug` prints only the length, because payloads do not belong in logs.
///
/// ```
/// let text = ws_proto::Text::from("hello");
/// assert!(text.starts_with("he"));
/// assert_eq!(format!("{text:?}"), "Text(5 bytes)");
/// ```
#[derive(Clone)]
pub struct Text(Repr);

#[derive(Clone)]
enum Repr {
    /// The first `len` bytes are the text. The others are 0.
    Short {
        len: u8,
        bytes: [u8; MAX_SHORT_LEN],
    },
    Shared(Bytes),
}

impl Text {
    /// Creates a text from a string with static lifetime, without a copy.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self(Repr::Shared(Bytes::from_static(text.as_bytes())))
    }

    /// Returns the text as a string slice.
    #[inline]
    pub fn as_str(&self) -> &str {
        validated(self.bytes())
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Short { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Repr::Shared(bytes) => bytes,
        }
    }

    /// Returns the bytes. They are copied only if they are stored in the text itself.
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Repr::Short { .. } => Bytes::copy_from_slice(self.bytes()),
            Repr::Shared(bytes) => bytes,
        }
    }
}

/// The empty text.
impl Default for Text {
    fn default() -> Self {
        Self::from_static("")
    }
}

/// The error of [`Text::try_from`] for bytes that are not UTF-8. The error contains these bytes.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not UTF-8: send them as a binary message")]
pub struct NotUtf8(pub Bytes);

impl fmt::Debug for NotUtf8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NotUtf8({} bytes)", self.0.len())
    }
}

impl TryFrom<Bytes> for Text {
    type Error = NotUtf8;

    fn try_from(bytes: Bytes) -> Result<Self, NotUtf8> {
        match arch::valid_utf8(&bytes) {
            true => Ok(Self(Repr::Shared(bytes))),
            false => Err(NotUtf8(bytes)),
        }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Repr::Shared(text.into()))
    }
}

impl From<&str> for Text {
    #[inline]
    fn from(text: &str) -> Self {
        let mut bytes = [0; MAX_SHORT_LEN];
        Self(match bytes.get_mut(..text.len()) {
            Some(short) => {
                short.copy_from_slice(text.as_bytes());
                let len = text.len() as u8;
                Repr::Short { len, bytes }
            }
            None => Repr::Shared(Bytes::copy_from_slice(text.as_bytes())),
        })
    }
}

impl From<&String> for Text {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<Box<str>> for Text {
    fn from(text: Box<str>) -> Self {
        String::from(text).into()
    }
}

/// The memory is shared, not copied.
impl From<Arc<str>> for Text {
    fn from(text: Arc<str>) -> Self {
        // `Bytes` can own an `Arc<[u8]>` without a copy.
        Self(Repr::Shared(Bytes::from_owner(Arc::<[u8]>::from(text))))
    }
}

impl From<Cow<'_, str>> for Text {
    fn from(text: Cow<'_, str>) -> Self {
        text.into_owned().into()
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.as_str().into()
    }
}

impl From<Text> for Bytes {
    fn from(text: Text) -> Self {
        text.into_bytes()
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        self.bytes()
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

/// The hash must equal that of `str`, as [`Borrow`] requires. A byte slice hashes differently.
impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.len())
    }
}

/// The buffer of a message under assembly. The memory is reused for the next message. Text is
/// validated when it is appended.
///
/// Invariant: all bytes of a text except the last `utf8.pending_len()` are UTF-8.
pub(crate) struct MessageBuffer {
    kind: MessageKind,
    bytes: Vec<u8>,
    utf8: Utf8Stream,
}

impl Default for MessageBuffer {
    fn default() -> Self {
        Self {
            kind: MessageKind::Binary,
            bytes: Vec::new(),
            utf8: Utf8Stream::default(),
        }
    }
}

impl MessageBuffer {
    pub(crate) fn begin(&mut self, kind: MessageKind) {
        self.bytes.clear();
        self.utf8 = Utf8Stream::default();
        self.kind = kind;
    }

    /// Unmasks the payload and appends it. Fails at the first byte that makes a text invalid.
    ///
    /// `expected` is the length of the rest of the frame, including `payload`. After an error the
    /// buffer is empty.
    pub(crate) fn append(
        &mut self,
        payload: &[u8],
        key: Option<MaskKey>,
        expected: u64,
    ) -> Result<(), InvalidUtf8> {
        let start = self.bytes.len();
        let is_ascii = append_unmasked(&mut self.bytes, payload, key, expected);
        if self.kind == MessageKind::Binary || (is_ascii && self.utf8.pending_len() == 0) {
            return Ok(());
        }
        let added = self.bytes.get(start..).unwrap_or_default();
        let checked = self.utf8.push(added);
        if checked.is_err() {
            self.begin(self.kind);
        }
        checked
    }

    /// Fails if a text ends inside a character (RFC 6455 §8.1).
    pub(crate) fn finish(&self) -> Result<(), InvalidUtf8> {
        self.utf8.finish()
    }

    /// Returns the message so far. An incomplete character at the end of a text is left out.
    pub(crate) fn message(&self) -> MessageRef<'_> {
        let len = self.bytes.len().saturating_sub(self.utf8.pending_len());
        let whole = self.bytes.get(..len).unwrap_or_default();
        match self.kind {
            MessageKind::Binary => MessageRef::Binary(whole),
            MessageKind::Text => MessageRef::Text(validated(whole)),
        }
    }

    /// Takes the message with its memory. Excess memory from an earlier message is freed first.
    pub(crate) fn take(&mut self) -> Message {
        self.trim();
        let len = self.message().as_bytes().len();
        let Self {
            kind, mut bytes, ..
        } = core::mem::take(self);
        bytes.truncate(len);
        match kind {
            MessageKind::Binary => Message::Binary(bytes.into()),
            MessageKind::Text => Message::Text(Text(Repr::Shared(bytes.into()))),
        }
    }

    pub(crate) fn kind(&self) -> MessageKind {
        self.kind
    }

    /// Returns all bytes, including those of an incomplete character.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn utf8(&self) -> Utf8Stream {
        self.utf8
    }

    pub(crate) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    #[inline]
    pub(crate) fn holds_memory(&self) -> bool {
        self.bytes.capacity() > 0
    }

    /// Frees excess memory from an earlier, longer message. At most twice the length plus 4 KiB
    /// remains.
    pub(crate) fn trim(&mut self) {
        let most = self.bytes.len().saturating_mul(2).saturating_add(4096);
        if self.bytes.capacity() > most {
            self.bytes.shrink_to_fit();
        }
    }
}

/// Unmasks `payload` and appends it to `bytes`. Returns `true` if the unmasked bytes are ASCII.
/// Without a key, returns `false`, because ASCII is not detected then.
///
/// The capacity depends on the bytes that arrived, not on the length that a header announced. The
/// capacity is at most doubled, unless `payload` needs more. It is at most [`RESERVE_LEN`] greater
/// than the length that the message has after the `expected` rest of the frame.
fn append_unmasked(
    bytes: &mut Vec<u8>,
    payload: &[u8],
    key: Option<MaskKey>,
    expected: u64,
) -> bool {
    let start = bytes.len();
    let needed = start.saturating_add(payload.len());
    if needed > bytes.capacity() {
        let expected = usize::try_from(expected).unwrap_or(usize::MAX);
        let announced = start.saturating_add(expected).saturating_add(RESERVE_LEN);
        let doubled = bytes.capacity().saturating_mul(2);
        bytes.reserve_exact(doubled.min(announced).max(needed).saturating_sub(start));
    }
    match key {
        Some(key) => key.append_masked_ascii(payload, bytes),
        None => {
            bytes.extend_from_slice(payload);
            false
        }
    }
}

/// Unmasks the bytes and returns them as text.
#[inline]
pub(crate) fn unmask_text(bytes: &mut [u8], key: Option<MaskKey>) -> Result<&str, InvalidUtf8> {
    let is_text = match key {
        Some(key) => key.apply_text(bytes),
        None => arch::valid_utf8(bytes),
    };
    is_text.then(|| validated(bytes)).ok_or(InvalidUtf8)
}

/// A block of input. It stores the range that the last check accepted as text. Any mutable access
/// clears this range.
///
/// Invariant: the bytes in `text` are UTF-8.
#[derive(Default)]
pub(crate) struct TextBlock {
    bytes: Box<[u8]>,
    text: Range<usize>,
}

impl TextBlock {
    #[inline]
    pub(crate) fn new(bytes: Box<[u8]>) -> Self {
        Self { bytes, text: 0..0 }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    #[inline]
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        self.text = 0..0;
        &mut self.bytes
    }

    #[inline]
    pub(crate) fn into_bytes(self) -> Box<[u8]> {
        self.bytes
    }

    /// Unmasks the bytes in `range`, checks that they are UTF-8, and stores the range.
    #[inline]
    pub(crate) fn unmask_text(
        &mut self,
        range: Range<usize>,
        key: Option<MaskKey>,
    ) -> Result<(), InvalidUtf8> {
        let bytes = self.bytes.get_mut(range.clone()).ok_or(InvalidUtf8)?;
        self.text = 0..0;
        unmask_text(bytes, key)?;
        self.text = range;
        Ok(())
    }

    /// Moves the bytes in `keep` to new memory of exactly their length. Returns the old memory.
    pub(crate) fn shrink(&mut self, keep: Range<usize>) -> Box<[u8]> {
        let kept = self.bytes.get(keep.clone()).unwrap_or_default().into();
        self.text = if keep.start <= self.text.start && self.text.end <= keep.end {
            self.text.start.saturating_sub(keep.start)..self.text.end.saturating_sub(keep.start)
        } else {
            0..0
        };
        core::mem::replace(&mut self.bytes, kept)
    }

    /// Returns the bytes that the last check accepted as text.
    #[inline]
    pub(crate) fn text(&self) -> &str {
        // Two slices of one bound each take fewer instructions than one slice of two.
        let bytes = self.bytes.get(..self.text.end);
        validated(
            bytes
                .and_then(|bytes| bytes.get(self.text.start..))
                .unwrap_or_default(),
        )
    }
}

/// Converts bytes that one of the types above, or [`unmask_text`], has already validated.
///
/// This function is called only in this file, and the fields that its callers pass are private to
/// this file.
#[expect(unsafe_code)]
#[inline]
fn validated(bytes: &[u8]) -> &str {
    debug_assert!(core::str::from_utf8(bytes).is_ok());
    // SAFETY: the bytes must be UTF-8. `Text` holds bytes from `str`, `String`, `valid_utf8` or a
    // `MessageBuffer` and never changes them. The length of a short text is that of its `str`.
    // `MessageBuffer` passes the bytes of a text that `Utf8Stream` accepted, without the incomplete
    // character at the end. `unmask_text` passes the bytes that `valid_utf8` or
    // `MaskKey::apply_text` accepted, and keeps them borrowed. `TextBlock` passes a range that
    // `unmask_text` accepted, and clears the range on every mutable access. Bytes that were ASCII
    // when they were unmasked skip `Utf8Stream`, unless they follow an incomplete character. This
    // is sound because ASCII is UTF-8.
    unsafe { core::str::from_utf8_unchecked(bytes) }
}

#[cfg(test)]
mod tests;
