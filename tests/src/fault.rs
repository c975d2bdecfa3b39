//! The error of a task that opens a connection and then uses the connection.

use ws_driver::{AcceptError, ConnectError, Error};

/// The error of the step that failed.
#[derive(Debug)]
pub enum Fault {
    /// Accepting failed.
    Accept(AcceptError),
    /// Connecting failed.
    Connect(ConnectError),
    /// The connection failed.
    Connection(Error),
}

impl From<AcceptError> for Fault {
    fn from(error: AcceptError) -> Self {
        Self::Accept(error)
    }
}

impl From<ConnectError> for Fault {
    fn from(error: ConnectError) -> Self {
        Self::Connect(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Connection(error)
    }
}
