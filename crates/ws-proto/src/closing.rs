//! How far a connection has been closed (RFC 6455 §7).

use alloc::boxed::Box;

use crate::close::{CloseCode, CloseFrame};
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
///    ├── output lost ──► OutputLost ─────────────► Lost   by the peer's Close, which still counts
///    │                          │
///    ├── violation, reported ──►┼────────────────► Failed    ours was the last word
///    └── end of the transport ─►┴────────────────► Lost
/// ```
///
/// `Done`, `Failed` and `Lost` are final. [`Closes`] has what the Closes said.
#[derive(Clone, Debug, Default)]
pub(crate) enum Closing {
    #[default]
    Open,
    /// Our Close is queued or sent, the peer's has not arrived.
    LocalSent,
    /// The transport takes nothing any more, and no Close of ours has left.
    OutputLost,
    /// Both Closes are there.
    Done,
    /// The peer broke a rule or went over a limit. A Close with its code is queued or sent, unless ours was before or
    /// none can leave.
    Failed(ReceiveError),
    /// The transport ended, or took no Close of ours, or a time limit passed, before both Closes were there.
    Lost,
}

/// The Closes of both ends. They are kept whatever becomes of the transport.
#[derive(Debug)]
pub(crate) struct Closes {
    /// The end whose Close was first.
    initiator: Initiator,
    local: Option<CloseFrame>,
    peer: Option<CloseFrame>,
}

impl Closes {
    /// Keeps the Close of one end beside that of the other.
    pub(crate) fn keep(closes: &mut Option<Box<Self>>, by: Initiator, close: CloseFrame) {
        let closes = closes.get_or_insert_with(|| {
            Box::new(Self {
                initiator: by,
                local: None,
                peer: None,
            })
        });
        match by {
            Initiator::Local => closes.local = Some(close),
            Initiator::Peer => closes.peer = Some(close),
        }
    }

    /// The Close of this end.
    pub(crate) fn local(&self) -> Option<&CloseFrame> {
        self.local.as_ref()
    }

    /// The Close of the peer.
    pub(crate) fn peer(&self) -> Option<&CloseFrame> {
        self.peer.as_ref()
    }
}

/// The end of a connection that was first to end it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Initiator {
    /// This end.
    Local,
    /// The other end.
    Peer,
}

/// The end of a connection: both Closes, which of them was first, and whether it was clean.
///
/// A Close without a code is one with [`CloseCode::NO_STATUS`] (RFC 6455 §7.1.5).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct End {
    /// The end whose Close was first. Without any Close: the peer if it ended the transport or did not answer in time,
    /// this end if it found a violation.
    pub initiator: Initiator,
    /// The Close of this end. It may not have left, if the end was not clean.
    pub local: Option<CloseFrame>,
    /// The Close of the peer. It is here whatever became of ours.
    pub peer: Option<CloseFrame>,
    /// Tells whether both ends sent a Close (RFC 6455 §7.1.4).
    pub clean: bool,
}

impl End {
    /// Returns the close code of the connection (RFC 6455 §7.1.5): that of the peer's Close,
    /// [`CloseCode::NO_STATUS`] if it had none, [`CloseCode::ABNORMAL`] if no Close arrived.
    pub fn code(&self) -> CloseCode {
        self.peer
            .as_ref()
            .map_or(CloseCode::ABNORMAL, |close| close.code)
    }

    /// Returns the reason in the peer's Close (RFC 6455 §7.1.6), which is empty if it had none.
    pub fn reason(&self) -> &str {
        self.peer.as_ref().map_or("", |close| &*close.reason)
    }
}

impl Closing {
    /// Tells whether messages may still be sent.
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }

    /// Tells whether nothing that the peer sends from here on counts.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Done | Self::Failed(_) | Self::Lost)
    }

    /// Returns how the connection ended, once that is decided.
    pub(crate) fn end(&self, closes: Option<&Closes>) -> Option<End> {
        if !self.is_final() {
            return None;
        }
        let without_close = match self {
            Self::Failed(_) => Initiator::Local,
            _ => Initiator::Peer,
        };
        Some(End {
            initiator: closes.map_or(without_close, |closes| closes.initiator),
            local: closes.and_then(|closes| closes.local.clone()),
            peer: closes.and_then(|closes| closes.peer.clone()),
            clean: matches!(self, Self::Done),
        })
    }

    /// Tells whether this end now ends its direction of the transport (RFC 6455 §7.1.1, §7.1.7).
    ///
    /// A server does after both Closes, a client lets the server go first. After a violation and after a loss either
    /// does.
    pub(crate) fn ends_transport(&self, role: Role) -> bool {
        match self {
            Self::Open | Self::LocalSent | Self::OutputLost => false,
            Self::Done => role == Role::Server,
            Self::Failed(_) | Self::Lost => true,
        }
    }
}
