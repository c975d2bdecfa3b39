//! The end of a connection.

use std::time::{Duration, Instant};

use super::{Act, Peer, Tcp};
use crate::dialogue::Miss;
use crate::role::Role;
use crate::wire::ClosePayload;
use crate::wire::{CLOSE, Frame};

/// The time within which the testee has to end TCP.
const TCP_END: Duration = Duration::from_secs(1);

/// The end of a dialogue's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The opening handshake was not completed.
    NeverOpened,
    /// Both sides sent a Close, and TCP ended in time.
    Clean,
    /// The testee ended TCP without a Close, and the case is about that.
    ByTestee,
    /// The suite ended TCP without a Close, and the case is about that.
    BySuite,
    /// The testee did not answer a Close.
    Unanswered,
    /// The testee answered a Close with code 1000 with another code.
    WrongCode,
    /// The server answered a Close and did not end TCP.
    LeftOpen,
}

impl Peer<'_> {
    /// Returns `true` if the testee has sent a Close.
    pub(crate) fn has_closed(&self) -> bool {
        let ending = &self.said.channel.ending;
        ending.remote_code.is_some() || ending.was_clean
    }

    /// Returns the code of the testee's Close.
    pub(crate) fn close_code(&self) -> Option<u16> {
        self.said.channel.ending.remote_code
    }

    pub(crate) fn note_sent_close(&mut self, frame: &Frame) {
        let ending = &mut self.said.channel.ending;
        if frame.opcode == CLOSE && ending.local_code.is_none() {
            let close = ClosePayload::read(&frame.payload.as_bytes());
            ending.closed_by_me = !ending.was_clean;
            (ending.local_code, ending.local_reason) = (close.code, close.reason);
        }
    }

    pub(crate) fn note_received_close(&mut self, close: &ClosePayload) {
        let ending = &mut self.said.channel.ending;
        if ending.remote_code.is_none() {
            (ending.remote_code, ending.remote_reason) = (close.code, close.reason.clone());
        }
        ending.was_clean = true;
    }

    /// Answers the testee's Close and waits for the end of TCP. Nothing else may arrive before the
    /// end.
    pub(crate) fn see_off(&mut self) -> Result<(), Miss> {
        let limit = self.in_time(TCP_END);
        if !self.said.channel.ending.closed_by_me {
            self.send(Frame::close(
                self.said.channel.ending.remote_code.unwrap_or(1000),
                b"",
            ))?;
        }
        self.end_sending();
        while let Some(act) = self.next(limit)? {
            match act {
                Act::End => break,
                Act::Pong(_) => {}
                Act::Close(_) => return Miss::must("The testee sent a second Close."),
                Act::Message { .. } => {
                    return Miss::must("The testee sent a message after its Close.");
                }
                Act::Violation(what) => return Miss::must(format!("After its Close, {what}.")),
            }
        }
        Ok(())
    }

    /// Ends the suite's direction of TCP without a Close.
    pub(crate) fn shutdown(&mut self) {
        self.link.shutdown_write();
        self.deaf = true;
    }

    /// Returns `true` if the testee ends TCP within this time, also if it sends more.
    pub(crate) fn drops_within(&mut self, time: Duration) -> Result<bool, Miss> {
        let limit = self.in_time(time);
        loop {
            match self.next(limit)? {
                None => return Ok(false),
                Some(Act::End) => return Ok(true),
                Some(_) => {}
            }
        }
    }

    /// Returns `true` if the testee ends TCP within this time, while the suite sends messages.
    pub(crate) fn drops_while_talking(&mut self, time: Duration) -> Result<bool, Miss> {
        let limit = self.in_time(time);
        while Instant::now() < limit {
            if self.drops_within(Duration::from_millis(50))? || self.deaf {
                return Ok(true);
            }
            self.send(Frame::text("Still there?"))?;
        }
        Ok(false)
    }

    /// Ends the connection and notes its end. Of several connections, the first bad end counts.
    pub(crate) fn leave(&mut self) {
        let end = self.close();
        if matches!(
            self.said.end,
            End::NeverOpened | End::Clean | End::ByTestee | End::BySuite
        ) {
            self.said.end = end;
        }
    }

    fn close(&mut self) -> End {
        if self.said.opened.is_none() {
            return End::NeverOpened;
        }
        let asks = self.said.channel.ending.local_code.is_none() && !self.has_closed();
        if self.tcp != Tcp::Open {
            return match self.has_closed() {
                true => End::Clean,
                false => End::ByTestee,
            };
        }
        if asks && self.deaf {
            return match self.drops_within(TCP_END) {
                Ok(true) => End::ByTestee,
                _ => End::BySuite,
            };
        }
        if self.said.channel.ending.local_code.is_none()
            && self.send(Frame::close(1000, b"")).is_err()
        {
            return End::Unanswered;
        }
        if self.has_closed() {
            self.end_sending();
        }
        let limit = self.in_time(TCP_END);
        while let Ok(Some(act)) = self.next(limit) {
            match act {
                Act::End if self.has_closed() => return End::Clean,
                Act::End => return End::Unanswered,
                Act::Close(close) if asks && !matches!(close.code, None | Some(1000)) => {
                    return End::WrongCode;
                }
                Act::Close(_) => self.end_sending(),
                _ => {}
            }
        }
        self.said.channel.ending.dropped_by_me = true;
        match self.testee {
            _ if !self.has_closed() => End::Unanswered,
            Role::Server => End::LeftOpen,
            Role::Client => End::Clean,
        }
    }

    /// Ends the suite's direction if it is the server, because a server ends TCP first (RFC 6455
    /// §7.1.1).
    pub(crate) fn end_sending(&mut self) {
        if self.testee == Role::Client {
            self.shutdown();
        }
    }
}
