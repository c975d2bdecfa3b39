//! An echo server without a runtime: a thread for each connection, std's sockets, and nothing asynchronous.
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

/// For the opening handshake, and for each wait in it.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1);
    let port: u16 = port.as_deref().unwrap_or("9001").parse()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    println!("ws://{}", listener.local_addr()?);
    // A peer that is gone without a word must not keep its thread for ever.
    let config = Config::default().keepalive(Duration::from_secs(30), Duration::from_secs(30));
    serve(&listener, &config)
}

/// Accepts connections for ever.
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
        // Out of descriptors or threads, mostly. That passes when connections end.
        if let Err(error) = started {
            eprintln!("cannot accept: {error}");
            thread::sleep(Duration::from_millis(100));
        }
    }
}

/// One connection from its first byte to its last.
fn handle(mut tcp: TcpStream, mut ws: Connection) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    accept(&mut tcp, &mut ws)?;
    let result = echo(&mut tcp, &mut ws);
    ws.end_of_input(); // From here on `ws.end()` says how it ended.
    ws.send
        .failure()
        .map_or(result, |violation| Err(io::Error::other(violation)))
}

/// The opening handshake. What arrived behind the request, the first frames maybe, goes to `ws`.
fn accept(tcp: &mut TcpStream, ws: &mut Connection) -> io::Result<()> {
    tcp.set_read_timeout(Some(HANDSHAKE_TIMEOUT))?;
    tcp.set_write_timeout(Some(HANDSHAKE_TIMEOUT))?;
    // Reads together are limited as well: a peer that sends one byte now and then must not go on for ever.
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
                let behind = &block[progress.consumed..len];
                ws.spare()[..behind.len()].copy_from_slice(behind);
                ws.recv.filled(behind.len());
                return Ok(());
            }
            Err(rejection) => {
                tcp.write_all(&rejection.encode())?;
                // Dropping a socket with unread bytes resets the connection, and a reset can overtake the answer.
                tcp.shutdown(Shutdown::Write)?;
                while !is_late() && matches!(tcp.read(&mut block), Ok(1..)) {}
                return Err(io::Error::other(rejection));
            }
        }
    }
    Err(ErrorKind::TimedOut.into())
}

/// Echoes until the end. Each turn answers what is there, looks at the clock, then writes or reads once.
fn echo(tcp: &mut TcpStream, ws: &mut Connection) -> io::Result<()> {
    let epoch = Instant::now(); // The time limits count from here.
    let mut is_shut_down = false;
    loop {
        loop {
            match ws.next_message() {
                Step::Found(_) => {
                    let message = ws.recv.take_message().expect("it was found just now");
                    ws.send.message(message).map_err(io::Error::other)?;
                }
                Step::Control(_) | Step::Busy => {} // Answered already; go on.
                Step::NeedInput | Step::Ended => break,
            }
        }
        // In every turn: a peer that keeps sending must not outlive a limit. May also queue a Ping.
        if let Some(limit) = ws.send.expire(epoch.elapsed()) {
            let text = format!("a time limit has passed: {limit:?}");
            return Err(io::Error::new(ErrorKind::TimedOut, text));
        }
        if ws.send.ends_transport() && !is_shut_down {
            // What the peer still sends is read to its end: dropped unread, it would reset the connection, and a reset
            // can overtake our Close.
            tcp.shutdown(Shutdown::Write)?;
            is_shut_down = true;
        }
        let is_writing = ws.send.queued() > 0;
        if is_writing {
            ws.send.stalled(); // Until the socket takes something, the time limit on writes runs.
        }
        let now = epoch.elapsed();
        let left = ws.send.deadline(now).map(|limit| limit.saturating_sub(now));
        let left = left.map(|left| left.max(Duration::from_millis(1))); // Sockets do not accept zero.
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
                // It may go on later. The kind of a time-out depends on the system.
                ErrorKind::Interrupted | ErrorKind::TimedOut | ErrorKind::WouldBlock => {}
                // All is said; the peer may go as it likes.
                _ if ws.send.ends_transport() => return Ok(()),
                _ => return Err(error),
            },
        }
    }
}
