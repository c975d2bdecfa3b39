//! Frame headers: parsing with every rule that a header alone can break, and encoding (RFC 6455 §5.2).

use alloc::vec::Vec;

use crate::control::MAX_CONTROL_LEN;
use crate::error::ProtocolError;
use crate::mask::MaskKey;
use crate::message::MessageKind;
use crate::opcode::OpCode;
use crate::role::Role;

/// The longest header: two octets, an eight-octet length, a four-octet masking key.
pub const MAX_HEADER_LEN: usize = 14;

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const RSV2: u8 = 0x20;
const RSV3: u8 = 0x10;
const OPCODE: u8 = 0x0f;
const MASK: u8 = 0x80;
const LENGTH: u8 = 0x7f;
const LENGTH_16: u8 = 126;
const LENGTH_64: u8 = 127;
const FIN_TEXT: u8 = FIN | OpCode::Text.number();
const FIN_BINARY: u8 = FIN | OpCode::Binary.number();

/// A frame header (RFC 6455 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FrameHeader {
    /// Whether this frame ends its message.
    pub fin: bool,
    /// The first reserved bit: under permessage-deflate it marks a compressed message (RFC 7692 §6).
    pub rsv1: bool,
    /// What the frame carries.
    pub opcode: OpCode,
    /// The masking key, on frames from a client.
    pub mask: Option<MaskKey>,
    /// Octets of payload that follow.
    pub payload_len: u64,
}

/// What the receiver's state allows the next header to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeaderRules {
    /// The role of the end that receives.
    pub role: Role,
    /// Whether a fragmented message is under way, so that only continuations may carry data.
    pub message_open: bool,
    /// Whether an extension gave RSV1 on the first frame of a message a meaning.
    pub rsv1: bool,
}

impl HeaderRules {
    /// The rules at the start of a connection without extensions.
    #[must_use]
    pub const fn new(role: Role) -> Self {
        HeaderRules {
            role,
            message_open: false,
            rsv1: false,
        }
    }
}

impl FrameHeader {
    /// A final, unmasked frame without reserved bits.
    #[must_use]
    pub const fn new(opcode: OpCode, payload_len: u64) -> Self {
        FrameHeader {
            fin: true,
            rsv1: false,
            opcode,
            mask: None,
            payload_len,
        }
    }

    /// Parses the header at the start of `octets`.
    ///
    /// Returns the header and its length in octets, or `None` while it is incomplete. Rules are checked in the order
    /// of the octets that break them, each as soon as its octet is there, so that the result does not depend on how
    /// the input was cut.
    ///
    /// # Errors
    ///
    /// Each variant of [`ProtocolError`] that names RFC 6455 §5.1, §5.2, §5.4 or the header rules of §5.5.
    #[inline]
    pub fn parse(
        octets: &[u8],
        rules: &HeaderRules,
    ) -> Result<Option<(FrameHeader, usize)>, ProtocolError> {
        let Some((&first, rest)) = octets.split_first() else {
            return Ok(None);
        };
        let opcode = check_first(first, rules)?;
        let Some((&second, rest)) = rest.split_first() else {
            return Ok(None);
        };
        check_second(second, opcode, rules.role)?;
        let Some((payload_len, rest)) = parse_len(second & LENGTH, rest)? else {
            return Ok(None);
        };
        let (mask, rest) = if second & MASK != 0 {
            let Some((key, rest)) = rest.split_first_chunk::<4>() else {
                return Ok(None);
            };
            (Some(MaskKey::new(*key)), rest)
        } else {
            (None, rest)
        };
        let header = FrameHeader {
            fin: first & FIN != 0,
            rsv1: first & RSV1 != 0,
            opcode,
            mask,
            payload_len,
        };
        Ok(Some((header, octets.len().saturating_sub(rest.len()))))
    }

    /// Appends the encoded header to `out`, with the shortest length form (RFC 6455 §5.2).
    #[inline(always)]
    pub fn encode(&self, out: &mut Vec<u8>) {
        let first = if self.fin { FIN } else { 0 }
            | if self.rsv1 { RSV1 } else { 0 }
            | self.opcode.number();
        match (u16::try_from(self.payload_len), self.mask) {
            (Ok(len), None) if len < u16::from(LENGTH_16) => {
                out.extend_from_slice(&[first, len as u8]);
            }
            (Ok(len), None) => {
                let [high, low] = len.to_be_bytes();
                out.extend_from_slice(&[first, LENGTH_16, high, low]);
            }
            _ => self.encode_long(first, out),
        }
    }

