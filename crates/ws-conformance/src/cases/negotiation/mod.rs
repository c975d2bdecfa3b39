//! Group 21: subprotocols and extensions.

mod extensions;
mod subprotocols;

use crate::case::Case;

pub(super) fn cases() -> Vec<Case> {
    [extensions::cases(), subprotocols::cases()]
        .into_iter()
        .flatten()
        .collect()
}
