//! A client that sends any bytes, valid or not.

use std::io::{self, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustls::ClientConnection;
use socket2::SockRef;

use crate::compression;
use crate::records::Sealer;
use crate::stream::{Endpoint, Stream, Trust};
use crate::wire::Frame;
use crate::wire::From::Client;
use crate::wire::{BINARY, CLOSE, PING, PONG};

/// The time limit of each read and write.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// The number of bytes that are read ahead. It is small, because there may be 10,000 peers.
const READ_AHEAD: usize = 256;

/// The longest answer to a request that is read.
const MAX_HEAD: usize = 16 * 1024;

/// One connection to a server, over TCP or TLS.
pub struct Peer {
    stream: BufReader<Stream>,
}

/// The result of writing without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flood {
    /// The number of bytes that TCP accepted.
    pub accepted: u64,
    /// The reason why writing stopped.
    pub stopped: Stopped,
}

/// The reason why writing stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Everything was written.
    Done,
    /// TCP accepted nothing for a while.
    Blocked,
    /// The server has ended the connection.
    Ended,
}

impl Peer {
    /// Connects, and sends only what TLS requires.
    pub fn connect(server: impl Into<Endpoint>) -> Result<Self> {
        let Endpoint { address, trust } = server.into();
        let tcp = TcpStream::connect_timeout(&address, PATIENCE)
            .with_context(|| format!("cannot connect to {address}"))?;
        tcp.set_nodelay(true)?;
        tcp.set_read_timeout(Some(PATIENCE))?;
        tcp.set_write_timeout(Some(PATIENCE))?;
        let stream = match trust {
            Some(trust) => Stream::shake_hands(tcp, &trust)?,
            None => Stream::Plain(tcp),
        };
        Ok(Self::over(stream))
    }

    fn over(stream: Stream) -> Self {
        Self {
            stream: BufReader::with_capacity(READ_AHEAD, stream),
        }
    }

    /// Connects and upgrades.
    pub fn open(server: impl Into<Endpoint>) -> Result<Self> {
        let server = server.into();
        let mut peer = Self::connect(&server)?;
        peer.send(&request(server.address, ""))?;
        peer.upgraded()?;
        Ok(peer)
    }

    /// Connects and upgrades with an offer of extensions. Also returns the extensions of the
    /// answer, if there are any.
    pub fn open_offering(server: impl Into<Endpoint>, offer: &str) -> Result<(Self, String)> {
        let server = server.into();
        let mut peer = Self::connect(&server)?;
        let offer = format!("Sec-WebSocket-Extensions: {offer}\r\n");
        peer.send(&request(server.address, &offer))?;
        let answer = peer.upgraded()?;
        let agreed = field(&answer, "sec-websocket-extensions").unwrap_or_default();
        Ok((peer, agreed.to_owned()))
    }

    /// Reads the answer to a request, which must be 101, and returns its head.
    pub fn upgraded(&mut self) -> Result<String> {
        let head = self.read_head()?;
        match status(&head) {
            Some(101) => Ok(head),
            Some(status) => bail!("the server answered {status}"),
            None => bail!("the server's answer has no status"),
        }
    }

    /// Reads the head of an answer and returns its status.
    pub fn read_status(&mut self) -> Result<u16> {
        status(&self.read_head()?).context("the server's answer has no status")
    }

