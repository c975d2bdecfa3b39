//! What can go wrong, by whose fault, and the close code that tells the peer.

use core::convert::Infallible;
use core::fmt;

use crate::close::{CloseCode, CloseReasonTooLong};
use crate::utf8::InvalidUtf8;

/// The peer broke a rule of RFC 6455: one variant per rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The reason in a Close is not UTF-8 (RFC 6455 §5.5.1, §8.1).
    CloseReasonNotUtf8,
    /// A Close with a payload of one octet: neither empty nor a code (RFC 6455 §5.5.1).
    CloseTooShort,
    /// A control frame of more than 125 octets (RFC 6455 §5.5).
    ControlTooLong,
    /// A new message began before the fragmented one ended (RFC 6455 §5.4).
    ExpectedContinuation,
    /// A control frame without FIN (RFC 6455 §5.5).
    FragmentedControl,
    /// A close code that must not be sent (RFC 6455 §7.4).
    InvalidCloseCode(CloseCode),
    /// Compressed octets that are no message (RFC 7692 §7.2.2).
    InvalidDeflate,
    /// Text that is not UTF-8 (RFC 6455 §8.1).
    InvalidUtf8,
    /// A payload length of 2^63 or more (RFC 6455 §5.2).
    LengthOutOfRange,
    /// A masked frame from a server (RFC 6455 §5.1).
    MaskedFrame,
    /// A payload length that was not encoded in the shortest form (RFC 6455 §5.2).
    NonMinimalLength,
    /// Reserved bits without an extension that gives them a meaning (RFC 6455 §5.2).
    ReservedBits,
    /// A reserved opcode (RFC 6455 §5.2).
    ReservedOpcode(u8),
    /// A continuation without a message to continue (RFC 6455 §5.4).
    UnexpectedContinuation,
    /// A frame without a mask from a client (RFC 6455 §5.1).
    UnmaskedFrame,
}

impl ProtocolError {
    /// The code that the Close to the peer carries (RFC 6455 §7.4.1).
    #[must_use]
    pub const fn close_code(self) -> CloseCode {
        match self {
            ProtocolError::CloseReasonNotUtf8
            | ProtocolError::InvalidDeflate
            | ProtocolError::InvalidUtf8 => CloseCode::INVALID_PAYLOAD,
            ProtocolError::CloseTooShort
            | ProtocolError::ControlTooLong
            | ProtocolError::ExpectedContinuation
            | ProtocolError::FragmentedControl
            | ProtocolError::InvalidCloseCode(_)
            | ProtocolError::LengthOutOfRange
            | ProtocolError::MaskedFrame
            | ProtocolError::NonMinimalLength
            | ProtocolError::ReservedBits
            | ProtocolError::ReservedOpcode(_)
            | ProtocolError::UnexpectedContinuation
            | ProtocolError::UnmaskedFrame => CloseCode::PROTOCOL_ERROR,
        }
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the peer broke the WebSocket protocol: ")?;
        match self {
            ProtocolError::CloseReasonNotUtf8 => f.write_str("its close reason is not UTF-8"),
            ProtocolError::CloseTooShort => f.write_str("its Close has a payload of one octet"),
            ProtocolError::ControlTooLong => {
                f.write_str("a control frame carries more than 125 octets")
            }
            ProtocolError::ExpectedContinuation => {
                f.write_str("a new message began before the fragmented one ended")
            }
            ProtocolError::FragmentedControl => f.write_str("a control frame is fragmented"),
            ProtocolError::InvalidCloseCode(code) => {
                write!(
                    f,
                    "its Close carries the code {code}, which must not be sent"
                )
            }
            ProtocolError::InvalidDeflate => {
                f.write_str("a compressed message cannot be decompressed")
            }
            ProtocolError::InvalidUtf8 => f.write_str("a text message is not UTF-8"),
            ProtocolError::LengthOutOfRange => f.write_str("a frame announces 2^63 octets or more"),
            ProtocolError::MaskedFrame => f.write_str("a frame from the server is masked"),
            ProtocolError::NonMinimalLength => {
                f.write_str("a length is not encoded in the shortest form")
            }
            ProtocolError::ReservedBits => {
                f.write_str("a frame has reserved bits set that no extension uses")
            }
            ProtocolError::ReservedOpcode(number) => {
                write!(f, "a frame has the reserved opcode {number:#x}")
            }
            ProtocolError::UnexpectedContinuation => {
                f.write_str("a continuation frame has no message to continue")
            }
            ProtocolError::UnmaskedFrame => f.write_str("a frame from the client is not masked"),
        }
    }
}

impl core::error::Error for ProtocolError {}

impl From<InvalidUtf8> for ProtocolError {
    fn from(InvalidUtf8: InvalidUtf8) -> Self {
        ProtocolError::InvalidUtf8
    }
}

