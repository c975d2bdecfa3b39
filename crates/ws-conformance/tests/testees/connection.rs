//! One connection after the opening handshake, on a blocking socket.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::deflate::Deflate;
use super::echo::{Echo, Next};
use super::{Fault, Pace, Role};

/// Echoes until the connection ends.
pub(crate) fn echo(
    tcp: TcpStream,
    fault: Fault,
    role: Role,
    pace: Pace,
    deflate: Option<Deflate>,
) -> io::Result<()> {
    let mut echo = Echo::new(fault, role, pace, deflate);
    let next = match fault {
        Fault::DropsAtOnce => Next::Drop,
        Fault::ClosesFirst => {
            echo.close_first();
            Next::End
        }
        _ => Next::Read,
    };
    match converse(&tcp, &mut echo, next, fault, pace)? {
        Next::End => end(tcp, fault, role, pace),
        Next::Drop | Next::Read => Ok(()),
    }
}

/// Reads and writes until the endpoint wants to end; [`Next::Read`] if the peer ended first.
fn converse(
    mut tcp: &TcpStream,
    echo: &mut Echo,
    mut next: Next,
    fault: Fault,
    pace: Pace,
) -> io::Result<Next> {
    let mut buffer = vec![0; 1 << 16];
    while next != Next::Drop {
        tcp.write_all(&echo.take_output())?;
        if next == Next::End {
            break;
        }
        if wait(tcp, echo.deadline(), pace.patience())? {
            thread::sleep(pace.reaction_time(fault));
            match tcp.read(&mut buffer)? {
                0 => break,
                len => next = echo.receive(&buffer[..len], Instant::now()),
            }
        }
        echo.tick(Instant::now());
    }
    Ok(next)
}

/// Waits until there is something to read: false if the deadline passed first.
fn wait(tcp: &TcpStream, deadline: Option<Instant>, patience: Duration) -> io::Result<bool> {
    let time = deadline.map_or(patience, |at| at.saturating_duration_since(Instant::now()));
    // No time at all would mean no limit.
    tcp.set_read_timeout(Some(time.clamp(Duration::from_millis(1), patience)))?;
    match tcp.peek(&mut [0]) {
        Ok(_) => Ok(true),
        Err(error) if is_timeout(&error) && time < patience => Ok(false),
        Err(error) => Err(error),
    }
}

/// Ends TCP after the last frame (RFC 6455 §7.1.1): a server at once, a client after the server.
/// What still arrives is read, since unread octets would turn the end into a reset.
fn end(mut tcp: TcpStream, fault: Fault, role: Role, pace: Pace) -> io::Result<()> {
    let (leave_open, patience) = match fault {
        Fault::TcpLeftOpen => (true, pace.patience()),
        _ => (role == Role::Client, pace.linger()),
    };
    if !leave_open {
        tcp.shutdown(Shutdown::Write)?;
    }
    let started = Instant::now();
    tcp.set_read_timeout(Some(patience))?;
    while started.elapsed() < patience && tcp.read(&mut [0; 4096])? > 0 {}
    Ok(())
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
