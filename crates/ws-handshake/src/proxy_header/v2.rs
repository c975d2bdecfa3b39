//! Version 2 of the PROXY protocol: a binary header (PROXY §2.2).

use std::net::{IpAddr, SocketAddr};

use super::{Parsed, ProxiedAddrs, ProxyHeaderError};

pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// The length of the part that every header has, in bytes.
const FIXED_LEN: usize = 16;

/// The maximum length of the part after the fixed part, in bytes. Proxies send a few hundred bytes.
/// The field has 16 bits, so a peer could announce 64 KiB, which it then sends before TLS.
const MAX_REST_LEN: usize = 4096;

/// The length of the addresses of IPv4, IPv6 and Unix sockets, in bytes.
const IPV4_LEN: usize = 12;
const IPV6_LEN: usize = 36;
const UNIX_LEN: usize = 216;

/// Parses a header that begins with [`SIGNATURE`], and that may be incomplete.
pub(super) fn parse(head: &[u8]) -> Result<Parsed, ProxyHeaderError> {
    let Some((fixed, block)) = head.split_first_chunk::<FIXED_LEN>() else {
        return Ok(Parsed::Incomplete(FIXED_LEN.saturating_sub(head.len())));
    };
    let [.., version_command, family, high, low] = *fixed;
    if version_command >> 4 != 2 {
        return Err(ProxyHeaderError::UnknownVersion);
    }
    let len = usize::from(u16::from_be_bytes([high, low]));
    if len > MAX_REST_LEN {
        return Err(ProxyHeaderError::TooLong);
    }
    let without_addresses = Ok(Parsed::Complete {
        skip: len,
        addresses: None,
    });
    match version_command & 0x0f {
        // LOCAL: the family is ignored as well.
        0 => return without_addresses,
        1 => {}
        _ => return Err(ProxyHeaderError::UnknownCommand),
    }
    let address_len = match family {
        0x00 => 0,
        0x11 | 0x12 => IPV4_LEN,
        0x21 | 0x22 => IPV6_LEN,
        0x31 | 0x32 => UNIX_LEN,
        _ => return Err(ProxyHeaderError::UnknownFamily),
    };
    if len < address_len {
        return Err(ProxyHeaderError::AddressesTooShort);
    }
    let decode = match family {
        0x11 => decode_ipv4,
        0x21 => decode_ipv6,
        // UDP and Unix sockets are valid, but have no address for TCP. A receiver must then fall
        // back to UNSPEC.
        _ => return without_addresses,
    };
    match address_len.saturating_sub(block.len()) {
        0 => Ok(Parsed::Complete {
            skip: len - address_len,
            addresses: decode(block),
        }),
        missing => Ok(Parsed::Incomplete(missing)),
    }
}

fn decode_ipv4(block: &[u8]) -> Option<ProxiedAddrs> {
    let (source, block) = block.split_first_chunk::<4>()?;
    let (destination, block) = block.split_first_chunk::<4>()?;
    decode_ports(block, *source, *destination)
}

fn decode_ipv6(block: &[u8]) -> Option<ProxiedAddrs> {
    let (source, block) = block.split_first_chunk::<16>()?;
    let (destination, block) = block.split_first_chunk::<16>()?;
    decode_ports(block, *source, *destination)
}

fn decode_ports(
    block: &[u8],
    source: impl Into<IpAddr>,
    destination: impl Into<IpAddr>,
) -> Option<ProxiedAddrs> {
    let (source_port, block) = block.split_first_chunk()?;
    let (destination_port, _) = block.split_first_chunk()?;
    Some(ProxiedAddrs {
        source: SocketAddr::new(source.into(), u16::from_be_bytes(*source_port)),
        destination: SocketAddr::new(destination.into(), u16::from_be_bytes(*destination_port)),
    })
}
