//! The state of a connection on its way to the end, and the transport as long as there is one.
//!
//! Three states tell of the end, each of its own part:
//!
//! | state | tells | is final when |
//! |---|---|---|
//! | `Stage` of the `RecvHalf` | what comes next in the input | `Closed`, `Failed`: no input counts |
//! | `Closing` of the `SendHalf` | which Closes are there | `Done`, `Failed`, `Lost`: the end is decided |
//! | [`State`], here | what is left of the transport | `Ended`: it was dropped |

use std::io;

use crate::error::{Error, Timeout};

/// The life of a connection in the driver. What the closing handshake says, the core knows.
pub(crate) enum State<W> {
    /// Messages come and go.
    Open(W),
    /// The end is near, and the transport is still there to drain.
    Draining(W, Draining),
    /// The transport was dropped.
    Ended(Ended),
}

/// The rest that is to be done before the end.
#[derive(Default)]
pub(crate) struct Draining {
    /// Why nothing can be written any more, if that is the case. What the peer sent still counts then, until the
    /// core knows the end.
    pub(crate) write_fault: Option<io::ErrorKind>,
    /// The peer ended its direction of the transport.
    pub(crate) input_ended: bool,
    /// We ended ours.
    pub(crate) output_ended: bool,
    /// Those who receive were told of the end.
    pub(crate) is_told: bool,
}

/// The way in which the connection ended.
pub(crate) struct Ended {
    pub(crate) result: Result<(), Cause>,
    /// Everything that was queued has left.
    pub(crate) all_sent: bool,
    /// The error that the next receive reports, once.
    pub(crate) report: Option<Box<Error>>,
}

/// Why a connection did not end in order.
#[derive(Clone, Copy)]
pub(crate) enum Cause {
    /// The transport ended. That is a loss, unless the Closes of both ends were there.
    End,
    /// The transport failed.
    Io(io::ErrorKind),
    /// A time limit passed.
    Timeout(Timeout),
    /// The peer broke a rule or a limit, which the core knows.
    Failure,
}

impl<W> State<W> {
    /// The transport, as long as there is one.
    #[inline]
    pub(crate) fn io(&mut self) -> Option<&mut W> {
        match self {
            Self::Open(io) | Self::Draining(io, _) => Some(io),
            Self::Ended(_) => None,
        }
    }

    /// Why nothing can be written any more, although the transport is still there.
    pub(crate) fn write_fault(&self) -> Option<io::ErrorKind> {
        match self {
            Self::Draining(_, draining) => draining.write_fault,
            Self::Open(_) | Self::Ended(_) => None,
        }
    }

    /// Tells whether the peer has ended its direction while the transport is still there.
    pub(crate) fn has_input_ended(&self) -> bool {
        matches!(self, Self::Draining(_, draining) if draining.input_ended)
    }

    /// Takes note that those who receive are told of the end.
    pub(crate) fn tell_end(&mut self) {
        if let Self::Draining(_, draining) = self {
            draining.is_told = true;
        }
    }

    /// Tells whether those who receive were told of the end while the transport is still there.
    pub(crate) fn was_told(&self) -> bool {
        matches!(self, Self::Draining(_, draining) if draining.is_told)
    }

    pub(crate) fn is_ended(&self) -> bool {
        matches!(self, Self::Ended(_))
    }

    /// Gives up the transport.
    pub(crate) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::lost())
    }

    /// The same state around another transport, which `change` makes of this one.
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

    /// Begins to drain, if it has not begun: `None` once the connection has ended. Says whether it begins now.
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
