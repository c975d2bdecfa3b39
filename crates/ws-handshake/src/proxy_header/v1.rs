//! Version 1 of the PROXY protocol: one line of text (PROXY §2.1).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::{self, FromStr};

use super::{MIN_LEN, Parsed, ProxiedAddrs, ProxyHeaderError};

pub(super) const PREFIX: &[u8] = b"PROXY ";

/// The length of the longest line with its CRLF, in bytes.
const MAX_LEN: usize = 107;

/// Parses a line that begins with [`PREFIX`], and that may be incomplete.
pub(super) fn parse(head: &[u8]) -> Result<Parsed, ProxyHeaderError> {
    let end = head.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    let (line, end) = head.split_at(end.unwrap_or(head.len()));
    let missing = match end {
        b"\r\n" => {
            return Ok(Parsed::Complete {
                skip: 0,
                addresses: parse_line(line)?,
            });
        }
        b"\r" => 1,
        b"" => min_rest(line),
        // A CR or an LF alone does not end the line.
        _ => return Err(ProxyHeaderError::MalformedLine),
    };
    if head.len() + missing > MAX_LEN {
        return Err(ProxyHeaderError::LineTooLong);
    }
    Ok(Parsed::Incomplete(missing))
}

/// Returns the number of bytes that the line must still have, with its CRLF.
///
/// This is the reason why reading a line takes a few reads, and not one for each byte.
fn min_rest(line: &[u8]) -> usize {
    const LINE_END: usize = 2;
    let mut fields = line.split(|byte| *byte == b' ').skip(1);
    let min_address = match fields.next() {
        Some(b"TCP4") => "0.0.0.0".len(),
        Some(b"TCP6") => "::".len(),
        _ => return LINE_END.max(MIN_LEN.saturating_sub(line.len())),
    };
    let mut rest = LINE_END;
    for min in [min_address, min_address, 1, 1] {
        rest += match fields.next() {
            Some(field) => min.saturating_sub(field.len()),
            None => " ".len() + min,
        };
    }
    rest
}

fn parse_line(line: &[u8]) -> Result<Option<ProxiedAddrs>, ProxyHeaderError> {
    let mut fields = line.split(|byte| *byte == b' ').skip(1);
    match fields.next() {
        Some(b"TCP4") => parse_addresses::<Ipv4Addr>(fields).map(Some),
        Some(b"TCP6") => parse_addresses::<Ipv6Addr>(fields).map(Some),
        // Everything after it must be ignored.
        Some(b"UNKNOWN") => Ok(None),
        _ => Err(ProxyHeaderError::UnknownProtocol),
    }
}

fn parse_addresses<'a, A: FromStr + Into<IpAddr>>(
    mut fields: impl Iterator<Item = &'a [u8]>,
) -> Result<ProxiedAddrs, ProxyHeaderError> {
    let mut field = || fields.next().ok_or(ProxyHeaderError::MalformedLine);
    let source = parse_address::<A>(field()?)?;
    let destination = parse_address::<A>(field()?)?;
    let source_port = parse_port(field()?)?;
    let destination_port = parse_port(field()?)?;
    if fields.next().is_some() {
        return Err(ProxyHeaderError::MalformedLine);
    }
    Ok(ProxiedAddrs {
        source: SocketAddr::new(source, source_port),
        destination: SocketAddr::new(destination, destination_port),
    })
}

fn parse_address<A: FromStr + Into<IpAddr>>(field: &[u8]) -> Result<IpAddr, ProxyHeaderError> {
    let address = str::from_utf8(field)
        .ok()
        .and_then(|text| text.parse().ok());
    let address: A = address.ok_or(ProxyHeaderError::InvalidAddress)?;
    Ok(address.into())
}

/// Parses a decimal number without leading zeros. The parser of std would also accept these, and a
/// plus sign.
fn parse_port(field: &[u8]) -> Result<u16, ProxyHeaderError> {
    let is_canonical = match field {
        b"0" => true,
        [b'1'..=b'9', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    let port = str::from_utf8(field).ok().filter(|_| is_canonical);
    port.and_then(|text| text.parse().ok())
        .ok_or(ProxyHeaderError::InvalidPort)
}
