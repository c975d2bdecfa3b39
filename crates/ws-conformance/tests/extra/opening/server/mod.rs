//! An echo server whose opening handshake is correct except for one change.

mod answers;
mod checks;
mod correct;
mod lenient;
pub(super) mod list;
mod strict;

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use super::echo;
use super::extensions::{DEFLATE, HEADER};
use super::head::{Head, accept};
use super::negotiation::Negotiation;
use super::reading::{NoHead, Reading, lose};
use crate::check::Checks;
use crate::testee::{Accepted, Times};
use crate::testees::Role;

/// The parts of a server that a testee changes.
pub(crate) struct Server {
    pub(crate) reading: Reading,
    /// Changes a head before it is parsed.
    pub(crate) decode: fn(Vec<u8>) -> Vec<u8>,
    pub(crate) checks: Checks<Head>,
    /// A body is read and not taken for frames.
    pub(crate) skips_body: bool,
    pub(crate) rest: Rest,
    pub(crate) negotiation: Negotiation,
    /// Returns the subprotocols to answer, each for a line of its own.
    pub(crate) choose: fn(&Head) -> Vec<String>,
    /// Changes the response that opens the connection, by the request.
    pub(crate) change: fn(&Head, &mut Head),
    /// The name of the fault of the endpoint after the opening handshake.
    pub(crate) echo: &'static str,
    /// `true` if only the first connection of a case meets this server, and the others a correct
    /// one.
    pub(crate) is_first_only: bool,
    /// Reacts to a request that does not pass the check of this name.
    pub(crate) react: fn(&str) -> Reaction,
}

/// The treatment of bytes that come with the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    Kept,
    Lost,
    /// They are lost, and so are those that follow the response.
    LostTwice,
}

/// A reaction to a wrong request.
pub(crate) enum Reaction {
    /// This response, and the end of TCP.
    Answer(Refusal),
    /// This response, and an open connection.
    AnswerAndHold(Refusal),
    /// An open connection.
    Silence,
    /// The end of TCP.
    End,
    /// This response, and the end of the server.
    AnswerAndDie(Refusal),
}

/// A response with an error status.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) head: Head,
    pub(crate) body: String,
}

impl Server {
    /// A server in which nothing is wrong.
    pub(crate) fn correct() -> Self {
        Self {
            reading: Reading::CORRECT,
            decode: |head| head,
            checks: Checks::new(checks::ALL),
            skips_body: false,
            rest: Rest::Kept,
            negotiation: Negotiation::correct(),
            choose: |request| first(request).into_iter().collect(),
            change: |_, _| {},
            echo: "agrees-to-all",
            is_first_only: false,
            react: |reason| Reaction::Answer(refusal(reason)),
        }
    }

    /// Serves a connection. `number` is its position among those of the case.
    pub(crate) fn serve_one_of(&self, number: usize, accepted: Accepted) -> io::Result<()> {
        match self.is_first_only && number > 0 {
            true => Self::correct().serve(accepted),
            false => self.serve(accepted),
        }
    }

    fn serve(&self, mut accepted: Accepted) -> io::Result<()> {
        accepted.tcp.set_nodelay(true)?;
        let head = match self.reading.head(&mut accepted.tcp, accepted.times) {
            Ok(head) => head,
            Err(NoHead::Ended) => return Ok(()),
            Err(NoHead::TooLong) => return self.refuse("length", accepted),
            Err(NoHead::InPieces) => return self.refuse("pieces", accepted),
            Err(NoHead::TimedOut) => return self.refuse("time", accepted),
        };
        let is_half = !head.ends_with(b"\r\n\r\n");
        let request = Head::read(&(self.decode)(head));
        if let Some(reason) = self.checks.failed(&request).filter(|_| !is_half) {
            return self.refuse(reason, accepted);
        }
        if self.skips_body {
            skip_body(&request, &mut accepted.tcp)?;
        }
        let has_rest = self.rest != Rest::Kept && lose(&mut accepted.tcp, accepted.times)?;
        let (response, extension) = self.response(&request);
        accepted.tcp.write_all(&response.bytes())?;
        if has_rest && self.rest == Rest::LostTwice {
            lose(&mut accepted.tcp, accepted.times)?;
        }
        let extension = extension.filter(|it| it.to_ascii_lowercase().contains(DEFLATE));
        echo(
            &accepted.tcp,
            self.echo,
            Role::Server,
            accepted.times,
            extension.as_deref(),
        )
    }

