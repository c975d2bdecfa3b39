//! Cases that no broken testee can fail, or that none does here.

/// `id role`, and the reason.
pub(crate) const EXCUSED: &[(&str, &str)] = &[];
