//! Sources of masking keys (RFC 6455 §5.3, §10.3).

use std::cell::RefCell;

pub use ws_proto::{MaskKey, MaskSource};

/// The number of keys fetched per system call.
const BATCH: usize = 256;

thread_local! {
    static BATCHED: RefCell<Batch> = const { RefCell::new(Batch { keys: [[0; 4]; BATCH], left: 0 }) };
}

struct Batch {
    /// The first `left` keys are unused. Used keys are overwritten with zeros.
    keys: [[u8; 4]; BATCH],
    left: usize,
}

/// The default source: masking keys from the random generator of the operating system, fetched in
/// batches per thread.
///
/// RFC 6455 §10.3 requires keys that are unpredictable for the author of the payload. An author who
/// can predict the key can choose the bytes on the wire.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct OsMasks;

impl OsMasks {
    /// Makes a source.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl MaskSource for OsMasks {
    fn next_key(&mut self) -> MaskKey {
        let batched = BATCHED.try_with(|batch| batch.borrow_mut().next());
        // On a thread that is ending, the batch has been dropped. The key then comes directly from
        // the operating system.
        MaskKey::new(batched.unwrap_or_else(|_| random()))
    }
}

impl Batch {
    fn next(&mut self) -> [u8; 4] {
        if self.left == 0 {
            fill(self.keys.as_flattened_mut());
            self.left = BATCH;
        }
        self.left -= 1;
        std::mem::take(&mut self.keys[self.left])
    }
}

/// Returns `N` unpredictable bytes.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

/// Fills `bytes` with random bytes of the operating system.
///
/// # Panics
///
/// If the operating system has no random source. No safe fallback exists: with predictable keys,
/// the author of a payload could choose the bytes on the wire.
fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system supplies random bytes");
}

/// A fast source of **predictable** masking keys.
///
/// Use it only if all payloads come from the two ends themselves and no proxy is between them. RFC
/// 6455 §10.3 requires unpredictable keys everywhere else.
#[cfg(feature = "fast-masks")]
#[derive(Debug)]
pub struct FastMasks(fastrand::Rng);

#[cfg(feature = "fast-masks")]
impl FastMasks {
    /// Makes a generator with a random seed.
    #[must_use]
    pub fn new() -> Self {
        Self(fastrand::Rng::with_seed(u64::from_ne_bytes(random())))
    }
}

#[cfg(feature = "fast-masks")]
impl Default for FastMasks {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "fast-masks")]
impl MaskSource for FastMasks {
    fn next_key(&mut self) -> MaskKey {
        MaskKey::new(self.0.u32(..).to_ne_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn keys_do_not_repeat_within_and_across_batches() {
        let mut masks = OsMasks::new();
        let mut next = || {
            let mut bytes = [0; 4];
            masks.next_key().apply(&mut bytes);
            bytes
        };
        // Masking zeros yields the key.
        let keys: HashSet<[u8; 4]> = (0..3 * BATCH).map(|_| next()).collect();
        // Among 768 random 32-bit keys, two are equal in one of 14,000 runs. Three equal pairs
        // practically never occur.
        assert!(
            keys.len() > 3 * BATCH - 3,
            "{} keys of {}",
            keys.len(),
            3 * BATCH
        );
    }
}
