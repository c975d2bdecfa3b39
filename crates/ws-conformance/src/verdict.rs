//! The verdicts of the suite.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The verdict on the testee's reaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub enum Behavior {
    /// Correct.
    #[serde(rename = "OK")]
    Ok,
    /// Allowed, but another behavior would be better.
    #[serde(rename = "NON-STRICT")]
    NonStrict,
    /// The case only shows the reaction of the testee.
    #[serde(rename = "INFORMATIONAL")]
    Informational,
    /// The case does not apply to this testee. It is neither passed nor failed.
    #[serde(rename = "NOT APPLICABLE")]
    NotApplicable,
    /// The testee did not agree to the extension that the case is about.
    #[serde(rename = "UNIMPLEMENTED")]
    Unimplemented,
    /// Wrong.
    #[serde(rename = "FAILED")]
    Failed,
}

/// The verdict on the end of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub enum CloseBehavior {
    /// Correct.
    #[serde(rename = "OK")]
    Ok,
    /// The case only shows the reaction of the testee.
    #[serde(rename = "INFORMATIONAL")]
    Informational,
    /// The wrong side closed, or the opening handshake never completed.
    #[serde(rename = "FAILED")]
    Failed,
    /// The closing handshake was not completed although it had to be.
    #[serde(rename = "UNCLEAN")]
    Unclean,
    /// The testee's close code is not one of those that the case expects.
    #[serde(rename = "WRONG CODE")]
    WrongCode,
    /// A server did not end the TCP connection, so that the suite had to (RFC 6455 §7.1.1).
    #[serde(rename = "FAILED BY CLIENT")]
    FailedByClient,
}

/// Both verdicts on a case. Each alone can be good by accident: a server that never answers passes
/// the cases that demand silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub struct Verdict {
    /// The verdict on the testee's reaction.
    pub behavior: Behavior,
    /// The verdict on the end of the connection.
    #[serde(rename = "behaviorClose")]
    pub close: CloseBehavior,
}

impl Verdict {
    /// The best verdict.
    pub const GOOD: Self = Self {
        behavior: Behavior::Ok,
        close: CloseBehavior::Ok,
    };

    /// Returns one word for both parts: a bad close fails the case.
    pub fn overall(self) -> Behavior {
        match self.close {
            CloseBehavior::Ok | CloseBehavior::Informational => self.behavior,
            CloseBehavior::Failed
            | CloseBehavior::Unclean
            | CloseBehavior::WrongCode
            | CloseBehavior::FailedByClient => Behavior::Failed,
        }
    }
}

impl fmt::Display for Behavior {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "OK",
            Self::NonStrict => "NON-STRICT",
            Self::Informational => "INFORMATIONAL",
            Self::NotApplicable => "NOT APPLICABLE",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Failed => "FAILED",
        })
    }
}

impl fmt::Display for CloseBehavior {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "OK",
            Self::Informational => "INFORMATIONAL",
            Self::Failed => "FAILED",
            Self::Unclean => "UNCLEAN",
            Self::WrongCode => "WRONG CODE",
            Self::FailedByClient => "FAILED BY CLIENT",
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, close {}", self.behavior, self.close)
    }
}
