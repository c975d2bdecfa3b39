//! A WebSocket over any stream, as plain as possible. It is written without our libraries, and
//! speaks through the pipes of programs that only speak TLS.

use std::io::{Read, Write};

use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha1::{Digest, Sha1};
use ws_test_client::wire::{self, BINARY, CLOSE, CONTINUATION, Frame, PING, PONG, TEXT};

/// The bit of the first byte that ends a message.
const FIN: u8 = 0x80;

/// The masking key of a client. All bytes have their highest bit set. See [`payload`].
const KEY: [u8; 4] = [0xA5, 0xC3, 0x96, 0xE1];

/// The key of the opening request (RFC 6455 §1.3).
const REQUEST_KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// The value that a server appends to the key of a request (RFC 6455 §1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The lengths at which the header of a frame changes, and a message of many TLS records.
const LENGTHS: [usize; 7] = [0, 1, 125, 126, 65_535, 65_536, 1 << 20];

/// The messages that are sent without waiting for their echo.
const BURST: usize = 100;

/// The longest head of a request or response, with the lines that a program prints before it.
const MAX_HEAD: usize = 64 * 1024;

/// The lines that programs print between frames, on the output that has the plaintext.
const NOISE: [&[u8]; 2] = [b"Read BLOCK\n", b"SSL_do_handshake -> 1\n"];

/// An open WebSocket.
pub(crate) struct Dialogue<S> {
    stream: S,
    /// The masking key. A server has none.
    key: Option<[u8; 4]>,
}

impl<S: Read + Write> Dialogue<S> {
    /// Opens a WebSocket as a client.
    pub(crate) fn connect(stream: S, host: &str) -> Result<Self> {
        Self::connect_to(stream, host, "/")
    }

    /// Opens a WebSocket of this path as a client.
    pub(crate) fn connect_to(mut stream: S, host: &str, path: &str) -> Result<Self> {
        let request = format!(
            "GET {path} HTTP/1.1\r\n\
             Host: {host}\r\n\
             Upgrade: websocket\r\n\
             Connection: Upgrade\r\n\
             Sec-WebSocket-Key: {REQUEST_KEY}\r\n\
             Sec-WebSocket-Version: 13\r\n\r\n"
        );
        stream.write_all(request.as_bytes())?;
        let head = read_head(&mut stream, "HTTP/1.1 ")?;
        ensure!(
            head.starts_with("HTTP/1.1 101"),
            "the server answered {head:?}"
        );
        let expected = accept_key(REQUEST_KEY);
        let accept = field(&head, "sec-websocket-accept");
        ensure!(accept == Some(&*expected), "the server answered {head:?}");
        Ok(Self {
            stream,
            key: Some(KEY),
        })
    }

    /// Opens a WebSocket as a server.
    pub(crate) fn accept(mut stream: S) -> Result<Self> {
        let head = read_head(&mut stream, "GET ")?;
        let key = field(&head, "sec-websocket-key");
        let key = key.with_context(|| format!("the client requested {head:?}"))?;
        let response = format!(
            "HTTP/1.1 101 Switching Protocols\r\n\
             Upgrade: websocket\r\n\
             Connection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n\r\n",
            accept_key(key)
        );
        stream.write_all(response.as_bytes())?;
        Ok(Self { stream, key: None })
    }

    /// Opens the next WebSocket on the same stream as a server. The program behind the stream has
    /// accepted another connection.
    pub(crate) fn accept_next(self) -> Result<Self> {
        Self::accept(self.stream)
    }

    /// Returns the stream, for commands to the program behind it.
    pub(crate) fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Lets the peer echo messages of all lengths, fragments around a Ping, and many messages at
    /// once.
    pub(crate) fn converse(&mut self) -> Result<()> {
        for len in LENGTHS {
            self.echo(len)?;
        }
        self.begin()?;
        self.finish()?;
        for _ in 0..BURST {
            self.send(true, BINARY, &payload(100, self.key))?;
        }
        for _ in 0..BURST {
            self.expect_message(&payload(100, self.key))?;
        }
        Ok(())
    }

    /// Lets the peer echo a message of `len` bytes.
    pub(crate) fn echo(&mut self, len: usize) -> Result<()> {
        let payload = payload(len, self.key);
        self.send(true, BINARY, &payload)?;
        let echoed = self.expect_message(&payload);
        echoed.with_context(|| format!("no echo of {len} bytes"))
    }