    /// [`encode`](Self::encode) with a masking key, or for more than 65,535 octets.
    fn encode_long(&self, first: u8, out: &mut Vec<u8>) {
        let mask = if self.mask.is_some() { MASK } else { 0 };
        match (
            u8::try_from(self.payload_len),
            u16::try_from(self.payload_len),
        ) {
            (Ok(len), _) if len < LENGTH_16 => out.extend_from_slice(&[first, mask | len]),
            (_, Ok(len)) => {
                let [high, low] = len.to_be_bytes();
                out.extend_from_slice(&[first, mask | LENGTH_16, high, low]);
            }
            _ => {
                out.extend_from_slice(&[first, mask | LENGTH_64]);
                out.extend_from_slice(&self.payload_len.to_be_bytes());
            }
        }
        if let Some(key) = self.mask {
            out.extend_from_slice(&key.octets());
        }
    }
}

/// The header of a message in one uncompressed frame whose length takes 7 or 16 bits, as most are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PlainHeader {
    pub(crate) kind: MessageKind,
    pub(crate) len: usize,
    pub(crate) mask: Option<MaskKey>,
    pub(crate) payload_len: usize,
}

impl PlainHeader {
    /// The header at the start of `octets`, if it is of this kind, and no message is open.
    ///
    /// `None` says nothing about the octets: [`FrameHeader::parse`] knows all headers and all rules.
    #[inline]
    pub(crate) fn parse(octets: &[u8], role: Role) -> Option<Self> {
        let (&[first, second], rest) = octets.split_first_chunk()?;
        let kind = match first {
            FIN_TEXT => MessageKind::Text,
            FIN_BINARY => MessageKind::Binary,
            _ => return None,
        };
        let (payload_len, rest) = match second & LENGTH {
            LENGTH_64 => return None,
            LENGTH_16 => {
                let (len, rest) = rest.split_first_chunk()?;
                let len = u16::from_be_bytes(*len);
                (len >= u16::from(LENGTH_16)).then_some((usize::from(len), rest))?
            }
            len => (usize::from(len), rest),
        };
        let (mask, rest) = match (role, second & MASK != 0) {
            (Role::Server, true) => {
                let (key, rest) = rest.split_first_chunk()?;
                (Some(MaskKey::new(*key)), rest)
            }
            (Role::Client, false) => (None, rest),
            (Role::Server, false) | (Role::Client, true) => return None,
        };
        Some(PlainHeader {
            kind,
            len: octets.len().saturating_sub(rest.len()),
            mask,
            payload_len,
        })
    }
}

/// Reserved bits, opcode and fragmentation: what the first octet can break.
#[inline]
fn check_first(first: u8, rules: &HeaderRules) -> Result<OpCode, ProtocolError> {
    let opcode = OpCode::from_number(first & OPCODE);
    // RSV1 belongs to the first frame of a message, and there only by agreement (RFC 7692 §6).
    let rsv1_allowed = rules.rsv1 && matches!(opcode, Some(OpCode::Text | OpCode::Binary));
    let forbidden = RSV2 | RSV3 | if rsv1_allowed { 0 } else { RSV1 };
    if first & forbidden != 0 {
        return Err(ProtocolError::ReservedBits);
    }
    let Some(opcode) = opcode else {
        return Err(ProtocolError::ReservedOpcode(first & OPCODE));
    };
    match opcode {
        OpCode::Close | OpCode::Ping | OpCode::Pong if first & FIN == 0 => {
            Err(ProtocolError::FragmentedControl)
        }
        OpCode::Continuation if !rules.message_open => Err(ProtocolError::UnexpectedContinuation),
        OpCode::Text | OpCode::Binary if rules.message_open => {
            Err(ProtocolError::ExpectedContinuation)
        }
        _ => Ok(opcode),
    }
}

/// Mask rule and control length: what the second octet can break.
#[inline]
fn check_second(second: u8, opcode: OpCode, role: Role) -> Result<(), ProtocolError> {
    match (role, second & MASK != 0) {
        (Role::Server, false) => return Err(ProtocolError::UnmaskedFrame),
        (Role::Client, true) => return Err(ProtocolError::MaskedFrame),
        (Role::Server, true) | (Role::Client, false) => {}
    }
    if opcode.is_control() && usize::from(second & LENGTH) > MAX_CONTROL_LEN {
        return Err(ProtocolError::ControlTooLong);
    }
    Ok(())
}

