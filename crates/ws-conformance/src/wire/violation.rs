//! The violations of a testee.

use std::fmt;

/// A rule of RFC 6455 that the testee broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    /// A reserved bit is set without an extension (§5.2).
    ReservedBits(u8),
    /// A client's frame is not masked (§5.1).
    NotMasked,
    /// A server's frame is masked (§5.1).
    Masked,
    /// RSV1 on a control frame (RFC 7692 §6).
    CompressedControl,
    /// RSV1 on a frame that continues a message (RFC 7692 §6).
    CompressedContinuation,
    /// A control frame is not final (§5.5).
    FragmentedControl,
    /// A control frame is longer than 125 bytes (§5.5).
    LongControl,
    /// The opcode is reserved (§5.2).
    ReservedOpcode(u8),
    /// A Close has a payload of one byte (§5.5.1).
    OneByteClose,
    /// A continuation without a message (§5.4).
    StrayContinuation,
    /// A new message within a message (§5.4).
    UnfinishedMessage,
    /// The length does not have its shortest form (§5.2).
    LongLengthForm(u64),
    /// The highest bit of a length is set (§5.2).
    HugeLength(u64),
    /// A text is not UTF-8 (§8.1).
    InvalidText,
    /// A close code that must not be sent (§7.4).
    CloseCode(u16),
    /// The reason of a Close is not UTF-8 (§5.5.1).
    InvalidReason,
    /// A message that is longer than any case asks for. No rule of the protocol forbids it.
    EndlessMessage,
}

impl Violation {
    /// Returns the close code for the violation.
    pub(crate) fn close_code(self) -> u16 {
        match self {
            Self::InvalidText | Self::InvalidReason => 1007,
            Self::EndlessMessage => 1009,
            _ => 1002,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReservedBits(rsv) => {
                write!(f, "the reserved bits of a frame have the value {rsv}")
            }
            Self::NotMasked => f.write_str("a frame of a client is not masked"),
            Self::Masked => f.write_str("a frame of a server is masked"),
            Self::CompressedControl => f.write_str("a control frame has RSV1 set"),
            Self::CompressedContinuation => f.write_str("a continuation has RSV1 set"),
            Self::FragmentedControl => f.write_str("a control frame is fragmented"),
            Self::LongControl => f.write_str("a control frame is longer than 125 bytes"),
            Self::ReservedOpcode(opcode) => write!(f, "a frame has the reserved opcode {opcode}"),
            Self::OneByteClose => f.write_str("a Close has a payload of one byte"),
            Self::StrayContinuation => f.write_str("a continuation continues no message"),
            Self::UnfinishedMessage => f.write_str("a message begins within another"),
            Self::LongLengthForm(len) => {
                write!(f, "the length {len} is not written in its shortest form")
            }
            Self::HugeLength(len) => write!(f, "the length {len} has its highest bit set"),
            Self::InvalidText => f.write_str("a text message is not UTF-8"),
            Self::CloseCode(code) => write!(f, "the close code {code} must not be sent"),
            Self::InvalidReason => f.write_str("the reason of a Close is not UTF-8"),
            Self::EndlessMessage => f.write_str("a message is longer than any that was sent"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_violation_has_its_close_code() {
        for (violation, code) in [
            (Violation::InvalidText, 1007),
            (Violation::InvalidReason, 1007),
            (Violation::EndlessMessage, 1009),
            (Violation::Masked, 1002),
        ] {
            assert_eq!(violation.close_code(), code);
        }
    }
}
