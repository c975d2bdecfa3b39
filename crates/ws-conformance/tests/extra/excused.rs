//! Exceptions, each with its reason.

/// Cases that no broken testee fails, as `id role`.
pub(crate) const UNPROVEN: &[(&str, &str)] = &[];

/// Broken testees that pass all cases, as `role name`.
pub(crate) const UNNOTICED: &[(&str, &str)] = &[];

/// Pairs of a testee and a case that are not run, because chance decides the verdict.
pub(crate) const BY_CHANCE: &[(&str, &str, &str)] = &[
    ("server whole-end", "20.1.10", SCHEDULING),
    ("server whole-end", "20.5.17", SCHEDULING),
];
const SCHEDULING: &str = "the reads of the testee do not follow the writes of the suite";
