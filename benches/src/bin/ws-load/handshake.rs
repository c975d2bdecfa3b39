//! The client's opening handshake (RFC 6455 §4.1).

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// The timeout of each read, both during the handshake and during the check that follows.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest head of a response, in bytes.
const MAX_HEAD_LEN: usize = 16 << 10;

/// An open connection.
pub(crate) struct Opened {
    pub(crate) tcp: TcpStream,
    /// The value of the response header `Sec-WebSocket-Extensions`.
    pub(crate) extensions: Option<String>,
}

/// Connects and does the opening handshake. With `raw`, skips the handshake.
pub(crate) fn open(address: SocketAddr, raw: bool, deflate: bool) -> Result<Opened> {
    let mut tcp = TcpStream::connect(address).context("cannot connect")?;
    tcp.set_nodelay(true)?;
    tcp.set_read_timeout(Some(READ_TIMEOUT))?;
    let extensions = match raw {
        true => None,
        false => upgrade(&mut tcp, address, deflate).context("the handshake failed")?,
    };
    if deflate && extensions.is_none() {
        bail!("the server did not agree to compression");
    }
    Ok(Opened { tcp, extensions })
}

fn upgrade(tcp: &mut TcpStream, address: SocketAddr, deflate: bool) -> Result<Option<String>> {
    let offer = match deflate {
        true => "Sec-WebSocket-Extensions: permessage-deflate\r\n",
        false => "",
    };
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{offer}\r\n"
    );
    tcp.write_all(request.as_bytes())?;
    let head = read_head(tcp)?;
    match head.lines().next() {
        Some(status) if status.contains(" 101") => Ok(extensions(&head)),
        status => bail!("the server answered `{}`", status.unwrap_or_default()),
    }
}

/// Reads the head byte by byte, so that the bytes after the head remain in the socket.
fn read_head(tcp: &mut TcpStream) -> Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        tcp.read_exact(&mut byte)
            .context("the answer is incomplete")?;
        head.push(byte[0]);
        if head.len() > MAX_HEAD_LEN {
            bail!("the answer is longer than {MAX_HEAD_LEN} bytes");
        }
    }
    String::from_utf8(head).context("the answer is not UTF-8")
}

/// Returns the value of `Sec-WebSocket-Extensions`.
fn extensions(head: &str) -> Option<String> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-extensions"))
        .map(|(_, value)| value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_header_is_case_insensitive() {
        let head = "HTTP/1.1 101 X\r\nsec-websocket-extensions:  a; b \r\n\r\n";
        assert_eq!(extensions(head).as_deref(), Some("a; b"));
        assert_eq!(extensions("HTTP/1.1 101 X\r\n\r\n"), None);
    }
}
