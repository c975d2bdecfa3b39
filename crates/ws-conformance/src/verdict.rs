//! The words in which the suite judges.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whether the testee did what the case asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub enum Behavior {
    /// Exactly as it should be.
    #[serde(rename = "OK")]
    Ok,
    /// Allowed, but another behaviour would be better.
    #[serde(rename = "NON-STRICT")]
    NonStrict,
    /// The case only shows what the testee does.
    #[serde(rename = "INFORMATIONAL")]
    Informational,
    /// The case says nothing about this testee. It counts neither way.
    #[serde(rename = "NOT APPLICABLE")]
    NotApplicable,
    /// The testee did not agree to the extension that the case is about.
    #[serde(rename = "UNIMPLEMENTED")]
    Unimplemented,
    /// Not as it should be.
    #[serde(rename = "FAILED")]
    Failed,
}

/// Whether the connection ended as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub enum CloseBehavior {
    /// Exactly as it should be.
    #[serde(rename = "OK")]
    Ok,
    /// The case only shows what the testee does.
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
    /// A server left it to the suite to end the TCP connection (RFC 6455 §7.1.1).
    #[serde(rename = "FAILED BY CLIENT")]
    FailedByClient,
}

/// Both judgements of one case. Either alone can be right by accident: a server that never
/// answers still behaves well in the cases that demand silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub struct Verdict {
    /// Whether the testee did what the case asks for.
    pub behavior: Behavior,
    /// Whether the connection ended as it should.
    #[serde(rename = "behaviorClose")]
    pub close: CloseBehavior,
}

impl Verdict {
    /// What a case should get.
    pub const GOOD: Self = Self {
        behavior: Behavior::Ok,
        close: CloseBehavior::Ok,
    };

    /// One word for both: a bad close makes the case a failed one.
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
