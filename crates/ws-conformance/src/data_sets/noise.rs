//! Random numbers that are the same every time.

/// A generator of numbers (SplitMix64). The generator of a library could change with its version,
/// and would change the data.
#[derive(Debug)]
pub(super) struct Noise(u64);

impl Noise {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number below `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % bound
    }

    /// Returns one of the items. Of many, the first ones are the most frequent.
    pub(super) fn one_of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        let len = items.len() as u64;
        let (a, b) = (self.below(len), self.below(len));
        let (a, b) = (a * self.below(len) / len, b);
        &items[a.min(b) as usize]
    }

    /// Returns a byte.
    pub(super) fn byte(&mut self) -> u8 {
        self.below(256) as u8
    }
}
