//! Group 21: subprotocols and extensions.

mod extensions;
mod offers;
mod parameters;
mod rules;
mod subprotocols;

use crate::case::Case;

pub(super) fn cases() -> Vec<Case> {
    [
        extensions::cases(),
        parameters::cases(),
        subprotocols::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
