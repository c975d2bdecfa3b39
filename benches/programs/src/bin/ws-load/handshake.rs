//! The client's opening handshake (RFC 6455 §4.1).

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustls::ClientConfig;

use crate::stream::Stream;
use crate::tls::Tls;

/// The timeout of each read during the handshake.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest head of a response, in bytes.
pub(crate) const MAX_HEAD_LEN: usize = 16 << 10;

/// A server.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// The server echoes bytes without WebSocket.
    pub(crate) raw: bool,
    /// Compression is offered.
    pub(crate) deflate: bool,
    /// The configuration for connections over TLS.
    pub(crate) tls: Option<Arc<ClientConfig>>,
}

/// An open connection.
pub(crate) struct Opened {
    pub(crate) stream: Stream<TcpStream>,
    /// The value of the response header `Sec-WebSocket-Extensions`.
    pub(crate) extensions: Option<String>,
}

impl Target {
    /// Connects and does the opening handshake. Skips the handshake if the server is raw.
    pub(crate) fn open(&self) -> Result<Opened> {
        let tcp = self.connect()?;
        tcp.set_read_timeout(Some(READ_TIMEOUT))?;
        let mut stream = match &self.tls {
            None => Stream::Plain(tcp),
            Some(config) => Stream::Tls(Box::new(Tls::new(config, self.address.ip(), tcp)?)),
        };
        let extensions = match self.raw {
            true => None,
            false => self.upgrade(&mut stream).context("the handshake failed")?,
        };
        if self.deflate && extensions.is_none() {
            bail!("the server did not agree to compression");
        }
        Ok(Opened { stream, extensions })
    }

    /// Connects over TCP.
    pub(crate) fn connect(&self) -> Result<TcpStream> {
        let tcp = TcpStream::connect(self.address).context("cannot connect")?;
        tcp.set_nodelay(true)?;
        Ok(tcp)
    }

    fn upgrade(&self, stream: &mut Stream<TcpStream>) -> Result<Option<String>> {
        stream.write_all(self.request().as_bytes())?;
        let head = read_head(stream)?;
        check_head(&head)?;
        Ok(extensions(&head))
    }

    /// Returns the request of the opening handshake.
    pub(crate) fn request(&self) -> String {
        let address = self.address;
        let offer = match self.deflate {
            true => "Sec-WebSocket-Extensions: permessage-deflate\r\n",
            false => "",
        };
        format!(
            "GET / HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
             {offer}\r\n"
        )
    }
}

/// Checks that the server has accepted the handshake. `head` is the head of its response.
pub(crate) fn check_head(head: &str) -> Result<()> {
    let status = head.lines().next().unwrap_or_default();
    ensure!(status.contains(" 101"), "the server answered `{status}`");
    Ok(())
}

/// Reads the head byte by byte, so that the bytes after the head remain in the socket.
fn read_head(stream: &mut Stream<TcpStream>) -> Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream
            .read_exact(&mut byte)
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
