//! An echo client whose opening handshake is correct except for one change.

mod checks;
mod correct;
mod lenient;
pub(super) mod list;
mod requests;
mod strict;

use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::echo;
use super::extensions::{DEFLATE, Extension, HEADER, PARAMETERS};
use super::head::{Head, unfolded};
use super::reading::{NoHead, Reading, lose};
use super::server::hold;
use crate::check::Checks;
use crate::testee::Asked;
use crate::testees::Role;

/// The parts of a client that a testee changes.
pub(crate) struct Client {
    /// Changes the request.
    pub(crate) change: fn(&mut Head),
    pub(crate) key: fn() -> String,
    pub(crate) reading: Reading,
    /// Changes a head before it is parsed.
    pub(crate) decode: fn(Vec<u8>) -> Vec<u8>,
    /// Returns `true` if a response with this status is not the last one.
    pub(crate) is_interim: fn(&str) -> bool,
    pub(crate) checks: Checks<Exchange>,
    /// The checks of permessage-deflate in the response.
    pub(crate) parameters: Checks<Extension>,
    /// Bytes that are sent after the request.
    pub(crate) early: &'static [u8],
    /// `true` if what follows this response at once is lost.
    pub(crate) loses_rest: fn(&Head) -> bool,
    /// Reacts to a response that does not pass the check of this name.
    pub(crate) react: fn(&str) -> Reaction,
}

/// A request and its response.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) request: Head,
    pub(crate) response: Head,
}

/// A reaction to a wrong response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// The end of TCP.
    End,
    /// An open connection, until the peer ends it.
    Silence,
    /// An open connection, also when the peer has ended it.
    Nothing,
    /// These bytes, then the end of TCP.
    Send(&'static [u8]),
}

impl Client {
    /// A client in which nothing is wrong, and which offers to compress.
    pub(crate) fn correct() -> Self {
        Self {
            change: |_| {},
            key: new_key,
            reading: Reading::CORRECT,
            decode: unfolded,
            is_interim: |status| status.starts_with('1') && status != "101",
            checks: Checks::new(checks::ALL),
            parameters: Checks::new(PARAMETERS),
            early: b"",
            loses_rest: |_| false,
            react: |_| Reaction::End,
        }
    }

    /// Makes a connection.
    pub(crate) fn ask(&self, asked: &Asked<'_>) -> io::Result<()> {
        let mut tcp = TcpStream::connect(asked.address)?;
        tcp.set_nodelay(true)?;
        let request = self.request(asked);
        tcp.write_all(&request.bytes())?;
        tcp.write_all(self.early)?;
        let (response, is_half) = match self.response(&mut tcp, asked) {
            Ok(response) => response,
            Err(reason) => return self.refuse(reason, &mut tcp, asked),
        };
        let exchange = Exchange { request, response };
        if let Some(reason) = self.failed(&exchange).filter(|_| !is_half) {
            return self.refuse(reason, &mut tcp, asked);
        }
        if (self.loses_rest)(&exchange.response) {
            lose(&mut tcp, asked.times)?;
        }
        let extension = exchange.response.all(HEADER).concat();
        let extension = extension.contains(DEFLATE).then_some(&*extension);
        echo(&tcp, "agrees-to-all", Role::Client, asked.times, extension)
    }

    fn request(&self, asked: &Asked<'_>) -> Head {
        let mut request = Head::new(
            format!("GET {} HTTP/1.1", asked.target),
            &[
                ("Host", &asked.address.to_string()),
                ("Upgrade", "websocket"),
                ("Connection", "Upgrade"),
                ("Sec-WebSocket-Key", &(self.key)()),
                ("Sec-WebSocket-Version", "13"),
                ("Sec-WebSocket-Protocol", "chat, superchat"),
                (HEADER, "permessage-deflate; client_max_window_bits"),
            ],
        );
        (self.change)(&mut request);
        request
    }

    /// The response, and `true` if it is only half of one. Or the reason why there is none.
    fn response(
        &self,
        tcp: &mut TcpStream,
        asked: &Asked<'_>,
    ) -> Result<(Head, bool), &'static str> {
        loop {
            let head = self.reading.head(tcp, asked.times);
            let head = head.map_err(|error| match error {
                NoHead::TooLong => "length",
                NoHead::InPieces => "pieces",
                NoHead::TimedOut => "time",
                NoHead::Ended => "end",
            })?;
            let is_half = !head.ends_with(b"\r\n\r\n");
            let response = Head::read(&(self.decode)(head));
            let status = response.parts().get(1).copied().unwrap_or_default();
            if is_half || !(self.is_interim)(status) {
                return Ok((response, is_half));
            }
        }
    }

    /// The name of the first check that the response does not pass.
    fn failed(&self, exchange: &Exchange) -> Option<&'static str> {
        let agreed = checks::agreed(exchange).unwrap_or_default();
        let mut agreed = agreed.iter().filter(|it| it.is_deflate());
        let of_parameters = || agreed.find_map(|it| self.parameters.failed(it));
        self.checks.failed(exchange).or_else(of_parameters)
    }

    fn refuse(&self, reason: &str, tcp: &mut TcpStream, asked: &Asked<'_>) -> io::Result<()> {
        match (self.react)(reason) {
            Reaction::End => Ok(()),
            Reaction::Silence => hold(tcp),
            Reaction::Nothing => {
                thread::sleep(asked.times.scaled(Duration::from_secs(10)));
                Ok(())
            }
            Reaction::Send(bytes) => {
                tcp.write_all(bytes)?;
                hold(tcp)
            }
        }
    }
}

/// A key that no other connection of this process has.
fn new_key() -> String {
    BASE64_STANDARD.encode(new_nonce())
}

pub(crate) fn new_nonce() -> [u8; 16] {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    u128::from(COUNT.fetch_add(1, Ordering::Relaxed)).to_be_bytes()
}
