//! The errors, grouped by the party that caused them, and the close codes that report them to the
//! peer.

use crate::close::{CloseCode, CloseReasonTooLong};
use crate::config::MAX_FRAGMENTS;
use crate::control::ControlPayloadTooLong;
use crate::utf8::InvalidUtf8;

/// A violation of RFC 6455 by the peer. Each rule has its own variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The reason in a Close is not UTF-8 (RFC 6455 §5.5.1, §8.1).
    #[error("the peer broke the WebSocket protocol: its close reason is not UTF-8")]
    CloseReasonNotUtf8,
    /// A Close with a payload of one byte: neither empty nor a code (RFC 6455 §5.5.1).
    #[error("the peer broke the WebSocket protocol: its Close has a payload of one byte")]
    CloseTooShort,
    /// A control frame of more than 125 bytes (RFC 6455 §5.5).
    #[error("the peer broke the WebSocket protocol: a control frame carries more than 125 bytes")]
    ControlTooLong,
    /// A new message began before the fragmented one ended (RFC 6455 §5.4).
    #[error(
        "the peer broke the WebSocket protocol: a new message began before the fragmented one ended"
    )]
    ExpectedContinuation,
    /// A control frame without FIN (RFC 6455 §5.5).
    #[error("the peer broke the WebSocket protocol: a control frame is fragmented")]
    FragmentedControl,
    /// A close code that must not be sent (RFC 6455 §7.4).
    #[error(
        "the peer broke the WebSocket protocol: its Close carries the code {0}, which must not be sent"
    )]
    InvalidCloseCode(CloseCode),
    /// Compressed bytes that do not form a message (RFC 7692 §7.2.2).
    #[error("the peer broke the WebSocket protocol: a compressed message cannot be decompressed")]
    InvalidDeflate,
    /// Text that is not UTF-8 (RFC 6455 §8.1).
    #[error("the peer broke the WebSocket protocol: a text message is not UTF-8")]
    InvalidUtf8,
    /// A payload length of 2^63 or more (RFC 6455 §5.2).
    #[error("the peer broke the WebSocket protocol: a frame announces 2^63 bytes or more")]
    LengthOutOfRange,
    /// A masked frame from a server (RFC 6455 §5.1).
    #[error("the peer broke the WebSocket protocol: a frame from the server is masked")]
    MaskedFrame,
    /// A payload length that is not encoded in the shortest form (RFC 6455 §5.2).
    #[error("the peer broke the WebSocket protocol: a length is not encoded in the shortest form")]
    NonMinimalLength,
    /// Reserved bits without an extension that gives them a meaning (RFC 6455 §5.2).
    #[error(
        "the peer broke the WebSocket protocol: a frame has reserved bits set that no extension uses"
    )]
    ReservedBits,
    /// A reserved opcode (RFC 6455 §5.2).
    #[error("the peer broke the WebSocket protocol: a frame has the reserved opcode {0:#x}")]
    ReservedOpcode(u8),
    /// A continuation without a message to continue (RFC 6455 §5.4).
    #[error(
        "the peer broke the WebSocket protocol: a continuation frame has no message to continue"
    )]
    UnexpectedContinuation,
    /// A frame without a mask from a client (RFC 6455 §5.1).
    #[error("the peer broke the WebSocket protocol: a frame from the client is not masked")]
    UnmaskedFrame,
}

impl ProtocolError {
    /// Returns the code of the Close that is sent to the peer (RFC 6455 §7.4.1).
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::CloseReasonNotUtf8 | Self::InvalidDeflate | Self::InvalidUtf8 => {
                CloseCode::INVALID_PAYLOAD
            }
            Self::CloseTooShort
            | Self::ControlTooLong
            | Self::ExpectedContinuation
            | Self::FragmentedControl
            | Self::InvalidCloseCode(_)
            | Self::LengthOutOfRange
            | Self::MaskedFrame
            | Self::NonMinimalLength
            | Self::ReservedBits
            | Self::ReservedOpcode(_)
            | Self::UnexpectedContinuation
            | Self::UnmaskedFrame => CloseCode::PROTOCOL_ERROR,
        }
    }
}

