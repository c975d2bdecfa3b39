//! The words in which the suite judges.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whether the testee did what the case asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum Behavior {
    #[serde(rename = "OK")]
    Ok,
    #[serde(rename = "NON-STRICT")]
    NonStrict,
    #[serde(rename = "INFORMATIONAL")]
    Informational,
    #[serde(rename = "UNIMPLEMENTED")]
    Unimplemented,
    #[serde(rename = "FAILED")]
    Failed,
}

/// Whether the connection ended as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum CloseBehavior {
    #[serde(rename = "OK")]
    Ok,
    #[serde(rename = "INFORMATIONAL")]
    Informational,
    #[serde(rename = "FAILED")]
    Failed,
    #[serde(rename = "UNCLEAN")]
    Unclean,
    #[serde(rename = "WRONG CODE")]
    WrongCode,
    #[serde(rename = "FAILED BY CLIENT")]
    FailedByClient,
}

/// Both judgements of one case. Either alone can be right by accident: a server that never
/// answers still behaves well in the cases that demand silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) behavior: Behavior,
    pub(crate) close: CloseBehavior,
}

impl Verdict {
    /// What every case should get unless a line of the expectations says otherwise.
    pub(crate) const GOOD: Self = Self {
        behavior: Behavior::Ok,
        close: CloseBehavior::Ok,
    };

    /// One word for both, for the counts: a bad close makes the case a failed one.
    pub(crate) fn class(self) -> Behavior {
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
        f.write_str(match self {
            Self::Ok => "OK",
            Self::NonStrict => "NON-STRICT",
            Self::Informational => "INFORMATIONAL",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Failed => "FAILED",
        })
    }
}

impl fmt::Display for CloseBehavior {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_close_makes_a_failed_case() {
        let verdict = Verdict {
            behavior: Behavior::Ok,
            close: CloseBehavior::Unclean,
        };
        assert_eq!(verdict.class(), Behavior::Failed);
        let close = CloseBehavior::Informational;
        let verdict = Verdict {
            behavior: Behavior::Informational,
            close,
        };
        assert_eq!(verdict.class(), Behavior::Informational);
        assert_eq!(Verdict::GOOD.class(), Behavior::Ok);
    }

    #[test]
    fn words_are_those_of_the_reports() {
        for close in [
            CloseBehavior::WrongCode,
            CloseBehavior::FailedByClient,
            CloseBehavior::Ok,
        ] {
            assert_eq!(
                serde_json::to_string(&close).unwrap(),
                format!("\"{close}\"")
            );
        }
        for behavior in [
            Behavior::NonStrict,
            Behavior::Unimplemented,
            Behavior::Failed,
        ] {
            assert_eq!(
                serde_json::to_string(&behavior).unwrap(),
                format!("\"{behavior}\"")
            );
        }
    }
}
