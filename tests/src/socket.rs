//! Blocking peers that send and read raw bytes over TCP.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::http;
use crate::wire::{self, Frame};

/// The time after which a waiting test fails. No correct connection takes so long, even on a busy
/// machine.
pub const TOO_LONG: Duration = Duration::from_secs(25);

/// The way in which reading a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The peer has ended its direction.
    Eof,
    /// Reading failed with this kind of error.
    Broken(io::ErrorKind),
}

/// One end of a connection over TCP, or over another blocking stream `T`.
#[derive(Debug)]
pub struct RawPeer<T = TcpStream> {
    stream: T,
    /// Bytes that were read from the stream but not yet parsed.
    buffer: Vec<u8>,
}

/// Returns a listener on a free port of the loopback interface, and its address.
///
/// # Panics
///
/// If no port is free.
#[must_use]
pub fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = listener.local_addr().expect("the address of the listener");
    (listener, address)
}

/// Sets the options that every blocking peer needs.
///
/// # Panics
///
/// If the stream cannot be configured.
pub fn configure(stream: &TcpStream) {
    stream.set_nodelay(true).expect("TCP_NODELAY is set");
    stream
        .set_read_timeout(Some(TOO_LONG))
        .expect("the timeout is set");
    stream
        .set_write_timeout(Some(TOO_LONG))
        .expect("the timeout is set");
}

impl RawPeer {
    /// Returns a peer that uses `stream`.
    ///
    /// # Panics
    ///
    /// If the stream cannot be configured.
    #[must_use]
    pub fn new(stream: TcpStream) -> Self {
        configure(&stream);
        Self::over(stream)
    }

    /// Connects to a listener.
    ///
    /// # Panics
    ///
    /// If connecting fails.
    #[must_use]
    pub fn connect(address: SocketAddr) -> Self {
        Self::new(TcpStream::connect(address).expect("a listener"))
    }

    /// Connects and opens a WebSocket as a client.
    ///
    /// # Panics
    ///
    /// If the server refuses the request.
    #[must_use]
    pub fn open(address: SocketAddr) -> Self {
        let mut peer = Self::connect(address);
        peer.request(&http::request());
        peer
    }

    /// Returns another handle to the stream, so that another thread can send.
    ///
    /// # Panics
    ///
    /// If the handle cannot be duplicated.
    #[must_use]
    pub fn writer(&self) -> TcpStream {
        self.stream.try_clone().expect("a second handle")
    }

    /// Sends `bytes` repeatedly until the other end has read nothing for `patience`. Returns the
    /// number of bytes that were sent.
    ///
    /// # Panics
    ///
    /// If the stream fails, or if more than 256 MiB can be sent.
    pub fn send_until_blocked(&mut self, bytes: &[u8], patience: Duration) -> usize {
        self.stream
            .set_write_timeout(Some(patience))
            .expect("the timeout is set");
        let mut sent = 0;
        loop {
            let rest = &bytes[sent % bytes.len()..];
            match self.stream.write(rest) {
                Ok(len) => sent += len,
                Err(error) if is_timeout(&error) => return sent,
                Err(error) => panic!("{error}"),
            }
            assert!(sent < 256 << 20, "the other end never stops reading");
        }
    }

    /// Ends the sending direction.
    pub fn end(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}

impl<T: Read + Write> RawPeer<T> {
    /// Returns a peer that uses `stream`, as it is configured.
    #[must_use]
    pub fn over(stream: T) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    /// Returns the stream.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.stream
    }

    /// Sends an opening request and returns the head of the response.
    ///
    /// # Panics
    ///
    /// If the server refuses the request.
    pub fn request(&mut self, request: &[u8]) -> String {
        self.send(request);
        self.read_switching()
    }

    /// Reads the head of a 101 response.
    ///
    /// # Panics
    ///
    /// If the response has another status.
    pub fn read_switching(&mut self) -> String {
        let head = self.read_head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        head
    }

    /// Reads the opening request of a client and answers with a 101 response.
    ///
    /// # Panics
    ///
    /// If no request arrives.
    pub fn answer(&mut self) {
        let request = self.read_head();
        self.send(&http::switching(&request));
    }

    /// Sends all bytes.
    ///
    /// # Panics
    ///
    /// If sending fails or takes too long.
    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the other end reads");
    }

    /// Sends all bytes in pieces. `len` returns the length of each piece.
    ///
    /// # Panics
    ///
    /// As for [`send`](Self::send).
    pub fn send_in_pieces(&mut self, bytes: &[u8], mut len: impl FnMut() -> usize) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(len().clamp(1, rest.len()));
            self.send(piece);
            rest = behind;
        }
    }

    /// Reads more bytes into the buffer. Returns `false` at the end of the stream.
    fn fill(&mut self) -> Result<bool, io::ErrorKind> {
        let mut block = vec![0; 64 * 1024];
        match self.stream.read(&mut block) {
            Ok(len) => {
                self.buffer.extend_from_slice(&block[..len]);
                Ok(len > 0)
            }
            // Systems have different error kinds for a read timeout. Tests compare with this one.
            Err(error) if is_timeout(&error) => Err(io::ErrorKind::TimedOut),
            Err(error) => Err(error.kind()),
        }
    }

    /// Reads the head of a request or a response.
    ///
    /// # Panics
    ///
    /// If the stream ends before the head is complete.
    pub fn read_head(&mut self) -> String {
        loop {
            if let Some((head, rest)) = http::split_head(&self.buffer) {
                self.buffer = rest.to_vec();
                return head;
            }
            assert_eq!(
                self.fill(),
                Ok(true),
                "the stream ends before a head is complete"
            );
        }
    }

    /// Reads a frame. Returns `None` at the end of the stream.
    ///
    /// # Panics
    ///
    /// If the stream fails or ends within a frame.
    pub fn read_frame(&mut self) -> Option<Frame> {
        loop {
            if let Some((frame, len)) = wire::parse_one(&self.buffer) {
                self.buffer.drain(..len);
                return Some(frame);
            }
            if !self.fill().expect("the stream does not fail") {
                assert!(self.buffer.is_empty(), "the stream ends within a frame");
                return None;
            }
        }
    }

    /// Reads to the end of the stream. Returns the bytes, and the way in which the stream ended.
    pub fn read_to_end(&mut self) -> (Vec<u8>, Ending) {
        loop {
            let ending = match self.fill() {
                Ok(true) => continue,
                Ok(false) => Ending::Eof,
                Err(kind) => Ending::Broken(kind),
            };
            return (std::mem::take(&mut self.buffer), ending);
        }
    }

    /// Reads a Close with this code.
    ///
    /// # Panics
    ///
    /// If anything else arrives.
    pub fn read_close(&mut self, code: u16) -> Frame {
        let frame = self.read_frame().expect("a Close");
        assert_eq!((frame.whole().0, frame.close_code()), (wire::CLOSE, code));
        frame
    }

    /// Reads a Close with this code and then the end of the stream.
    ///
    /// # Panics
    ///
    /// If anything else arrives.
    pub fn expect_close(&mut self, code: u16) {
        self.read_close(code);
        let (rest, ending) = self.read_to_end();
        assert_eq!((rest.len(), ending), (0, Ending::Eof));
    }

    /// Closes the connection as a client: sends a Close, reads the server's Close and the end of
    /// the stream, and drops the stream.
    ///
    /// # Panics
    ///
    /// If anything else arrives.
    pub fn close(mut self) {
        self.send(&wire::From::Client.close(1000, ""));
        self.expect_close(1000);
    }
}

/// Returns `true` if a read or write timeout has passed. The error kind depends on the system.
fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}
