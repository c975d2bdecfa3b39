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
        let Some((rest, header_len)) = parse_rest(rest, opcode, rules.role)? else {
            return Ok(None);
        };
        let header = FrameHeader {
            fin: first & FIN != 0,
            rsv1: first & RSV1 != 0,
            opcode,
            mask: rest.mask,
            payload_len: rest.payload_len,
        };
        Ok(Some((header, header_len)))
    }

    /// Parses the header at the start of `octets` if it is of the most frequent kind, which begins a message of one
    /// uncompressed frame: the kind of the message, its header and the length of that.
    ///
    /// The rules are those of [`parse`](Self::parse), which `None` leaves everything else to, faults among it. No
    /// message may be open.
    #[inline]
    pub(crate) fn parse_plain(octets: &[u8], role: Role) -> Option<(MessageKind, Self, usize)> {
        let (&first, rest) = octets.split_first()?;
        let kind = (*PLAIN_BYTES.get(usize::from(first))?)?;
        let (rest, header_len) = parse_rest(rest, kind.opcode(), role).ok()??;
        let header = FrameHeader {
            mask: rest.mask,
            ..FrameHeader::new(kind.opcode(), rest.payload_len)
        };
        Some((kind, header, header_len))
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

/// The verdict on a first byte, before the state of the connection is asked.
#[derive(Clone, Copy)]
enum FirstByte {
    Frame(OpCode),
    Wrong(ProtocolError),
}

/// The verdicts on all first bytes.
static FIRST_BYTES: [FirstByte; 256] = {
    let mut verdicts = [FirstByte::Wrong(ProtocolError::ReservedBits); 256];
    let mut first = 0;
    while let Some(slot) = verdicts.split_at_mut(first).1.first_mut() {
        *slot = judge_first(first as u8);
        first = first.wrapping_add(1);
    }
    verdicts
};

/// Reserved bits, opcode, and fragmentation of control frames.
const fn judge_first(first: u8) -> FirstByte {
    let opcode = OpCode::from_number(first & OPCODE);
    // RSV1 belongs to the first frame of a message (RFC 7692 §6).
    let allowed = match opcode {
        Some(OpCode::Text | OpCode::Binary) => RSV1,
        _ => 0,
    };
    if first & (RSV1 | RSV2 | RSV3) & !allowed != 0 {
        return FirstByte::Wrong(ProtocolError::ReservedBits);
    }
    match opcode {
        None => FirstByte::Wrong(ProtocolError::ReservedOpcode(first & OPCODE)),
        Some(opcode) if opcode.is_control() && first & FIN == 0 => {
            FirstByte::Wrong(ProtocolError::FragmentedControl)
        }
        Some(opcode) => FirstByte::Frame(opcode),
    }
}

/// The first bytes of messages in one frame without an extension.
static PLAIN_BYTES: [Option<MessageKind>; 256] = {
    let mut kinds = [None; 256];
    let mut first = 0;
    while let Some(slot) = kinds.split_at_mut(first).1.first_mut() {
        *slot = match judge_first(first as u8) {
            _ if first as u8 & (FIN | RSV1) != FIN => None,
            FirstByte::Frame(OpCode::Text) => Some(MessageKind::Text),
            FirstByte::Frame(OpCode::Binary) => Some(MessageKind::Binary),
            _ => None,
        };
        first = first.wrapping_add(1);
    }
    kinds
};

/// What the first byte can break.
#[inline]
fn check_first(first: u8, rules: &HeaderRules) -> Result<OpCode, ProtocolError> {
    let opcode = match FIRST_BYTES.get(usize::from(first)) {
        Some(FirstByte::Frame(opcode)) => *opcode,
        Some(FirstByte::Wrong(error)) => return Err(*error),
        None => return Err(ProtocolError::ReservedBits),
    };
    if first & RSV1 != 0 && !rules.rsv1 {
        return Err(ProtocolError::ReservedBits);
    }
    match opcode {
        OpCode::Continuation if !rules.message_open => Err(ProtocolError::UnexpectedContinuation),
        OpCode::Text | OpCode::Binary if rules.message_open => {
            Err(ProtocolError::ExpectedContinuation)
        }
        _ => Ok(opcode),
    }
}

/// What a header says behind its first byte.
struct Rest {
    mask: Option<MaskKey>,
    payload_len: u64,
}

/// Parses what follows the first byte of a header. Returns the length of the whole header, too, or `None` while it is
/// incomplete.
#[inline]
fn parse_rest(
    octets: &[u8],
    opcode: OpCode,
    role: Role,
) -> Result<Option<(Rest, usize)>, ProtocolError> {
    let Some((&second, rest)) = octets.split_first() else {
        return Ok(None);
    };
    let is_masked = second & MASK != 0;
    match (role, is_masked) {
        (Role::Server, false) => return Err(ProtocolError::UnmaskedFrame),
        (Role::Client, true) => return Err(ProtocolError::MaskedFrame),
        (Role::Server, true) | (Role::Client, false) => {}
    }
    if opcode.is_control() && usize::from(second & LENGTH) > MAX_CONTROL_LEN {
        return Err(ProtocolError::ControlTooLong);
    }
    let Some((payload_len, rest, len)) = parse_len(second & LENGTH, rest)? else {
        return Ok(None);
    };
    if !is_masked {
        let mask = None;
        return Ok(Some((Rest { mask, payload_len }, len)));
    }
    Ok(rest.first_chunk().map(|key| {
        let mask = Some(MaskKey::new(*key));
        (Rest { mask, payload_len }, len.wrapping_add(key.len()))
    }))
}

/// The payload length, what follows it, and the length of the header so far; `None` while its octets are incomplete.
#[inline]
fn parse_len(short: u8, rest: &[u8]) -> Result<Option<(u64, &[u8], usize)>, ProtocolError> {
    match short {
        LENGTH_16 => {
            let Some((len, rest)) = rest.split_first_chunk() else {
                return Ok(None);
            };
            let len = u16::from_be_bytes(*len);
            if len < u16::from(LENGTH_16) {
                return Err(ProtocolError::NonMinimalLength);
            }
            Ok(Some((len.into(), rest, 4)))
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
            Ok(Some((len, rest, 10)))
        }
        len => Ok(Some((len.into(), rest, 2))),
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
