//! Masking (RFC 6455 §5.3).

/// Masks or unmasks `bytes`, which begin `offset` bytes into their payload.
pub(crate) fn apply_mask(bytes: &mut [u8], key: [u8; 4], offset: usize) {
    let key: [u8; 8] = std::array::from_fn(|n| key[(offset + n) % 4]);
    let word = u64::from_ne_bytes(key);
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for chunk in words {
        *chunk = (u64::from_ne_bytes(*chunk) ^ word).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_masked_like_the_whole() {
        let key = [1, 2, 3, 4];
        let whole: Vec<u8> = (0..40).map(|n| n ^ key[usize::from(n) % 4]).collect();
        for cut in 0..=40 {
            let mut bytes: Vec<u8> = (0..40).collect();
            let (first, last) = bytes.split_at_mut(cut);
            apply_mask(first, key, 0);
            apply_mask(last, key, cut);
            assert_eq!(bytes, whole, "cut at {cut}");
        }
    }
}
