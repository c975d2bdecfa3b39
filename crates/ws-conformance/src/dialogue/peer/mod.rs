//! The testee, as a case uses it: methods to send, and methods to expect.
//!
//! Each case has its own thread, so its dialogue is sequential code that blocks. Every wait is in
//! this module. Each wait is bounded by the limit of the expectation, by the flag that ends the
//! run, and by the longest message. The suite also reads while it writes, because two sides that
//! only write would wait for each other.

mod answering;
mod compressing;
mod ending;
mod expect;
pub(crate) mod http2;
mod opening;
mod pouring;

pub(crate) use compressing::{Terms, Wish};
pub(crate) use ending::End;

use std::io;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::outcome::{Miss, Outcome};
use crate::channel::{Channel, event_entry};
use crate::deflate::{Coding, Inflater};
use crate::http::Handshake;
use crate::role::Role;
use crate::script::Event;
use crate::settings::Settings;
use crate::target::Target;
use crate::transport::Link;
use crate::wire::{ClosePayload, Frame, Payload, Received};

/// The time within which the testee has to react, without the time for the bytes that it has to
/// process.
pub(crate) const REPLY: Duration = Duration::from_secs(5);
/// The bytes that the slowest testee processes in a second.
const BYTES_PER_SECOND: usize = 1 << 20;
/// The most events in the record.
const MAX_EVENTS: usize = 10_000;

/// The testee at the other end of a connection, and the record of the dialogue.
#[derive(Debug)]
pub(crate) struct Peer<'a> {
    pub(crate) testee: Role,
    settings: &'a Settings,
    /// The address of a server under test.
    target: Option<&'a Target>,
    /// The request of a client under test.
    asked: Asked,
    link: Link,
    rng: fastrand::Rng,
    /// Received bytes that were not parsed yet.
    unread: Vec<u8>,
    /// The number of bytes at the start of `unread` that were parsed as frames. Removing them for
    /// each frame would take too long.
    parsed: usize,
    /// `true` if the testee does not accept any more bytes.
    deaf: bool,
    /// Bytes that were sent since the testee last reacted.
    unanswered: usize,
    /// The deadline of the case.
    watchdog: Instant,
    pub(crate) tcp: Tcp,
    pub(crate) said: Said,
}

/// The request of a client under test.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) head: Vec<u8>,
    /// `true` if no earlier request had the same key.
    pub(crate) key_is_new: bool,
}

/// The state of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tcp {
    Open,
    /// The testee ended it.
    Ended,
    /// The testee reset it.
    Reset,
}

/// The dialogue, for the record.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) channel: Channel,
    pub(crate) handshake: Handshake,
    pub(crate) events: Vec<Value>,
    /// The time at which the opening handshake was completed.
    pub(crate) opened: Option<Instant>,
    /// The masking keys of the testee, in order.
    pub(crate) keys: Vec<u32>,
    /// The number of frames of the testee with RSV1.
    pub(crate) compressed: usize,
    pub(crate) end: End,
}

impl Said {
    /// Creates the record of a dialogue that has not begun.
    pub(crate) fn new(testee: Role, seed: u64) -> Self {
        Self {
            channel: Channel::new(testee, seed),
            handshake: Handshake::default(),
            events: Vec::new(),
            opened: None,
            keys: Vec::new(),
            compressed: 0,
            end: End::NeverOpened,
        }
    }
}

/// An act of the testee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Message {
        binary: bool,
        payload: Vec<u8>,
    },
    Pong(Vec<u8>),
    Close(ClosePayload),
    /// It broke a rule.
    Violation(String),
    /// It ended TCP.
    End,
}

impl<'a> Peer<'a> {
    pub(crate) fn new(
        testee: Role,
        mut link: Link,
        target: Option<&'a Target>,
        settings: &'a Settings,
        seed: u64,
        limit: Duration,
    ) -> Self {
        let unread = link.take_rest();
        Self {
            testee,
            settings,
            target,
            asked: Asked::default(),
            link,
            rng: fastrand::Rng::with_seed(seed),
            unread,
            parsed: 0,
            deaf: false,
            unanswered: 0,
            watchdog: Instant::now() + settings.scaled(limit),
            tcp: Tcp::Open,
            said: Said::new(testee, seed),
        }
    }

    /// Plays a dialogue, and ends its connection.
    pub(crate) fn play(&mut self, dialogue: &dyn Fn(&mut Self) -> Outcome) -> Outcome {
        let outcome = dialogue(self);
        self.leave();
        outcome
    }

    /// Returns the deadline of a reaction that the testee owes now. More bytes extend it.
    pub(crate) fn reply_time(&self) -> Instant {
        self.reply_time_for(0)
    }

    /// Returns the deadline of a reaction of `len` bytes.
    fn reply_time_for(&self, len: usize) -> Instant {
        let seconds = self.unanswered.max(len) / BYTES_PER_SECOND;
        self.in_time(REPLY + Duration::from_secs(seconds as u64))
    }

    /// Extends the deadline by the time for `len` bytes.
    pub(crate) fn allow_for(&mut self, len: usize) {
        self.unanswered += len;
    }

    /// Returns the deadline of something that begins now and may take `limit`, scaled. It is never
    /// after the deadline of the case.
    fn in_time(&self, limit: Duration) -> Instant {
        self.watchdog
            .min(Instant::now() + self.settings.scaled(limit))
    }

    /// Sends a frame.
    pub(crate) fn send(&mut self, frame: Frame) -> Result<(), Miss> {
        self.send_together(&[frame])
    }

