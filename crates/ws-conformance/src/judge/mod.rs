//! Verdicts: of scripts by lists of events, of dialogues by their outcome.

mod dialogue;
mod script;

pub(crate) use dialogue::judge_dialogue;
pub(crate) use script::{Facts, judge_script};

use crate::verdict::Verdict;

/// A verdict, and a line about each of its halves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Judgement {
    pub(crate) verdict: Verdict,
    pub(crate) result: String,
    pub(crate) result_close: String,
}
