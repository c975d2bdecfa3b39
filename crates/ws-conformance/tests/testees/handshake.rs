//! The opening handshake (RFC 6455 §4), as far as a suite that keeps its own rules needs it.

use std::io::{self, Error, Read, Write};
use std::net::TcpStream;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use sha1::{Digest, Sha1};

use super::deflate::{self, Deflate};
use super::rules::{DeflateRules, Rules, Upgrade};
use super::{Pace, Role};

const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const EXTENSIONS: &str = "sec-websocket-extensions";
const END: &[u8] = b"\r\n\r\n";
const MAX_HEAD_LEN: usize = 16 * 1024;

/// The key of every client. A real one must not repeat it (§4.1).
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// Answers a request. Returns `None` if that opens no WebSocket, and otherwise the compression that
/// was agreed on.
pub(crate) fn accept(
    mut tcp: &TcpStream,
    rules: Rules,
    pace: Pace,
) -> io::Result<Option<Option<Deflate>>> {
    let head = read_head(tcp, pace)?;
    let key = match rules.upgrade {
        Upgrade::Silent => {
            wait_for_end(tcp)?;
            return Ok(None);
        }
        Upgrade::Refused => {
            tcp.write_all(
                b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            )?;
            return Ok(None);
        }
        Upgrade::WrongAccept => KEY,
        Upgrade::Right => {
            header(&head, "sec-websocket-key").ok_or_else(|| Error::other("no key"))?
        }
    };
    let accept = BASE64_STANDARD.encode(Sha1::digest(format!("{key}{GUID}")));
    write!(
        tcp,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n"
    )?;
    let offers = header(&head, EXTENSIONS).unwrap_or_default();
    let answer = deflate::answer(&rules.deflate, offers);
    if let Some(answer) = &answer {
        write!(tcp, "{EXTENSIONS}: {answer}\r\n")?;
    }
    tcp.write_all(b"\r\n")?;
    Ok(Some(answer.map(|answer| {
        Deflate::new(rules.deflate, Role::Server, &answer)
    })))
}

/// Asks for a WebSocket. Returns the compression that was agreed on, if the endpoint offers any.
pub(crate) fn request(
    mut tcp: &TcpStream,
    host: &str,
    target: &str,
    rules: &DeflateRules,
    pace: Pace,
) -> io::Result<Option<Deflate>> {
    let offer = deflate::offer(rules).map(|offer| format!("{EXTENSIONS}: {offer}\r\n"));
    let offer = offer.unwrap_or_default();
    write!(
        tcp,
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{offer}\r\n"
    )?;
    let head = read_head(tcp, pace)?;
    match head.split(' ').nth(1) {
        Some("101") => {
            let answer = header(&head, EXTENSIONS);
            Ok(answer.map(|answer| Deflate::new(*rules, Role::Client, answer)))
        }
        _ => Err(Error::other(format!("{target} was answered with {head:?}"))),
    }
}

/// Reads up to the empty line and not a byte further: frames may follow at once, and a fault that
/// lies in their timing must see all of them.
fn read_head(mut tcp: &TcpStream, pace: Pace) -> io::Result<String> {
    tcp.set_read_timeout(Some(pace.patience()))?;
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.ends_with(END) {
        let count = tcp.peek(&mut buffer)?;
        let arrived = &buffer[..count];
        if arrived.is_empty() || head.len() > MAX_HEAD_LEN {
            return Err(Error::other("the head has no end"));
        }
        let known = head.len();
        head.extend_from_slice(arrived);
        if let Some(end) = head.windows(END.len()).position(|some| some == END) {
            head.truncate(end + END.len());
        }
        let len = head.len() - known;
        tcp.read_exact(&mut buffer[..len])?;
    }
    String::from_utf8(head).map_err(Error::other)
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(field, _)| field.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

fn wait_for_end(mut tcp: &TcpStream) -> io::Result<()> {
    while tcp.read(&mut [0; 64])? > 0 {}
    Ok(())
}
