//! The PROXY protocol: every form of a valid header, every rule that a header can break, and random
//! headers that another implementation has written.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use ppp::{v1, v2};
use proptest::prelude::*;
use ws_handshake::{ProxiedAddrs, ProxyHeader, ProxyHeaderError};

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

type Outcome = Result<(usize, Option<Option<ProxiedAddrs>>), ProxyHeaderError>;

/// Passes the bytes in pieces to a reader. Returns the number of bytes consumed, and the result if
/// the header is complete.
fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut header = ProxyHeader::new();
    let mut total = 0;
    for piece in pieces {
        let progress = header.receive(piece).inspect_err(|error| {
            assert!(error.to_string().contains("; "), "{error}");
            assert_eq!(header.wanted(), 0);
            assert_eq!(header.receive(b"more"), Err(*error));
        })?;
        total += progress.consumed;
        if progress.done.is_some() {
            assert_eq!(header.wanted(), 0);
            assert_eq!(header.receive(b"more").unwrap().consumed, 0);
            return Ok((total, progress.done));
        }
        assert_eq!(progress.consumed, piece.len());
        assert!(header.wanted() > 0);
    }
    Ok((total, None))
}

/// Passes to a reader as many bytes as it wants, as a program does. Returns as [`read`] does.
fn read_as_wanted(bytes: &[u8]) -> Outcome {
    let mut header = ProxyHeader::new();
    let mut rest = bytes;
    loop {
        let (piece, after) = rest.split_at(header.wanted().min(rest.len()));
        rest = after;
        let done = header.receive(piece)?.done;
        if done.is_some() || rest.is_empty() {
            return Ok((bytes.len() - rest.len(), done));
        }
    }
}

/// Asserts that the result does not depend on how the bytes are split, and returns the result.
fn read_in_all_ways(bytes: &[u8]) -> Outcome {
    let result = read([bytes]);
    for at in 0..bytes.len() {
        assert_eq!(read([&bytes[..at], &bytes[at..]]), result, "split at {at}");
    }
    assert_eq!(read(bytes.chunks(1)), result, "byte by byte");
    assert_eq!(read_as_wanted(bytes), result, "as wanted");
    result
}

fn addresses(source: &str, destination: &str) -> Option<(SocketAddr, SocketAddr)> {
    Some((source.parse().unwrap(), destination.parse().unwrap()))
}

/// Asserts that a header is valid, in every split, and that nothing after the header is consumed.
fn assert_valid(header: &[u8], expected: Option<(SocketAddr, SocketAddr)>) {
    let (consumed, done) = read_in_all_ways(&[header, b"\x16\x03\x01"].concat()).unwrap();
    assert_eq!(consumed, header.len(), "{}", header.escape_ascii());
    let found = done.expect("a complete header");
    let found = found.map(|addresses| (addresses.source, addresses.destination));
    assert_eq!(found, expected, "{}", header.escape_ascii());
    for len in 0..header.len() {
        assert_eq!(read_in_all_ways(&header[..len]), Ok((len, None)));
    }
}

/// Makes a header of version 2.
fn binary(version_command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let len = u16::try_from(block.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[version_command, family], &len, block].concat()
}

const IPV4: [u8; 12] = [192, 0, 2, 7, 198, 51, 100, 1, 0xdb, 0xfc, 1, 0xbb];

fn ipv6() -> Vec<u8> {
    let source: Ipv6Addr = "2001:db8::7".parse().unwrap();
    let destination: Ipv6Addr = "2001:db8::1".parse().unwrap();
    let ports = [0xdb, 0xfc, 1, 0xbb];
    [
        &source.to_bits().to_be_bytes()[..],
        &destination.to_bits().to_be_bytes(),
        &ports,
    ]
    .concat()
}

