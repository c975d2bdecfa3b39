//! Two testees that look at nothing: what they are given, they take.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use sha1::{Digest, Sha1};

const PATIENCE: Duration = Duration::from_secs(30);

/// What a server makes of the extensions that it is offered.
type Answer = fn(Option<&str>) -> Option<String>;

/// Starts a server that answers extensions like this, compresses nothing, takes all subprotocols
/// that it is offered, and one where none is. Its URL.
pub(crate) fn agreeable_server(answer: Answer) -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("ws://{}", listener.local_addr()?);
    thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            thread::spawn(move || agree(tcp, answer));
        }
    });
    Ok(url)
}

fn agree(mut tcp: TcpStream, answer: Answer) -> io::Result<()> {
    let head = read_head(&mut tcp)?;
    let value = |name| header(&head, name);
    let key = value("sec-websocket-key").unwrap_or_default();
    let joined = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let accept = BASE64_STANDARD.encode(Sha1::digest(joined));
    let protocol = value("sec-websocket-protocol").unwrap_or("chat");
    let extensions = answer(value("sec-websocket-extensions"));
    let extensions = extensions.map(|list| format!("Sec-WebSocket-Extensions: {list}\r\n"));
    write!(
        tcp,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: {protocol}\r\n{}\r\n",
        extensions.unwrap_or_default()
    )?;
    while echo_frame(&mut tcp)? {}
    Ok(())
}

/// Sends a frame back as it is but for its mask: whether it was not a Close.
fn echo_frame(tcp: &mut TcpStream) -> io::Result<bool> {
    let mut start = [0; 2];
    tcp.read_exact(&mut start)?;
    let mut extended = [0; 2];
    let long = start[1] & 0x7f == 126;
    if long {
        tcp.read_exact(&mut extended)?;
    }
    let len = match long {
        true => u16::from_be_bytes(extended).into(),
        false => usize::from(start[1] & 0x7f),
    };
    let mut key = [0; 4];
    tcp.read_exact(&mut key)?;
    let mut payload = vec![0; len];
    tcp.read_exact(&mut payload)?;
    for (octet, key) in payload.iter_mut().zip(key.iter().cycle()) {
        *octet ^= key;
    }
    let extended = if long { &extended[..] } else { &[] };
    tcp.write_all(&[&[start[0], start[1] & 0x7f], extended, &payload].concat())?;
    Ok(start[0] & 15 != 8)
}

fn read_head(tcp: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    let mut octet = [0];
    while !head.ends_with(b"\r\n\r\n") {
        tcp.read_exact(&mut octet)?;
        head.extend(octet);
    }
    String::from_utf8(head).map_err(io::Error::other)
}

/// The last one of this name.
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    let mut named = lines.filter(|(field, _)| field.eq_ignore_ascii_case(name));
    named.next_back().map(|(_, value)| value.trim())
}

/// Asks for a case, with a key that is too short, and takes whatever comes for a reason to speak.
pub(crate) fn talkative_client(url: &str, case: usize) -> io::Result<()> {
    let host = url.trim_start_matches("ws://");
    let mut tcp = TcpStream::connect(host)?;
    tcp.set_read_timeout(Some(PATIENCE))?;
    write!(
        tcp,
        "GET /runCase?case={case}&agent=talkative HTTP/1.1\r\nHost: {host}\r\n\
         Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: c2hvcnQ=\r\n\r\n"
    )?;
    while tcp.read(&mut [0; 4096])? > 0 {
        tcp.write_all(b"\x81\x80\x01\x02\x03\x04")?;
    }
    Ok(())
}
