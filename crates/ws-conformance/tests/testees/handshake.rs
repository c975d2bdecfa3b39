//! The opening handshake (RFC 6455 §4), as far as a suite that keeps its own rules needs it.

use std::io::{self, Error, Read, Write};
use std::net::TcpStream;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use sha1::{Digest, Sha1};

use super::Fault;
use super::connection::PATIENCE;

const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const MAX_HEAD_LEN: usize = 16 * 1024;

/// The key of every client. A real one must not repeat it (§4.1).
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// Answers a request: whether there is a WebSocket now.
pub(crate) fn accept(tcp: &mut TcpStream, fault: Fault) -> io::Result<bool> {
    let head = read_head(tcp)?;
    let key = match fault {
        Fault::NoUpgrade => {
            wait_for_end(tcp)?;
            return Ok(false);
        }
        Fault::RefusedUpgrade => {
            tcp.write_all(
                b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            )?;
            return Ok(false);
        }
        Fault::WrongAccept => KEY,
        _ => header(&head, "sec-websocket-key").ok_or_else(|| Error::other("no key"))?,
    };
    let accept = BASE64_STANDARD.encode(Sha1::digest(format!("{key}{GUID}")));
    write!(
        tcp,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )?;
    Ok(true)
}

/// Asks for a WebSocket.
pub(crate) fn request(tcp: &mut TcpStream, host: &str, target: &str) -> io::Result<()> {
    write!(
        tcp,
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )?;
    let head = read_head(tcp)?;
    match head.split(' ').nth(1) {
        Some("101") => Ok(()),
        _ => Err(Error::other(format!("{target} was answered with {head:?}"))),
    }
}

/// Reads up to the empty line and not an octet further: frames may follow at once, and a fault
/// that lies in their timing must see all of them.
fn read_head(tcp: &mut TcpStream) -> io::Result<String> {
    tcp.set_read_timeout(Some(PATIENCE))?;
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
