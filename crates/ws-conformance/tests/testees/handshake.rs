//! The opening handshake (RFC 6455 §4), as far as a suite that keeps its own rules needs it.

use std::io::{self, Error, Read, Write};
use std::net::TcpStream;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use sha1::{Digest, Sha1};

use super::deflate::{self, Deflate};
use super::{Fault, Pace, Role};

const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const EXTENSIONS: &str = "sec-websocket-extensions";
const MAX_HEAD_LEN: usize = 16 * 1024;

/// The key of every client. A real one must not repeat it (§4.1).
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// Answers a request; `None` if there is no WebSocket now, else what was agreed on compression.
pub(crate) fn accept(
    tcp: &mut TcpStream,
    fault: Fault,
    pace: Pace,
) -> io::Result<Option<Option<Deflate>>> {
    let head = read_head(tcp, pace)?;
    let key = match fault {
        Fault::NoUpgrade => {
            wait_for_end(tcp)?;
            return Ok(None);
        }
        Fault::RefusedUpgrade => {
            tcp.write_all(
                b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            )?;
            return Ok(None);
        }
        Fault::WrongAccept => KEY,
        _ => header(&head, "sec-websocket-key").ok_or_else(|| Error::other("no key"))?,
    };
    let accept = BASE64_STANDARD.encode(Sha1::digest(format!("{key}{GUID}")));
    write!(
        tcp,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n"
    )?;
    let offers = header(&head, EXTENSIONS).unwrap_or_default();
    let answer = deflate::answer(fault, offers);
    if let Some(answer) = &answer {
        write!(tcp, "{EXTENSIONS}: {answer}\r\n")?;
    }
    tcp.write_all(b"\r\n")?;
    Ok(Some(
        answer.map(|answer| Deflate::new(fault, Role::Server, &answer)),
    ))
}

/// Asks for a WebSocket; what was agreed on compression, if there is an offer.
pub(crate) fn request(
    tcp: &mut TcpStream,
    host: &str,
    target: &str,
    offer: Option<&str>,
    pace: Pace,
) -> io::Result<Option<String>> {
    let offer = offer.map(|offer| format!("{EXTENSIONS}: {offer}\r\n"));
    let offer = offer.unwrap_or_default();
    write!(
        tcp,
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{offer}\r\n"
    )?;
    let head = read_head(tcp, pace)?;
    match head.split(' ').nth(1) {
        Some("101") => Ok(header(&head, EXTENSIONS).map(str::to_owned)),
        _ => Err(Error::other(format!("{target} was answered with {head:?}"))),
    }
}

/// Reads up to the empty line and not an octet further: frames may follow at once, and a fault
/// that lies in their timing must see all of them.
fn read_head(tcp: &mut TcpStream, pace: Pace) -> io::Result<String> {
    tcp.set_read_timeout(Some(pace.patience()))?;
    let mut head = Vec::new();
    let mut octet = [0];
    while !head.ends_with(b"\r\n\r\n") {
        tcp.read_exact(&mut octet)?;
        head.extend(octet);
        if head.len() > MAX_HEAD_LEN {
            return Err(Error::other("the head is too long"));
        }
    }
    String::from_utf8(head).map_err(Error::other)
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(field, _)| field.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

fn wait_for_end(tcp: &mut TcpStream) -> io::Result<()> {
    while tcp.read(&mut [0; 64])? > 0 {}
    Ok(())
}
