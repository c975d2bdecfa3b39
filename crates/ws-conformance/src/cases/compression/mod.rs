//! Group 26: compressed messages.

mod bulk;
mod context;
mod faults;
mod messages;
mod output;

use crate::case::Case;

pub(super) fn cases() -> Vec<Case> {
    [
        bulk::cases(),
        context::cases(),
        faults::cases(),
        messages::cases(),
        output::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
