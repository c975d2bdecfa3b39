//! The conversion between frames and bytes of a connection, and its record.

mod difference;
mod ending;
mod log;

pub(crate) use difference::{bytes, difference, differs};
pub(crate) use ending::{Ending, Failure, FailureCause};
pub(crate) use log::{Log, event_entry};

use std::collections::VecDeque;

use crate::deflate::Inflater;
use crate::role::Role;
use crate::wire::{Frame, Header, Reader, Received};

/// The most violations in a record. More of them add no information.
const MAX_VIOLATIONS: usize = 100;

/// The frames of a connection, both ways, without the socket.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) testee: Role,
    pub(crate) log: Log,
    pub(crate) ending: Ending,
    keys: fastrand::Rng,
    reader: Reader,
    received: VecDeque<Received>,
}

impl Channel {
    /// Creates the channel to a testee. The same seed gives the same masking keys.
    pub(crate) fn new(testee: Role, seed: u64) -> Self {
        Self {
            testee,
            log: Log::new(),
            ending: Ending::default(),
            keys: fastrand::Rng::with_seed(seed),
            reader: Reader::new(testee),
            received: VecDeque::new(),
        }
    }

    /// Resets the channel for another connection. The record goes on.
    pub(crate) fn reopen(&mut self) {
        self.reader = Reader::new(self.testee);
        self.received.clear();
        self.ending = Ending {
            violations: std::mem::take(&mut self.ending.violations),
            ..Ending::default()
        };
    }

    /// Allows the testee to compress.
    pub(crate) fn inflate_with(&mut self, inflater: Inflater) {
        self.reader.inflate_with(inflater);
    }

    /// Returns the header of a frame, with a new masking key if it has one.
    pub(crate) fn header(&mut self, frame: &Frame) -> Header {
        frame.header(self.testee, self.keys.u32(..).to_be_bytes())
    }

    /// Returns the bytes of a frame that is about to be sent.
    pub(crate) fn encode(&mut self, frame: &Frame) -> Vec<u8> {
        let header = self.header(frame);
        self.log.frame_sent(&header, frame);
        frame.encode(header)
    }

    /// Takes bytes from `input` until they result in an event, or until none are left.
    pub(crate) fn receive(&mut self, input: &mut &[u8]) -> Option<Received> {
        loop {
            if let Some(received) = self.received.pop_front() {
                if let Received::Frame { header, head } = &received {
                    self.log.frame_received(header, head);
                }
                return Some(received);
            }
            if !self.reader.step(input, &mut self.received) {
                return None;
            }
        }
    }

    /// Notes a rule that the testee broke.
    pub(crate) fn note_violation(&mut self, sentence: String) {
        if self.ending.violations.len() < MAX_VIOLATIONS {
            self.ending.violations.push(sentence);
        }
    }
}