/// A message or frame that is correct but exceeds a limit of this end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// The length of one frame exceeds [`Config::max_frame`](crate::Config::max_frame).
    #[error("a frame of {len} bytes is over the limit of {limit}: raise `max_frame` to accept it")]
    FrameTooLong {
        /// The number of bytes that the frame header announced.
        len: u64,
        /// The number of bytes that are allowed.
        limit: usize,
    },
    /// The frames of a message add up to more than
    /// [`Config::max_message`](crate::Config::max_message).
    #[error(
        "a message of at least {len} bytes is over the limit of {limit}: raise `max_message` to accept it"
    )]
    MessageTooLong {
        /// The number of bytes when the limit was exceeded. For an uncompressed message, this
        /// includes the whole frame that exceeded it.
        len: u64,
        /// The number of bytes that are allowed.
        limit: usize,
    },
    /// The memory for all connections together is used up, and this connection has used the most.
    /// See [`SendHalf::refuse`](crate::SendHalf::refuse).
    #[error(
        "all connections together have used up their memory, and this one has used the most: raise the budget, or accept shorter messages"
    )]
    OverBudget,
    /// A message consists of more than [`MAX_FRAGMENTS`](crate::MAX_FRAGMENTS) frames.
    #[error(
        "a message came in more than {MAX_FRAGMENTS} fragments: the peer should send longer ones"
    )]
    TooManyFragments,
}

impl LimitError {
    /// Returns the code of the Close that is sent to the peer (RFC 6455 §7.4.1).
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::FrameTooLong { .. } | Self::MessageTooLong { .. } => CloseCode::TOO_BIG,
            Self::OverBudget => CloseCode::TRY_AGAIN_LATER,
            Self::TooManyFragments => CloseCode::POLICY,
        }
    }
}

/// The reason why receiving failed: the peer broke the protocol or exceeded a limit.
///
/// Every later step returns [`Step::Ended`](crate::Step::Ended).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiveError {
    /// The peer exceeded a limit.
    #[error("{0}")]
    Limit(LimitError),
    /// The peer broke the protocol.
    #[error("{0}")]
    Protocol(ProtocolError),
}

impl ReceiveError {
    /// Returns the code of the Close that is sent to the peer (RFC 6455 §7.4.1).
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::Limit(error) => error.close_code(),
            Self::Protocol(error) => error.close_code(),
        }
    }
}

impl From<ProtocolError> for ReceiveError {
    fn from(error: ProtocolError) -> Self {
        Self::Protocol(error)
    }
}

#[cfg(feature = "deflate")]
impl From<crate::deflate::InflateError> for ReceiveError {
    fn from(_: crate::deflate::InflateError) -> Self {
        Self::Protocol(ProtocolError::InvalidDeflate)
    }
}

impl From<LimitError> for ReceiveError {
    fn from(error: LimitError) -> Self {
        Self::Limit(error)
    }
}

impl From<InvalidUtf8> for ReceiveError {
    fn from(InvalidUtf8: InvalidUtf8) -> Self {
        Self::Protocol(ProtocolError::InvalidUtf8)
    }
}

/// The reason why something cannot be sent. Nothing was queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The connection is closing or closed: no message may follow a Close (RFC 6455 §5.5.1).
    #[error("the connection is closing: nothing can be sent any more")]
    Closing,
    /// A close code that must not be sent (RFC 6455 §7.4).
    #[error("the close code {0} must not be sent: use 1000 to 1003, 1007 to 1014 or 3000 to 4999")]
    InvalidCloseCode(CloseCode),
    /// A piece or the end of a message, although no message was begun.
    #[error("no message was begun: begin one first")]
    NoMessage,
    /// Text that is not UTF-8 (RFC 6455 §5.6).
    #[error("the text is not UTF-8: send it as a binary message")]
    NotUtf8,
    /// The payload of a Ping or Pong does not fit (RFC 6455 §5.5).
    #[error("{0}")]
    PayloadTooLong(ControlPayloadTooLong),
    /// A close reason that does not fit (RFC 6455 §5.5.1).
    #[error("{0}")]
    ReasonTooLong(CloseReasonTooLong),
    /// A close reason without a code. The format of a Close has no place for it (RFC 6455 §5.5.1).
    #[error("a Close without a code cannot carry a reason: give a code, such as 1000")]
    ReasonWithoutCode,
    /// Another message was begun and is not finished. The fragments of two messages must not be
    /// mixed (RFC 6455 §5.4).
    #[error(
        "a message sent piece by piece is not finished: resume and finish it, or close the connection"
    )]
    UnfinishedMessage,
}

impl From<ControlPayloadTooLong> for SendError {
    fn from(error: ControlPayloadTooLong) -> Self {
        Self::PayloadTooLong(error)
    }
}

impl From<CloseReasonTooLong> for SendError {
    fn from(error: CloseReasonTooLong) -> Self {
        Self::ReasonTooLong(error)
    }
}