    /// Sends the beginning of a message, and waits until the peer has received it.
    pub(crate) fn begin(&mut self) -> Result<()> {
        self.send(false, BINARY, &payload(1000, self.key))?;
        self.ping(b"\xff")
    }

    /// Sends the rest of the message, and waits for its echo.
    pub(crate) fn finish(&mut self) -> Result<()> {
        let rest = payload(500, self.key);
        self.send(false, CONTINUATION, &rest)?;
        self.send(true, CONTINUATION, &rest)?;
        let message = [&payload(1000, self.key), &*rest, &*rest].concat();
        let echoed = self.expect_message(&message);
        echoed.context("no echo of a message in fragments")
    }

    /// Sends a Ping and waits for its Pong.
    pub(crate) fn ping(&mut self, payload: &[u8]) -> Result<()> {
        self.send(true, PING, payload)?;
        let pong = self.receive().context("no Pong arrived")?;
        let is_pong = pong.opcode() == PONG && pong.payload == payload;
        ensure!(is_pong, "expected a Pong, received {}", describe(&pong));
        Ok(())
    }

    /// Sends a Ping whose last byte on the wire is a line feed, and waits for its Pong. Some
    /// programs accept a command only at the beginning of a line.
    pub(crate) fn end_line(&mut self) -> Result<()> {
        self.ping(&[b'\n' ^ self.key.map_or(0, |key| key[0])])
    }

    /// Sends a Close and waits for the Close of the peer.
    pub(crate) fn close(&mut self) -> Result<()> {
        self.send(true, CLOSE, &1000_u16.to_be_bytes())?;
        let close = self.receive().context("no Close arrived")?;
        let is_close = close.is_close(1000);
        ensure!(is_close, "expected a Close, received {}", describe(&close));
        Ok(())
    }

    fn send(&mut self, is_last: bool, opcode: u8, payload: &[u8]) -> Result<()> {
        let fin = if is_last { FIN } else { 0 };
        let frame = wire::encode(fin | opcode, self.key, payload);
        Ok(self.stream.write_all(&frame)?)
    }

    /// Sends a text.
    pub(crate) fn send_text(&mut self, text: &str) -> Result<()> {
        self.send(true, TEXT, text.as_bytes())
    }

    /// Receives a text.
    pub(crate) fn receive_text(&mut self) -> Result<String> {
        let message = self.receive_message()?;
        String::from_utf8(message).context("the message is not a text")
    }

    fn expect_message(&mut self, payload: &[u8]) -> Result<()> {
        let message = self.receive_message()?;
        ensure!(message == payload, "the echo differs from the message");
        Ok(())
    }

    fn receive_message(&mut self) -> Result<Vec<u8>> {
        let mut message = Vec::new();
        loop {
            let frame = self.receive()?;
            let is_data = frame.opcode() <= BINARY;
            ensure!(is_data, "expected a message, received {}", describe(&frame));
            message.extend_from_slice(&frame.payload);
            if frame.is_last() {
                return Ok(message);
            }
        }
    }

    fn receive(&mut self) -> Result<Frame> {
        let mut first = [0];
        self.stream.read_exact(&mut first)?;
        while first[0].is_ascii_uppercase() {
            self.skip_noise(first[0])?;
            self.stream.read_exact(&mut first)?;
        }
        let frame = Frame::read(&mut first.chain(&mut self.stream))?;
        let is_masked = frame.key.is_some();
        ensure!(
            is_masked != self.key.is_some(),
            "a mask is only for clients"
        );
        Ok(frame)
    }

    /// Reads a line that the program has printed in front of a frame.
    fn skip_noise(&mut self, first: u8) -> Result<()> {
        let mut line = vec![first];
        while NOISE.iter().any(|noise| noise.starts_with(&line)) {
            if line.ends_with(b"\n") {
                return Ok(());
            }
            let mut byte = [0];
            self.stream.read_exact(&mut byte)?;
            line.extend(byte);
        }
        bail!(
            "expected a frame, received {:?}",
            String::from_utf8_lossy(&line)
        );
    }
}

