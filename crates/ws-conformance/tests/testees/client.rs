//! A testee that connects, driven over the control paths of a fuzzing server.

use std::io::{self, Error, Read, Write};
use std::iter;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::codec::{self, CLOSE, Decoder, Form, Piece, TEXT};
use super::deflate::{self, Deflate};
use super::{Fault, Pace, Role, connection, handshake};

/// An echo client and the server that it asks for cases.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// `host:port` of the fuzzing server.
    host: String,
    fault: Fault,
    pace: Pace,
}

impl Client {
    /// The client for a URL such as `ws://127.0.0.1:9001`.
    pub(crate) fn new(url: &str, fault: Fault) -> io::Result<Self> {
        let host = url.strip_prefix("ws://").unwrap_or_default();
        let host = host.trim_end_matches('/').to_owned();
        match host.contains(':') {
            true => Ok(Self {
                host,
                fault,
                pace: Pace::NORMAL,
            }),
            false => Err(Error::other(format!("{url:?} is not ws://HOST:PORT"))),
        }
    }

    /// With other times.
    pub(crate) fn with_pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// Runs all cases that the server has for it, and has the reports written.
    pub(crate) fn run(&self, jobs: usize) -> io::Result<()> {
        self.run_cases(jobs)?;
        self.update_reports();
        Ok(())
    }

    /// Runs all cases that the server has for it, `jobs` at a time.
    pub(crate) fn run_cases(&self, jobs: usize) -> io::Result<()> {
        self.run_all(self.case_count()?, jobs);
        Ok(())
    }

    /// Runs so many cases, `jobs` at a time.
    pub(crate) fn run_all(&self, count: usize, jobs: usize) {
        let next = AtomicUsize::new(1);
        thread::scope(|scope| {
            for _ in 0..jobs {
                scope.spawn(|| {
                    let numbers = || Some(next.fetch_add(1, Ordering::Relaxed));
                    for number in iter::from_fn(numbers).take_while(|number| *number <= count) {
                        // An error ends that case; what it means is for the suite to say.
                        let _ = self.run_case(number);
                    }
                });
            }
        });
    }

    /// How many cases the server has.
    pub(crate) fn case_count(&self) -> io::Result<usize> {
        let text = self.ask("/getCaseCount")?;
        text.parse()
            .map_err(|_| Error::other(format!("{text:?} is not a number of cases")))
    }

    /// Runs one of them, counted from 1.
    pub(crate) fn run_case(&self, number: usize) -> io::Result<()> {
        let agent = self.fault.name();
        self.run_target(&format!("/runCase?case={number}&agent={agent}"))
    }

    /// Echoes over a connection for this path and query.
    pub(crate) fn run_target(&self, target: &str) -> io::Result<()> {
        let (tcp, answer) = self.open(target, deflate::offer(self.fault))?;
        let deflate = answer.map(|answer| Deflate::new(self.fault, Role::Client, &answer));
        connection::echo(tcp, self.fault, Role::Client, self.pace, deflate)
    }

    /// Has the reports written, and the server end. The original ends so soon that this
    /// connection breaks, which says nothing about the reports.
    pub(crate) fn update_reports(&self) {
        let _ = self.try_update_reports();
    }

    /// Has the reports written, and the server end, if it still says so.
    pub(crate) fn try_update_reports(&self) -> io::Result<()> {
        let agent = self.fault.name();
        self.ask(&format!(
            "/updateReports?agent={agent}&shutdownOnComplete=true"
        ))
        .map(drop)
    }

    fn open(&self, target: &str, offer: Option<&str>) -> io::Result<(TcpStream, Option<String>)> {
        let mut tcp = TcpStream::connect(&self.host)?;
        tcp.set_nodelay(true)?;
        let answer = handshake::request(&mut tcp, &self.host, target, offer, self.pace)?;
        Ok((tcp, answer))
    }

    /// The texts that a control path sends before its Close. Never with a fault.
    fn ask(&self, target: &str) -> io::Result<String> {
        let (mut tcp, _) = self.open(target, None)?;
        tcp.set_read_timeout(Some(6 * self.pace.patience()))?;
        let mut decoder = Decoder::default();
        let (mut opcode, mut text, mut buffer) = (0, Vec::new(), [0; 4096]);
        loop {
            match decoder.piece() {
                Some(Piece::Start(header)) => opcode = header.opcode,
                Some(Piece::Payload(payload)) if opcode == TEXT => text.extend(payload),
                Some(Piece::Payload(_)) => {}
                Some(Piece::End) if opcode == CLOSE => break,
                Some(Piece::End) => {}
                None => match tcp.read(&mut buffer)? {
                    0 => break,
                    len => decoder.push(&buffer[..len]),
                },
            }
        }
        say_goodbye(&mut tcp);
        String::from_utf8(text).map_err(Error::other)
    }
}

/// Answers a Close. The server may be gone already, which is as good.
fn say_goodbye(tcp: &mut TcpStream) {
    let mut close = Vec::new();
    codec::encode(
        &mut close,
        0x80 | CLOSE,
        &1000_u16.to_be_bytes(),
        Form::CLIENT,
    );
    let _ = tcp.write_all(&close);
}
