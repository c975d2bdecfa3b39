//! Bits, the lowest first (RFC 1951 §3.1.1).

/// Collects bits into bytes.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    bits: u64,
    count: u32,
}

impl BitWriter {
    /// Appends the lowest `count` bits of `bits`, at most 32. The other bits must be zero.
    pub(super) fn put(&mut self, bits: u32, count: u32) {
        self.bits |= u64::from(bits) << self.count;
        self.count += count;
        if self.count >= 32 {
            self.bytes.extend((self.bits as u32).to_le_bytes());
            self.bits >>= 32;
            self.count -= 32;
        }
    }

    /// Fills the current byte with zeros.
    pub(super) fn align(&mut self) {
        let bytes = self.count.div_ceil(8) as usize;
        self.bytes.extend(&self.bits.to_le_bytes()[..bytes]);
        self.bits = 0;
        self.count = 0;
    }

    /// Appends whole bytes. The bits before them must be aligned.
    pub(super) fn put_bytes(&mut self, bytes: &[u8]) {
        debug_assert_eq!(self.count, 0, "bytes begin at a byte");
        self.bytes.extend_from_slice(bytes);
    }

    /// Returns the number of bits that are missing to a whole byte after `more` bits.
    pub(super) fn padding_after(&self, more: u32) -> u32 {
        (8 - (self.count + more) % 8) % 8
    }

    /// Returns the bytes. The last byte is padded with zeros.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.align();
        self.bytes
    }
}

/// Reads bits from bytes.
#[derive(Debug)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    bits: u64,
    count: u32,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            bits: 0,
            count: 0,
        }
    }

    /// Returns the next bits, and zeros after the end. [`skip`](Self::skip) removes them.
    pub(super) fn peek(&mut self) -> u32 {
        while self.count < 32
            && let Some((&byte, rest)) = self.bytes.split_first()
        {
            self.bits |= u64::from(byte) << self.count;
            self.count += 8;
            self.bytes = rest;
        }
        self.bits as u32
    }

    /// Removes bits; `None` if there are fewer.
    pub(super) fn skip(&mut self, count: u32) -> Option<()> {
        self.count = self.count.checked_sub(count)?;
        self.bits >>= count;
        Some(())
    }

    /// Removes and returns the next `count` bits, at most 16.
    pub(super) fn take(&mut self, count: u32) -> Option<u32> {
        let bits = self.peek() & ((1 << count) - 1);
        self.skip(count)?;
        Some(bits)
    }

    /// Discards the rest of the current byte.
    pub(super) fn align(&mut self) {
        let rest = self.count % 8;
        self.bits >>= rest;
        self.count -= rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_read_as_they_are_written() {
        let mut writer = BitWriter::default();
        let numbers =
            (0..200_u32).map(|n| (n % 17, n.wrapping_mul(40_503) & ((1 << (n % 17)) - 1)));
        for (count, bits) in numbers.clone() {
            writer.put(bits, count);
        }
        let bytes = writer.into_bytes();
        let mut reader = BitReader::new(&bytes);
        for (count, bits) in numbers {
            assert_eq!(reader.take(count), Some(bits));
        }
        reader.align();
        assert_eq!(reader.take(1), None);
    }

    #[test]
    fn the_rest_of_a_byte_is_dropped() {
        let mut reader = BitReader::new(b"\xff\xabz");
        assert_eq!(reader.take(3), Some(7));
        reader.align();
        assert_eq!(reader.take(8), Some(0xab));
        reader.align();
        assert_eq!(reader.take(8), Some(b'z'.into()));
    }

    #[test]
    fn whole_bytes_begin_at_bytes() {
        let mut writer = BitWriter::default();
        writer.put(1, 3);
        assert_eq!(writer.padding_after(3), 2);
        writer.align();
        writer.put_bytes(b"ab");
        assert_eq!(writer.into_bytes(), b"\x01ab");
    }
}
