//! The relay between a client and a server.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::socket::TOO_LONG;

/// The time for which a direction without input blocks the other one.
const TURN: Duration = Duration::from_millis(1);

/// Relays until one side ends or fails, or until `max` bytes were sent to the client.
///
/// One thread serves both directions. So the two ends must not send much at the same time.
pub(super) fn relay(
    mut client: impl Read + Write,
    handle: &TcpStream,
    mut server: TcpStream,
    max: usize,
) -> io::Result<()> {
    handle.set_read_timeout(Some(TURN))?;
    server.set_read_timeout(Some(TURN))?;
    let mut block = vec![0; 16 * 1024];
    let mut left = max;
    let start = Instant::now();
    while left > 0 && start.elapsed() < TOO_LONG {
        match read(&mut client, &mut block)? {
            Some(0) => break,
            Some(len) => server.write_all(&block[..len])?,
            None => {}
        }
        let len = left.min(block.len());
        match read(&mut server, &mut block[..len])? {
            Some(0) => break,
            Some(len) => {
                client.write_all(&block[..len])?;
                client.flush()?;
                left -= len;
            }
            None => {}
        }
    }
    Ok(())
}

/// Reads once. Returns `None` if nothing arrived.
fn read(stream: &mut impl Read, block: &mut [u8]) -> io::Result<Option<usize>> {
    match stream.read(block) {
        Ok(len) => Ok(Some(len)),
        Err(error) => match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Ok(None),
            // A session of TLS that ends without a `close_notify`.
            io::ErrorKind::UnexpectedEof => Ok(Some(0)),
            _ => Err(error),
        },
    }
}
