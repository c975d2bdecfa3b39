//! Close codes, reasons and the payload that carries them (RFC 6455 §5.5.1, §7.4).

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;

use crate::control::MAX_CONTROL_LEN;
use crate::error::ProtocolError;

/// The longest reason in bytes: a control payload less the two bytes of the code.
pub const MAX_REASON_LEN: usize = MAX_CONTROL_LEN - 2;

/// Why a connection ended, as a number (RFC 6455 §7.4).
///
/// Holds any number, because a local report may be [`NO_STATUS`](CloseCode::NO_STATUS) or
/// [`ABNORMAL`](CloseCode::ABNORMAL), which never travel. [`is_sendable`](CloseCode::is_sendable) tells which do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: the purpose of the connection was fulfilled.
    pub const NORMAL: Self = CloseCode(1000);
    /// 1001: a server goes down, or a browser leaves the page.
    pub const GOING_AWAY: Self = CloseCode(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = CloseCode(1002);
    /// 1003: data of a kind that cannot be accepted.
    pub const UNSUPPORTED: Self = CloseCode(1003);
    /// 1005: the Close had no code. Never on the wire.
    pub const NO_STATUS: Self = CloseCode(1005);
    /// 1006: the connection ended without a Close. Never on the wire.
    pub const ABNORMAL: Self = CloseCode(1006);
    /// 1007: payload that does not fit its kind, such as text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = CloseCode(1007);
    /// 1008: a policy was violated, and no other code says it better.
    pub const POLICY: Self = CloseCode(1008);
    /// 1009: a message was too big.
    pub const TOO_BIG: Self = CloseCode(1009);
    /// 1010: the client wanted an extension that the server did not agree to.
    pub const MANDATORY_EXTENSION: Self = CloseCode(1010);
    /// 1011: the server met a condition that it did not expect.
    pub const INTERNAL_ERROR: Self = CloseCode(1011);
    /// 1012: the service restarts.
    pub const SERVICE_RESTART: Self = CloseCode(1012);
    /// 1013: try again later.
    pub const TRY_AGAIN_LATER: Self = CloseCode(1013);
    /// 1014: a gateway got a bad answer from upstream.
    pub const BAD_GATEWAY: Self = CloseCode(1014);

    /// The code with this number.
    #[must_use]
    pub const fn new(number: u16) -> Self {
        CloseCode(number)
    }

    /// The number.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Whether the code may stand in a Close frame, in either direction (RFC 6455 §7.4.1, §7.4.2 and the registry).
    pub const fn is_sendable(self) -> bool {
        // 1004 is reserved, and 1005, 1006 and 1015 are local reports; 1012 to 1014 were registered after the RFC. From
        // 3000 on, libraries and frameworks register theirs; from 4000 on, applications agree among themselves.
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

impl From<u16> for CloseCode {
    fn from(number: u16) -> Self {
        CloseCode(number)
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

/// The words beside a close code: UTF-8 of at most 123 bytes (RFC 6455 §5.5.1).
///
/// ```
/// # use ws_proto::CloseReason;
/// assert_eq!(&*CloseReason::new("bye").unwrap(), "bye");
/// assert!(CloseReason::new("x".repeat(124)).is_err());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CloseReason(Box<str>);

impl CloseReason {
    /// The reason with these words.
    ///
    /// # Errors
    ///
    /// [`CloseReasonTooLong`] above [`MAX_REASON_LEN`] bytes.
    pub fn new(reason: impl Into<Box<str>>) -> Result<Self, CloseReasonTooLong> {
        let reason = reason.into();
        if reason.len() > MAX_REASON_LEN {
            return Err(CloseReasonTooLong { len: reason.len() });
        }
        Ok(CloseReason(reason))
    }
}

impl Deref for CloseReason {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for CloseReason {
    type Error = CloseReasonTooLong;

    fn try_from(reason: &str) -> Result<Self, CloseReasonTooLong> {
        CloseReason::new(reason)
    }
}

impl TryFrom<String> for CloseReason {
    type Error = CloseReasonTooLong;

    fn try_from(reason: String) -> Result<Self, CloseReasonTooLong> {
        CloseReason::new(reason)
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

/// The reason is longer than a Close frame may carry (RFC 6455 §5.5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a close reason of {len} octets is too long: give at most {MAX_REASON_LEN}")]
#[non_exhaustive]
pub struct CloseReasonTooLong {
    /// Bytes that were given.
    pub len: usize,
}

/// What a Close frame says (RFC 6455 §5.5.1). A Close may also say nothing at all.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseFrame {
    /// Why the connection ends.
    pub code: CloseCode,
    /// The same in words, for a log; often empty.
    pub reason: CloseReason,
}

impl CloseFrame {
    /// A Close with this code and reason.
    #[must_use]
    pub const fn new(code: CloseCode, reason: CloseReason) -> Self {
        CloseFrame { code, reason }
    }

    /// Reads the payload of a Close frame.
    pub(crate) fn parse(payload: &[u8]) -> Result<Option<Self>, ProtocolError> {
        let (code, reason) = match payload {
            [] => return Ok(None),
            [_] => return Err(ProtocolError::CloseTooShort),
            [high, low, reason @ ..] => (CloseCode(u16::from_be_bytes([*high, *low])), reason),
        };
        if !code.is_sendable() {
            return Err(ProtocolError::InvalidCloseCode(code));
        }
        let reason = core::str::from_utf8(reason).map_err(|_| ProtocolError::CloseReasonNotUtf8)?;
        // The header rules have bounded the payload, so this is never longer than allowed.
        let reason = CloseReason::new(reason).map_err(|_| ProtocolError::ControlTooLong)?;
        Ok(Some(CloseFrame { code, reason }))
    }

    /// The payload of a Close frame.
    pub(crate) fn encode(close: Option<&CloseFrame>) -> Vec<u8> {
        close.map_or_else(Vec::new, |CloseFrame { code, reason }| {
            [&code.0.to_be_bytes()[..], reason.as_bytes()].concat()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_table_follows_the_registry() {
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
    fn close_payloads_are_checked_in_full() {
        use ProtocolError::*;
        assert_eq!(CloseFrame::parse(b""), Ok(None));
        assert_eq!(CloseFrame::parse(b"\x03"), Err(CloseTooShort));
        let code = CloseCode::new(1005);
        assert_eq!(CloseFrame::parse(b"\x03\xed"), Err(InvalidCloseCode(code)));
        assert_eq!(CloseFrame::parse(b"\x03\xe8\xff"), Err(CloseReasonNotUtf8));
        let bye = CloseFrame::new(CloseCode::NORMAL, CloseReason::new("bye").unwrap());
        assert_eq!(CloseFrame::parse(b"\x03\xe8bye"), Ok(Some(bye.clone())));
        assert_eq!(CloseFrame::encode(Some(&bye)), b"\x03\xe8bye");
        assert_eq!(CloseFrame::encode(None), b"");
    }

    #[test]
    fn reasons_fit_up_to_123_octets() {
        assert!(CloseReason::new("x".repeat(123)).is_ok());
        assert_eq!(
            CloseReason::new("x".repeat(124)),
            Err(CloseReasonTooLong { len: 124 })
        );
    }
}
