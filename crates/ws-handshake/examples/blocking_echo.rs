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
use ws_proto::{Config, Connection, Event};

/// For the whole opening handshake.
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

/// One connection from its first octet to its last.
fn handle(mut tcp: TcpStream, ws: Connection) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    let leftover = accept(&mut tcp)?;
    Echo { tcp, ws }.run(leftover)
}

/// The opening handshake. Returns what arrived behind the request: the first frames, maybe.
fn accept(tcp: &mut TcpStream) -> io::Result<Vec<u8>> {
    let deadline = Instant::now() + HANDSHAKE_TIMEOUT;
    tcp.set_write_timeout(Some(HANDSHAKE_TIMEOUT))?;
    let mut handshake = ServerHandshake::new(OriginPolicy::default());
    let mut block = [0; 4096];
    loop {
        let len = read_before(deadline, tcp, &mut block)?;
        if len == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        match handshake.receive(&block[..len]) {
            Ok(progress) => {
                let Some(offer) = progress.done else { continue };
                let accepted = offer.accept(Answer::new()).map_err(io::Error::other)?;
                tcp.write_all(&accepted.encode())?;
                return Ok(block[progress.consumed..len].to_vec());
            }
            Err(rejection) => {
                tcp.write_all(&rejection.encode())?;
                // Dropping a socket with unread octets resets the connection, and a reset can overtake the answer.
                tcp.shutdown(Shutdown::Write)?;
                while matches!(read_before(deadline, tcp, &mut block), Ok(1..)) {}
                return Err(io::Error::other(rejection));
            }
        }
    }
}

/// Reads once, and waits until `deadline` at most: a limit for each read alone would let a peer that sends one octet
/// now and then go on for ever.
fn read_before(deadline: Instant, tcp: &mut TcpStream, block: &mut [u8]) -> io::Result<usize> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        tcp.set_read_timeout(Some(left))?;
        match tcp.read(block) {
            Err(error) if is_passing(&error) => {}
            result => return result,
        }
    }
}

/// Whether nothing was read or written but may be later. The kind of a time-out depends on the system.
fn is_passing(error: &io::Error) -> bool {
    use ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}

/// An open connection.
struct Echo {
    tcp: TcpStream,
    ws: Connection,
}

impl Echo {
    /// Echoes until the end.
    fn run(mut self, leftover: Vec<u8>) -> io::Result<()> {
        let result = self.echo(leftover);
        self.ws.end_of_input(); // From here on `self.ws.end()` says how it ended.
        match self.ws.send_side().failure() {
            Some(violation) => Err(io::Error::other(violation)),
            None => result,
        }
    }

    /// Each turn looks at the clock, then writes or reads once.
    fn echo(&mut self, mut leftover: Vec<u8>) -> io::Result<()> {
        let epoch = Instant::now(); // The core's time limits count from here.
        let mut block = vec![0; 64 * 1024];
        let mut is_shut_down = false;
        self.take_in(&mut leftover)?;
        loop {
            // In every turn: a peer that keeps sending must not outlive a limit. May also queue a Ping.
            if let Some(limit) = self.ws.expire(epoch.elapsed()) {
                let text = format!("a time limit has passed: {limit:?}");
                return Err(io::Error::new(ErrorKind::TimedOut, text));
            }
            if self.ws.send_side().queued() > 0 {
                self.ws.stalled(); // Until the socket takes something, the time limit on writes runs.
                let left = self.time_left(epoch);
                self.tcp.set_write_timeout(left)?;
                self.write()?;
                continue;
            }
            if self.ws.ends_transport() && !is_shut_down {
                // What the peer still sends is read to its end: dropped unread, it would reset the connection, and a
                // reset can overtake our Close.
                self.tcp.shutdown(Shutdown::Write)?;
                is_shut_down = true;
            }
            let left = self.time_left(epoch);
            self.tcp.set_read_timeout(left)?;
            match self.tcp.read(&mut block) {
                Ok(0) => return Ok(()),
                Ok(len) => self.take_in(&mut block[..len])?,
                Err(error) if is_passing(&error) => {}
                // How it ended is decided; the peer may go as it likes.
                Err(_) if self.ws.end().is_some() => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// Until the next time limit, if one runs.
    fn time_left(&mut self, epoch: Instant) -> Option<Duration> {
        let now = epoch.elapsed();
        let left = self.ws.deadline(now)?.saturating_sub(now);
        // Sockets do not accept a time limit of zero.
        Some(left.max(Duration::from_millis(1)))
    }

    /// Queues an answer to everything that has arrived.
    fn take_in(&mut self, mut input: &mut [u8]) -> io::Result<()> {
        // After a violation the Close that reports it is queued, and the rest is of no interest.
        while let Ok(received) = self.ws.receive(input) {
            let consumed = received.consumed;
            match received.event {
                Some(Event::Message(message)) => {
                    let message = message.to_message();
                    self.ws.send(message).map_err(io::Error::other)?;
                }
                Some(Event::Control(_)) => {} // Answered already.
                None => break,                // Read more.
            }
            input = &mut input[consumed..];
        }
        Ok(())
    }

    /// Writes once: what is queued, or as much of it as the socket takes.
    fn write(&mut self) -> io::Result<()> {
        let tcp = &mut self.tcp;
        let queue = self.ws.send_side();
        match queue.with_io_slices(|slices| tcp.write_vectored(slices)) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(len) => self.ws.advance(len),
            Err(error) if is_passing(&error) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
