//! The records of cases that were played.

mod recording;

pub(crate) use recording::Recording;
