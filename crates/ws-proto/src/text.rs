//! Bytes that are known to be UTF-8: the message type, and the two places where the receive side keeps text.
//!
//! Text is validated once, as it arrives, and read many times. The types here own their bytes, so that nothing can
//! change them between the check and the look; that is what the crate's one unchecked conversion stands on.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::{Deref, Range};

use bytes::Bytes;

use crate::arch;
use crate::mask::MaskKey;
use crate::message::{Message, MessageKind, MessageRef};
use crate::utf8::{InvalidUtf8, Utf8Stream};

/// How much more than what has arrived a message under assembly may reserve at once.
const RESERVE_LEN: usize = 64 * 1024;

/// A text message: reference-counted bytes that are UTF-8, cheap to clone.
///
/// Dereferences to `str`. `Debug` prints the length alone, because payloads do not belong into logs.
///
/// ```
/// let text = ws_proto::Text::from("hello");
/// assert!(text.starts_with("he"));
/// assert_eq!(format!("{text:?}"), "Text(5 bytes)");
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(Bytes);

impl Text {
    /// Text that lives as long as the program: no copy.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// The text.
    #[inline]
    pub fn as_str(&self) -> &str {
        checked_before(&self.0)
    }

    /// The bytes, without a copy.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

/// The bytes given to [`Text::try_from`] are not UTF-8; they come back with the error.
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
            true => Ok(Self(bytes)),
            false => Err(NotUtf8(bytes)),
        }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
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

/// Shares the memory.
impl From<Arc<str>> for Text {
    fn from(text: Arc<str>) -> Self {
        // As bytes, which `Bytes` takes as they are; they stay UTF-8.
        Self(Bytes::from_owner(Arc::<[u8]>::from(text)))
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
        text.0
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
        &self.0
    }
}

/// As `str` does, which [`Borrow`] promises: bytes alone hash differently.
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
        write!(f, "Text({} bytes)", self.0.len())
    }
}

/// A message under assembly, in memory that is used again: text is validated as it grows.
///
/// Invariant: of a text, all bytes but the last `utf8.pending_len()` are UTF-8.
pub(crate) struct MessageBuffer {
    kind: MessageKind,
    octets: Vec<u8>,
    utf8: Utf8Stream,
}

impl Default for MessageBuffer {
    fn default() -> Self {
        Self {
            kind: MessageKind::Binary,
            octets: Vec::new(),
            utf8: Utf8Stream::default(),
        }
    }
}

impl MessageBuffer {
    /// Begins a message.
    pub(crate) fn begin(&mut self, kind: MessageKind) {
        self.octets.clear();
        self.utf8 = Utf8Stream::default();
        self.kind = kind;
    }

    /// Appends payload, unmasked on the way, and fails at the first byte that cannot be text.
    ///
    /// `expected` bytes of the frame, these included, are yet to come. After an error the buffer is empty.
    pub(crate) fn append(
        &mut self,
        payload: &[u8],
        key: Option<MaskKey>,
        expected: u64,
    ) -> Result<(), InvalidUtf8> {
        let start = self.octets.len();
        let is_ascii = append_unmasked(&mut self.octets, payload, key, expected);
        if self.kind == MessageKind::Binary || (is_ascii && self.utf8.pending_len() == 0) {
            return Ok(());
        }
        let added = self.octets.get(start..).unwrap_or_default();
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

    /// The message so far; of a text, its whole characters.
    pub(crate) fn message(&self) -> MessageRef<'_> {
        let len = self.octets.len().saturating_sub(self.utf8.pending_len());
        let whole = self.octets.get(..len).unwrap_or_default();
        match self.kind {
            MessageKind::Binary => MessageRef::Binary(whole),
            MessageKind::Text => MessageRef::Text(checked_before(whole)),
        }
    }

    /// The same as a message of its own: the memory goes with it, but for what an earlier message left.
    pub(crate) fn take(&mut self) -> Message {
        self.trim();
        let len = self.message().as_bytes().len();
        let Self {
            kind, mut octets, ..
        } = core::mem::take(self);
        octets.truncate(len);
        match kind {
            MessageKind::Binary => Message::Binary(octets.into()),
            MessageKind::Text => Message::Text(Text(octets.into())),
        }
    }

    pub(crate) fn kind(&self) -> MessageKind {
        self.kind
    }

    /// All bytes, those of an unfinished character included.
    pub(crate) fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The state of the check.
    pub(crate) fn utf8(&self) -> Utf8Stream {
        self.utf8
    }

    #[inline]
    pub(crate) fn holds_memory(&self) -> bool {
        self.octets.capacity() > 0
    }