/// Returns the payload of a message. No byte on the wire is a letter, because `openssl` takes some
/// letters at the beginning of its input as commands. A key has all highest bits set, so it sets
/// the highest bits of this payload.
fn payload(len: usize, key: Option<[u8; 4]>) -> Vec<u8> {
    let high = if key.is_some() { 0 } else { 0x80 };
    (0..len).map(|at| (at % 127) as u8 | high).collect()
}

/// Reads the head of a request or response. It begins with `start`, behind the lines that a program
/// has printed.
fn read_head(stream: &mut impl Read, start: &str) -> Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        let read = stream.read_exact(&mut byte);
        read.with_context(|| format!("expected {start:?}, received {:?}", tail(&head)))?;
        head.extend(byte);
        ensure!(
            head.len() <= MAX_HEAD,
            "expected {start:?}, received {:?}",
            tail(&head)
        );
    }
    let head = String::from_utf8_lossy(&head);
    let at = head.rfind(&format!("\n{start}")).map(|at| at + 1);
    let at = at.or_else(|| head.starts_with(start).then_some(0));
    let at = at.with_context(|| format!("expected {start:?}, received {head:?}"))?;
    Ok(head[at..].to_owned())
}

fn tail(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(200)..]).into_owned()
}

/// Returns the value of the header field `name`, which is in lowercase.
fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// Returns the answer to the key of a request (RFC 6455 §4.2.2).
fn accept_key(key: &str) -> String {
    BASE64_STANDARD.encode(Sha1::digest(format!("{key}{GUID}")))
}

fn describe(frame: &Frame) -> String {
    format!(
        "a frame with opcode {} of {} bytes",
        frame.opcode(),
        frame.payload.len()
    )
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::thread;

    use super::*;

    #[test]
    fn the_answer_to_the_key_of_the_rfc() {
        assert_eq!(accept_key(REQUEST_KEY), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn no_byte_on_the_wire_is_a_letter() {
        for key in [Some(KEY), None] {
            let frame = wire::encode(FIN | BINARY, key, &payload(300, key));
            assert!(!frame.iter().any(u8::is_ascii_alphabetic));
        }
    }

    /// Echoes frame by frame, as the peer of a dialogue with this key.
    fn echo(mut stream: TcpStream, key: Option<[u8; 4]>) {
        let reply_key = key.is_none().then_some(KEY);
        loop {
            let frame = Frame::read(&mut stream).unwrap();
            assert_eq!(frame.key, key);
            let first = match frame.opcode() {
                PING => FIN | PONG,
                _ => frame.first,
            };
            let reply = wire::encode(first, reply_key, &frame.payload);
            stream.write_all(&reply).unwrap();
            if frame.opcode() == CLOSE {
                return;
            }
        }
    }

    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let one = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (one, listener.accept().unwrap().0)
    }

    #[test]
    fn both_roles_open_and_close() {
        let (client, server) = pair();
        let accepting = thread::spawn(move || Dialogue::accept(server).unwrap());
        let mut client = Dialogue::connect(client, "localhost").unwrap();
        let server = accepting.join().unwrap();
        let echoing = thread::spawn(move || echo(server.stream, Some(KEY)));
        client.echo(70_000).unwrap();
        client.end_line().unwrap();
        client.close().unwrap();
        echoing.join().unwrap();
    }

    #[test]
    fn lines_between_frames_are_skipped_and_other_text_is_not() {
        let dialogue = |text: &[u8]| {
            let (one, mut other) = pair();
            other.write_all(text).unwrap();
            other.write_all(b"\x8A\x00").unwrap();
            let mut dialogue = Dialogue {
                stream: one,
                key: Some(KEY),
            };
            dialogue.ping(b"")
        };
        dialogue(b"Read BLOCK\nSSL_do_handshake -> 1\n").unwrap();
        let error = dialogue(b"Read ERROR\n").unwrap_err().to_string();
        assert!(error.contains("no Pong"), "{error}");
    }

    #[test]
    fn a_head_is_found_behind_other_lines() {
        let mut text: &[u8] = b"CONNECTED\n---\nGET /x\nHTTP/1.1 101 Y\r\na: B\r\n\r\nrest";
        let head = read_head(&mut text, "HTTP/1.1 ").unwrap();
        assert!(head.starts_with("HTTP/1.1 101"));
        assert_eq!(field(&head, "a"), Some("B"));
        assert_eq!(text, b"rest");
        assert!(read_head(&mut &b"nothing\r\n\r\n"[..], "GET ").is_err());
    }
}