/// The payload length and what follows it, `None` while its octets are incomplete.
#[inline]
fn parse_len(short: u8, rest: &[u8]) -> Result<Option<(u64, &[u8])>, ProtocolError> {
    match short {
        LENGTH_16 => {
            let Some((len, rest)) = rest.split_first_chunk() else {
                return Ok(None);
            };
            let len = u16::from_be_bytes(*len);
            if len < u16::from(LENGTH_16) {
                return Err(ProtocolError::NonMinimalLength);
            }
            Ok(Some((len.into(), rest)))
        }
        LENGTH_64 => {
            let Some((len, rest)) = rest.split_first_chunk() else {
                return Ok(None);
            };
            let len = u64::from_be_bytes(*len);
            if len <= u64::from(u16::MAX) {
                return Err(ProtocolError::NonMinimalLength);
            }
            if len > i64::MAX as u64 {
                return Err(ProtocolError::LengthOutOfRange);
            }
            Ok(Some((len, rest)))
        }
        len => Ok(Some((len.into(), rest))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ProtocolError::*;

    const SERVER: HeaderRules = HeaderRules::new(Role::Server);
    const CLIENT: HeaderRules = HeaderRules::new(Role::Client);

    fn encoded(header: &FrameHeader) -> Vec<u8> {
        let mut out = Vec::new();
        header.encode(&mut out);
        out
    }

    #[test]
    fn every_length_form_survives_a_round_trip() {
        for len in [0, 1, 125, 126, 127, 65535, 65536, 1 << 40, i64::MAX as u64] {
            for mask in [None, Some(MaskKey::new([1, 2, 3, 4]))] {
                let header = FrameHeader {
                    mask,
                    ..FrameHeader::new(OpCode::Binary, len)
                };
                let octets = encoded(&header);
                let rules = if mask.is_some() { SERVER } else { CLIENT };
                assert_eq!(
                    FrameHeader::parse(&octets, &rules),
                    Ok(Some((header, octets.len())))
                );
                for cut in 0..octets.len() {
                    assert_eq!(FrameHeader::parse(&octets[..cut], &rules), Ok(None));
                }
            }
        }
    }

    #[test]
    fn a_plain_header_is_what_every_header_is_with_less_to_check() {
        let all_rules = [SERVER, CLIENT].map(|rules| HeaderRules {
            rsv1: true,
            ..rules
        });
        for rules in all_rules {
            for start in 0..=u16::MAX {
                let [first, second] = start.to_be_bytes();
                for next in [0, 125, 126, 255] {
                    let octets = [first, second, 0, next, 5, 6, 7, 8];
                    let general = FrameHeader::parse(&octets, &rules);
                    let is_plain = |header: &FrameHeader, len| {
                        let data = matches!(header.opcode, OpCode::Text | OpCode::Binary);
                        header.fin && !header.rsv1 && data && len < 10
                    };
                    let expected = match general {
                        Ok(Some((header, len))) if is_plain(&header, len) => Some(PlainHeader {
                            kind: match header.opcode {
                                OpCode::Text => MessageKind::Text,
                                _ => MessageKind::Binary,
                            },
                            len,
                            mask: header.mask,
                            payload_len: header.payload_len as usize,
                        }),
                        _ => None,
                    };
                    assert_eq!(
                        PlainHeader::parse(&octets, rules.role),
                        expected,
                        "{octets:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn header_rules_fail_at_the_octet_that_breaks_them() {
        let open = HeaderRules {
            message_open: true,
            ..CLIENT
        };
        let cases: [(&[u8], HeaderRules, ProtocolError); 16] = [
            (&[0xc1], CLIENT, ReservedBits),
            (&[0xa1], CLIENT, ReservedBits),
            (&[0x91], CLIENT, ReservedBits),
            (&[0x83], CLIENT, ReservedOpcode(3)),
            (&[0x8f], CLIENT, ReservedOpcode(15)),
            (&[0x09], CLIENT, FragmentedControl),
            (&[0x08], CLIENT, FragmentedControl),
            (&[0x80], CLIENT, UnexpectedContinuation),
            (&[0x81], open, ExpectedContinuation),
            (&[0x81, 0x00], SERVER, UnmaskedFrame),
            (&[0x81, 0x80], CLIENT, MaskedFrame),
            (&[0x89, 126], CLIENT, ControlTooLong),
            (&[0x88, 127], CLIENT, ControlTooLong),
            (&[0x82, 126, 0, 125], CLIENT, NonMinimalLength),
            (
                &[0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff],
                CLIENT,
                NonMinimalLength,
            ),
            (
                &[0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0],
                CLIENT,
                LengthOutOfRange,
            ),
        ];
        for (octets, rules, error) in cases {
            assert_eq!(
                FrameHeader::parse(octets, &rules),
                Err(error),
                "{octets:02x?}"
            );
            let before = &octets[..octets.len() - 1];
            assert_eq!(
                FrameHeader::parse(before, &rules),
                Ok(None),
                "{before:02x?}"
            );
        }
    }

    #[test]
    fn rsv1_is_legal_only_on_the_first_data_frame_and_by_agreement() {
        let agreed = HeaderRules {
            rsv1: true,
            ..CLIENT
        };
        let parsed = FrameHeader::parse(&[0xc1, 0], &agreed);
        assert!(matches!(
            parsed,
            Ok(Some((FrameHeader { rsv1: true, .. }, 2)))
        ));
        let open = HeaderRules {
            message_open: true,
            ..agreed
        };
        assert_eq!(FrameHeader::parse(&[0xc0, 0], &open), Err(ReservedBits));
        assert_eq!(FrameHeader::parse(&[0xc9, 0], &agreed), Err(ReservedBits));
        assert_eq!(FrameHeader::parse(&[0xe1, 0], &agreed), Err(ReservedBits));
    }
}