    /// Sends frames in one write.
    pub(crate) fn send_together(&mut self, frames: &[Frame]) -> Result<(), Miss> {
        let mut bytes = Vec::new();
        for frame in frames {
            bytes.extend(self.encoded(frame));
        }
        self.send_bytes(&bytes)
    }

    /// Returns the bytes of a frame that is about to be sent.
    pub(crate) fn encoded(&mut self, frame: &Frame) -> Vec<u8> {
        let bytes = self.said.channel.encode(frame);
        self.note_sent_close(frame);
        bytes
    }

    /// Sends bytes, in one write if there is room for all. Bytes to a testee that has ended the
    /// connection are dropped. This is no miss, because the reaction of the testee decides.
    pub(crate) fn send_bytes(&mut self, mut bytes: &[u8]) -> Result<(), Miss> {
        self.said.channel.log.bytes_sent(bytes, false);
        self.unanswered += bytes.len();
        let limit = self.reply_time();
        while !bytes.is_empty() && !self.deaf {
            match self.link.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !self.read_some() && !self.wait(limit)? {
                        return Miss::must("The testee does not read what is sent.");
                    }
                }
                Err(_) => self.deaf = true,
            }
        }
        Ok(())
    }

    /// Allows the testee to compress from now on, within these limits.
    pub(crate) fn inflate(&mut self, coding: Coding) {
        self.said
            .channel
            .inflate_with(Inflater::new(coding).with_new_streams());
    }

    /// Waits and reads.
    pub(crate) fn pause(&mut self, time: Duration) -> Result<(), Miss> {
        let limit = self.in_time(time);
        while self.wait(limit)? {}
        Ok(())
    }

    /// Waits without reading. Returns early if TCP is reset.
    pub(crate) fn pause_unread(&mut self, time: Duration) -> Result<(), Miss> {
        let limit = self.in_time(time);
        while !self.link.is_broken() && self.wait(limit)? {}
        Ok(())
    }

    /// Returns the next act of the testee; `None` if there is none before `limit`. Answers Pings.
    pub(crate) fn next(&mut self, limit: Instant) -> Result<Option<Act>, Miss> {
        loop {
            if let Some(act) = self.parse()? {
                self.unanswered = 0;
                return Ok(Some(act));
            }
            if self.tcp != Tcp::Open {
                return Ok(Some(Act::End));
            }
            if !self.read_some() && !self.wait(limit)? {
                return Ok(None);
            }
        }
    }

    /// Parses received bytes up to the next act of the testee.
    fn parse(&mut self) -> Result<Option<Act>, Miss> {
        let bytes = std::mem::take(&mut self.unread);
        let mut input = &bytes[std::mem::take(&mut self.parsed)..];
        while let Some(received) = self.said.channel.receive(&mut input) {
            if let Some(act) = self.take(received)? {
                let parsed = bytes.len() - input.len();
                if parsed < bytes.len() {
                    // Sending a Pong may have read more bytes.
                    let added = std::mem::replace(&mut self.unread, bytes);
                    self.unread.extend(added);
                    self.parsed = parsed;
                }
                return Ok(Some(act));
            }
        }
        Ok(None)
    }

    /// Notes a frame or message, and returns the act of the testee.
    fn take(&mut self, received: Received) -> Result<Option<Act>, Miss> {
        Ok(Some(match received {
            Received::Frame { header, .. } => {
                self.said.keys.extend(header.key.map(u32::from_be_bytes));
                self.said.compressed += usize::from(header.rsv & 4 != 0);
                return Ok(None);
            }
            Received::Violation(violation) => self.violated(violation.to_string()),
            Received::BeyondWindow(beyond) => self.violated(beyond.to_string()),
            Received::Undecodable(error) => self.violated(error.to_string()),
            Received::Message { binary, payload } => {
                let shown = Payload::from(payload.clone());
                self.note_event(&Event::Message {
                    binary,
                    payload: shown,
                });
                Act::Message { binary, payload }
            }
            Received::Ping(payload) => {
                self.send(Frame::pong(payload))?;
                return Ok(None);
            }
            Received::Pong(payload) => {
                self.note_event(&Event::Pong(Payload::from(payload.clone())));
                Act::Pong(payload)
            }
            Received::Close(payload) => {
                let close = ClosePayload::read(&payload);
                self.note_received_close(&close);
                Act::Close(close)
            }
        }))
    }

    fn violated(&mut self, sentence: String) -> Act {
        self.said.channel.note_violation(sentence.clone());
        Act::Violation(sentence)
    }

    fn note_event(&mut self, event: &Event) {
        if self.said.channel.log.on && self.said.events.len() < MAX_EVENTS {
            self.said.events.push(event_entry(event));
        }
    }

    /// Reads the available bytes. Returns `true` if there were any, or if TCP ended.
    fn read_some(&mut self) -> bool {
        if self.tcp != Tcp::Open {
            return false;
        }
        let mut buffer = [0; 16 * 1024];
        match self.link.read(&mut buffer) {
            Ok(0) => self.tcp = Tcp::Ended,
            Ok(count) => {
                self.said.channel.log.bytes_received(&buffer[..count]);
                self.unread.extend_from_slice(&buffer[..count]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
            Err(error) => {
                if error.kind() == io::ErrorKind::InvalidData {
                    self.said.channel.note_violation(error.to_string());
                }
                self.tcp = Tcp::Reset;
            }
        }
        true
    }

    /// Waits for the socket. Returns `false` after the limit.
    fn wait(&mut self, limit: Instant) -> Result<bool, Miss> {
        match self.link.wait_or_fail(limit) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(false),
            Err(_) => Err(Miss::CutOff),
        }
    }
}

#[cfg(test)]
mod tests;
