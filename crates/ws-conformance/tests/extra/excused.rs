//! Exceptions, each with its reason.

/// Cases that no broken testee fails, as `id role`.
pub(crate) const UNPROVEN: &[(&str, &str)] = &[
    ("20.1.10 server", SCHEDULING),
    (
        "22.2.37 client",
        "a client that waits on and one that gives up are both right",
    ),
];

/// Broken testees that pass all cases, as `role name`.
pub(crate) const UNNOTICED: &[(&str, &str)] = &[
    ("client extension-list-unchecked", NO_CASE),
    ("client missing-window-unchecked", NO_CASE),
    ("client one-read", SCHEDULING),
    ("client small-window-unchecked", NO_CASE),
    (
        "client waits-forever",
        "a client that waits on and one that gives up are both right",
    ),
    ("client window-number-unchecked", NO_CASE),
    ("client window-zero-unchecked", NO_CASE),
    ("server protocol-empty", NO_CASE),
];
const NO_CASE: &str = "no case is about that yet";

/// Pairs of a testee and a case that are not run, because chance decides the verdict.
pub(crate) const BY_CHANCE: &[(&str, &str, &str)] = &[
    ("server one-read", "20.1.10", SCHEDULING),
    ("server whole-end", "20.5.17", SCHEDULING),
    ("client one-read", "22.2.32", SCHEDULING),
];
const SCHEDULING: &str = "the reads of the testee do not follow the writes of the suite";
