//! A testee that connects, driven over the control paths of a fuzzing server.

use std::io::{self, Error, Read, Write};
use std::iter;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::codec::{self, CLOSE, Decoder, Form, Piece, TEXT};
use super::deflate::Deflate;
use super::rules::DeflateRules;
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
    /// A client for a URL such as `ws://127.0.0.1:9001`.
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

    /// Sets other times.
    pub(crate) fn with_pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// Runs all cases of the server and asks for the reports.
    pub(crate) fn run(&self, jobs: usize) -> io::Result<()> {
        self.run_cases(jobs)?;
        self.update_reports();
        Ok(())
    }

    /// Runs all cases of the server, `jobs` at a time.
    pub(crate) fn run_cases(&self, jobs: usize) -> io::Result<()> {
        self.run_all(self.case_count()?, jobs);
        Ok(())
    }

    /// Runs the first `count` cases, `jobs` at a time.
    pub(crate) fn run_all(&self, count: usize, jobs: usize) {
        let next = AtomicUsize::new(1);
        thread::scope(|scope| {
            for _ in 0..jobs {
                scope.spawn(|| {
                    let numbers = || Some(next.fetch_add(1, Ordering::Relaxed));
                    for number in iter::from_fn(numbers).take_while(|number| *number <= count) {
                        // An error ends the case. The suite judges what that means.
                        let _ = self.run_case(number);
                    }
                });
            }
        });
    }

    /// Returns the number of cases of the server.
    pub(crate) fn case_count(&self) -> io::Result<usize> {
        let text = self.ask("/getCaseCount")?;
        text.parse()
            .map_err(|_| Error::other(format!("{text:?} is not a number of cases")))
    }

    /// Runs a case, counted from 1.
    pub(crate) fn run_case(&self, number: usize) -> io::Result<()> {
        let agent = self.fault.name();
        self.run_target(&format!("/runCase?case={number}&agent={agent}"))
    }

    /// Asks for this path and query, and echoes over the connection.
    pub(crate) fn run_target(&self, target: &str) -> io::Result<()> {
        let rules = self.fault.rules();
        let (tcp, deflate) = self.open(target, &rules.deflate)?;
        connection::echo(&tcp, rules, Role::Client, self.pace, deflate).map(drop)
    }

    /// Asks for the reports and for the end of the server. The original ends so soon that this
    /// connection breaks. The reports are complete nevertheless.
    pub(crate) fn update_reports(&self) {
        let _ = self.try_update_reports();
    }

    /// Asks for the reports and for the end of the server, which has to confirm it.
    pub(crate) fn try_update_reports(&self) -> io::Result<()> {
        let agent = self.fault.name();
        self.ask(&format!(
            "/updateReports?agent={agent}&shutdownOnComplete=true"
        ))
        .map(drop)
    }

    fn open(&self, target: &str, rules: &DeflateRules) -> io::Result<(TcpStream, Option<Deflate>)> {
        let tcp = TcpStream::connect(&self.host)?;
        tcp.set_nodelay(true)?;
        let deflate = handshake::request(&tcp, &self.host, target, rules, self.pace)?;
        Ok((tcp, deflate))
    }

    /// Returns the texts that a control path sends before its Close. No fault applies here.
    fn ask(&self, target: &str) -> io::Result<String> {
        let (mut tcp, _) = self.open(target, &DeflateRules::default())?;
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

/// Answers a Close. The server may have ended already.
fn say_goodbye(tcp: &mut TcpStream) {
    let mut close = Vec::new();
    codec::encode(
        &mut close,
        0x80 | CLOSE,
        &1000_u16.to_be_bytes(),
        Form {
            masking_key: Some(fastrand::u32(..).to_be_bytes()),
            long_lengths: false,
        },
    );
    let _ = tcp.write_all(&close);
}
