//! Group 25: UTF-8, cut at any place.

mod bytes;
mod cut;
mod places;
mod rules;

use crate::case::Case;

pub(super) fn cases() -> Vec<Case> {
    [bytes::cases(), cut::cases(), places::cases()]
        .into_iter()
        .flatten()
        .collect()
}
