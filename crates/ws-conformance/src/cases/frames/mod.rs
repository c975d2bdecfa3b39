//! Group 23: framing, byte by byte.

mod control_frames;
mod lengths;
mod limits;
mod masking;
mod opcodes;
mod rules;
mod segments;
mod sizes;
mod uploads;

use crate::case::Case;

pub(super) fn cases() -> Vec<Case> {
    [
        control_frames::cases(),
        lengths::cases(),
        limits::cases(),
        masking::cases(),
        opcodes::cases(),
        segments::cases(),
        sizes::cases(),
        uploads::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
