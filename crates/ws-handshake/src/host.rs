//! `host [ ":" port ]`, the syntax of the Host header and of authorities (RFC 3986 §3.2).
//!
//! This module validates the syntax strictly instead of using a URI library. If a server and its
//! proxy read a Host header differently, an attacker can make the server respond for one site under
//! the name of another (RFC 9112 §3.2 and §11.2).

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// A validated `host [ ":" port ]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HostPort<'a> {
    /// The host as written, never empty. An IP literal includes its brackets.
    pub(crate) host: &'a str,
    /// `None` if the colon is missing, or if no digit follows the colon (RFC 3986 §3.2.3).
    pub(crate) port: Option<u16>,
}

/// The part of an authority that is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostFault {
    EmptyHost,
    InvalidHost,
    InvalidPort,
}

impl<'a> HostPort<'a> {
    pub(crate) fn parse(value: &'a str) -> Result<Self, HostFault> {
        let (host, port) = split_port(value)?;
        if host.is_empty() {
            return Err(HostFault::EmptyHost);
        }
        let valid = match ip_literal(host) {
            Some(literal) => is_ip_literal(literal),
            None => is_reg_name(host.as_bytes()),
        };
        if !valid {
            return Err(HostFault::InvalidHost);
        }
        Ok(Self {
            host,
            port: port.map(parse_port).transpose()?.flatten(),
        })
    }

    /// Returns the host without brackets. Rejects names with percent-encoding, and addresses of
    /// later versions of IP. Such hosts are valid in a URI, but cannot be resolved.
    pub(crate) fn resolvable(&self) -> Result<&'a str, HostFault> {
        match ip_literal(self.host) {
            Some(literal) if literal.starts_with(['v', 'V']) => Err(HostFault::InvalidHost),
            Some(literal) => Ok(literal),
            None if self.host.contains('%') => Err(HostFault::InvalidHost),
            None => Ok(self.host),
        }
    }

    /// Returns the port to connect to. `default_port` replaces a missing port. A client cannot
    /// connect to port 0.
    pub(crate) fn port_or(&self, default_port: u16) -> Result<u16, HostFault> {
        match self.port.unwrap_or(default_port) {
            0 => Err(HostFault::InvalidPort),
            port => Ok(port),
        }
    }

    /// Returns `true` if host and port are the same. `default_port` replaces a missing port.
    pub(crate) fn is_same(&self, other: &HostPort<'_>, default_port: Option<u16>) -> bool {
        self.host.eq_ignore_ascii_case(other.host)
            && self.port.or(default_port) == other.port.or(default_port)
    }
}

/// Returns the content of the brackets of an IP literal. `None` for any other host.
fn ip_literal(host: &str) -> Option<&str> {
    host.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
}

/// Splits the host from the port. The host ends at the closing bracket of an IP literal, or else
/// before the first colon.
fn split_port(value: &str) -> Result<(&str, Option<&str>), HostFault> {
    if !value.starts_with('[') {
        return Ok(match value.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (value, None),
        });
    }
    let end = value.find(']').ok_or(HostFault::InvalidHost)?;
    let (host, rest) = value
        .split_at_checked(end + 1)
        .ok_or(HostFault::InvalidHost)?;
    match rest.strip_prefix(':') {
        Some(port) => Ok((host, Some(port))),
        None if rest.is_empty() => Ok((host, None)),
        None => Err(HostFault::InvalidHost),
    }
}

/// Parses `*DIGIT`, at most 65535. The digits are checked first, because the parser of std accepts
/// a sign.
fn parse_port(port: &str) -> Result<Option<u16>, HostFault> {
    if port.is_empty() {
        return Ok(None);
    }
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(HostFault::InvalidPort);
    }
    port.parse().map(Some).map_err(|_| HostFault::InvalidPort)
}

/// Returns `true` if `literal` is valid between brackets: an IPv6 address, or an address of a later
/// version of IP (RFC 3986 §3.2.2). Zone identifiers are rejected, because their meaning differs
/// between machines.
fn is_ip_literal(literal: &str) -> bool {
    if literal.parse::<Ipv6Addr>().is_ok() {
        return true;
    }
    let Some((version, address)) = literal
        .strip_prefix(['v', 'V'])
        .and_then(|rest| rest.split_once('.'))
    else {
        return false;
    };
    !version.is_empty()
        && version.bytes().all(|byte| byte.is_ascii_hexdigit())
        && !address.is_empty()
        && address
            .bytes()
            .all(|byte| is_host_byte(byte) || byte == b':')
}

/// Returns `true` if `name` is a registered name or an IPv4 address (RFC 3986 §3.2.2).
fn is_reg_name(mut name: &[u8]) -> bool {
    loop {
        match name {
            [] => return true,
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                name = rest;
            }
            [byte, rest @ ..] if is_host_byte(*byte) => name = rest,
            _ => return false,
        }
    }
}