#[test]
fn lines_of_version_1_are_read() {
    let longest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    let ipv4 = addresses("192.0.2.7:56324", "198.51.100.1:443");
    assert_valid(b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n", ipv4);
    assert_valid(
        b"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n",
        addresses("0.0.0.0:0", "0.0.0.0:0"),
    );
    assert_valid(
        b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
        addresses("255.255.255.255:65535", "255.255.255.255:65535"),
    );
    assert_valid(
        b"PROXY TCP6 2001:db8::7 2001:DB8::1 56324 443\r\n",
        addresses("[2001:db8::7]:56324", "[2001:db8::1]:443"),
    );
    assert_valid(b"PROXY TCP6 :: :: 0 0\r\n", addresses("[::]:0", "[::]:0"));
    let line = format!("PROXY TCP6 {longest} {longest} 65535 65535\r\n");
    assert_eq!(line.len(), 104);
    let address = format!("[{longest}]:65535");
    assert_valid(line.as_bytes(), addresses(&address, &address));

    assert_valid(b"PROXY UNKNOWN\r\n", None);
    assert_valid(b"PROXY UNKNOWN anything, \xff too \0\r\n", None);
    let line = format!("PROXY UNKNOWN {longest} {longest} 65535 65535\r\n");
    assert_eq!(line.len(), 107);
    assert_valid(line.as_bytes(), None);
}

#[test]
fn headers_of_version_2_are_read() {
    let ipv4 = addresses("192.0.2.7:56316", "198.51.100.1:443");
    let ipv6_addresses = addresses("[2001:db8::7]:56316", "[2001:db8::1]:443");
    let fields = [&[4, 0, 3, 1, 2, 3][..], &[0x20, 0, 0]].concat();
    assert_valid(&binary(0x21, 0x11, &IPV4), ipv4);
    assert_valid(&binary(0x21, 0x11, &[&IPV4, &fields[..]].concat()), ipv4);
    assert_valid(&binary(0x21, 0x21, &ipv6()), ipv6_addresses);
    assert_valid(
        &binary(0x21, 0x21, &[ipv6(), fields.clone()].concat()),
        ipv6_addresses,
    );
    // Malformed fields are skipped like all others.
    assert_valid(&binary(0x21, 0x11, &[&IPV4[..], &[0xff]].concat()), ipv4);
}

#[test]
fn headers_of_version_2_without_a_tcp_address_are_valid() {
    for len in [0, 1, 12, 300] {
        assert_valid(&binary(0x21, 0x00, &vec![7; len]), None);
        // LOCAL: the family is ignored, even an invalid one.
        for family in [0x00, 0x11, 0x21, 0x31, 0x10, 0xff] {
            assert_valid(&binary(0x20, family, &vec![7; len]), None);
        }
    }
    assert_valid(&binary(0x21, 0x12, &IPV4), None);
    assert_valid(&binary(0x21, 0x22, &ipv6()), None);
    for family in [0x31, 0x32] {
        assert_valid(&binary(0x21, family, &[b'/'; 216]), None);
        assert_valid(&binary(0x21, family, &[b'/'; 220]), None);
    }
}

#[test]
fn a_header_of_version_2_has_a_maximum_length() {
    let longest = binary(0x21, 0x11, &[&IPV4[..], &[0; 4084]].concat());
    assert_eq!(longest.len(), 16 + 4096);
    let (consumed, done) = read_as_wanted(&longest).unwrap();
    assert_eq!(consumed, longest.len());
    assert!(done.flatten().is_some());
    // The limit applies to LOCAL as well.
    for version_command in [0x20, 0x21] {
        let longer = binary(version_command, 0x11, &[0; 4097]);
        assert_eq!(read([&longer[..16]]), Err(ProxyHeaderError::TooLong));
    }
}

#[test]
fn a_broken_rule_has_its_error() {
    use ProxyHeaderError as E;
    let long_line = [&b"PROXY UNKNOWN "[..], &[b'x'; 92], b"\r\n"].concat();
    assert_eq!(long_line.len(), 108);
    let table: &[(&[u8], ProxyHeaderError)] = &[
        (b"G", E::Missing),
        (b"GET / HTTP/1.1\r\n", E::Missing),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", E::Missing),
        (b"PROXYTCP4 1.1.1.1 2.2.2.2 1 2\r\n", E::Missing),
        (b"proxy TCP4 1.1.1.1 2.2.2.2 1 2\r\n", E::Missing),
        (b" PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n", E::Missing),
        (b"\r\n\r\n\0\r\nQUIT\r", E::Missing),
        (b"PROXY \r\n", E::UnknownProtocol),
        (b"PROXY TCP4 1.1.1.1\r\n 2.2.2.2 1 2\r\n", E::MalformedLine),
        (b"PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n__", E::MalformedLine),
        (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n", E::MalformedLine),
        (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2 \r\n", E::MalformedLine),
        (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n\r\n", E::MalformedLine),
        (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\rX\n", E::MalformedLine),
        (b"PROXY UNKNOWN \n ..", E::MalformedLine),
        (b"PROXY UNKNOWN\r\r\n", E::MalformedLine),
        (b"PROXY  TCP4 1.1.1.1 2.2.2.2 1 2\r\n", E::UnknownProtocol),
        (b"PROXY tcp4 1.1.1.1 2.2.2.2 1 2\r\n", E::UnknownProtocol),
        (b"PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n", E::UnknownProtocol),
        (b"PROXY UNKNOWNS\r\n", E::UnknownProtocol),
        (b"PROXY TCP4  1.1.1.1 2.2.2.2 1 2\r\n", E::InvalidAddress),
        (b"PROXY TCP4 1.1.1.01 2.2.2.2 1 2\r\n", E::InvalidAddress),
        (b"PROXY TCP4 1.1.1.256 2.2.2.2 1 2\r\n", E::InvalidAddress),
        (b"PROXY TCP4 1.1.1 2.2.2.2 1 2 ..\r\n", E::InvalidAddress),
        (b"PROXY TCP4 ::1 ::1 1 2 xxxxxxxxxx\r\n", E::InvalidAddress),
        (b"PROXY TCP4 \xff.1.1.1 2.2.2.2 1 2\r\n", E::InvalidAddress),
        (b"PROXY TCP6 1.1.1.1 2.2.2.2 1 2\r\n", E::InvalidAddress),
        (b"PROXY TCP6 fe80::1%1 ::1 1 2\r\n", E::InvalidAddress),
        (b"PROXY TCP6 1:2:3:4:5:6:7 :: 1 2\r\n", E::InvalidAddress),
        (b"PROXY TCP6 [::1] ::1 1 2\r\n", E::InvalidAddress),
        (b"PROXY TCP4 1.1.1.1 2.2.2.2 01 2\r\n", E::InvalidPort),
        (b"PROXY TCP4 1.1.1.1 2.2.2.2 +1 2\r\n", E::InvalidPort),
        (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 65536\r\n", E::InvalidPort),
        (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 -\r\n", E::InvalidPort),
        (b"PROXY TCP4 1.1.1.1 2.2.2.2  1\r\n", E::InvalidPort),
        (&long_line, E::LineTooLong),
        (&binary(0x11, 0x11, &IPV4), E::UnknownVersion),
        (&binary(0x31, 0x11, &IPV4), E::UnknownVersion),
        (&binary(0x22, 0x11, &IPV4), E::UnknownCommand),
        (&binary(0x2f, 0x11, &IPV4), E::UnknownCommand),
        (&binary(0x21, 0x41, &IPV4), E::UnknownFamily),
        (&binary(0x21, 0x13, &IPV4), E::UnknownFamily),
        (&binary(0x21, 0x10, &IPV4), E::UnknownFamily),
        (&binary(0x21, 0x01, &IPV4), E::UnknownFamily),
        (&binary(0x21, 0x11, &IPV4[..11]), E::AddressesTooShort),
        (&binary(0x21, 0x12, &IPV4[..11]), E::AddressesTooShort),
        (&binary(0x21, 0x21, &ipv6()[..35]), E::AddressesTooShort),
        (&binary(0x21, 0x31, &[0; 215]), E::AddressesTooShort),
    ];
    for (bytes, error) in table {
        assert_eq!(
            read_in_all_ways(bytes),
            Err(*error),
            "{}",
            bytes.escape_ascii()
        );
    }
}

#[test]
fn a_line_needs_few_reads() {
    let line = b"PROXY TCP6 2001:db8::aaaa:7 2001:db8::aaaa:1 56324 443\r\n";
    let (mut header, mut rest, mut reads) = (ProxyHeader::new(), &line[..], 0);
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(header.wanted());
        let progress = header.receive(piece).unwrap();
        rest = after;
        reads += 1;
        assert_eq!(progress.done.is_some(), rest.is_empty());
    }
    assert!(reads <= 20, "{reads}");
}

/// Returns the addresses that another implementation finds.
fn read_by_other(bytes: &[u8]) -> Option<(SocketAddr, SocketAddr)> {
    if bytes.starts_with(SIGNATURE) {
        return match v2::Header::try_from(bytes).ok()?.addresses {
            v2::Addresses::IPv4(it) => Some((
                (it.source_address, it.source_port).into(),
                (it.destination_address, it.destination_port).into(),
            )),
            v2::Addresses::IPv6(it) => Some((
                (it.source_address, it.source_port).into(),
                (it.destination_address, it.destination_port).into(),
            )),
            _ => None,
        };
    }
    match v1::Header::try_from(bytes).ok()?.addresses {
        v1::Addresses::Tcp4(it) => Some((
            (it.source_address, it.source_port).into(),
            (it.destination_address, it.destination_port).into(),
        )),
        v1::Addresses::Tcp6(it) => Some((
            (it.source_address, it.source_port).into(),
            (it.destination_address, it.destination_port).into(),
        )),
        v1::Addresses::Unknown => None,
    }
}

/// Random addresses of one family.
fn pairs() -> impl Strategy<Value = (SocketAddr, SocketAddr)> {
    let ipv4 = any::<[(Ipv4Addr, u16); 2]>().prop_map(|it| it.map(SocketAddr::from));
    let ipv6 = any::<[(Ipv6Addr, u16); 2]>().prop_map(|it| it.map(SocketAddr::from));
    prop_oneof![ipv4, ipv6].prop_map(|[source, destination]| (source, destination))
}

/// A random header of version 1 or 2, written by another implementation.
fn headers() -> impl Strategy<Value = (Vec<u8>, (SocketAddr, SocketAddr))> {
    let fields = prop::collection::vec(
        (any::<u8>(), prop::collection::vec(any::<u8>(), 0..40)),
        0..4,
    );
    (pairs(), any::<bool>(), fields).prop_map(|(pair, is_binary, fields)| {
        if !is_binary {
            return (v1::Addresses::from(pair).to_string().into_bytes(), pair);
        }
        let command = v2::Version::Two | v2::Command::Proxy;
        let mut builder = v2::Builder::with_addresses(command, v2::Protocol::Stream, pair);
        for (kind, value) in fields {
            builder = builder.write_tlv(kind, &value).unwrap();
        }
        (builder.build().unwrap(), pair)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn headers_of_another_implementation_are_read(
        (header, pair) in headers(),
        cuts in prop::collection::vec(1..40_usize, 1..8),
    ) {
        let mut bytes = &[&header[..], b"GET"].concat()[..];
        let pieces = cuts.iter().cycle().map_while(|cut| {
            let (piece, rest) = bytes.split_at(bytes.len().min(*cut));
            bytes = rest;
            (!piece.is_empty()).then_some(piece)
        });
        let (consumed, done) = read(pieces).unwrap();
        prop_assert_eq!(consumed, header.len());
        let found = done.flatten().expect("addresses");
        prop_assert_eq!((found.source, found.destination), pair);
        prop_assert_eq!(read_as_wanted(&[&header[..], b"GET"].concat()), Ok((consumed, done)));
    }

    #[test]
    fn mutated_headers_are_read_alike_by_all(
        (mut bytes, _) in headers(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..3_u8, any::<u8>()), 1..4),
    ) {
        for (at, kind, byte) in edits {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes[at] ^= 1 << (byte % 8),
                _ => bytes.insert(at, byte),
            }
        }
        let result = read_in_all_ways(&bytes);
        if let Ok((consumed, Some(Some(found)))) = result {
            let other = read_by_other(&bytes[..consumed]);
            prop_assert_eq!(other, Some((found.source, found.destination)));
        }
    }

    #[test]
    fn random_bytes_do_not_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        start in prop::sample::select(vec![&b""[..], SIGNATURE, b"PROXY ", b"PROXY TCP4 "]),
    ) {
        let _ = read_in_all_ways(&[start, &bytes].concat());
    }
}
