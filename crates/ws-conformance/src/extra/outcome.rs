//! What came of a dialogue.

use super::Level;
use crate::judge::Judgement;
use crate::verdict::{Behavior, CloseBehavior, Verdict};

/// What the testee did, in a sentence, or how it missed what was expected.
pub(super) type Outcome = Result<String, Miss>;

/// Why a dialogue ended before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Miss {
    /// The testee did what it must not, or did not do what it must.
    Must(String),
    /// It did what it should not, or did not do what it should.
    Should(String),
    /// It does not agree to what the case needs, which it need not.
    Unsupported(String),
    /// Something cut the dialogue off that is none of the testee's doing.
    CutOff,
}

impl Miss {
    pub(super) fn must<T>(what: impl Into<String>) -> Result<T, Self> {
        Err(Self::Must(what.into()))
    }

    pub(super) fn unsupported<T>(what: impl Into<String>) -> Result<T, Self> {
        Err(Self::Unsupported(what.into()))
    }

    /// The same, with the part of the case in which it happened.
    pub(super) fn with(self, part: &str) -> Self {
        match self {
            Self::Must(what) => Self::Must(format!("{part}: {what}")),
            Self::Should(what) => Self::Should(format!("{part}: {what}")),
            other => other,
        }
    }

    pub(super) fn should<T>(what: impl Into<String>) -> Result<T, Self> {
        Err(Self::Should(what.into()))
    }
}

/// A sentence about a testee that did as it should.
pub(super) fn met(what: impl Into<String>) -> Outcome {
    Ok(what.into())
}

/// The judgement on this outcome of a case with this level. There is one sentence for all of it:
/// how a connection ends is judged where a case is about it, and nowhere else.
pub(super) fn judge(level: Level, outcome: Outcome) -> Judgement {
    let (behavior, result) = match (level, outcome) {
        (_, Err(Miss::CutOff)) => (Behavior::Failed, "The run was interrupted.".to_owned()),
        (_, Err(Miss::Unsupported(what))) => (Behavior::Unimplemented, what),
        (Level::Informational, Ok(what) | Err(Miss::Must(what) | Miss::Should(what))) => {
            (Behavior::Informational, what)
        }
        (Level::Must | Level::Should, Ok(what)) => (Behavior::Ok, what),
        (Level::Must, Err(Miss::Must(what))) => (Behavior::Failed, what),
        (Level::Must | Level::Should, Err(Miss::Must(what) | Miss::Should(what))) => {
            (Behavior::NonStrict, what)
        }
    };
    let close = match behavior {
        Behavior::Informational => CloseBehavior::Informational,
        _ => CloseBehavior::Ok,
    };
    Judgement {
        verdict: Verdict { behavior, close },
        result,
        result_close: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behavior(level: Level, outcome: Outcome) -> Behavior {
        judge(level, outcome).verdict.behavior
    }

    #[test]
    fn a_miss_counts_as_much_as_the_rule_demands() {
        use Behavior::{Failed, Informational, NonStrict, Ok, Unimplemented};
        for (level, must, should) in [
            (Level::Must, Failed, NonStrict),
            (Level::Should, NonStrict, NonStrict),
            (Level::Informational, Informational, Informational),
        ] {
            assert_eq!(behavior(level, Miss::must("x")), must);
            assert_eq!(behavior(level, Miss::should("x")), should);
            assert_eq!(behavior(level, Miss::unsupported("x")), Unimplemented);
        }
        assert_eq!(behavior(Level::Must, met("x")), Ok);
        assert_eq!(behavior(Level::Should, met("x")), Ok);
        assert_eq!(behavior(Level::Informational, met("x")), Informational);
    }
}
