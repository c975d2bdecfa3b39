//! One connection after the opening handshake, on a blocking socket.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::deflate::Deflate;
use super::echo::{Echo, Next};
use super::rules::{AtEnd, Rules, Start, TcpEnd};
use super::{Fault, Pace, Role};

/// Echoes until the connection ends. Returns [`Next::Die`] if the server is to end, too.
pub(crate) fn echo(
    tcp: &TcpStream,
    rules: Rules,
    role: Role,
    pace: Pace,
    deflate: Option<Deflate>,
) -> io::Result<Next> {
    let mut echo = Echo::new(rules, role, pace, deflate);
    let next = match rules.start {
        Start::Read => Next::Read,
        Start::Drop => Next::Drop,
        Start::Close => {
            echo.close_first();
            Next::End { failed: false }
        }
    };
    let mut connection = Connection {
        tcp,
        rules,
        pace,
        read_limit: Duration::ZERO,
    };
    let next = match connection.converse(&mut echo, next) {
        Err(error) if error.kind() == ErrorKind::ConnectionReset && echo.is_within_frame() => {
            match rules.dies_of_reset {
                true => Next::Die,
                false => return Err(error),
            }
        }
        other => other?,
    };
    if let Next::End { failed } = next {
        connection.end(role, failed)?;
    }
    Ok(next)
}

/// Echoes over a connection whose opening handshake the caller has made. `extension` is the one
/// that was agreed to.
pub(crate) fn echo_opened(
    tcp: &TcpStream,
    fault: Fault,
    role: Role,
    pace: Pace,
    extension: Option<&str>,
) -> io::Result<()> {
    let rules = fault.rules();
    let deflate = extension.map(|answer| Deflate::new(rules.deflate, role, answer));
    echo(tcp, rules, role, pace, deflate).map(drop)
}

struct Connection<'a> {
    tcp: &'a TcpStream,
    rules: Rules,
    pace: Pace,
    /// The time limit of reads that is set.
    read_limit: Duration,
}

impl Connection<'_> {
    /// Reads and writes until the endpoint ends the connection. Returns [`Next::Read`] if the peer
    /// ended it first.
    fn converse(&mut self, echo: &mut Echo, mut next: Next) -> io::Result<Next> {
        let patience = self.pace.millis(self.rules.write_patience_ms);
        self.tcp.set_write_timeout(Some(patience))?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            if matches!(next, Next::Drop | Next::Die) {
                return Ok(next);
            }
            self.write(&echo.take_output())?;
            if next != Next::Read {
                return Ok(next);
            }
            match self.read(echo, &mut buffer)? {
                Some(0) => return self.peer_ended(echo),
                Some(len) => next = echo.receive(&buffer[..len], Instant::now()),
                None => {}
            }
            if next == Next::Read {
                next = echo.tick(Instant::now());
            }
        }
    }

    /// Reads what arrives. Returns nothing if the deadline of the endpoint passed first.
    fn read(&mut self, echo: &Echo, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let now = Instant::now();
        let time = echo.deadline().map(|at| at.saturating_duration_since(now));
        let patience = match echo.is_within_frame() {
            true => self.rules.frame_patience_ms.min(self.rules.patience_ms),
            false => self.rules.patience_ms,
        };
        let patience = self.pace.millis(patience);
        let time = time.unwrap_or(patience);
        // No time would mean no limit.
        self.limit_reads(time.clamp(Duration::from_millis(1), patience))?;
        match self.read_after_reaction(buffer) {
            Ok(len) => Ok(Some(len)),
            Err(error) if is_timeout(&error) && time < patience => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn limit_reads(&mut self, limit: Duration) -> io::Result<()> {
        if self.read_limit != limit {
            self.read_limit = limit;
            self.tcp.set_read_timeout(Some(limit))?;
        }
        Ok(())
    }

    fn read_after_reaction(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut tcp = self.tcp;
        if self.rules.reaction_ms > 0 {
            tcp.peek(&mut [0])?;
            thread::sleep(self.pace.millis(self.rules.reaction_ms));
        }
        tcp.read(buffer)
    }

    fn peer_ended(&mut self, echo: &mut Echo) -> io::Result<Next> {
        match self.rules.at_end {
            AtEnd::End => Ok(Next::Read),
            AtEnd::Stay => {
                thread::sleep(self.pace.patience());
                Ok(Next::Read)
            }
            AtEnd::Complete => {
                let next = echo.complete(Instant::now());
                self.write(&echo.take_output())?;
                Ok(next)
            }
        }
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut tcp = self.tcp;
        match self.rules.loses_output {
            true => self.write_with_loss(bytes),
            false => tcp.write_all(bytes),
        }
    }

    /// Writes in parts, and drops the part after one that had to wait for the peer.
    fn write_with_loss(&self, bytes: &[u8]) -> io::Result<()> {
        /// Longer than a peer that reads takes.
        const STALL_MS: u64 = 300;
        const PART: usize = 1 << 16;
        let (mut tcp, mut is_lost) = (self.tcp, false);
        for part in bytes.chunks(PART) {
            let started = Instant::now();
            if !std::mem::take(&mut is_lost) {
                tcp.write_all(part)?;
                is_lost = started.elapsed() > self.pace.millis(STALL_MS);
            }
        }
        Ok(())
    }

    /// Ends TCP after the last frame (RFC 6455 §7.1.1). The endpoint reads what still arrives,
    /// because unread bytes would turn the end into a reset.
    fn end(&self, role: Role, failed: bool) -> io::Result<()> {
        let (shuts_down, patience) = match self.rules.tcp_end {
            TcpEnd::ByClient => (false, self.pace.patience()),
            TcpEnd::AfterSilence => return self.read_until_silence(),
            TcpEnd::Never => return self.stay(),
            TcpEnd::NeverAfterFailure if failed => return self.stay(),
            TcpEnd::Right | TcpEnd::NeverAfterFailure => (role == Role::Server, self.pace.linger()),
        };
        if shuts_down {
            self.tcp.shutdown(Shutdown::Write)?;
        }
        let (mut tcp, started) = (self.tcp, Instant::now());
        tcp.set_read_timeout(Some(patience))?;
        while started.elapsed() < patience && tcp.read(&mut [0; 4096])? > 0 {}
        Ok(())
    }

    fn read_until_silence(&self) -> io::Result<()> {
        /// Longer than a peer that sends takes between two messages.
        const SILENCE_MS: u64 = 500;
        let mut tcp = self.tcp;
        tcp.set_read_timeout(Some(self.pace.millis(SILENCE_MS)))?;
        while tcp.read(&mut [0; 4096])? > 0 {}
        Ok(())
    }

    /// Reads for longer than any case waits for the end of TCP.
    fn stay(&self) -> io::Result<()> {
        let patience = 2 * self.pace.patience();
        let (mut tcp, started) = (self.tcp, Instant::now());
        tcp.set_read_timeout(Some(patience))?;
        while started.elapsed() < patience {
            if tcp.read(&mut [0; 4096])? == 0 {
                thread::sleep(patience.saturating_sub(started.elapsed()));
            }
        }
        Ok(())
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