    /// The response that opens a connection, and what it says about extensions.
    fn response(&self, request: &Head) -> (Head, Option<String>) {
        let key = request.all("Sec-WebSocket-Key").first().copied();
        let mut response = Head::new(
            "HTTP/1.1 101 Switching Protocols".to_owned(),
            &[
                ("Upgrade", "websocket"),
                ("Connection", "Upgrade"),
                ("Sec-WebSocket-Accept", &accept(key.unwrap_or_default())),
            ],
        );
        for protocol in (self.choose)(request) {
            response.add("Sec-WebSocket-Protocol", &protocol);
        }
        let extension = self.negotiation.answer(request);
        if let Some(extension) = &extension {
            response.add(HEADER, extension);
        }
        (self.change)(request, &mut response);
        (response, extension)
    }

    fn refuse(&self, reason: &str, accepted: Accepted) -> io::Result<()> {
        let Accepted {
            mut tcp,
            house,
            times,
            ..
        } = accepted;
        let mut write = |refusal: Refusal| {
            tcp.write_all(&refusal.head.bytes())?;
            tcp.write_all(refusal.body.as_bytes())
        };
        match (self.react)(reason) {
            Reaction::Answer(refusal) => {
                write(refusal)?;
                end(&mut tcp, times)
            }
            Reaction::AnswerAndHold(refusal) => {
                write(refusal)?;
                hold(&mut tcp)
            }
            Reaction::Silence => hold(&mut tcp),
            Reaction::End => Ok(()),
            Reaction::AnswerAndDie(refusal) => {
                house.close();
                write(refusal)
            }
        }
    }
}

/// The first subprotocol that is offered. Empty names and repeated names make no difference.
pub(crate) fn first(request: &Head) -> Option<String> {
    let offered = request.items("Sec-WebSocket-Protocol");
    let mut offered = offered.into_iter().filter(|name| !name.contains(' '));
    offered.next().map(str::to_owned)
}

/// The right response to a request that does not pass this check.
pub(crate) fn refusal(reason: &str) -> Refusal {
    let status = match reason {
        "version" | "version-missing" | "version-repeated" => "426 Upgrade Required",
        "method" => "405 Method Not Allowed",
        "length" | "header-count" => "431 Request Header Fields Too Large",
        "time" => "408 Request Timeout",
        _ => "400 Bad Request",
    };
    let body = format!("check: {reason}\r\n");
    let length = body.len().to_string();
    let mut head = Head::new(
        format!("HTTP/1.1 {status}"),
        &[("Connection", "close"), ("Content-Length", &length)],
    );
    if status.starts_with("426") {
        head.add("Upgrade", "websocket");
        head.add("Sec-WebSocket-Version", "13");
    }
    Refusal { head, body }
}

/// Ends TCP. What still arrives is read, because unread bytes would turn the end into a reset.
fn end(tcp: &mut TcpStream, times: Times) -> io::Result<()> {
    let patience = times.scaled(Duration::from_secs(1));
    tcp.shutdown(Shutdown::Write)?;
    tcp.set_read_timeout(Some(patience))?;
    let started = Instant::now();
    while started.elapsed() < patience && tcp.read(&mut [0; 4096])? > 0 {}
    Ok(())
}

/// Leaves TCP open until the peer ends it.
pub(crate) fn hold(tcp: &mut TcpStream) -> io::Result<()> {
    tcp.set_read_timeout(Some(Duration::from_secs(30)))?;
    while tcp.read(&mut [0; 4096])? > 0 {}
    Ok(())
}

/// Reads the body of a request.
fn skip_body(request: &Head, tcp: &mut TcpStream) -> io::Result<()> {
    if let Some(length) = request.one("Content-Length") {
        let length = length.parse().map_err(io::Error::other)?;
        tcp.read_exact(&mut vec![0; length])?;
    }
    let mut body = Vec::new();
    while request.lists("Transfer-Encoding", "chunked") && !body.ends_with(b"0\r\n\r\n") {
        let mut byte = [0];
        tcp.read_exact(&mut byte)?;
        body.extend(byte);
    }
    Ok(())
}
