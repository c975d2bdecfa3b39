//! Scripts of cases: sent frames and times, possible events, and the expected end of the
//! connection.

mod compression;

pub use crate::wire::{Frame, Pacing, Payload};
pub use compression::{CompressedEchoes, Demand};

use std::time::Duration;

use crate::verdict::Behavior;

/// An action of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Sends a frame in any state of the connection.
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
    /// Waits. The case goes on only if TCP was not ended.
    Wait {
        /// The duration.
        time: Duration,
        /// A tag makes the end of the wait an event. The case then goes on only if the connection
        /// is open.
        tag: Option<&'static str>,
    },
    /// Starts a timer. If TCP was not ended at its deadline, the connection fails.
    FailAfter(Duration),
    /// Starts a timer. If the connection is open at its deadline, the suite closes it.
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

/// The actions of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Steps in order. The received events are compared with lists of events.
    Steps(Vec<Step>),
    /// A message whose echo is measured.
    BigEcho {
        /// Text or binary.
        binary: bool,
        /// The whole message.
        payload: Payload,
        /// The longest payload of a frame, as in [`Step::Message`].
        fragment: Option<usize>,
        /// The pacing of its frames.
        pacing: Pacing,
        /// The time limit for the echo.
        limit: Duration,
    },
    /// Equal messages. Each is sent after the echo of the previous one.
    EchoLoop {
        /// Text or binary.
        binary: bool,
        /// Each message.
        payload: Payload,
        /// The number of messages.
        count: usize,
        /// The time limit for all messages.
        limit: Duration,
    },
    /// Compressed messages. Each is sent after the echo of the previous one.
    CompressedEchoes(CompressedEchoes),
}

/// An event that the testee causes.
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
    /// Returns the number of payload bytes.
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

/// One of the two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The suite.
    Suite,
    /// The implementation under test.
    Testee,
}

/// The expected end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseProfile {
    /// The side that sends Close first. The testee may also end TCP without a Close.
    pub by: Side,
    /// The close codes that the testee may send. It may always leave the code out. The first one is
    /// the code of an automatic Close.
    pub codes: Vec<u16>,
    /// `true` if the closing handshake must be completed.
    pub clean: bool,
    /// `true` if the wrong closing side also fails the behavior.
    pub wrong_side_is_fatal: bool,
    /// `true` if the suite closes as soon as the events equal the only expected list.
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
    /// Returns `true` if the testee has to send a message, at best.
    pub fn expects_echo(&self) -> bool {
        let best = self.expected.first().map_or(&[][..], |list| &list.events);
        self.reports_time() || best.iter().any(|it| matches!(it, Event::Message { .. }))
    }

    /// Returns `true` if the duration shows something about the testee.
    pub fn reports_time(&self) -> bool {
        matches!(self.judged_by, JudgedBy::Echoes | JudgedBy::EqualEchoes)
    }

    /// Returns `true` if the case shows something about the compression of the testee.
    pub fn reports_compression(&self) -> bool {
        self.compressed_echoes().is_some()
    }

    /// Returns the demands on the testee's compression, which are empty without compression.
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

    /// Returns the duration of the case if only its own timers end it.
    pub fn time_limit(&self) -> Duration {
        match &self.task {
            Task::Steps(steps) => steps.iter().map(Step::time).sum(),
            Task::BigEcho { limit, .. } | Task::EchoLoop { limit, .. } => *limit,
            Task::CompressedEchoes(echoes) => echoes.limit,
        }
    }
}
