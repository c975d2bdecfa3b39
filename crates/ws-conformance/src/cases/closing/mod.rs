//! Group 24: closing, step by step.

mod codes;
mod endings;

use crate::case::Case;

pub(super) fn cases() -> Vec<Case> {
    [codes::cases(), endings::cases()]
        .into_iter()
        .flatten()
        .collect()
}
