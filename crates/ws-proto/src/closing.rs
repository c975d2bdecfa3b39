//! How far a connection has been closed (RFC 6455 §7).

use crate::close::{CloseCode, CloseFrame, CloseReason};
use crate::error::ReceiveError;
use crate::role::Role;

/// The closing state of a connection.
///
/// ```text
///            start_close              peer's Close
///   Open ─────────────────► LocalSent ─────────────┐
///    │ │                        │                  ▼
///    │ │ peer's Close, answered │                 Done        both Closes: clean
///    │ └────────────────────────│────────────────► │
///    │                          │
///    ├── output lost ─► OutputLost, CloseLost ─► Lost   by the peer's Close, which still counts
///    │                          │
///    ├── violation, reported ──►┼─────────────────► Failed    ours was the last word
///    └── end of the transport ─►┴─────────────────► Lost      1006; after a time limit, the code of our Close
/// ```
///
/// `Done`, `Failed` and `Lost` are final.
#[derive(Clone, Debug, Default)]
pub(crate) enum Closing {
    #[default]
    Open,
    /// Our Close is queued or sent, the peer's has not arrived.
    LocalSent(Option<CloseFrame>),
    /// The transport takes nothing any more, and no Close was queued before.
    OutputLost,
    /// The transport takes nothing any more, and our Close was queued and never left.
    CloseLost(Option<CloseFrame>),
    /// Both Closes are there; the frame is the first of them.
    Done {
        initiator: Initiator,
        first: Option<CloseFrame>,
    },
    /// The peer broke a rule or went over a limit. A Close with its code is queued or sent, unless ours was before or
    /// none can leave.
    Failed(ReceiveError),
    /// The transport ended, or took no Close of ours, or a time limit passed, before both Closes were there.
    Lost {
        initiator: Initiator,
        first: Option<CloseFrame>,
    },
}

/// Who ended the connection first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Initiator {
    /// This end.
    Local,
    /// The other end.
    Peer,
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct End {
    /// Who sent the first Close; the peer if it ended the transport, or stopped reading, before both Closes were
    /// there; this end if it failed the connection or gave up waiting for the peer's Close.
    pub initiator: Initiator,
    /// The code of the first Close, [`CloseCode::NO_STATUS`] if it had none; the code of the violation if there was
    /// one; [`CloseCode::ABNORMAL`] if the peer ended the transport too early (RFC 6455 §7.1.5).
    pub code: CloseCode,
    /// The reason in the first Close; else empty.
    pub reason: CloseReason,
    /// Whether both ends sent a Close (RFC 6455 §7.1.4).
    pub clean: bool,
}

impl End {
    fn with_close(initiator: Initiator, close: Option<&CloseFrame>, clean: bool) -> Self {
        let (code, reason) = match close {
            Some(CloseFrame { code, reason }) => (*code, reason.clone()),
            None => (CloseCode::NO_STATUS, CloseReason::default()),
        };
        End {
            initiator,
            code,
            reason,
            clean,
        }
    }
}

impl Closing {
    /// Whether messages may still be sent.
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        matches!(self, Closing::Open)
    }

    /// Whether nothing that the peer sends from here on counts.
    pub(crate) fn is_final(&self) -> bool {
        matches!(
            self,
            Closing::Done { .. } | Closing::Failed(_) | Closing::Lost { .. }
        )
    }

    /// How the connection ended, once that is decided.
    pub(crate) fn end(&self) -> Option<End> {
        match self {
            Closing::Open | Closing::LocalSent(_) | Closing::OutputLost | Closing::CloseLost(_) => {
                None
            }
            Closing::Done { initiator, first } => {
                Some(End::with_close(*initiator, first.as_ref(), true))
            }
            Closing::Failed(error) => Some(End {
                initiator: Initiator::Local,
                code: error.close_code(),
                reason: CloseReason::default(),
                clean: false,
            }),
            Closing::Lost {
                initiator: Initiator::Local,
                first,
            } => Some(End::with_close(Initiator::Local, first.as_ref(), false)),
            Closing::Lost {
                initiator: Initiator::Peer,
                ..
            } => Some(End {
                initiator: Initiator::Peer,
                code: CloseCode::ABNORMAL,
                reason: CloseReason::default(),
                clean: false,
            }),
        }
    }

    /// Whether this end now ends its direction of the transport (RFC 6455 §7.1.1, §7.1.7).
    ///
    /// A server does after both Closes, a client lets the server go first. After a violation and after a loss either
    /// does.
    pub(crate) fn ends_transport(&self, role: Role) -> bool {
        match self {
            Closing::Open | Closing::LocalSent(_) | Closing::OutputLost | Closing::CloseLost(_) => {
                false
            }
            Closing::Done { .. } => role == Role::Server,
            Closing::Failed(_) | Closing::Lost { .. } => true,
        }
    }
}
