//! The state of the closing handshake (RFC 6455 §7).

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
///    ├── output lost ──► OutputLost ─────────────► Lost   by the peer's Close
///    │                          │
///    ├── violation, reported ──►┼────────────────► Failed
///    └── end of the transport ─►┴────────────────► Lost
/// ```
///
/// `Done`, `Failed` and `Lost` are final. [`Closes`] holds the Closes themselves.
#[derive(Clone, Debug, Default)]
pub(crate) enum Closing {
    #[default]
    Open,
    /// Our Close is queued or sent. The peer's Close has not arrived.
    LocalSent,
    /// The transport takes no more output, and our Close has not been written. The peer's Close is
    /// still recorded if it arrives.
    OutputLost,
    /// Both ends have sent a Close.
    Done,
    /// The peer broke a rule or exceeded a limit. A Close with the code of the error is queued or
    /// sent, unless our Close was queued before or the transport takes no output.
    Failed(ReceiveError),
    /// The connection was lost before both Closes had been exchanged: the transport ended or did
    /// not take our Close, or a timeout passed.
    Lost,
}

/// The Closes of both ends. They are kept even if the transport fails.
#[derive(Debug)]
pub(crate) struct Closes {
    /// The end that sent its Close first.
    initiator: Initiator,
    local: Option<CloseFrame>,
    peer: Option<CloseFrame>,
}

impl Closes {
    /// Stores the Close of one end.
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

    /// Returns the Close of this end.
    pub(crate) fn local(&self) -> Option<&CloseFrame> {
        self.local.as_ref()
    }

    /// Returns the Close of the peer.
    pub(crate) fn peer(&self) -> Option<&CloseFrame> {
        self.peer.as_ref()
    }
}

/// The end that was first to close a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Initiator {
    /// This end.
    Local,
    /// The peer.
    Peer,
}

/// The outcome of a connection: the Closes that both ends sent, and how the connection ended.
///
/// A Close without a code has the code [`CloseCode::NO_STATUS`] (RFC 6455 §7.1.5).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct End {
    /// The end that sent its Close first. If neither end sent a Close, this is the local end if it
    /// found a violation. Otherwise it is the peer, which ended the transport or did not answer in
    /// time.
    pub initiator: Initiator,
    /// The Close of this end. If `clean` is `false`, this Close may not have been sent.
    pub local: Option<CloseFrame>,
    /// The Close of the peer. It is present even if ours could not be sent.
    pub peer: Option<CloseFrame>,
    /// `true` if both ends sent a Close (RFC 6455 §7.1.4).
    pub clean: bool,
}

impl End {
    /// Returns the close code of the connection (RFC 6455 §7.1.5).
    ///
    /// This is the code of the peer's Close, [`CloseCode::NO_STATUS`] if that Close had no code, or
    /// [`CloseCode::ABNORMAL`] if no Close arrived.
    pub fn code(&self) -> CloseCode {
        self.peer
            .as_ref()
            .map_or(CloseCode::ABNORMAL, |close| close.code)
    }

    /// Returns the reason in the peer's Close (RFC 6455 §7.1.6). It is empty if the Close had none
    /// or if no Close arrived.
    pub fn reason(&self) -> &str {
        self.peer.as_ref().map_or("", |close| &*close.reason)
    }
}

impl Closing {
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }

    /// Returns `true` if input that arrives from now on is ignored.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Done | Self::Failed(_) | Self::Lost)
    }

    /// Returns the outcome of the connection once it is decided.
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

    /// Returns `true` if this end must now end its direction of the transport (RFC 6455 §7.1.1,
    /// §7.1.7).
    ///
    /// After both Closes, a server ends its direction, and a client waits until the server has done
    /// so. After a violation or a loss, both roles end their direction.
    pub(crate) fn ends_transport(&self, role: Role) -> bool {
        match self {
            Self::Open | Self::LocalSent | Self::OutputLost => false,
            Self::Done => role == Role::Server,
            Self::Failed(_) | Self::Lost => true,
        }
    }
}
