//! Close codes, reasons and the payload that carries them (RFC 6455 §5.5.1, §7.4).

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;

use crate::control::MAX_CONTROL_LEN;
use crate::error::{ProtocolError, SendError};

/// The longest reason in bytes: a control payload minus the two bytes of the code.
pub const MAX_REASON_LEN: usize = MAX_CONTROL_LEN - 2;

/// The reason why a connection ended, as a number (RFC 6455 §7.4).
///
/// A `CloseCode` can hold any number. A local report may contain
/// [`NO_STATUS`](CloseCode::NO_STATUS) or [`ABNORMAL`](CloseCode::ABNORMAL), which are never sent.
/// [`is_sendable`](CloseCode::is_sendable) returns `true` for the numbers that can be sent.
///
/// ```
/// # use ws_proto::CloseCode;
/// assert_eq!(CloseCode::GOING_AWAY.number(), 1001);
/// assert!(CloseCode::new(4000).is_sendable());
/// assert!(!CloseCode::ABNORMAL.is_sendable());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: the purpose of the connection was fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// 1001: a server shuts down, or a browser leaves the page.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// 1003: data of a kind that cannot be accepted.
    pub const UNSUPPORTED: Self = Self(1003);
    /// 1005: the Close had no code. Never sent: a [`CloseFrame`] with this code has no payload (RFC
    /// 6455 §7.1.5).
    pub const NO_STATUS: Self = Self(1005);
    /// 1006: the connection ended without a Close. Never sent.
    pub const ABNORMAL: Self = Self(1006);
    /// 1007: a payload that does not fit its kind, such as text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// 1008: a policy was violated, and no other code is more specific.
    pub const POLICY: Self = Self(1008);
    /// 1009: a message was too big.
    pub const TOO_BIG: Self = Self(1009);
    /// 1010: the client wanted an extension that the server did not agree to.
    pub const MANDATORY_EXTENSION: Self = Self(1010);
    /// 1011: the server met an unexpected condition.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// 1012: the service restarts.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// 1013: the client should try again later.
    pub const TRY_AGAIN_LATER: Self = Self(1013);
    /// 1014: a gateway received an invalid response from upstream.
    pub const BAD_GATEWAY: Self = Self(1014);

    /// Creates the code with this number.
    #[must_use]
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// Returns the number.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Returns `true` if the code may be in a Close frame, in either direction (RFC 6455 §7.4.1,
    /// §7.4.2, and the registry of IANA).
    pub const fn is_sendable(self) -> bool {
        // 1004 is reserved, and 1005, 1006 and 1015 are local reports. 1012 to 1014 were registered
        // after the RFC. 3000 to 3999 are for codes registered by libraries and frameworks, 4000 to
        // 4999 for private agreements between applications.
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

impl From<u16> for CloseCode {
    fn from(number: u16) -> Self {
        Self(number)
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code.0
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The text that follows a close code: UTF-8 of at most 123 bytes (RFC 6455 §5.5.1).
///
/// ```
/// # use ws_proto::CloseReason;
/// assert_eq!(&*CloseReason::new("bye").unwrap(), "bye");
/// assert!(CloseReason::new("x".repeat(124)).is_err());
/// assert_eq!(CloseReason::truncated("x".repeat(124)).len(), 123);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CloseReason(Box<str>);

impl CloseReason {
    /// Creates the reason with this text.
    ///
    /// # Errors
    ///
    /// [`CloseReasonTooLong`] if `reason` has more than [`MAX_REASON_LEN`] bytes.
    pub fn new(reason: impl Into<Box<str>>) -> Result<Self, CloseReasonTooLong> {
        let reason = reason.into();
        if reason.len() > MAX_REASON_LEN {
            return Err(CloseReasonTooLong { len: reason.len() });
        }
        Ok(Self(reason))
    }

    /// Creates a reason from the beginning of this text: as many whole characters as fit in
    /// [`MAX_REASON_LEN`] bytes.
    ///
    /// This is for texts of any length, such as the text of an error.
    #[must_use]
    pub fn truncated(reason: impl AsRef<str>) -> Self {
        let reason = reason.as_ref();
        // A character has at most 4 bytes, so one of the first four lengths is a boundary.
        let most = reason.len().min(MAX_REASON_LEN);
        let cut = (0..=most).rev().find_map(|len| reason.get(..len));
        Self(cut.unwrap_or_default().into())
    }
}

impl Deref for CloseReason {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for CloseReason {
    fn as_ref(&self) -> &str {
        self
    }
}

macro_rules! try_from {
    ($($from:ty),+) => {$(
        impl TryFrom<$from> for CloseReason {
            type Error = CloseReasonTooLong;

            fn try_from(reason: $from) -> Result<Self, CloseReasonTooLong> {
                CloseReason::new(reason)
            }
        }
    )+};
}

try_from!(&str, String, Box<str>, Cow<'_, str>);

impl TryFrom<&String> for CloseReason {
    type Error = CloseReasonTooLong;

    fn try_from(reason: &String) -> Result<Self, CloseReasonTooLong> {
        Self::new(reason.as_str())
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

/// The reason is longer than a Close frame may carry (RFC 6455 §5.5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a close reason of {len} bytes is too long: give at most {MAX_REASON_LEN}")]
#[non_exhaustive]
pub struct CloseReasonTooLong {
    /// The number of bytes that were given.
    pub len: usize,
}

/// The code and reason of a Close frame (RFC 6455 §5.5.1), which may have neither.
///
/// ```
/// use ws_proto::{CloseCode, CloseFrame, CloseReason};
///
/// let bye = CloseFrame::new(CloseCode::NORMAL, CloseReason::new("bye")?);
/// assert_eq!(&*bye.reason, "bye");
/// assert_eq!(CloseFrame::without_code().code, CloseCode::NO_STATUS);
/// # Ok::<(), ws_proto::CloseReasonTooLong>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseFrame {
    /// The reason why the connection ends, as a number. It is [`CloseCode::NO_STATUS`] if the Close
    /// has no code (RFC 6455 §7.1.5).
    pub code: CloseCode,
    /// The reason as text, for a log. It is often empty.
    pub reason: CloseReason,
}

impl CloseFrame {
    /// Creates a Close with this code and reason.
    #[must_use]
    pub const fn new(code: CloseCode, reason: CloseReason) -> Self {
        Self { code, reason }
    }

    /// Creates a Close without a code and therefore without a reason: its payload is empty (RFC
    /// 6455 §7.1.5).
    #[must_use]
    pub fn without_code() -> Self {
        Self::new(CloseCode::NO_STATUS, CloseReason::default())
    }

    /// Parses the payload of a Close frame.
    pub(crate) fn parse(payload: &[u8]) -> Result<Self, ProtocolError> {
        let (code, reason) = match payload {
            [] => return Ok(Self::without_code()),
            [_] => return Err(ProtocolError::CloseTooShort),
            [high, low, reason @ ..] => (CloseCode(u16::from_be_bytes([*high, *low])), reason),
        };
        if !code.is_sendable() {
            return Err(ProtocolError::InvalidCloseCode(code));
        }
        let reason = core::str::from_utf8(reason).map_err(|_| ProtocolError::CloseReasonNotUtf8)?;
        // The header rules limit the payload, so the reason is never too long.
        let reason = CloseReason::new(reason).map_err(|_| ProtocolError::ControlTooLong)?;
        Ok(Self { code, reason })
    }

    /// Checks that the frame can be sent (RFC 6455 §7.4).
    pub fn check(&self) -> Result<(), SendError> {
        match self.code {
            CloseCode::NO_STATUS if self.reason.is_empty() => Ok(()),
            CloseCode::NO_STATUS => Err(SendError::ReasonWithoutCode),
            code if code.is_sendable() => Ok(()),
            code => Err(SendError::InvalidCloseCode(code)),
        }
    }

    /// Returns the payload of a Close frame that passed [`check`](Self::check).
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self.code {
            CloseCode::NO_STATUS => Vec::new(),
            code => [&code.0.to_be_bytes()[..], self.reason.as_bytes()].concat(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sendable_codes_match_the_registry() {
        let sendable = |number| CloseCode::new(number).is_sendable();
        for number in (1000..=1003).chain(1007..=1014).chain(3000..=4999) {
            assert!(sendable(number), "{number}");
        }
        for number in (0..=999)
            .chain(1004..=1006)
            .chain(1015..=2999)
            .chain(5000..=65535)
        {
            assert!(!sendable(number), "{number}");
        }
    }

    #[test]
    fn parse_checks_code_and_reason() {
        use ProtocolError::*;
        assert_eq!(CloseFrame::parse(b""), Ok(CloseFrame::without_code()));
        assert_eq!(CloseFrame::parse(b"\x03"), Err(CloseTooShort));
        let code = CloseCode::new(1005);
        assert_eq!(CloseFrame::parse(b"\x03\xed"), Err(InvalidCloseCode(code)));
        assert_eq!(CloseFrame::parse(b"\x03\xe8\xff"), Err(CloseReasonNotUtf8));
        let bye = CloseFrame::new(CloseCode::NORMAL, CloseReason::new("bye").unwrap());
        assert_eq!(bye.encode(), b"\x03\xe8bye");
        assert_eq!(CloseFrame::parse(b"\x03\xe8bye"), Ok(bye));
        assert_eq!(CloseFrame::without_code().encode(), b"");
    }

    #[test]
    fn reasons_fit_up_to_123_bytes() {
        assert!(CloseReason::new("x".repeat(123)).is_ok());
        assert_eq!(
            CloseReason::new("x".repeat(124)),
            Err(CloseReasonTooLong { len: 124 })
        );
    }

    #[test]
    fn reasons_convert_from_every_text_type() {
        let bye = CloseReason::new("bye");
        assert_eq!("bye".try_into(), bye);
        assert_eq!(String::from("bye").try_into(), bye);
        assert_eq!((&String::from("bye")).try_into(), bye);
        assert_eq!(Box::<str>::from("bye").try_into(), bye);
        assert_eq!(Cow::Borrowed("bye").try_into(), bye);
        let long = Cow::<str>::Owned("x".repeat(124));
        assert_eq!(
            CloseReason::try_from(long),
            Err(CloseReasonTooLong { len: 124 })
        );
        assert_eq!(AsRef::<str>::as_ref(&bye.unwrap()), "bye");
    }

    #[test]
    fn long_reasons_are_cut_between_characters() {
        for character in ["x", "\u{e4}", "\u{20ac}", "\u{1f980}"] {
            // These offsets put the limit at every byte of the character.
            for offset in 0..=MAX_REASON_LEN {
                let long = ["x".repeat(offset), character.repeat(MAX_REASON_LEN)].concat();
                let reason = CloseReason::truncated(&long);
                assert!(long.starts_with(&*reason));
                let room = MAX_REASON_LEN - reason.len();
                assert!(
                    room < character.len(),
                    "offset {offset}: {room} more bytes would fit"
                );
            }
        }
        for len in 0..=MAX_REASON_LEN {
            let short = "x".repeat(len);
            assert_eq!(*CloseReason::truncated(&short), *short);
        }
    }

    #[test]
    fn check_refuses_local_codes_and_reasons_without_a_code() {
        let frame = |code, reason| CloseFrame::new(code, CloseReason::new(reason).unwrap());
        assert_eq!(frame(CloseCode::NORMAL, "bye").check(), Ok(()));
        assert_eq!(CloseFrame::without_code().check(), Ok(()));
        assert_eq!(
            frame(CloseCode::NO_STATUS, "bye").check(),
            Err(SendError::ReasonWithoutCode)
        );
        assert_eq!(
            frame(CloseCode::ABNORMAL, "").check(),
            Err(SendError::InvalidCloseCode(CloseCode::ABNORMAL))
        );
    }
}
