//! A reader of PROXY protocol headers.
//!
//! The specification is "The PROXY protocol, versions 1 & 2" by the HAProxy project. Its sections
//! are cited as PROXY §2.1.

mod error;
mod v1;
mod v2;

pub use error::ProxyHeaderError;

use std::net::SocketAddr;

use crate::limits::Progress;

/// The length of the shortest header, `PROXY UNKNOWN` with CRLF, in bytes.
const MIN_LEN: usize = 15;

/// The addresses that a PROXY protocol header contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ProxiedAddrs {
    /// The address of the client that connected to the proxy.
    pub source: SocketAddr,
    /// The address of the proxy to which the client connected.
    pub destination: SocketAddr,
}

/// An incremental reader of one PROXY protocol header, of version 1 or 2.
///
/// A proxy such as HAProxy sends the header at the beginning of a connection, before TLS and HTTP.
/// The header contains the address of the client. Anyone who can connect can send a header, so read
/// one only from a proxy that you trust.
///
/// ```
/// use ws_handshake::ProxyHeader;
///
/// let mut header = ProxyHeader::new();
/// let mut input = &b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\nGET / HTTP/1.1\r\n"[..];
/// let addresses = loop {
///     // A program reads at most this many bytes from its socket.
///     let piece = &input[..header.wanted()];
///     input = &input[piece.len()..];
///     if let Some(addresses) = header.receive(piece)?.done {
///         break addresses.expect("a TCP connection");
///     }
/// };
/// assert_eq!(addresses.source, "192.0.2.7:56324".parse()?);
/// assert_eq!(input, b"GET / HTTP/1.1\r\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ProxyHeader {
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Reading {
        /// The bytes read so far: a line, or the fixed part of version 2 with its addresses.
        head: Vec<u8>,
        /// The number of bytes that are missing, at least.
        wanted: usize,
    },
    /// The rest of a header of version 2 is skipped: type-length-value fields, and addresses that
    /// are not used.
    Skipping {
        left: usize,
        addresses: Option<ProxiedAddrs>,
    },
    Done,
    Failed(ProxyHeaderError),
}

/// The result of parsing the first bytes of a header.
enum Parsed {
    /// At least this many bytes are missing, and all of them belong to the header.
    Incomplete(usize),
    /// Everything that matters has been read. `skip` more bytes belong to the header.
    Complete {
        skip: usize,
        addresses: Option<ProxiedAddrs>,
    },
}

impl ProxyHeader {
    /// Creates a reader for one header.
    pub fn new() -> Self {
        Self {
            state: State::Reading {
                head: Vec::new(),
                wanted: MIN_LEN,
            },
        }
    }

    /// Returns the number of bytes that still belong to the header, at least. Returns 0 after the
    /// header and after an error.
    ///
    /// If a program reads at most this many bytes at a time, it never reads a byte of TLS or HTTP
    /// that follows the header.
    pub fn wanted(&self) -> usize {
        match &self.state {
            State::Reading { wanted, .. } => *wanted,
            State::Skipping { left, .. } => *left,
            State::Done | State::Failed(_) => 0,
        }
    }

    /// Reads input, which may be split at any byte. The result is `Ok` with `done: None` if more
    /// input is needed.
    ///
    /// `done` is `Some(None)` if the header is complete and contains no address that can be used.
    /// Then the address of the socket is the address of the client. This is the case for `LOCAL`,
    /// which health checks send, for `UNKNOWN`, for Unix sockets and for UDP (PROXY §2.1, §2.2).
    ///
    /// No byte after the header is consumed. At most 107 bytes are stored. The type-length-value
    /// fields of version 2 are skipped. Their checksum is not verified.
    ///
    /// # Errors
    ///
    /// [`ProxyHeaderError`] for the rule that the header breaks. Later calls return the same error.
    pub fn receive(
        &mut self,
        input: &[u8],
    ) -> Result<Progress<Option<ProxiedAddrs>>, ProxyHeaderError> {
        let mut rest = input;
        while let Some((piece, after)) =
            rest.split_at_checked(self.state.step_len().min(rest.len()))
            && !piece.is_empty()
        {
            rest = after;
            self.state.take(piece);
            if let State::Skipping { left: 0, addresses } = self.state {
                self.state = State::Done;
                return Ok(Progress::done(input.len() - rest.len(), addresses));
            }
        }
        if let State::Failed(error) = self.state {
            return Err(error);
        }
        Ok(Progress::pending(input.len() - rest.len()))
    }
}

impl Default for ProxyHeader {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    /// Returns the number of bytes to take at a time. The head is parsed after each of its bytes,
    /// so that errors do not depend on how the input is split.
    fn step_len(&self) -> usize {
        match self {
            Self::Reading { .. } => 1,
            Self::Skipping { left, .. } => *left,
            Self::Done | Self::Failed(_) => 0,
        }
    }

    /// Takes at most [`step_len`](Self::step_len) bytes.
    fn take(&mut self, piece: &[u8]) {
        match self {
            Self::Reading { head, wanted } => {
                head.extend_from_slice(piece);
                match parse(head) {
                    Ok(Parsed::Incomplete(missing)) => *wanted = missing,
                    Ok(Parsed::Complete { skip, addresses }) => {
                        *self = Self::Skipping {
                            left: skip,
                            addresses,
                        };
                    }
                    Err(error) => *self = Self::Failed(error),
                }
            }
            Self::Skipping { left, .. } => *left = left.saturating_sub(piece.len()),
            Self::Done | Self::Failed(_) => {}
        }
    }
}

/// Parses the bytes that were read so far.
fn parse(head: &[u8]) -> Result<Parsed, ProxyHeaderError> {
    if head.starts_with(v1::PREFIX) {
        v1::parse(head)
    } else if head.starts_with(v2::SIGNATURE) {
        v2::parse(head)
    } else if v1::PREFIX.starts_with(head) || v2::SIGNATURE.starts_with(head) {
        Ok(Parsed::Incomplete(MIN_LEN.saturating_sub(head.len())))
    } else {
        Err(ProxyHeaderError::Missing)
    }
}
