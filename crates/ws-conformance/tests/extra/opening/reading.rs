//! Ways to read a head from a socket.

use std::io::{self, ErrorKind, Read};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::testee::Times;

/// A way to read a head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// The longest head that is read.
    pub(crate) limit: usize,
    /// The longest time that it takes.
    pub(crate) patience: Duration,
    pub(crate) pieces: Pieces,
    /// An empty line before the first line is skipped.
    pub(crate) skips_empty_line: bool,
    /// `true` if a head counts as complete when nothing more comes, or too much.
    pub(crate) takes_half: bool,
}

/// The pieces in which a head may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pieces {
    Any,
    /// All of the head has to come with the first read.
    One,
    /// The end of the head, CR LF CR LF, has to come with one read.
    WholeEnd,
}

/// The reason why there is no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoHead {
    TooLong,
    InPieces,
    TimedOut,
    /// The peer ended TCP.
    Ended,
}

impl Reading {
    pub(crate) const CORRECT: Self = Self {
        limit: 64 * 1024,
        patience: Duration::from_secs(10),
        pieces: Pieces::Any,
        skips_empty_line: true,
        takes_half: false,
    };

    /// Reads a head with its empty line.
    pub(crate) fn head(self, tcp: &mut TcpStream, times: Times) -> Result<Vec<u8>, NoHead> {
        /// Longer than any case.
        const LONGEST: Duration = Duration::from_secs(60 * 60);
        let deadline = Instant::now() + times.scaled(self.patience.min(LONGEST));
        let (mut head, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
        loop {
            let count = match peek(tcp, &mut buffer, deadline) {
                Err(_) if self.takes_half => return Ok(head),
                count => count?,
            };
            let start = head.len();
            head.extend_from_slice(&buffer[..count]);
            let searched = match self.pieces {
                Pieces::Any => start.saturating_sub(3),
                Pieces::One | Pieces::WholeEnd => start,
            };
            let end = find(&head[searched..], b"\r\n\r\n").map(|end| searched + end + 4);
            let taken = end.map_or(count, |end| end - start);
            take(tcp, &mut buffer[..taken])?;
            head.truncate(start + taken);
            if head.len() > self.limit && self.takes_half {
                return Ok(head);
            }
            if head.len() > self.limit {
                return Err(NoHead::TooLong);
            }
            match end {
                Some(_) if self.skips_empty_line && head.starts_with(b"\r\n") => {
                    return Ok(head.split_off(2));
                }
                Some(_) => return Ok(head),
                None if self.pieces == Pieces::One => return Err(NoHead::InPieces),
                // Bytes that are sent at once have to arrive with one read.
                None if self.pieces == Pieces::WholeEnd => {
                    thread::sleep(times.scaled(Duration::from_millis(20)));
                }
                None => {}
            }
        }
    }
}

/// Waits for bytes and copies them, but leaves them in the socket.
fn peek(tcp: &TcpStream, buffer: &mut [u8], deadline: Instant) -> Result<usize, NoHead> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(NoHead::TimedOut);
    }
    tcp.set_read_timeout(Some(left))
        .map_err(|_| NoHead::Ended)?;
    match tcp.peek(buffer) {
        Ok(0) => Err(NoHead::Ended),
        Ok(count) => Ok(count),
        Err(error) if is_timeout(&error) => Err(NoHead::TimedOut),
        Err(_) => Err(NoHead::Ended),
    }
}

/// Waits until all is there that the peer sends at once, and loses it. Returns `true` if there was
/// anything.
pub(crate) fn lose(tcp: &mut TcpStream, times: Times) -> io::Result<bool> {
    thread::sleep(times.scaled(Duration::from_millis(20)));
    tcp.set_nonblocking(true)?;
    let mut is_any = false;
    while matches!(tcp.read(&mut [0; 4096]), Ok(1..)) {
        is_any = true;
    }
    tcp.set_nonblocking(false)?;
    Ok(is_any)
}

fn take(tcp: &mut TcpStream, bytes: &mut [u8]) -> Result<(), NoHead> {
    tcp.read_exact(bytes).map_err(|_| NoHead::Ended)
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|it| it == wanted)
}
