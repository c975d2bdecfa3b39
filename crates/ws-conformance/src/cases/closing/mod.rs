//! Group 24: closing, step by step.

mod answers;
mod codes;
mod pending;
mod reasons;
mod rules;
mod tcp;

use crate::case::Case;

pub(super) fn cases() -> Vec<Case> {
    [
        answers::cases(),
        codes::cases(),
        pending::cases(),
        reasons::cases(),
        tcp::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
