//! The verdict on a script.

use std::collections::BTreeMap;

use super::Judgement;
use super::events::{OfEvents, judge_events};
use crate::channel::Ending;
use crate::endpoint::Echoes;
use crate::role::Role;
use crate::script::{CloseProfile, Event, JudgedBy, Script, Side, Step, Task};
use crate::verdict::{Behavior, CloseBehavior, Verdict};

/// The facts about a run.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    /// The role of the testee.
    pub(crate) testee: Role,
    /// `true` if the opening handshake was completed.
    pub(crate) opened: bool,
    /// The events of a script.
    pub(crate) received: &'a [Event],
    /// The echoes of another task.
    pub(crate) echoes: &'a Echoes,
    /// The end of the connection.
    pub(crate) ending: &'a Ending,
    /// The frames that the suite sent, by opcode.
    pub(crate) sent_frames: &'a BTreeMap<u8, u64>,
}

/// Judges a run.
pub(crate) fn judge_script(script: &Script, facts: &Facts<'_>) -> Judgement {
    let (close, result_close) = judge_close(&script.close, facts);
    let events = match script.judged_by {
        JudgedBy::Echoes | JudgedBy::EqualEchoes => judge_echoes(facts.echoes),
        _ => judge_events(&script.expected, facts.received),
    };
    let behavior = events.behavior;
    let mut judgement = Judgement {
        verdict: Verdict { behavior, close },
        result: events.result,
        result_close,
        unexpected_event: events.unexpected,
    };
    if !facts.opened {
        judgement.verdict.behavior = Behavior::Failed;
        judgement.result = "The case did not begin.".to_owned();
        judgement.unexpected_event = None;
    } else if script.close.wrong_side_is_fatal && !right_side(&script.close, facts) {
        judgement.fail("The testee did not fail the connection.");
    }
    match script.judged_by {
        JudgedBy::Events | JudgedBy::Echoes | JudgedBy::EqualEchoes => {}
        JudgedBy::EventsAndCloseCode => {
            if close == CloseBehavior::WrongCode {
                let reason = judgement.result_close.clone();
                judgement.fail(&reason);
            }
        }
        JudgedBy::EventsAndSentFrames => {
            if !facts.opened || sent_frames(facts) != expected_frames(script) {
                judgement.fail("The suite did not send the frames that it should.");
            }
        }
        JudgedBy::Informational => {
            judgement.verdict = Verdict {
                behavior: Behavior::Informational,
                close: CloseBehavior::Informational,
            };
        }
    }
    judgement
}

impl Judgement {
    /// Fails the behavior. An earlier reason stays the first one.
    fn fail(&mut self, reason: &str) {
        self.result = match self.verdict.behavior {
            Behavior::Failed => format!("{} {reason}", self.result),
            _ => reason.to_owned(),
        };
        self.verdict.behavior = Behavior::Failed;
    }
}

fn judge_echoes(echoes: &Echoes) -> OfEvents {
    let (behavior, result) = match echoes {
        Echoes::Complete => (Behavior::Ok, "Every echo arrived in time.".to_owned()),
        Echoes::Arrived(count) => (
            Behavior::Failed,
            format!("Not every echo arrived in time, only {count}."),
        ),
        Echoes::NotAgreed => (
            Behavior::Unimplemented,
            "The testee did not agree to compress messages.".to_owned(),
        ),
        Echoes::Wrong(difference) => (Behavior::Failed, difference.clone()),
    };
    OfEvents {
        behavior,
        result,
        unexpected: None,
    }
}

/// Judges the end of the connection. The first rule that applies decides.
fn judge_close(profile: &CloseProfile, facts: &Facts<'_>) -> (CloseBehavior, String) {
    let ending = facts.ending;
    let wrong_code = ending
        .remote_code
        .filter(|code| !profile.codes.contains(code));
    if !facts.opened {
        let result = "The opening handshake was not completed.".to_owned();
        (CloseBehavior::Failed, result)
    } else if !right_side(profile, facts) {
        (CloseBehavior::Failed, wrong_side(profile, ending))
    } else if profile.clean && !ending.was_clean {
        let because = match &ending.failure {
            Some(failure) => format!(": {}", failure.cause),
            None => String::new(),
        };
        (
            CloseBehavior::Unclean,
            format!("The closing handshake had to be completed and was not{because}."),
        )
    } else if let Some(code) = wrong_code {
        (CloseBehavior::WrongCode, unfit_code(profile, ending, code))
    } else if facts.testee == Role::Server && ending.dropped_by_me {
        let result = "The server did not end TCP, so the client had to.".to_owned();
        (CloseBehavior::FailedByClient, result)
    } else {
        let result = "The connection ended as it should.".to_owned();
        (CloseBehavior::Ok, result)
    }
}

fn wrong_side(profile: &CloseProfile, ending: &Ending) -> String {
    match (profile.by, &ending.failure) {
        (Side::Testee, Some(failure)) => {
            format!("The testee had to end the connection: {}.", failure.cause)
        }
        (Side::Testee, None) => "The suite closed, but the testee had to.".to_owned(),
        (Side::Suite, _) => "The testee ended the connection, but the suite had to.".to_owned(),
    }
}

/// Describes a close code that the case does not allow. If the suite had failed the connection, the
/// testee only answered that Close, and its code is no fault of its own.
fn unfit_code(profile: &CloseProfile, ending: &Ending, code: u16) -> String {
    let expected: Vec<_> = profile.codes.iter().map(u16::to_string).collect();
    let expected = expected.join(" or ");
    match ending.failure.as_ref().filter(|failure| failure.by_close) {
        None => format!("The close code is {code}, not {expected} or none."),
        Some(failure) => {
            let (own, _) = failure.cause.close();
            format!(
                "The case did not end with code {expected}: {}, with code {own}, and the testee \
                 answered with code {code}.",
                failure.cause
            )
        }
    }
}

fn right_side(profile: &CloseProfile, facts: &Facts<'_>) -> bool {
    facts.ending.closed_by_me == (profile.by == Side::Suite)
}

/// Returns the number of first frames and of continuations of text that were sent.
fn sent_frames(facts: &Facts<'_>) -> [u64; 2] {
    [1, 0].map(|opcode| facts.sent_frames.get(&opcode).copied().unwrap_or(0))
}

fn expected_frames(script: &Script) -> [u64; 2] {
    let steps = match &script.task {
        Task::Steps(steps) => steps.as_slice(),
        Task::BigEcho { .. } | Task::EchoLoop { .. } | Task::CompressedEchoes(_) => &[],
    };
    let message = steps.iter().find_map(|step| match step {
        Step::Message {
            payload, fragment, ..
        } => fragment.map(|fragment| payload.len() / fragment),
        _ => None,
    });
    [1, message.unwrap_or(0) as u64]
}

#[cfg(test)]
#[path = "script_tests.rs"]
mod tests;
