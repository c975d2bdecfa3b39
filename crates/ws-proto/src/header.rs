//! Frame headers: parsing with every rule that a header alone can break, and encoding (RFC 6455 §5.2).

use alloc::vec::Vec;

use crate::control::MAX_CONTROL_LEN;
use crate::error::ProtocolError;
use crate::mask::MaskKey;
use crate::message::MessageKind;
use crate::opcode::OpCode;
use crate::role::Role;

/// The longest header: two bytes, an eight-byte length, a four-byte masking key.
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
    /// Bytes of payload that follow.
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
        Self {
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
        Self {
            fin: true,
            rsv1: false,
            opcode,
            mask: None,
            payload_len,
        }
    }

    /// Parses the header at the start of `octets`.
    ///
    /// Returns the header and its length in bytes, or `None` while it is incomplete. Rules are checked in the order
    /// of the bytes that break them, each as soon as its byte is there, so that the result does not depend on how
    /// the input was cut.
    ///
    /// # Errors
    ///
    /// Each variant of [`ProtocolError`] that names RFC 6455 §5.1, §5.2, §5.4 or the header rules of §5.5.
    #[inline]
    pub fn parse(
        octets: &[u8],
        rules: &HeaderRules,
    ) -> Result<Option<(Self, usize)>, ProtocolError> {
        let Some((&first, rest)) = octets.split_first() else {
            return Ok(None);
        };
        let opcode = check_first(first, rules)?;
        let Some((payload_len, mask, len)) = parse_rest(rest, opcode, rules.role)? else {
            return Ok(None);
        };
        let header = Self {
            fin: first & FIN != 0,
            rsv1: first & RSV1 != 0,
            opcode,
            mask,
            payload_len,
        };
        Ok(Some((header, len)))
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
        let (payload_len, mask, len) = parse_rest(rest, kind.opcode(), role).ok()??;
        let header = Self::new(kind.opcode(), payload_len);
        Some((kind, Self { mask, ..header }, len))
    }

    /// Appends the encoded header to `out`, with the shortest length form (RFC 6455 §5.2).
    #[inline(always)]
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self.mask {
            None => self.encode_start(0, out),
            Some(key) => {
                self.encode_start(MASK, out);
                out.extend_from_slice(&key.octets());
            }
        }
    }

    /// Appends what stands before the masking key.
    #[inline(always)]
    fn encode_start(&self, mask: u8, out: &mut Vec<u8>) {
        let first = if self.fin { FIN } else { 0 }
            | if self.rsv1 { RSV1 } else { 0 }
            | self.opcode.number();
        match self.payload_len {
            len @ ..126 => out.extend_from_slice(&[first, mask | len as u8]),
            len @ ..=0xffff => {
                let [high, low] = (len as u16).to_be_bytes();
                out.extend_from_slice(&[first, mask | LENGTH_16, high, low]);
            }
            len => {
                out.extend_from_slice(&[first, mask | LENGTH_64]);
                out.extend_from_slice(&len.to_be_bytes());
            }
        }
    }
}

/// The verdicts on all first bytes, before the state of the connection is asked.
static FIRST_BYTES: [Result<OpCode, ProtocolError>; 256] = {
    let mut verdicts = [Err(ProtocolError::ReservedBits); 256];
    let mut first = 0;
    while let Some(slot) = verdicts.split_at_mut(first).1.first_mut() {
        *slot = judge_first(first as u8);
        first = first.wrapping_add(1);
    }
    verdicts
};

/// Reserved bits, opcode, and fragmentation of control frames.
const fn judge_first(first: u8) -> Result<OpCode, ProtocolError> {
    let opcode = OpCode::from_number(first & OPCODE);
    // RSV1 belongs to the first frame of a message (RFC 7692 §6).
    let allowed = match opcode {
        Some(OpCode::Text | OpCode::Binary) => RSV1,
        _ => 0,
    };
    if first & (RSV1 | RSV2 | RSV3) & !allowed != 0 {
        return Err(ProtocolError::ReservedBits);
    }
    match opcode {
        None => Err(ProtocolError::ReservedOpcode(first & OPCODE)),
        Some(opcode) if opcode.is_control() && first & FIN == 0 => {
            Err(ProtocolError::FragmentedControl)
        }
        Some(opcode) => Ok(opcode),
    }
}

/// The first bytes of messages in one frame without an extension: a look into a table costs less than two comparisons.
static PLAIN_BYTES: [Option<MessageKind>; 256] = {
    let mut kinds = [None; 256];
    kinds[0x81] = Some(MessageKind::Text);
    kinds[0x82] = Some(MessageKind::Binary);
    kinds
};

/// Checks what the first byte can break.
#[inline]
fn check_first(first: u8, rules: &HeaderRules) -> Result<OpCode, ProtocolError> {
    let verdict = FIRST_BYTES.get(usize::from(first));
    let opcode = (*verdict.unwrap_or(&Err(ProtocolError::ReservedBits)))?;
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

/// `None` while what is to be parsed is incomplete.
type Parsed<T> = Result<Option<T>, ProtocolError>;

/// Parses what follows the first byte of a header: the payload length, the masking key, and the length of the whole
/// header.
#[inline]
fn parse_rest(bytes: &[u8], opcode: OpCode, role: Role) -> Parsed<(u64, Option<MaskKey>, usize)> {
    let Some((&second, rest)) = bytes.split_first() else {
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
        return Ok(Some((payload_len, None, len)));
    }
    Ok(rest.first_chunk().map(|key| {
        let mask = Some(MaskKey::new(*key));
        (payload_len, mask, len.wrapping_add(key.len()))
    }))
}

/// Parses the payload length: returns it, what follows it, and the length of the header so far.
#[inline]
fn parse_len(short: u8, rest: &[u8]) -> Parsed<(u64, &[u8], usize)> {
    let parsed = match short {
        LENGTH_16 => rest
            .split_first_chunk()
            .map(|(len, rest)| (u16::from_be_bytes(*len).into(), rest, 4)),
        LENGTH_64 => rest
            .split_first_chunk()
            .map(|(len, rest)| (u64::from_be_bytes(*len), rest, 10)),
        len => Some((len.into(), rest, 2)),
    };
    match (short, parsed) {
        (LENGTH_16, Some((..126, ..))) | (LENGTH_64, Some((..=0xffff, ..))) => {
            Err(ProtocolError::NonMinimalLength)
        }
        (_, Some((len, ..))) if len > i64::MAX as u64 => Err(ProtocolError::LengthOutOfRange),
        _ => Ok(parsed),
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
