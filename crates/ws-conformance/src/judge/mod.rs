//! Verdicts on scripts, by lists of events, and on dialogues, by their outcome.

mod dialogue;
mod events;
mod script;

pub(crate) use dialogue::judge_dialogue;
pub(crate) use script::{Facts, judge_script};

use crate::verdict::Verdict;

/// A verdict, and a sentence about each of its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Judgement {
    pub(crate) verdict: Verdict,
    pub(crate) result: String,
    pub(crate) result_close: String,
    /// The index of the first event that is wrong, if the events of a script are.
    pub(crate) unexpected_event: Option<usize>,
}