    /// Gives memory back that an earlier, longer message left: at most twice the bytes and 4 KiB stay.
    pub(crate) fn trim(&mut self) {
        let most = self.octets.len().saturating_mul(2).saturating_add(4096);
        if self.octets.capacity() > most {
            self.octets.shrink_to_fit();
        }
    }
}

/// Appends `payload` to `octets`, unmasked on the way; whether it was found to be ASCII, which only unmasking tells.
///
/// Memory follows what arrived, not what a header announced: at most twice the bytes here, and at most
/// [`RESERVE_LEN`] more than the `expected` rest of the frame needs.
fn append_unmasked(
    octets: &mut Vec<u8>,
    payload: &[u8],
    key: Option<MaskKey>,
    expected: u64,
) -> bool {
    let start = octets.len();
    let needed = start.saturating_add(payload.len());
    if needed > octets.capacity() {
        let expected = usize::try_from(expected).unwrap_or(usize::MAX);
        let announced = start.saturating_add(expected).saturating_add(RESERVE_LEN);
        let doubled = octets.capacity().saturating_mul(2);
        octets.reserve_exact(doubled.min(announced).max(needed).saturating_sub(start));
    }
    match key {
        Some(key) => key.append_masked_ascii(payload, octets),
        None => {
            octets.extend_from_slice(payload);
            false
        }
    }
}

/// Unmasks the bytes and gives them as text.
#[inline]
pub(crate) fn unmask_text(octets: &mut [u8], key: Option<MaskKey>) -> Result<&str, InvalidUtf8> {
    let is_text = match key {
        Some(key) => key.apply_text(octets),
        None => arch::valid_utf8(octets),
    };
    is_text.then(|| checked_before(octets)).ok_or(InvalidUtf8)
}

/// A block of input that remembers which of its bytes were found to be text, until it is changed.
///
/// Invariant: the bytes in `text` are UTF-8.
#[derive(Default)]
pub(crate) struct TextBlock {
    octets: Box<[u8]>,
    text: Range<usize>,
}

