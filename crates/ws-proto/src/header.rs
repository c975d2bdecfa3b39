//! Frame headers: encoding, and parsing with a check of every rule that a header alone can break
//! (RFC 6455 §5.2).

use alloc::vec::Vec;

use crate::control::MAX_CONTROL_LEN;
use crate::error::ProtocolError;
use crate::mask::MaskKey;
use crate::message::MessageKind;
use crate::opcode::OpCode;
use crate::role::Role;

/// The length of the longest header in bytes: two bytes, an eight-byte length, and a four-byte
/// masking key.
pub const MAX_HEADER_LEN: usize = 14;

/// The length in bytes of the longest payload whose length is in the second byte of the header.
const MAX_SHORT_LEN: usize = 125;

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
    /// `true` if this frame is the last of its message.
    pub fin: bool,
    /// The first reserved bit. With permessage-deflate it marks a compressed message (RFC 7692 §6).
    pub rsv1: bool,
    /// The type of the frame.
    pub opcode: OpCode,
    /// The masking key. Only frames from a client have one.
    pub mask: Option<MaskKey>,
    /// The number of payload bytes that follow.
    pub payload_len: u64,
}

/// The constraints on the next header that follow from the state of the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeaderRules {
    /// The role of the end that receives.
    pub role: Role,
    /// `true` while a fragmented message is incomplete. Data frames must then be continuations.
    pub message_open: bool,
    /// `true` if an extension uses RSV1 on the first frame of a message.
    pub rsv1: bool,
}

impl HeaderRules {
    /// Creates the rules for the start of a connection without extensions.
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
    /// Creates the header of a final, unmasked frame without reserved bits.
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