/// A host without a port, as a caller passes it: a name, an IPv4 address, or an IPv6 address with
/// or without brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host<'a> {
    Ip(IpAddr),
    Name(&'a str),
}

impl<'a> Host<'a> {
    /// Checks that the host can be resolved. So no character in it can end a line or a field.
    pub(crate) fn parse(host: &'a str) -> Result<Self, HostFault> {
        if let Ok(address) = host.parse::<Ipv6Addr>() {
            return Ok(Self::Ip(address.into()));
        }
        let parsed = HostPort::parse(host)?;
        // A colon would separate a port, even without digits after it.
        if parsed.host != host {
            return Err(HostFault::InvalidHost);
        }
        let host = parsed.resolvable()?;
        Ok(host.parse().map_or(Self::Name(host), Self::Ip))
    }
}

/// Writes the host as in a URL. An IPv6 address has brackets.
impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Ip(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// Returns `true` for a byte of the sets `unreserved` and `sub-delims` (RFC 3986 §2.2 and §2.3).
pub(crate) const fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_addresses_and_ports_are_parsed() {
        for (value, host, port) in [
            ("example.com", "example.com", None),
            ("example.com:", "example.com", None),
            ("example.com:0080", "example.com", Some(80)),
            ("127.0.0.1:65535", "127.0.0.1", Some(65535)),
            ("a_b~c%20d", "a_b~c%20d", None),
            ("[::1]", "[::1]", None),
            ("[2001:db8::1]:9001", "[2001:db8::1]", Some(9001)),
            ("[v7.a:b]", "[v7.a:b]", None),
        ] {
            assert_eq!(
                HostPort::parse(value),
                Ok(HostPort { host, port }),
                "{value:?}"
            );
        }
    }

    #[test]
    fn malformed_authorities_are_refused() {
        for (value, fault) in [
            ("", HostFault::EmptyHost),
            (":80", HostFault::EmptyHost),
            ("a b", HostFault::InvalidHost),
            ("user@example.com", HostFault::InvalidHost),
            ("a/b", HostFault::InvalidHost),
            ("a%2", HostFault::InvalidHost),
            ("a%zz", HostFault::InvalidHost),
            ("ex\u{e4}mple", HostFault::InvalidHost),
            ("[::1", HostFault::InvalidHost),
            ("[]", HostFault::InvalidHost),
            ("[::1]x", HostFault::InvalidHost),
            ("[fe80::1%25eth0]", HostFault::InvalidHost),
            ("[v.x]", HostFault::InvalidHost),
            ("[127.0.0.1]", HostFault::InvalidHost),
            ("a:b:1", HostFault::InvalidPort),
            ("a:+1", HostFault::InvalidPort),
            ("a:65536", HostFault::InvalidPort),
            ("a: 80", HostFault::InvalidPort),
        ] {
            assert_eq!(HostPort::parse(value), Err(fault), "{value:?}");
        }
    }

    #[test]
    fn hosts_without_a_port_are_names_or_addresses() {
        for (host, shown) in [
            ("example.com", Ok("example.com")),
            ("127.0.0.1", Ok("127.0.0.1")),
            ("::1", Ok("[::1]")),
            ("[::1]", Ok("[::1]")),
            ("", Err(HostFault::EmptyHost)),
            ("a:80", Err(HostFault::InvalidHost)),
            ("a:", Err(HostFault::InvalidHost)),
            ("[::1]:80", Err(HostFault::InvalidHost)),
            ("a%20b", Err(HostFault::InvalidHost)),
            ("[v1.a]", Err(HostFault::InvalidHost)),
            ("a b", Err(HostFault::InvalidHost)),
            ("a\r\nb", Err(HostFault::InvalidHost)),
            ("a\0", Err(HostFault::InvalidHost)),
            ("a@b", Err(HostFault::InvalidHost)),
            ("\u{e4}", Err(HostFault::InvalidHost)),
        ] {
            let parsed = Host::parse(host).map(|host| host.to_string());
            assert_eq!(parsed, shown.map(str::to_owned), "{host:?}");
        }
    }

    #[test]
    fn comparison_ignores_case_and_fills_in_the_default_port() {
        let same = |a, b, default| {
            HostPort::parse(a)
                .unwrap()
                .is_same(&HostPort::parse(b).unwrap(), default)
        };
        assert!(same("Example.COM", "example.com:443", Some(443)));
        assert!(!same("example.com", "example.com:443", Some(80)));
        assert!(same("a", "a", None));
        assert!(!same("a", "a:80", None));
    }
}
