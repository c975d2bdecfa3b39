//! The faults, by the cases that are about them.

mod closing;
mod compression;
mod framing;
mod inflating;
mod lengths;
mod load;
mod masks;
mod original;
mod text;

pub(super) use original::ORIGINAL;

use super::Fault;

/// The faults that extra cases are about, by group.
pub(super) const LISTS: &[(u8, &[Fault])] = &[
    (23, lengths::FAULTS),
    (23, masks::FAULTS),
    (23, framing::FAULTS),
    (24, closing::FAULTS),
    (25, text::FAULTS),
    (26, compression::FAULTS),
    (26, inflating::FAULTS),
    (27, load::FAULTS),
];

/// Testees without a fault that extra cases need.
pub(super) const CORRECT: &[Fault] = &[compression::CORRECT, load::CORRECT];
