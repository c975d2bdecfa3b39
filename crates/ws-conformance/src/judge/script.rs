//! The verdict on a script.

use std::collections::BTreeMap;

use super::Judgement;
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
    let (behavior, result) = match script.judged_by {
        JudgedBy::Echoes | JudgedBy::EqualEchoes => judge_echoes(facts.echoes),
        _ => judge_events(script, facts.received),
    };
    let mut judgement = Judgement {
        verdict: Verdict { behavior, close },
        result,
        result_close,
    };
    if !facts.opened {
        judgement.fail("The case did not begin.");
    } else if script.close.wrong_side_is_fatal && !right_side(&script.close, facts) {
        judgement.fail("The testee did not fail the connection.");
    }
    match script.judged_by {
        JudgedBy::Events | JudgedBy::Echoes | JudgedBy::EqualEchoes => {}
        JudgedBy::EventsAndCloseCode => {
            if close == CloseBehavior::WrongCode {
                judgement.fail("The close code is wrong.");
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
    fn fail(&mut self, result: &str) {
        self.verdict.behavior = Behavior::Failed;
        self.result = result.to_owned();
    }
}

fn judge_events(script: &Script, received: &[Event]) -> (Behavior, String) {
    let mut lists = script.expected.iter();
    match lists.find(|list| list.events == received) {
        Some(list) => (list.behavior, "The events are as expected.".to_owned()),
        None => (
            Behavior::Failed,
            "The events are not as expected.".to_owned(),
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
            "An echo has other bytes than the message.".to_owned(),
        ),
        Echoes::Wrong { binary, len } => {
            let kind = if *binary { "binary" } else { "text" };
            let result = format!("An echo differs in type or length: {kind}, {len} bytes.");
            (Behavior::Failed, result)
        }
    }
}

/// Judges the end of the connection. The first rule that applies decides.
fn judge_close(profile: &CloseProfile, facts: &Facts<'_>) -> (CloseBehavior, String) {
    let ending = facts.ending;
    let wrong_code = ending
        .remote_code
        .filter(|code| !profile.codes.contains(code));
    let (close, result) = if !facts.opened {
        (
            CloseBehavior::Failed,
            "The opening handshake was not completed.",
        )
    } else if !right_side(profile, facts) {
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
    } else if facts.testee == Role::Server && ending.dropped_by_me {
        (
            CloseBehavior::FailedByClient,
            "The server did not end TCP, so the client had to.",
        )
    } else {
        (CloseBehavior::Ok, "The connection ended as it should.")
    };
    (close, result.to_owned())
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
