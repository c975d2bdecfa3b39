//! The verdict on a dialogue.

use super::Judgement;
use crate::case::Level;
use crate::dialogue::{End, Miss, Outcome};
use crate::verdict::{Behavior, CloseBehavior, Verdict};

/// Judges a dialogue. `level` is that of the case's rule. If no rule prescribes a reaction, the
/// best verdict is INFORMATIONAL.
pub(crate) fn judge_dialogue(level: Level, outcome: Outcome, end: &End) -> Judgement {
    let (behavior, result) = match outcome {
        Ok(result) if level == Level::Informational => (Behavior::Informational, result),
        Ok(result) => (Behavior::Ok, result),
        Err(Miss::Must(result)) => (Behavior::Failed, result),
        Err(Miss::Should(result)) => (Behavior::NonStrict, result),
        Err(Miss::Informs(result)) => (Behavior::Informational, result),
        Err(Miss::NotApplicable(result)) => (Behavior::NotApplicable, result),
        Err(Miss::Unsupported(result)) => (Behavior::Unimplemented, result),
        Err(Miss::CutOff) => (Behavior::Failed, "The run was interrupted.".to_owned()),
    };
    let (close, result_close) = judge_end(end, behavior);
    Judgement {
        verdict: Verdict { behavior, close },
        result,
        result_close: result_close.to_owned(),
        unexpected_event: None,
    }
}

fn judge_end(end: &End, behavior: Behavior) -> (CloseBehavior, &'static str) {
    match end {
        End::NeverOpened if behavior == Behavior::Failed => (
            CloseBehavior::Failed,
            "The opening handshake was not completed.",
        ),
        End::NeverOpened => (CloseBehavior::Ok, "No connection was open."),
        End::Clean => (CloseBehavior::Ok, "The connection ended as it should."),
        End::ByTestee => (
            CloseBehavior::Ok,
            "The testee ended the connection, which the case is about.",
        ),
        End::BySuite => (
            CloseBehavior::Ok,
            "The suite ended the connection, which the case is about.",
        ),
        End::Unanswered => (
            CloseBehavior::Unclean,
            "The closing handshake had to be completed and was not.",
        ),
        End::WrongCode => (
            CloseBehavior::WrongCode,
            "The testee answered a Close with code 1000 with another code.",
        ),
        End::LeftOpen => (
            CloseBehavior::FailedByClient,
            "The server did not end TCP, so the client had to.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialogue::passed;

    fn behavior(level: Level, outcome: Outcome) -> Behavior {
        judge_dialogue(level, outcome, &End::Clean).verdict.behavior
    }

    #[test]
    fn a_miss_counts_as_much_as_its_check_demands_whatever_the_case_is_about() {
        use Behavior::{Failed, Informational, NonStrict, NotApplicable, Ok, Unimplemented};
        for (level, best) in [
            (Level::Must, Ok),
            (Level::Should, Ok),
            (Level::Informational, Informational),
        ] {
            assert_eq!(behavior(level, passed("x")), best);
            assert_eq!(behavior(level, Miss::must("x")), Failed);
            assert_eq!(behavior(level, Miss::should("x")), NonStrict);
            assert_eq!(behavior(level, Miss::informs("x")), Informational);
            assert_eq!(behavior(level, Miss::not_applicable("x")), NotApplicable);
            assert_eq!(behavior(level, Miss::unsupported("x")), Unimplemented);
            assert_eq!(behavior(level, Err(Miss::CutOff)), Failed);
        }
    }

    #[test]
    fn the_end_of_the_connection_is_judged_by_how_it_came() {
        let close = |outcome, end| judge_dialogue(Level::Must, outcome, &end).verdict.close;
        assert_eq!(close(passed("x"), End::Clean), CloseBehavior::Ok);
        assert_eq!(close(passed("x"), End::NeverOpened), CloseBehavior::Ok);
        assert_eq!(
            close(Miss::must("x"), End::NeverOpened),
            CloseBehavior::Failed
        );
        assert_eq!(close(passed("x"), End::ByTestee), CloseBehavior::Ok);
        assert_eq!(close(passed("x"), End::BySuite), CloseBehavior::Ok);
        assert_eq!(close(passed("x"), End::Unanswered), CloseBehavior::Unclean);
        assert_eq!(close(passed("x"), End::WrongCode), CloseBehavior::WrongCode);
        assert_eq!(
            close(passed("x"), End::LeftOpen),
            CloseBehavior::FailedByClient
        );
    }
}
