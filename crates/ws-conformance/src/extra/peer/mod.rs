//! The testee, as a case sees it: something to send to, and to expect things of.
//!
//! Each case has a thread to itself, so its dialogue is written straight down and waits where it
//! has to. All waiting is here, and all of it is bounded: by the limit of each expectation, by the
//! flag that ends the run, and by what a message may hold. While the suite writes, it also reads:
//! two sides that only write would wait for each other.

mod answering;
mod compressing;
mod ending;
mod expect;
mod opening;
mod pouring;

pub(super) use compressing::{Terms, Wish};

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::frame::Frame;
use super::outcome::Miss;
use crate::deflate::{Coding, Inflater};
use crate::endpoint::{Ending, Log, event_entry};
use crate::link::Link;
use crate::recording::Handshake;
use crate::role::Role;
use crate::script::{self, Event, Payload};
use crate::servers::Target;
use crate::settings::Settings;
use crate::wire::{ClosePayload, Reader, Received};

/// How long the testee may take to do something.
pub(super) const REPLY: Duration = Duration::from_secs(5);
/// How long a whole case may take.
const CASE: Duration = Duration::from_secs(60);
/// More events than this are not kept for the record.
const MAX_EVENTS: usize = 10_000;

/// The testee at the other end of a connection, and what was said so far.
#[derive(Debug)]
pub(super) struct Peer<'a> {
    pub(super) testee: Role,
    settings: &'a Settings,
    /// Where a server under test is.
    target: Option<&'a Target>,
    /// What a client under test asked for.
    asked: Asked,
    link: Link,
    rng: fastrand::Rng,
    /// Octets that came and were not looked at.
    unread: Vec<u8>,
    reader: Reader,
    arrived: VecDeque<Received>,
    /// The testee does not take any more.
    deaf: bool,
    /// When the case is over at the latest.
    watchdog: Instant,
    pub(super) tcp: Tcp,
    pub(super) said: Said,
}

/// The request of a client under test.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub(super) head: Vec<u8>,
    /// Whether its key was not seen before.
    pub(super) key_is_new: bool,
}

/// How far the connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tcp {
    Open,
    /// The testee ended it.
    Ended,
    /// The testee broke it off.
    Reset,
}

/// What was said, for the record.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) log: Log,
    pub(super) handshake: Handshake,
    pub(super) events: Vec<Value>,
    pub(super) ending: Ending,
    /// When the opening handshake was done.
    pub(super) opened: Option<Instant>,
    /// The masking keys of the testee, in order.
    pub(super) keys: Vec<u32>,
    /// How many frames of the testee had RSV1.
    pub(super) compressed: usize,
}

impl Said {
    /// Nothing.
    pub(super) fn new() -> Self {
        Self {
            log: Log::new(),
            handshake: Handshake::default(),
            events: Vec::new(),
            ending: Ending::default(),
            opened: None,
            keys: Vec::new(),
            compressed: 0,
        }
    }
}

