//! The two ends of a connection.

/// One of the two ends of a connection (RFC 6455 §1.3).
///
/// The role decides which end masks: a client masks every frame that it sends, and a server masks
/// none (RFC 6455 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The end that sent the opening request.
    Client,
    /// The end that answered the opening request.
    Server,
}

impl Role {
    /// Returns `true` if frames from this role carry a masking key.
    pub const fn masks(self) -> bool {
        matches!(self, Self::Client)
    }

    /// Returns the role of the other end.
    pub const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}