    /// Parses the header at the start of `bytes`.
    ///
    /// Returns the header and its length in bytes, or `None` while the header is incomplete. The
    /// result does not depend on how the input was divided into reads. Each rule is checked as soon
    /// as the byte that can break it has arrived, in the order of the bytes.
    ///
    /// # Errors
    ///
    /// Every variant of [`ProtocolError`] except those about payloads: `CloseReasonNotUtf8`,
    /// `CloseTooShort`, `InvalidCloseCode`, `InvalidDeflate` and `InvalidUtf8`.
    #[inline]
    pub fn parse(
        bytes: &[u8],
        rules: &HeaderRules,
    ) -> Result<Option<(Self, usize)>, ProtocolError> {
        let Some((&first, rest)) = bytes.split_first() else {
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

    /// Parses the header at the start of `bytes` if it is of the most frequent kind: an
    /// uncompressed message in one frame. Returns the kind of the message, the header and its
    /// length.
    ///
    /// The rules are those of [`parse`](Self::parse). Returns `None` for any other frame, for an
    /// incomplete header, and for a violation. The caller must then call `parse`. Call
    /// `parse_plain` only while no message is open.
    #[inline]
    pub(crate) fn parse_plain(bytes: &[u8], role: Role) -> Option<(MessageKind, Self, usize)> {
        let [first, second] = *bytes.first_chunk()?;
        let kind = (*PLAIN_BYTES.get(usize::from(first))?)?;
        // In the most frequent header, the second byte is the length, and the bit for the mask is
        // as the role demands.
        let (short, len) = match role {
            Role::Server => (second ^ MASK, 6),
            Role::Client => (second, 2),
        };
        let (payload_len, mask, len) = if usize::from(short) <= MAX_SHORT_LEN {
            let mask = match role {
                Role::Server => {
                    let [_, _, key @ ..] = *bytes.first_chunk::<6>()?;
                    Some(MaskKey::new(key))
                }
                Role::Client => None,
            };
            (short.into(), mask, len)
        } else {
            parse_rest(bytes.get(1..)?, kind.opcode(), role).ok()??
        };
        let header = Self::new(kind.opcode(), payload_len);
        Some((kind, Self { mask, ..header }, len))
    }

    /// Appends the encoded header of a final, uncompressed frame to `out`.
    #[inline(always)]
    pub(crate) fn encode_plain(
        opcode: OpCode,
        payload_len: u64,
        key: Option<MaskKey>,
        out: &mut Vec<u8>,
    ) {
        encode(FIN | opcode.number(), payload_len, key, out);
    }

    /// Appends the encoded header to `out`, with the shortest form of the length (RFC 6455 §5.2).
    #[inline(always)]
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode(self.first_byte(), self.payload_len, self.mask, out);
    }

    #[inline(always)]
    fn first_byte(&self) -> u8 {
        let fin = if self.fin { FIN } else { 0 };
        let rsv1 = if self.rsv1 { RSV1 } else { 0 };
        fin | rsv1 | self.opcode.number()
    }
}

/// Appends a header with this first byte.
#[inline(always)]
fn encode(first: u8, payload_len: u64, key: Option<MaskKey>, out: &mut Vec<u8>) {
    match key {
        None => encode_start(first, 0, payload_len, out),
        Some(key) => {
            encode_start(first, MASK, payload_len, out);
            out.extend_from_slice(&key.to_bytes());
        }
    }
}

/// Appends the part of a header before the masking key. `mask` is the bit of the second byte.
#[inline(always)]
fn encode_start(first: u8, mask: u8, payload_len: u64, out: &mut Vec<u8>) {
    match payload_len {
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

/// The result of [`parse_first`] for every first byte.
static FIRST_BYTES: [Result<OpCode, ProtocolError>; 256] = {
    let mut results = [Err(ProtocolError::ReservedBits); 256];
    let mut first = 0;
    while let Some(slot) = results.split_at_mut(first).1.first_mut() {
        *slot = parse_first(first as u8);
        first = first.wrapping_add(1);
    }
    results
};

/// Checks the rules for the first byte that do not depend on the state of the connection: reserved
/// bits, the opcode, and FIN of control frames.
const fn parse_first(first: u8) -> Result<OpCode, ProtocolError> {
    let opcode = OpCode::from_number(first & OPCODE);
    // RSV1 may only be set on the first frame of a message (RFC 7692 §6).
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

/// The kind of message for each first byte of an uncompressed message in one frame. A table look-up
/// costs less than two comparisons.
static PLAIN_BYTES: [Option<MessageKind>; 256] = {
    let mut kinds = [None; 256];
    kinds[0x81] = Some(MessageKind::Text);
    kinds[0x82] = Some(MessageKind::Binary);
    kinds
};

/// Checks the first byte against all rules that it can break.
#[inline]
fn check_first(first: u8, rules: &HeaderRules) -> Result<OpCode, ProtocolError> {
    let result = FIRST_BYTES.get(usize::from(first));
    let opcode = (*result.unwrap_or(&Err(ProtocolError::ReservedBits)))?;
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

/// The result of a parser: `None` while the input is incomplete.
type Parsed<T> = Result<Option<T>, ProtocolError>;

/// Parses the part after the first byte of a header. Returns the payload length, the masking key,
/// and the length of the whole header.
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

/// Returns the payload length, the remaining input, and the length of the header so far.
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
    fn every_length_form_round_trips() {
        for len in [0, 1, 125, 126, 127, 65535, 65536, 1 << 40, i64::MAX as u64] {
            for mask in [None, Some(MaskKey::new([1, 2, 3, 4]))] {
                let header = FrameHeader {
                    mask,
                    ..FrameHeader::new(OpCode::Binary, len)
                };
                let bytes = encoded(&header);
                let rules = if mask.is_some() { SERVER } else { CLIENT };
                assert_eq!(
                    FrameHeader::parse(&bytes, &rules),
                    Ok(Some((header, bytes.len())))
                );
                for cut in 0..bytes.len() {
                    assert_eq!(FrameHeader::parse(&bytes[..cut], &rules), Ok(None));
                }
            }
        }
    }

    #[test]
    fn a_plain_header_is_parsed_as_any_other() {
        for len in [0, 1, 125, 126, 127, 65535, 65536] {
            for mask in [None, Some(MaskKey::new([1, 2, 3, 4]))] {
                let header = FrameHeader {
                    mask,
                    ..FrameHeader::new(OpCode::Text, len)
                };
                let bytes = encoded(&header);
                for (role, rules) in [(Role::Server, SERVER), (Role::Client, CLIENT)] {
                    for cut in 0..=bytes.len() {
                        let plain = FrameHeader::parse_plain(&bytes[..cut], role);
                        let plain = plain.map(|(kind, header, len)| {
                            assert_eq!(kind, MessageKind::Text);
                            (header, len)
                        });
                        let parsed = FrameHeader::parse(&bytes[..cut], &rules);
                        assert_eq!(plain, parsed.ok().flatten(), "{len} {role:?} {cut}");
                    }
                }
            }
        }
    }

    #[test]
    fn header_rules_fail_at_the_byte_that_breaks_them() {
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
        for (bytes, rules, error) in cases {
            assert_eq!(
                FrameHeader::parse(bytes, &rules),
                Err(error),
                "{bytes:02x?}"
            );
            let before = &bytes[..bytes.len() - 1];
            assert_eq!(
                FrameHeader::parse(before, &rules),
                Ok(None),
                "{before:02x?}"
            );
        }
    }

    #[test]
    fn rsv1_is_allowed_only_on_the_first_data_frame_and_if_agreed() {
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
