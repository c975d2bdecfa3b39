//! Frame types (RFC 6455 §5.2).

/// The opcode of a frame (RFC 6455 §5.2). Reserved values have no variant: the header parser
/// rejects them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum OpCode {
    /// The next fragment of a data message.
    Continuation = 0x0,
    /// The only or first frame of a text message.
    Text = 0x1,
    /// The only or first frame of a binary message.
    Binary = 0x2,
    /// The frame that starts or answers the closing handshake.
    Close = 0x8,
    /// A request for a Pong.
    Ping = 0x9,
    /// The answer to a Ping, or an unsolicited heartbeat.
    Pong = 0xa,
}

impl OpCode {
    /// Returns the opcode with this number, or `None` if the number is reserved.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            _ => return None,
        })
    }

    /// Returns the number on the wire.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Returns `true` for a Close, Ping or Pong (RFC 6455 §5.5).
    pub const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}