/// The peer kept to the protocol but went over a limit of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitError {
    /// One frame announces more than [`Config::max_frame_len`](crate::Config::max_frame_len).
    FrameTooLong {
        /// Octets that its header announced.
        len: u64,
        /// Octets that are allowed.
        limit: usize,
    },
    /// The frames of a message add up to more than [`Config::max_message_len`](crate::Config::max_message_len).
    MessageTooLong {
        /// Octets with the frame that went over.
        len: u64,
        /// Octets that are allowed.
        limit: usize,
    },
    /// A message came in more than [`MAX_FRAGMENTS`](crate::MAX_FRAGMENTS) frames.
    TooManyFragments,
}

impl LimitError {
    /// The code that the Close to the peer carries (RFC 6455 §7.4.1).
    #[must_use]
    pub const fn close_code(self) -> CloseCode {
        match self {
            LimitError::FrameTooLong { .. } | LimitError::MessageTooLong { .. } => {
                CloseCode::TOO_BIG
            }
            LimitError::TooManyFragments => CloseCode::POLICY,
        }
    }
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LimitError::FrameTooLong { len, limit } => write!(
                f,
                "a frame of {len} octets is over the limit of {limit}: raise max_frame_len to accept it"
            ),
            LimitError::MessageTooLong { len, limit } => write!(
                f,
                "a message of at least {len} octets is over the limit of {limit}: raise max_message_len to accept it"
            ),
            LimitError::TooManyFragments => write!(
                f,
                "a message came in more than {} fragments: the peer should send longer ones",
                crate::MAX_FRAGMENTS
            ),
        }
    }
}

impl core::error::Error for LimitError {}

/// Why receiving ended: the peer's fault, or a limit of ours. Once met, every later call repeats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReceiveError {
    /// The peer went over a limit.
    Limit(LimitError),
    /// The peer broke the protocol.
    Protocol(ProtocolError),
}

impl ReceiveError {
    /// The code that the Close to the peer carries (RFC 6455 §7.4.1).
    #[must_use]
    pub const fn close_code(self) -> CloseCode {
        match self {
            ReceiveError::Limit(error) => error.close_code(),
            ReceiveError::Protocol(error) => error.close_code(),
        }
    }
}

impl fmt::Display for ReceiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReceiveError::Limit(error) => error.fmt(f),
            ReceiveError::Protocol(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ReceiveError {}

impl From<ProtocolError> for ReceiveError {
    fn from(error: ProtocolError) -> Self {
        ReceiveError::Protocol(error)
    }
}

#[cfg(feature = "deflate")]
impl From<crate::deflate::InflateError> for ReceiveError {
    fn from(_: crate::deflate::InflateError) -> Self {
        ReceiveError::Protocol(ProtocolError::InvalidDeflate)
    }
}

impl From<LimitError> for ReceiveError {
    fn from(error: LimitError) -> Self {
        ReceiveError::Limit(error)
    }
}

impl From<InvalidUtf8> for ReceiveError {
    fn from(error: InvalidUtf8) -> Self {
        ReceiveError::Protocol(error.into())
    }
}

/// The caller asked to send what cannot be sent. Nothing was queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// The connection is closing or closed: no message may follow a Close (RFC 6455 §5.5.1).
    Closing,
    /// A close code that must not be sent (RFC 6455 §7.4).
    InvalidCloseCode(CloseCode),
    /// A piece or the end of a message, and none was begun.
    NoMessage,
    /// Text that is not UTF-8 (RFC 6455 §5.6).
    NotUtf8,
    /// A close reason that does not fit (RFC 6455 §5.5.1).
    ReasonTooLong(CloseReasonTooLong),
    /// Another message was begun and not finished: fragments of two must not mix (RFC 6455 §5.4).
    UnfinishedMessage,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::Closing => {
                f.write_str("the connection is closing: nothing can be sent any more")
            }
            SendError::InvalidCloseCode(code) => write!(
                f,
                "the close code {code} must not be sent: use 1000 to 1003, 1007 to 1014 or 3000 to 4999"
            ),
            SendError::NoMessage => f.write_str("no message was begun: begin one first"),
            SendError::NotUtf8 => f.write_str("the text is not UTF-8: send it as a binary message"),
            SendError::ReasonTooLong(error) => error.fmt(f),
            SendError::UnfinishedMessage => f.write_str(
                "a message sent piece by piece is not finished: resume and finish it, or close the connection",
            ),
        }
    }
}

impl core::error::Error for SendError {}

impl From<CloseReasonTooLong> for SendError {
    fn from(error: CloseReasonTooLong) -> Self {
        SendError::ReasonTooLong(error)
    }
}

impl From<Infallible> for SendError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
