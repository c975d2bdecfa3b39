//! The opening handshake with a client under test, for cases that do not write it themselves.

use std::time::Duration;

use super::opening::shown;
use super::{Asked, Peer, REPLY, Tcp};
use crate::dialogue::{Miss, Outcome, passed};
use crate::http::{Answer, ReadRequest};

impl Peer<'_> {
    /// Stores the request of the client.
    pub(crate) fn asked(&mut self, asked: Asked) {
        self.note_request(&asked.head);
        self.asked = asked;
    }

    /// Returns the head of the client's request.
    pub(crate) fn client_head(&self) -> &[u8] {
        &self.asked.head
    }

    /// Returns `true` if no earlier connection had the same key.
    pub(crate) fn key_is_new(&self) -> bool {
        self.asked.key_is_new
    }

    /// Returns `true` if a client has sent its request before the suite sent SETTINGS of HTTP/2.
    pub(crate) fn is_hasty(&mut self) -> bool {
        let stream = self.link.http2();
        stream.is_some_and(|stream| stream.is_hasty())
    }

    /// Returns the answer that opens the connection.
    pub(crate) fn answer(&self) -> Answer {
        let request = ReadRequest::read(&self.asked.head);
        request.map_or_else(|| Answer::new(""), |request| Answer::to(&request))
    }

    pub(crate) fn send_answer(&mut self, answer: &Answer) -> Result<(), Miss> {
        self.note_answer(answer);
        self.send_bytes(&answer.head.bytes())
    }

    /// Notes the response that is sent.
    pub(crate) fn note_answer(&mut self, answer: &Answer) {
        self.said.handshake.response = Some(shown(&answer.head.bytes()));
    }

    /// Expects that the client ends TCP without a frame before that. Another request is no
    /// violation: a client may follow a redirection, or authenticate.
    pub(crate) fn expect_not_opened(&mut self) -> Outcome {
        match self.ends_within(REPLY)? {
            true if self.unread.is_empty() => passed("The client ended TCP."),
            true | false if self.unread.starts_with(b"GET ") => passed("The client asked again."),
            true => {
                Miss::must("The client opened the connection: it sent data before it ended TCP.")
            }
            false if self.unread.is_empty() => Miss::must("The client did not end TCP."),
            false => Miss::must("The client opened the connection: it sent data."),
        }
    }

    /// Returns `true` if the testee ends TCP within this time. Returns early if the testee sends
    /// anything.
    pub(crate) fn ends_within(&mut self, time: Duration) -> Result<bool, Miss> {
        let limit = self.in_time(time);
        while self.tcp == Tcp::Open && self.unread.is_empty() {
            if !self.read_some() && !self.wait(limit)? {
                break;
            }
        }
        Ok(self.tcp != Tcp::Open)
    }
}