    /// Reads the head of an answer.
    fn read_head(&mut self) -> Result<String> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            let read = self.stream.read_exact(&mut byte);
            read.context("the server did not answer the request")?;
            head.push(byte[0]);
            if head.len() > MAX_HEAD {
                bail!("the server's answer has no end");
            }
        }
        Ok(String::from_utf8_lossy(&head).into_owned())
    }

    /// Writes all bytes.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let stream = self.stream.get_mut();
        stream.write_all(bytes)?;
        stream.flush()
    }

    /// Writes `unit` repeatedly until `total` bytes are written, TCP accepts none for `patience`,
    /// or the server ends the connection. Reads nothing.
    pub fn flood(&mut self, unit: &[u8], total: u64, patience: Duration) -> Result<Flood> {
        // With a system call for each of a million Pings, the attacker would be the bottleneck.
        let units = unit.repeat((64 * 1024 / unit.len()).max(1));
        self.tcp().set_write_timeout(Some(patience))?;
        let mut accepted = 0;
        let stopped = loop {
            if accepted >= total {
                break Stopped::Done;
            }
            let at = usize::try_from(accepted % units.len() as u64)?;
            match self.stream.get_mut().write(&units[at..]) {
                Ok(written) => accepted += written as u64,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_timeout(&error) => break Stopped::Blocked,
                Err(_) => break Stopped::Ended,
            }
        };
        self.tcp().set_write_timeout(Some(PATIENCE))?;
        Ok(Flood { accepted, stopped })
    }

    /// Reads the next frame.
    pub fn receive(&mut self) -> io::Result<Frame> {
        let frame = Frame::read(&mut self.stream)?;
        if frame.key.is_some() {
            let fault = "the server sent a masked frame";
            return Err(io::Error::new(ErrorKind::InvalidData, fault));
        }
        Ok(frame)
    }

    /// Sends `payload` as one message and reads it back.
    pub fn echo(&mut self, payload: &[u8]) -> Result<Duration> {
        let started = Instant::now();
        self.send(&Client.frame(BINARY, payload))?;
        self.expect_message(payload)?;
        Ok(started.elapsed())
    }

    /// Reads one message, in any number of frames, which must be this one. A compressed message
    /// must be the first one of its connection.
    pub fn expect_message(&mut self, payload: &[u8]) -> Result<()> {
        let (mut message, is_compressed) = self.receive_message()?;
        if is_compressed {
            message = compression::decompress(&message)?;
        }
        if message != payload {
            bail!("the echo differs from what was sent");
        }
        Ok(())
    }

    /// Reads one message, in any number of frames. Also returns `true` if it is compressed.
    pub fn receive_message(&mut self) -> Result<(Vec<u8>, bool)> {
        let mut message = Vec::new();
        let mut is_compressed = false;
        loop {
            let frame = self.receive().context("no echo arrived")?;
            if frame.opcode() >= CLOSE {
                bail!("a control frame arrived instead of an echo: {frame:?}");
            }
            is_compressed |= frame.is_compressed();
            message.extend_from_slice(&frame.payload);
            if frame.is_last() {
                return Ok((message, is_compressed));
            }
        }
    }

    /// Sends a Ping and waits for its Pong. Returns `true` if everything before it was in order.
    pub fn pings(&mut self) -> bool {
        self.send(&Client.frame(PING, b"still there?"))
            .and_then(|()| self.receive())
            .is_ok_and(|frame| frame.opcode() == PONG)
    }

    /// Sends a Close and waits until the server has ended the connection in order: over TLS, with a
    /// `close_notify`.
    pub fn close(mut self) -> Result<()> {
        self.send(&Client.close(1000, ""))?;
        if !self.receive()?.is_close(1000) {
            bail!("the server did not return the Close");
        }
        let end = io::copy(&mut self.stream, &mut io::sink());
        end.context("the server did not end the connection in order")?;
        Ok(())
    }

    /// Reads until the server has ended its direction. Returns what was read.
    pub fn read_to_end(&mut self) -> Result<String> {
        let mut text = String::new();
        self.stream.read_to_string(&mut text)?;
        Ok(text)
    }

    /// Reads until the server has ended its direction. Returns `true` if it has.
    pub fn ended(&mut self) -> bool {
        match io::copy(&mut self.stream, &mut io::sink()) {
            Ok(_) => true,
            Err(error) => !is_timeout(&error),
        }
    }

    /// Ends TCP with a reset instead of in order.
    pub fn reset(self) -> Result<()> {
        SockRef::from(self.tcp()).set_linger(Some(Duration::ZERO))?;
        Ok(())
    }

    /// Uses TLS from now on.
    pub fn secured(self, trust: &Trust) -> Result<Self> {
        match self.stream.into_inner() {
            Stream::Plain(tcp) => Ok(Self::over(Stream::shake_hands(tcp, trust)?)),
            Stream::Tls(_) => bail!("the connection uses TLS already"),
        }
    }

    /// Returns the session of a connection over TLS.
    pub fn session(&mut self) -> Result<&mut ClientConnection> {
        match self.stream.get_mut() {
            Stream::Plain(_) => bail!("the connection does not use TLS"),
            Stream::Tls(tls) => Ok(&mut tls.conn),
        }
    }

    /// Takes the session away from rustls. The peer can then send any records.
    pub fn unsealed(self) -> Result<(Self, Sealer)> {
        match self.stream.into_inner() {
            Stream::Plain(_) => bail!("the connection does not use TLS"),
            Stream::Tls(tls) => {
                let (session, tcp) = tls.into_parts();
                Ok((Self::over(Stream::Plain(tcp)), Sealer::new(session)?))
            }
        }
    }

    /// Returns the socket.
    pub fn tcp(&self) -> &TcpStream {
        self.stream.get_ref().tcp()
    }
}

