//! HTTP CONNECT (RFC 9110 §9.3.6).

use std::io::{self, Read, Write};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::{Seen, read_byte};
use crate::http;

const LONGEST: usize = 16 * 1024;

/// The response to a client without the right credentials. The connection stays open.
const REFUSAL: &[u8] = b"HTTP/1.1 407 Proxy Authentication Required\r\n\
    Proxy-Authenticate: Basic realm=\"tests\"\r\n\
    Content-Length: 12\r\n\
    \r\n\
    who are you?";

/// Reads a request. Returns `None` if it was refused because of its credentials.
///
/// # Panics
///
/// If the request is not what a client must send.
pub(super) fn read_request(
    client: &mut (impl Read + Write),
    required: Option<(&str, &str)>,
) -> io::Result<Option<Seen>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(read_byte(client)?);
        assert!(head.len() < LONGEST, "{}", head.escape_ascii());
    }
    let head = String::from_utf8(head).expect("a request in US-ASCII");
    let target = head
        .strip_prefix("CONNECT ")
        .and_then(|rest| Some(rest.split_once(" HTTP/1.1\r\n")?.0))
        .unwrap_or_else(|| panic!("no CONNECT: {head:?}"));
    assert_eq!(http::header(&head, "Host"), Some(target));
    let (host, port) = target.rsplit_once(':').expect("a port");
    let sent = http::header(&head, "Proxy-Authorization");
    let credentials = sent.map(|value| decode(value).expect("basic authentication"));
    let is_right = required.is_none_or(|(user, password)| {
        credentials
            .as_ref()
            .is_some_and(|(sent, secret)| (&**sent, &**secret) == (user, password))
    });
    if !is_right {
        client.write_all(REFUSAL)?;
        client.flush()?;
        return Ok(None);
    }
    Ok(Some(Seen {
        host: host.to_owned(),
        port: port.parse().expect("a port"),
        credentials,
    }))
}

fn decode(value: &str) -> Option<(String, String)> {
    let encoded = value.strip_prefix("Basic ")?;
    let pair = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
    let (user, password) = pair.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// Opens the tunnel. The length must be ignored (RFC 9110 §9.3.6).
pub(super) fn accept(client: &mut impl Write) -> io::Result<()> {
    client.write_all(b"HTTP/1.1 200 Connection established\r\nContent-Length: 3\r\n\r\n")?;
    client.flush()
}
