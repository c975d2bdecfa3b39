//! The verdict on one run of a case.

use std::collections::BTreeMap;

use crate::cases::Case;
use crate::endpoint::{Echoes, Ending};
use crate::role::Role;
use crate::script::{CloseProfile, Event, Rule, Side, Step, Task};
use crate::verdict::{Behavior, CloseBehavior, Verdict};

/// What a run left to be judged.
#[derive(Debug)]
pub(crate) struct Outcome<'a> {
    /// The part that the testee played.
    pub(crate) testee: Role,
    /// Whether the opening handshake was completed.
    pub(crate) opened: bool,
    /// The events of a script.
    pub(crate) received: &'a [Event],
    /// The echoes of another task.
    pub(crate) echoes: &'a Echoes,
    /// How the connection ended.
    pub(crate) ending: &'a Ending,
    /// The frames that the suite sent, by opcode.
    pub(crate) sent_frames: &'a BTreeMap<u8, u64>,
}

/// A verdict, and a line about each of its halves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Judgement {
    pub(crate) verdict: Verdict,
    pub(crate) result: String,
    pub(crate) result_close: String,
}

/// Judges a run.
pub(crate) fn judge(case: &Case, outcome: &Outcome<'_>) -> Judgement {
    let (close, result_close) = judge_close(case.close(), outcome);
    let (behavior, result) = match case.rule() {
        Rule::Echoes | Rule::EqualEchoes => judge_echoes(outcome.echoes),
        _ => judge_events(case, outcome.received),
    };
    let mut judgement = Judgement {
        verdict: Verdict { behavior, close },
        result,
        result_close,
    };
    if !outcome.opened {
        judgement.fail("The case did not begin.");
    } else if case.close().wrong_side_is_fatal && !right_side(case.close(), outcome) {
        judgement.fail("The testee did not fail the connection.");
    }
    match case.rule() {
        Rule::Events | Rule::Echoes | Rule::EqualEchoes => {}
        Rule::EventsAndCloseCode => {
            if close == CloseBehavior::WrongCode {
                judgement.fail("The close code is wrong.");
            }
        }
        Rule::EventsAndSentFrames => {
            if !outcome.opened || sent_frames(outcome) != expected_frames(case) {
                judgement.fail("The suite did not send the frames that it should.");
            }
        }
        Rule::Informational => {
            judgement.verdict = Verdict {
                behavior: Behavior::Informational,
                close: CloseBehavior::Informational,
            };
        }
    }
    judgement
}

impl Judgement {
    fn fail(&mut self, result: &str) {
        self.verdict.behavior = Behavior::Failed;
        self.result = result.to_owned();
    }
}

fn judge_events(case: &Case, received: &[Event]) -> (Behavior, String) {
    let mut lists = case.expected().iter();
    match lists.find(|list| list.events == received) {
        Some(list) => (
            list.behavior,
            "The events are those that are expected.".to_owned(),
        ),
        None => (
            Behavior::Failed,
            "The events are not those that are expected.".to_owned(),
        ),
    }
}

fn judge_echoes(echoes: &Echoes) -> (Behavior, String) {
    match echoes {
        Echoes::Complete => (Behavior::Ok, "Every echo arrived in time.".to_owned()),
        Echoes::Arrived(count) => (
            Behavior::Failed,
            format!("Not every echo arrived in time, only {count}."),
        ),
        Echoes::NotAgreed => (
            Behavior::Unimplemented,
            "The testee did not agree to compress messages.".to_owned(),
        ),
        Echoes::Altered => (
            Behavior::Failed,
            "An echo has other octets than the message.".to_owned(),
        ),
        Echoes::Wrong { binary, len } => {
            let kind = if *binary { "binary" } else { "text" };
            let result = format!("An echo differs in type or length: {kind}, {len} octets.");
            (Behavior::Failed, result)
        }
    }
}

/// The first rule that applies decides.
fn judge_close(profile: &CloseProfile, outcome: &Outcome<'_>) -> (CloseBehavior, String) {
    let ending = outcome.ending;
    let wrong_code = ending
        .remote_code
        .filter(|code| !profile.codes.contains(code));
    let (close, result) = if !outcome.opened {
        (
            CloseBehavior::Failed,
            "The opening handshake was not completed.",
        )
    } else if !right_side(profile, outcome) {
        (CloseBehavior::Failed, "The wrong side closed.")
    } else if profile.clean && !ending.was_clean {
        (
            CloseBehavior::Unclean,
            "The closing handshake had to be completed and was not.",
        )
    } else if let Some(code) = wrong_code {
        let expected: Vec<_> = profile.codes.iter().map(u16::to_string).collect();
        let expected = expected.join(" or ");
        let result = format!("The close code is {code}, not {expected} or none.");
        return (CloseBehavior::WrongCode, result);
    } else if outcome.testee == Role::Server && ending.dropped_by_me {
        (
            CloseBehavior::FailedByClient,
            "The server left it to the client to end TCP.",
        )
    } else {
        (CloseBehavior::Ok, "The connection ended as it should.")
    };
    (close, result.to_owned())
}

fn right_side(profile: &CloseProfile, outcome: &Outcome<'_>) -> bool {
    outcome.ending.closed_by_me == (profile.by == Side::Suite)
}

/// How many first frames and continuations of text were sent.
fn sent_frames(outcome: &Outcome<'_>) -> [u64; 2] {
    [1, 0].map(|opcode| outcome.sent_frames.get(&opcode).copied().unwrap_or(0))
}

fn expected_frames(case: &Case) -> [u64; 2] {
    let steps = match case.task() {
        Task::Script(steps) => steps.as_slice(),
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
#[path = "judge_tests.rs"]
mod tests;
