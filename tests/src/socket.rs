//! Blocking peers on TCP that know nothing but octets.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::http;
use crate::wire::{self, Frame};

/// After this a test has failed: nothing here takes so long, on a busy machine neither.
pub const TOO_LONG: Duration = Duration::from_secs(25);

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// In order.
    Eof,
    /// With an error.
    Broken(io::ErrorKind),
}

/// One end of a TCP connection.
#[derive(Debug)]
pub struct RawPeer {
    stream: TcpStream,
    /// Octets that were read and not used.
    buffer: Vec<u8>,
}

/// A listener on a free port of the loopback interface.
///
/// # Panics
///
/// If there is none.
#[must_use]
pub fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = listener.local_addr().expect("its address");
    (listener, address)
}

impl RawPeer {
    /// Takes over a stream.
    ///
    /// # Panics
    ///
    /// If the operating system does not let it be configured.
    #[must_use]
    pub fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("TCP_NODELAY");
        stream.set_read_timeout(Some(TOO_LONG)).expect("a time-out");
        stream
            .set_write_timeout(Some(TOO_LONG))
            .expect("a time-out");
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    /// Connects.
    ///
    /// # Panics
    ///
    /// If nobody answers.
    #[must_use]
    pub fn connect(address: SocketAddr) -> Self {
        Self::new(TcpStream::connect(address).expect("a listener"))
    }

    /// Connects, and opens a WebSocket as a client.
    ///
    /// # Panics
    ///
    /// If it is refused.
    #[must_use]
    pub fn open(address: SocketAddr) -> Self {
        let mut peer = Self::connect(address);
        peer.send(&http::request());
        let head = peer.read_head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        peer
    }

    /// Answers the opening request of a client.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn answer(&mut self) {
        let request = self.read_head();
        self.send(&http::switching(&request));
    }

    /// The same end once more, to send from another thread.
    ///
    /// # Panics
    ///
    /// If the operating system refuses.
    #[must_use]
    pub fn writer(&self) -> TcpStream {
        self.stream.try_clone().expect("a descriptor")
    }

    /// Sends everything.
    ///
    /// # Panics
    ///
    /// If that fails or takes too long.
    pub fn send(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).expect("the other end reads");
    }

    /// Sends in pieces of a length of their own.
    ///
    /// # Panics
    ///
    /// As for [`send`](Self::send).
    pub fn send_in_pieces(&mut self, octets: &[u8], mut len: impl FnMut() -> usize) {
        let mut rest = octets;
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(len().clamp(1, rest.len()));
            self.send(piece);
            rest = behind;
        }
    }

    /// Sends until the other end takes nothing for this time; how much it took.
    ///
    /// # Panics
    ///
    /// If the stream breaks, or takes more than 256 MiB.
    pub fn send_until_blocked(&mut self, octets: &[u8], patience: Duration) -> usize {
        self.stream
            .set_write_timeout(Some(patience))
            .expect("a time-out");
        let mut sent = 0;
        loop {
            let rest = &octets[sent % octets.len()..];
            match self.stream.write(rest) {
                Ok(len) => sent += len,
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                    ) =>
                {
                    return sent;
                }
                Err(error) => panic!("{error}"),
            }
            assert!(sent < 256 << 20, "it is never full");
        }
    }

    /// Ends this end's direction.
    pub fn end(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    fn fill(&mut self) -> Result<bool, io::ErrorKind> {
        let mut block = vec![0; 64 * 1024];
        match self.stream.read(&mut block) {
            Ok(len) => {
                self.buffer.extend_from_slice(&block[..len]);
                Ok(len > 0)
            }
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                ) =>
            {
                // Whoever waits for octets or the end sees that neither came.
                Err(io::ErrorKind::TimedOut)
            }
            Err(error) => Err(error.kind()),
        }
    }

    /// Reads a head.
    ///
    /// # Panics
    ///
    /// If the stream ends before.
    pub fn read_head(&mut self) -> String {
        loop {
            if let Some((head, rest)) = http::split_head(&self.buffer) {
                self.buffer = rest.to_vec();
                return head;
            }
            assert_eq!(self.fill(), Ok(true), "no head");
        }
    }

    /// Reads a frame; `None` at the end of the stream.
    ///
    /// # Panics
    ///
    /// If the stream breaks or ends within a frame.
    pub fn read_frame(&mut self) -> Option<Frame> {
        loop {
            if let Some((frame, len)) = wire::parse_one(&self.buffer) {
                self.buffer.drain(..len);
                return Some(frame);
            }
            if !self.fill().expect("no break") {
                assert!(self.buffer.is_empty(), "a frame is cut");
                return None;
            }
        }
    }

    /// Reads to the end.
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

    /// Reads a Close with this code and then the end.
    ///
    /// # Panics
    ///
    /// If anything else comes.
    pub fn expect_close(&mut self, code: u16) {
        let frame = self.read_frame().expect("a Close");
        assert_eq!((frame.opcode(), frame.close_code()), (wire::CLOSE, code));
        let (rest, ending) = self.read_to_end();
        assert_eq!((rest.len(), ending), (0, Ending::Eof));
    }
}
