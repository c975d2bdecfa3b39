//! The opening handshake with a server under test, for cases that do not write it themselves.

use std::io;
use std::time::{Duration, Instant};

use super::{Peer, REPLY, Tcp};
use crate::dialogue::Miss;
use crate::http::{MAX_HEAD, head_len};
use crate::http::{Request, Response};
use crate::role::Role;

/// The most bytes of a head in the record.
const SHOWN: usize = 16 * 1024;

impl<'a> Peer<'a> {
    /// Opens the connection with a correct request.
    pub(crate) fn open(&mut self) -> Result<(), Miss> {
        match self.testee {
            Role::Server => {
                let request = self.request();
                self.send_request(&request)?;
                self.expect_opened(&request).map(drop)
            }
            Role::Client => {
                let answer = self.answer();
                self.send_answer(&answer)?;
                self.opened();
                Ok(())
            }
        }
    }

    /// Creates a request for a server under test.
    pub(crate) fn request(&mut self) -> Request {
        let nonce = self.rng.u128(..).to_be_bytes();
        match self.target {
            Some(target) => target.request(nonce),
            None => Request::new("/", "localhost", nonce),
        }
    }

    /// Sends a request in one write.
    pub(crate) fn send_request(&mut self, request: &Request) -> Result<(), Miss> {
        self.note_request(&request.bytes());
        self.send_bytes(&request.bytes())
    }

    /// Notes a request that is sent or was received.
    pub(crate) fn note_request(&mut self, bytes: &[u8]) {
        self.said.handshake.request = Some(shown(bytes));
    }

    /// Expects that the server accepts the request.
    pub(crate) fn expect_opened(&mut self, request: &Request) -> Result<Response, Miss> {
        let response = self.expect_opened_or_refused(request)?;
        match response.opens() {
            true => Ok(response),
            false => Miss::must(format!(
                "The server had to open the connection, but the status is {}.",
                response.status
            )),
        }
    }

    /// Expects that the server accepts the request, or refuses it with an error.
    pub(crate) fn expect_opened_or_refused(&mut self, request: &Request) -> Result<Response, Miss> {
        let response = self.expect_response()?;
        if !response.opens() {
            return refusal(response);
        }
        if let Some(fault) = response.fault(request) {
            return Miss::must(format!("The server's response is wrong: {fault}."));
        }
        self.opened();
        Ok(response)
    }

    fn expect_response(&mut self) -> Result<Response, Miss> {
        match self.response(REPLY)? {
            Some(response) => Ok(response),
            None => Miss::must("The server had to answer the request, but it ended TCP."),
        }
    }

    /// Returns the response; `None` if the server ends TCP instead.
    pub(crate) fn response_if_any(&mut self) -> Result<Option<Response>, Miss> {
        self.response(REPLY)
    }

    /// Expects all of the body of a response.
    pub(crate) fn expect_body(&mut self, response: &Response) -> Result<(), Miss> {
        let limit = self.reply_time();
        while !response.is_complete_with(&self.unread, self.tcp == Tcp::Ended) {
            if self.tcp != Tcp::Open {
                return Miss::must("The server ended TCP before the end of its response.");
            }
            if !self.read_some() && !self.wait(limit)? {
                return Miss::must("The response has no end.");
            }
        }
        Ok(())
    }

    /// Ends this connection, if it is open, and opens a new one to the same server.
    pub(crate) fn reconnect(&mut self) -> Result<(), Miss> {
        self.leave();
        self.connect_again()
    }

    /// Opens a new TCP connection to the same server, without a closing handshake.
    pub(crate) fn connect_again(&mut self) -> Result<(), Miss> {
        let Some(target) = self.target else {
            return Ok(());
        };
        self.link = target.connect(self.settings).or_else(no_connection)?;
        self.unread.clear();
        self.parsed = 0;
        self.said.channel.reopen();
        self.deaf = false;
        self.tcp = Tcp::Open;
        self.said.opened = None;
        Ok(())
    }

    /// Expects that a server opens another connection and echoes over it. `when` begins the
    /// sentence about a server that does not.
    pub(crate) fn expect_another_connection(&mut self, when: &str) -> Result<(), Miss> {
        let other = self.another().map_err(|miss| miss.with(when))?;
        if let Some(mut other) = other {
            other.expect_to_be_alive().map_err(|miss| miss.with(when))?;
            other.leave();
        }
        Ok(())
    }

    /// Opens another connection to a server. Returns `None` for a client.
    pub(crate) fn another(&mut self) -> Result<Option<Self>, Miss> {
        let Some(target) = self.target else {
            return Ok(None);
        };
        let link = target.connect(self.settings).or_else(no_connection)?;
        let seed = self.rng.u64(..);
        let mut other = Peer::new(
            Role::Server,
            link,
            Some(target),
            self.settings,
            seed,
            REPLY * 4,
        );
        other.open()?;
        Ok(Some(other))
    }

    /// Returns the head of the response; `None` if TCP ends before its first byte.
    pub(crate) fn response(&mut self, limit: Duration) -> Result<Option<Response>, Miss> {
        let Some(head) = self.response_head(self.in_time(limit))? else {
            return Ok(None);
        };
        let response = Response::read(&head);
        let Some(response) = response else {
            return Miss::must("The server's response is not HTTP.");
        };
        self.said.handshake.server = response.all("Server").first().map(|&name| name.to_owned());
        Ok(Some(response))
    }

    fn response_head(&mut self, limit: Instant) -> Result<Option<Vec<u8>>, Miss> {
        loop {
            if let Some(len) = head_len(&self.unread) {
                let rest = self.unread.split_off(len);
                let head = std::mem::replace(&mut self.unread, rest);
                self.said.handshake.response = Some(shown(&head));
                return Ok(Some(head));
            }
            if self.unread.len() > MAX_HEAD {
                return Miss::must("The head of the server's response has no end.");
            }
            if self.tcp != Tcp::Open {
                return match self.unread.is_empty() {
                    true => Ok(None),
                    false => Miss::must("The server ended TCP within the head of its response."),
                };
            }
            if !self.read_some() && !self.wait(limit)? {
                return Miss::must("The server does not answer the request.");
            }
        }
    }

    /// Reads frames from now on.
    pub(crate) fn opened(&mut self) {
        self.said.opened = Some(Instant::now());
    }
}

/// Returns the response if its status is an error.
fn refusal(response: Response) -> Result<Response, Miss> {
    match response.status {
        400..=599 => Ok(response),
        status => Miss::should(format!("The status is {status}, which is no error status.")),
    }
}

fn no_connection<T>(error: io::Error) -> Result<T, Miss> {
    Miss::must(format!("No other connection was possible: {error}."))
}

pub(crate) fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN)]).into_owned()
}
