//! A blocking echo server without a runtime. It uses the sockets of std, and one thread per
//! connection.
//!
//! ```sh
//! cargo run -p ws-handshake --example blocking_echo -- 9001
//! ```

#![forbid(unsafe_code)]

use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use ws_handshake::{Answer, OriginPolicy, ServerHandshake};
use ws_proto::{Config, Connection, Step};

/// The timeout of each read and write in the opening handshake. After this time, no further read
/// begins.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1);
    let port: u16 = port.as_deref().unwrap_or("9001").parse()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    println!("ws://{}", listener.local_addr()?);
    // The keepalive ends the thread of a peer that disappeared without closing the connection.
    let config = Config::default().keepalive(Duration::from_secs(30), Duration::from_secs(30));
    serve(&listener, &config)
}

/// Accepts connections forever.
pub(crate) fn serve(listener: &TcpListener, config: &Config) -> ! {
    loop {
        let ws = Connection::server(config);
        let started = listener.accept().and_then(|(tcp, peer)| {
            thread::Builder::new().spawn(move || {
                if let Err(error) = handle(tcp, ws) {
                    eprintln!("{peer}: {error}");
                }
            })
        });
        // The usual cause is a lack of descriptors or threads, until other connections end.
        if let Err(error) = started {
            eprintln!("cannot accept: {error}");
            thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Serves one connection.
fn handle(mut tcp: TcpStream, mut ws: Connection) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    accept(&mut tcp, &mut ws)?;
    let result = echo(&mut tcp, &mut ws);
    ws.end_of_input(); // From here on, `ws.send.end()` returns how the connection ended.
    ws.send
        .failure()
        .map_or(result, |violation| Err(io::Error::other(violation)))
}

/// Performs the opening handshake. Bytes that arrived together with the request, but after it, are
/// passed to `ws`.
fn accept(tcp: &mut TcpStream, ws: &mut Connection) -> io::Result<()> {
    tcp.set_read_timeout(Some(HANDSHAKE_TIMEOUT))?;
    tcp.set_write_timeout(Some(HANDSHAKE_TIMEOUT))?;
    // The time of all reads together is limited, too. Otherwise a peer could send single bytes
    // forever.
    let start = Instant::now();
    let is_late = || start.elapsed() > HANDSHAKE_TIMEOUT;
    let mut handshake = ServerHandshake::new(OriginPolicy::default());
    let mut block = [0; 4096];
    while !is_late() {
        let len = tcp.read(&mut block)?;
        if len == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        match handshake.receive(&block[..len]) {
            Ok(progress) => {
                let Some(offer) = progress.done else { continue };
                let accepted = offer.accept(Answer::new()).map_err(io::Error::other)?;
                tcp.write_all(&accepted.encode())?;
                let frames = &block[progress.consumed..len];
                ws.spare()[..frames.len()].copy_from_slice(frames);
                ws.recv.filled(frames.len());
                return Ok(());
            }
            Err(rejection) => {
                tcp.write_all(&rejection.encode())?;
                // Closing a socket with unread bytes resets the connection. The reset can destroy
                // the response before the peer reads it. So the server reads until the peer ends
                // its direction.
                tcp.shutdown(Shutdown::Write)?;
                while !is_late() && matches!(tcp.read(&mut block), Ok(1..)) {}
                return Err(io::Error::other(rejection));
            }
        }
    }
    Err(ErrorKind::TimedOut.into())
}

/// Echoes messages until the connection ends. Each iteration handles all messages in the input,
/// checks the deadlines, and then writes or reads once.
fn echo(tcp: &mut TcpStream, ws: &mut Connection) -> io::Result<()> {
    let epoch = Instant::now(); // The deadlines are relative to this instant.
    let mut is_shut_down = false;
    loop {
        loop {
            match ws.next_message() {
                Step::Found(_) => {
                    let message = ws.recv.take_message().expect("a message was found");
                    ws.send.message(message).map_err(io::Error::other)?;
                }
                Step::Control(_) | Step::Busy => {} // Control frames are answered by `ws`.
                Step::NeedInput | Step::Ended => break,
            }
        }
        // The deadlines are checked in every iteration. Otherwise a peer that sends without a pause
        // could evade the deadlines. `expire` may also queue a Ping.
        if let Some(limit) = ws.send.expire(epoch.elapsed()) {
            let text = format!("the connection timed out: {limit:?}");
            return Err(io::Error::new(ErrorKind::TimedOut, text));
        }
        if ws.send.ends_transport() && !is_shut_down {
            // The loop continues to read until the peer ends its direction. Closing the socket with
            // unread bytes would reset the connection, and the reset could destroy our Close.
            tcp.shutdown(Shutdown::Write)?;
            is_shut_down = true;
        }
        let is_writing = ws.send.queued() > 0;
        if is_writing {
            // Starts the write stall timeout. The timeout stops when the socket takes bytes.
            ws.send.stalled();
        }
        let now = epoch.elapsed();
        let left = ws.send.deadline(now).map(|limit| limit.saturating_sub(now));
        // Sockets do not accept a timeout of zero.
        let left = left.map(|left| left.max(Duration::from_millis(1)));
        let moved = if is_writing {
            tcp.set_write_timeout(left)?;
            tcp.write_vectored(&ws.send.io_slices())
        } else {
            tcp.set_read_timeout(left)?;
            tcp.read(ws.spare())
        };
        match moved {
            Ok(0) => return Ok(()), // The peer has ended its direction.
            Ok(len) if is_writing => ws.send.advance(len),
            Ok(len) => ws.recv.filled(len),
            Err(error) => match error.kind() {
                // These are no failures. A timeout has one of the last two kinds, depending on the
                // system.
                ErrorKind::Interrupted | ErrorKind::TimedOut | ErrorKind::WouldBlock => {}
                // Our Close has been written, so a reset by the peer is no error.
                _ if ws.send.ends_transport() => return Ok(()),
                _ => return Err(error),
            },
        }
    }
}