/// Returns `true` if a read or write exceeded its time limit.
pub fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Returns the status in the head of an answer.
fn status(head: &str) -> Option<u16> {
    head.get(9..12)?.parse().ok()
}

/// Returns the value of the header field `name`, which is in lower case.
fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// Returns an opening request with `more` header lines (RFC 6455 §4.1).
pub fn request(server: SocketAddr, more: &str) -> Vec<u8> {
    format!(
        "GET / HTTP/1.1\r\n\
         Host: {server}\r\n\
         Upgrade: websocket\r\n\
         Connection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Version: 13\r\n\
         {more}\r\n"
    )
    .into_bytes()
}

/// Returns an opening request of exactly `len` bytes.
pub fn request_of_len(server: SocketAddr, len: usize) -> Vec<u8> {
    let padding = |len| format!("X-Padding: {}\r\n", "x".repeat(len));
    let least = request(server, &padding(0)).len();
    request(server, &padding(len.saturating_sub(least)))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread;

    use super::*;

    fn listen() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    #[test]
    fn requests_have_the_length_that_was_asked_for() {
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, 9001));
        for len in [1000, 4096, 16_384] {
            let request = request_of_len(server, len);
            assert_eq!(request.len(), len);
            assert!(request.ends_with(b"xx\r\n\r\n"));
        }
    }

    #[test]
    fn a_flood_ends_when_nobody_reads() {
        let (_listener, address) = listen();
        let mut peer = Peer::connect(address).unwrap();
        let patience = Duration::from_millis(50);
        let flood = peer.flood(b"abc", 1 << 30, patience).unwrap();
        assert_eq!(flood.stopped, Stopped::Blocked);
        assert!(flood.accepted > 0 && flood.accepted < 1 << 30);
    }

    #[test]
    fn a_flood_ends_with_the_connection() {
        let (listener, address) = listen();
        let mut peer = Peer::connect(address).unwrap();
        drop(listener.accept().unwrap());
        drop(listener);
        let flood = peer.flood(b"abc", 1 << 30, PATIENCE).unwrap();
        assert_eq!(flood.stopped, Stopped::Ended);
    }

    #[test]
    fn a_flood_writes_what_it_was_told() {
        let (listener, address) = listen();
        let reader = thread::spawn(move || {
            let mut bytes = Vec::new();
            listener
                .accept()
                .unwrap()
                .0
                .read_to_end(&mut bytes)
                .unwrap();
            bytes
        });
        let mut peer = Peer::connect(address).unwrap();
        let flood = peer.flood(b"abc", 300_000, PATIENCE).unwrap();
        assert_eq!(flood.stopped, Stopped::Done);
        drop(peer);
        let bytes = reader.join().unwrap();
        assert_eq!(bytes.len() as u64, flood.accepted);
        assert!(bytes.chunks(3).all(|unit| b"abc".starts_with(unit)));
    }

    #[test]
    fn header_fields_are_found_whatever_the_case_of_their_names() {
        let head = "HTTP/1.1 101 Switching Protocols\r\nSEC-X: a=1; b\r\n\r\n";
        assert_eq!(field(head, "sec-x"), Some("a=1; b"));
        assert_eq!(field(head, "sec-y"), None);
    }

    #[test]
    fn the_status_of_an_answer_is_read() {
        let (listener, address) = listen();
        let mut peer = Peer::connect(address).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        server
            .write_all(b"HTTP/1.1 431 Too long\r\nConnection: close\r\n\r\n")
            .unwrap();
        drop(server);
        assert_eq!(peer.read_status().unwrap(), 431);
        assert!(peer.ended());
    }
}
