//! Masking keys (RFC 6455 §5.3, §10.3): from the operating system, or from elsewhere.

use std::cell::RefCell;

pub use ws_proto::{MaskKey, MaskSource};

/// Keys fetched per system call.
const BATCH: usize = 256;

thread_local! {
    static BATCHED: RefCell<Batch> = const { RefCell::new(Batch { keys: [[0; 4]; BATCH], left: 0 }) };
}

struct Batch {
    /// The first `left` keys are fresh; used ones are overwritten.
    keys: [[u8; 4]; BATCH],
    left: usize,
}

/// Masking keys from the operating system's generator, fetched in batches per thread. The default.
///
/// RFC 6455 §10.3 asks for keys that whoever chooses the payload cannot predict, so that nobody can choose the bytes
/// on the wire.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct OsMasks;

impl OsMasks {
    /// The source.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl MaskSource for OsMasks {
    fn next_key(&mut self) -> MaskKey {
        let batched = BATCHED.try_with(|batch| batch.borrow_mut().next());
        // While the thread ends there is no batch any more.
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

/// `N` bytes that nobody can predict.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

/// # Panics
///
/// If the operating system has no random source. There is no safe way to go on without: a predictable key would hand
/// the bytes on the wire to whoever chooses the payload.
fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system supplies random bytes");
}

/// Masking keys from a fast generator that is **predictable**: for links on which nobody but the two ends can choose
/// payloads and no proxy stands between (RFC 6455 §10.3 asks for more everywhere else).
#[cfg(feature = "fast-masks")]
#[derive(Debug)]
pub struct FastMasks(fastrand::Rng);

#[cfg(feature = "fast-masks")]
impl FastMasks {
    /// A generator with a seed of its own.
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
        let keys: HashSet<[u8; 4]> = (0..3 * BATCH).map(|_| masks.next_key().octets()).collect();
        // Of 768 random 32-bit keys two are alike once in 14,000 runs; three pairs never happen.
        assert!(
            keys.len() > 3 * BATCH - 3,
            "{} keys of {}",
            keys.len(),
            3 * BATCH
        );
    }
}