impl TextBlock {
    pub(crate) fn new(octets: Box<[u8]>) -> Self {
        Self { octets, text: 0..0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.octets.len()
    }

    pub(crate) fn octets(&self) -> &[u8] {
        &self.octets
    }

    pub(crate) fn octets_mut(&mut self) -> &mut [u8] {
        self.text = 0..0;
        &mut self.octets
    }

    pub(crate) fn into_octets(self) -> Box<[u8]> {
        self.octets
    }

    /// Unmasks the bytes in `range`, checks that they are UTF-8 and remembers it.
    #[inline]
    pub(crate) fn unmask_text(
        &mut self,
        range: Range<usize>,
        key: Option<MaskKey>,
    ) -> Result<(), InvalidUtf8> {
        let octets = self.octets.get_mut(range.clone()).ok_or(InvalidUtf8)?;
        self.text = 0..0;
        unmask_text(octets, key)?;
        self.text = range;
        Ok(())
    }

    /// Moves the bytes in `keep` to memory of their own size and returns the memory held until now.
    pub(crate) fn shrink(&mut self, keep: Range<usize>) -> Box<[u8]> {
        let kept = self.octets.get(keep.clone()).unwrap_or_default().into();
        self.text = if keep.start <= self.text.start && self.text.end <= keep.end {
            self.text.start.saturating_sub(keep.start)..self.text.end.saturating_sub(keep.start)
        } else {
            0..0
        };
        core::mem::replace(&mut self.octets, kept)
    }

    /// The bytes that were last found to be text.
    #[inline]
    pub(crate) fn text(&self) -> &str {
        checked_before(self.octets.get(self.text.clone()).unwrap_or_default())
    }
}

/// Bytes that one of the types above, or [`unmask_text`], checked when it took them.
///
/// The only callers are in this file, where the fields that they read are private.
#[expect(unsafe_code)]
#[inline]
fn checked_before(octets: &[u8]) -> &str {
    debug_assert!(core::str::from_utf8(octets).is_ok());
    // SAFETY: the bytes must be UTF-8. `Text` holds bytes from `str`, `String`, `valid_utf8` or a `MessageBuffer` and
    // never changes them; `MessageBuffer` passes, of a text, those that `Utf8Stream` accepted, less the unfinished character at the
    // end; `unmask_text` passes what `valid_utf8` or `MaskKey::apply_text` accepted and borrows it; `TextBlock` passes a
    // range that `unmask_text` accepted, and forgets it on every mutable access. Where bytes were ASCII as they were
    // unmasked, that stands for being accepted by `Utf8Stream`, but not behind an unfinished character.
    unsafe { core::str::from_utf8_unchecked(octets) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_buffer() -> MessageBuffer {
        let mut buffer = MessageBuffer::default();
        buffer.begin(MessageKind::Text);
        buffer
    }

    #[test]
    fn only_utf8_becomes_text() {
        assert_eq!(
            Text::try_from(Bytes::from_static("κ".as_bytes())).unwrap(),
            "κ"
        );
        let refused = Text::try_from(Bytes::from_static(b"\xff")).unwrap_err();
        assert_eq!(refused.0, b"\xff"[..]);
    }

    #[test]
    fn a_text_is_found_by_its_str() {
        let set = alloc::collections::BTreeSet::from([Text::from("a"), Text::from("κ")]);
        assert!(set.contains("κ") && !set.contains("b"));
        #[cfg(feature = "std")]
        {
            let set = std::collections::HashSet::from([Text::from("a"), Text::from("κ")]);
            assert!(set.contains("κ") && !set.contains("b"));
        }
    }

    #[test]
    fn a_buffer_shows_whole_characters_only() {
        let mut buffer = text_buffer();
        buffer.append(b"a\xce", None, 3).unwrap();
        assert_eq!(buffer.message(), MessageRef::Text("a"));
        assert_eq!(buffer.finish(), Err(InvalidUtf8));
        buffer.append(b"\xba", None, 1).unwrap();
        assert_eq!(buffer.finish(), Ok(()));
        assert_eq!(buffer.message(), MessageRef::Text("aκ"));
        assert_eq!(buffer.take(), Message::from("aκ"));
        assert!(buffer.octets().is_empty());
    }

    #[test]
    fn a_buffer_that_met_invalid_text_shows_nothing_of_it() {
        let mut buffer = text_buffer();
        buffer.append(b"ab", None, 4).unwrap();
        assert_eq!(buffer.append(b"c\xff", None, 2), Err(InvalidUtf8));
        assert_eq!(buffer.message(), MessageRef::Text(""));
    }

    #[test]
    fn ascii_behind_an_unfinished_character_is_refused_masked_or_not() {
        let key = MaskKey::new([0x12, 0x9a, 0xf7, 0x01]);
        for mask in [None, Some(key)] {
            let append = |buffer: &mut MessageBuffer, text: &[u8]| {
                let mut payload = text.to_vec();
                if let Some(key) = mask {
                    key.apply(&mut payload);
                }
                buffer.append(&payload, mask, payload.len() as u64)
            };
            let mut buffer = text_buffer();
            append(&mut buffer, b"plain, ").unwrap();
            append(&mut buffer, b"\xce").unwrap();
            append(&mut buffer, b"\xba, plain").unwrap();
            assert_eq!(buffer.message(), MessageRef::Text("plain, κ, plain"));
            append(&mut buffer, b"\xce").unwrap();
            assert_eq!(append(&mut buffer, b"plain"), Err(InvalidUtf8));
        }
    }

    #[test]
    fn a_block_forgets_its_text_when_it_is_changed() {
        let mut block = TextBlock::new(b"hello".to_vec().into());
        block.unmask_text(1..3, None).unwrap();
        assert_eq!(block.text(), "el");
        assert_eq!(&*block.shrink(1..5), b"hello");
        assert_eq!((block.text(), block.octets()), ("el", &b"ello"[..]));
        assert_eq!(&*block.shrink(1..3), b"ello");
        assert_eq!((block.text(), block.octets()), ("", &b"ll"[..]));
        let mut block = TextBlock::new(b"hello".to_vec().into());
        block.unmask_text(1..3, None).unwrap();
        block.octets_mut().fill(0xff);
        assert_eq!(block.text(), "");
        assert_eq!(block.unmask_text(0..1, None), Err(InvalidUtf8));
        assert_eq!(block.unmask_text(4..9, None), Err(InvalidUtf8));
        assert_eq!(block.text(), "");
    }

    #[test]
    fn memory_follows_what_arrived() {
        let mut octets = Vec::new();
        append_unmasked(&mut octets, &[0; 10], None, u64::MAX);
        assert!(octets.capacity() <= 20 + RESERVE_LEN);
        for _ in 0..100_000 {
            append_unmasked(&mut octets, &[0], None, 1);
            assert!(octets.capacity() <= 2 * octets.len() + RESERVE_LEN);
        }
        let mut announced = Vec::new();
        append_unmasked(&mut announced, &[0; 1000], None, 1500);
        append_unmasked(&mut announced, &[0; 500], None, 500);
        assert!(announced.capacity() <= 1500 + RESERVE_LEN);
    }
}
