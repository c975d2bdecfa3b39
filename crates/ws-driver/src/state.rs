//! The state of the transport, from the open connection to its end.
//!
//! Three states describe the end of a connection. Each of them describes a different part:
//!
//! | state | describes | final values |
//! |---|---|---|
//! | `Stage` of the `RecvHalf` | what comes next in the input | `Closed`, `Failed`: further input is ignored |
//! | `Closing` of the `SendHalf` | which Closes were sent and received | `Done`, `Failed`, `Lost`: the end is decided |
//! | [`State`], in this module | what is left of the transport | `Ended`: the transport was dropped |

use std::io;

use crate::error::{Error, Timeout};

/// The state of the transport. The core keeps the state of the closing handshake.
pub(crate) enum State<W> {
    /// Messages can be received and sent.
    Open(W),
    /// The connection is ending. The transport still exists and is drained.
    Draining(W, Draining),
    /// The transport was dropped.
    Ended(Ended),
}

/// The progress of draining the transport.
#[derive(Default)]
pub(crate) struct Draining {
    /// The error after which nothing more can be written. After this error, input of the peer is
    /// still received until the core has decided the end.
    pub(crate) write_fault: Option<io::ErrorKind>,
    /// `true` once the peer has ended its direction of the transport.
    pub(crate) input_ended: bool,
    /// `true` once we have ended our direction of the transport.
    pub(crate) output_ended: bool,
    /// `true` once a receiving method has reported the end.
    pub(crate) is_reported: bool,
}

/// The outcome of a connection.
pub(crate) struct Ended {
    pub(crate) result: Result<(), Cause>,
    /// `true` if everything that was queued had been written and flushed.
    pub(crate) all_sent: bool,
    /// The error that the next receive reports, once.
    pub(crate) report: Option<Box<Error>>,
}

/// The reason why the end of a connection was not clean.
#[derive(Clone, Copy)]
pub(crate) enum Cause {
    /// The transport ended. The connection is lost, unless both ends had sent their Closes.
    End,
    /// The transport failed.
    Io(io::ErrorKind),
    /// A timeout passed.
    Timeout(Timeout),
    /// The peer broke the protocol or exceeded a limit. The core keeps the error.
    Failure,
}

impl<W> State<W> {
    /// Returns the transport. `None` once it was dropped.
    #[inline]
    pub(crate) fn io(&mut self) -> Option<&mut W> {
        match self {
            Self::Open(io) | Self::Draining(io, _) => Some(io),
            Self::Ended(_) => None,
        }
    }

    /// Returns the error of the first write that failed. Nothing more can be written after it.
    /// `None` if no write has failed, or once the transport was dropped.
    pub(crate) fn write_fault(&self) -> Option<io::ErrorKind> {
        match self {
            Self::Draining(_, draining) => draining.write_fault,
            Self::Open(_) | Self::Ended(_) => None,
        }
    }

    /// Returns `true` if the peer has ended its direction of the transport and the transport still
    /// exists.
    pub(crate) fn has_input_ended(&self) -> bool {
        matches!(self, Self::Draining(_, draining) if draining.input_ended)
    }

    /// Records that a receiving method has reported the end.
    pub(crate) fn set_reported(&mut self) {
        if let Self::Draining(_, draining) = self {
            draining.is_reported = true;
        }
    }

    /// Returns `true` if a receiving method has reported the end and the transport still exists.
    pub(crate) fn is_end_reported(&self) -> bool {
        matches!(self, Self::Draining(_, draining) if draining.is_reported)
    }

    pub(crate) fn is_ended(&self) -> bool {
        matches!(self, Self::Ended(_))
    }

    /// Takes the state, with the transport. Leaves the state of a lost connection in its place.
    pub(crate) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::lost())
    }

    /// Replaces the transport with the result of `change`. If the result is `None`, returns the
    /// state of a lost connection.
    pub(crate) fn map<V>(self, change: impl FnOnce(W) -> Option<V>) -> State<V> {
        match self {
            Self::Open(io) => change(io).map_or_else(State::lost, State::Open),
            Self::Draining(io, draining) => match change(io) {
                Some(io) => State::Draining(io, draining),
                None => State::lost(),
            },
            Self::Ended(ended) => State::Ended(ended),
        }
    }

    /// Starts draining if draining has not started yet. Returns the progress, and `true` if
    /// draining started in this call. `None` once the connection has ended.
    pub(crate) fn start_draining(&mut self) -> Option<(&mut Draining, bool)> {
        let begins = matches!(self, Self::Open(_));
        if begins && let Self::Open(io) = self.take() {
            *self = Self::Draining(io, Draining::default());
        }
        match self {
            Self::Draining(_, draining) => Some((draining, begins)),
            Self::Open(_) | Self::Ended(_) => None,
        }
    }

    fn lost() -> Self {
        Self::Ended(Ended {
            result: Err(Cause::End),
            all_sent: false,
            report: None,
        })
    }
}
