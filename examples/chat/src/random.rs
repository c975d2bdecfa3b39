//! Identities that nobody can guess.

use std::fmt::Write as _;

/// Returns 128 random bits as text.
///
/// # Panics
///
/// If the operating system has no source of random numbers.
#[must_use]
pub fn id() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