/// Something that the testee did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
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
    pub(super) fn new(
        testee: Role,
        mut link: Link,
        target: Option<&'a Target>,
        settings: &'a Settings,
        seed: u64,
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
            reader: Reader::new(testee),
            arrived: VecDeque::new(),
            deaf: false,
            watchdog: Instant::now() + settings.scaled(CASE),
            tcp: Tcp::Open,
            said: Said::new(),
        }
    }

    /// When something that begins now has taken this long, scaled, or the case too long.
    fn in_time(&self, limit: Duration) -> Instant {
        self.watchdog
            .min(Instant::now() + self.settings.scaled(limit))
    }

    /// Sends a frame.
    pub(super) fn send(&mut self, frame: Frame) -> Result<(), Miss> {
        self.send_together(&[frame])
    }

    /// Sends frames in one write.
    pub(super) fn send_together(&mut self, frames: &[Frame]) -> Result<(), Miss> {
        let mut octets = Vec::new();
        for frame in frames {
            octets.extend(self.encoded(frame));
        }
        self.send_octets(&octets)
    }

    /// The octets of a frame that is about to be sent.
    pub(super) fn encoded(&mut self, frame: &Frame) -> Vec<u8> {
        let key = self.rng.u32(..).to_be_bytes();
        let (header, octets) = frame.encode(self.testee, key);
        let mut logged = script::Frame::new(frame.opcode, Payload::from(frame.payload.clone()));
        (logged.fin, logged.rsv) = (frame.fin, frame.rsv);
        self.said.log.frame_sent(&header, &logged);
        self.note_sent_close(frame);
        octets
    }

    /// Sends octets, in one write if there is room for all. A testee that has ended the connection
    /// does not get them, which is no miss: what it did shows in what it sent.
    pub(super) fn send_octets(&mut self, mut octets: &[u8]) -> Result<(), Miss> {
        self.said.log.octets_sent(octets, false);
        let limit = self.in_time(REPLY);
        while !octets.is_empty() && !self.deaf {
            match self.link.write(octets) {
                Ok(count) => octets = &octets[count..],
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

    /// From here on the testee may compress, within these bounds.
    pub(super) fn inflate(&mut self, coding: Coding) {
        self.reader
            .inflate_with(Inflater::new(coding).with_new_streams());
    }

    /// Lets time pass.
    pub(super) fn pause(&mut self, time: Duration) -> Result<(), Miss> {
        let limit = self.in_time(time);
        while self.wait(limit)? {}
        Ok(())
    }

    /// Lets time pass without reading, or less if TCP is broken off.
    pub(super) fn pause_unread(&mut self, time: Duration) -> Result<(), Miss> {
        let limit = self.in_time(time);
        while !self.link.is_broken() && self.wait(limit)? {}
        Ok(())
    }

    /// What the testee does next; nothing if it does nothing until then. Its Pings are answered.
    pub(super) fn next(&mut self, limit: Instant) -> Result<Option<Act>, Miss> {
        loop {
            self.parse();
            while let Some(received) = self.arrived.pop_front() {
                if let Some(act) = self.take(received)? {
                    return Ok(Some(act));
                }
            }
            if self.tcp != Tcp::Open {
                return Ok(Some(Act::End));
            }
            if !self.read_some() && !self.wait(limit)? {
                return Ok(None);
            }
        }
    }

    /// Notes something that was read, and tells what the testee did by it.
    fn take(&mut self, received: Received) -> Result<Option<Act>, Miss> {
        Ok(Some(match received {
            Received::Frame { header, head } => {
                self.said.log.frame_received(&header, &head);
                self.said.keys.extend(header.key.map(u32::from_be_bytes));
                self.said.compressed += usize::from(header.rsv & 4 != 0);
                return Ok(None);
            }
            Received::Violation(violation) => {
                let violation = violation.to_string();
                self.said.ending.violations.push(violation.clone());
                Act::Violation(violation)
            }
            Received::BeyondWindow(beyond) => {
                let violation = beyond.to_string();
                self.said.ending.violations.push(violation.clone());
                Act::Violation(violation)
            }
            Received::Undecodable(error) => {
                let violation = error.to_string();
                self.said.ending.violations.push(violation.clone());
                Act::Violation(violation)
            }
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

    fn note_event(&mut self, event: &Event) {
        if self.said.log.on && self.said.events.len() < MAX_EVENTS {
            self.said.events.push(event_entry(event));
        }
    }

    /// Reads the octets that came as frames.
    fn parse(&mut self) {
        let octets = std::mem::take(&mut self.unread);
        let mut input = &octets[..];
        while self.reader.step(&mut input, &mut self.arrived) {}
    }

    /// Reads what is there: whether that is anything, the end of TCP included.
    fn read_some(&mut self) -> bool {
        if self.tcp != Tcp::Open {
            return false;
        }
        let mut buffer = [0; 16 * 1024];
        match self.link.read(&mut buffer) {
            Ok(0) => self.tcp = Tcp::Ended,
            Ok(count) => {
                self.said.log.octets_received(&buffer[..count]);
                self.unread.extend_from_slice(&buffer[..count]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
            Err(_) => self.tcp = Tcp::Reset,
        }
        true
    }

    /// Waits for the socket: whether it is before the limit.
    fn wait(&mut self, limit: Instant) -> Result<bool, Miss> {
        match self.link.wait_or_fail(limit) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(false),
            Err(_) => Err(Miss::CutOff),
        }
    }
}
