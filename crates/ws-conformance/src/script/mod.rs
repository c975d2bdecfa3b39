//! What a case is made of: what is sent and when, what may arrive, and how the connection should
//! end.

mod compression;

pub use crate::wire::{Frame, Pacing, Payload};
pub use compression::{CompressedEchoes, Demand};

use std::time::Duration;

use crate::verdict::Behavior;

/// One thing that a case does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Sends a frame, whatever the state of the connection.
    Frame(Frame),
    /// Sends a message.
    Message {
        /// Text or binary.
        binary: bool,
        /// The whole message.
        payload: Payload,
        /// The longest payload of a frame. A message of an exact multiple of this length, more
        /// than one, ends with an empty frame.
        fragment: Option<usize>,
    },
    /// Sends the header of a non-final text frame whose payload follows in [`Step::Streamed`].
    TextHeader {
        /// The payload length that the header announces.
        len: usize,
    },
    /// Sends bytes of the payload that [`Step::TextHeader`] announced.
    Streamed(Payload),
    /// Sends a well-formed Close, unless one was sent before.
    Close {
        /// The code.
        code: u16,
        /// The reason.
        reason: Payload,
    },
    /// Sends a Close with exactly this payload, unless one was sent before.
    RawClose {
        /// Code and reason, well-formed or not.
        payload: Payload,
    },
    /// Waits, and goes on only if TCP is still there.
    Wait {
        /// How long.
        time: Duration,
        /// If given: the end of the wait is an event, and the case goes on only if the connection
        /// is open.
        tag: Option<&'static str>,
    },
    /// From here on: if TCP is still there after this time, fails the connection.
    FailAfter(Duration),
    /// From here on: if the connection is still open after this time, closes it.
    CloseAfter(Duration),
}

impl Step {
    fn time(&self) -> Duration {
        match self {
            Self::Wait { time, .. } | Self::FailAfter(time) | Self::CloseAfter(time) => *time,
            _ => Duration::ZERO,
        }
    }
}

/// What a case does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// These steps in order; what arrives is compared with lists of events.
    Steps(Vec<Step>),
    /// One message, and its echo measured.
    BigEcho {
        /// Text or binary.
        binary: bool,
        /// The whole message.
        payload: Payload,
        /// The longest payload of a frame, as in [`Step::Message`].
        fragment: Option<usize>,
        /// How its frames are written.
        pacing: Pacing,
        /// How long the echo may take.
        limit: Duration,
    },
    /// Equal messages, each sent when the echo of the one before has arrived.
    EchoLoop {
        /// Text or binary.
        binary: bool,
        /// Each message.
        payload: Payload,
        /// How many.
        count: usize,
        /// How long all of them may take.
        limit: Duration,
    },
    /// Compressed messages, each sent when the echo of the one before has arrived.
    CompressedEchoes(CompressedEchoes),
}

/// What may arrive from the testee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A data message.
    Message {
        /// Text or binary.
        binary: bool,
        /// The whole message.
        payload: Payload,
    },
    /// A Pong.
    Pong(Payload),
    /// The end of a tagged wait.
    WaitOver(&'static str),
}

impl Event {
    /// The bytes that came with it.
    pub(crate) fn payload_len(&self) -> usize {
        match self {
            Self::Message { payload, .. } | Self::Pong(payload) => payload.len(),
            Self::WaitOver(_) => 0,
        }
    }
}

/// A list of events that leads to a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The verdict.
    pub behavior: Behavior,
    /// The events, in order, and no others.
    pub events: Vec<Event>,
}

/// One of the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The suite.
    Suite,
    /// The implementation under test.
    Testee,
}

/// How a connection should end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseProfile {
    /// Who sends Close first; for the testee, ending TCP without one is as good.
    pub by: Side,
    /// The close codes that the testee may send, besides none at all. The first is the one of an
    /// automatic Close.
    pub codes: Vec<u16>,
    /// Whether the closing handshake must be completed.
    pub clean: bool,
    /// Whether the wrong closing side also fails the behaviour.
    pub wrong_side_is_fatal: bool,
    /// Whether the suite closes as soon as the events equal the only expected list.
    pub automatic: bool,
}

/// The facts that decide a case, besides how its connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JudgedBy {
    /// By its events.
    Events,
    /// By its events, and failed by a wrong close code.
    EventsAndCloseCode,
    /// By its events and the number of frames sent, which tests the suite itself.
    EventsAndSentFrames,
    /// Not at all.
    Informational,
    /// By the echoes that its task measured: type and length.
    Echoes,
    /// By the echoes that its task compared: type, length and content.
    EqualEchoes,
}

/// A case of the original suite: its actions, and the reactions that lead to a verdict.
#[derive(Clone, Debug)]
pub struct Script {
    /// The actions.
    pub task: Task,
    /// The lists of events that lead to a verdict, the best first.
    pub expected: Vec<Expected>,
    /// The expected end of the connection.
    pub close: CloseProfile,
    /// The facts that decide it.
    pub judged_by: JudgedBy,
}

impl Script {
    /// Returns true if its duration says something about the testee.
    pub fn reports_time(&self) -> bool {
        matches!(self.judged_by, JudgedBy::Echoes | JudgedBy::EqualEchoes)
    }

    /// Returns true if it says something about how the testee compresses.
    pub fn reports_compression(&self) -> bool {
        self.compressed_echoes().is_some()
    }

    /// Returns the demands on the testee's compression, none if there is to be no compression.
    pub(crate) fn demands(&self) -> &'static [Demand] {
        self.compressed_echoes()
            .map_or(&[], |echoes| echoes.demands)
    }

    fn compressed_echoes(&self) -> Option<&CompressedEchoes> {
        match &self.task {
            Task::CompressedEchoes(echoes) => Some(echoes),
            Task::Steps(_) | Task::BigEcho { .. } | Task::EchoLoop { .. } => None,
        }
    }

    /// Returns the time that it takes if only its own timers end it.
    pub fn time_limit(&self) -> Duration {
        match &self.task {
            Task::Steps(steps) => steps.iter().map(Step::time).sum(),
            Task::BigEcho { limit, .. } | Task::EchoLoop { limit, .. } => *limit,
            Task::CompressedEchoes(echoes) => echoes.limit,
        }
    }
}
