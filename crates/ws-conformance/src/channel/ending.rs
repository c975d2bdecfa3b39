//! The end of a connection.

use std::fmt;
use std::time::Duration;

use crate::wire::Violation;

/// The end of a connection, as reports and verdicts need it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ending {
    /// The suite was the first to send a Close.
    pub(crate) closed_by_me: bool,
    /// The suite failed the connection.
    pub(crate) failure: Option<Failure>,
    /// The suite ended TCP.
    pub(crate) dropped_by_me: bool,
    /// The closing handshake was completed.
    pub(crate) was_clean: bool,
    /// The reason why the end was not clean.
    pub(crate) not_clean_reason: Option<&'static str>,
    /// The testee, a server, did not end TCP in time.
    pub(crate) server_drop_timeout: bool,
    /// The testee did not complete the opening handshake in time.
    pub(crate) open_handshake_timeout: bool,
    /// The testee did not answer a Close in time.
    pub(crate) close_handshake_timeout: bool,
    /// The suite's close code.
    pub(crate) local_code: Option<u16>,
    /// The suite's close reason.
    pub(crate) local_reason: Option<String>,
    /// The testee's close code.
    pub(crate) remote_code: Option<u16>,
    /// The testee's close reason.
    pub(crate) remote_reason: Option<String>,
    /// The violations of the testee, in order.
    pub(crate) violations: Vec<String>,
}

/// The first failure of the connection by the suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) cause: FailureCause,
    /// The suite sent a Close because of it. The testee then answers this Close, so that the code
    /// of its own Close says nothing about it.
    pub(crate) by_close: bool,
}

/// The reason why the suite fails a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FailureCause {
    /// The case did not end within this time.
    TimeOver(Duration),
    /// The testee broke a rule.
    Violation(Violation),
    /// The testee sent an unknown command.
    UnknownCommand,
}

impl FailureCause {
    /// Returns the code and the reason of the suite's Close.
    pub(crate) fn close(&self) -> (u16, String) {
        match self {
            Self::TimeOver(_) => (1001, "Going Away".to_owned()),
            Self::Violation(violation) => (violation.close_code(), violation.to_string()),
            Self::UnknownCommand => (1008, COMMANDS.to_owned()),
        }
    }
}

const COMMANDS: &str = "commands: sendframe, sendframes, close, echo, as [name, argument]";

impl fmt::Display for FailureCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimeOver(time) => write!(f, "the suite gave up after {} ms", time.as_millis()),
            Self::Violation(violation) => {
                write!(f, "the suite failed the connection because {violation}")
            }
            Self::UnknownCommand => {
                f.write_str("the suite failed the connection because of an unknown command")
            }
        }
    }
}
