//! Memory that connections borrow for as long as they move octets, and not while they wait.
//!
//! One pool per thread, bounded; memory returns to the pool of the thread that gives it back.

use std::cell::RefCell;

use ws_proto::{CompressorMemory, DecompressorMemory, ReceiveSide, SendHalf};

/// Octets in a block to read into, and in a buffer to encode into.
pub(crate) const BLOCK_LEN: usize = 64 * 1024;

/// The same for connections that move messages which are longer.
pub(crate) const LARGE_BLOCK_LEN: usize = 256 * 1024;

/// How many blocks and buffers each a thread keeps.
const KEPT: usize = 8;

/// How many large blocks.
const KEPT_LARGE: usize = 2;

/// How many compressors' memories a thread keeps, of 134 to 483 KiB each, and decompressors', of 47 to 95 KiB.
const KEPT_COMPRESSORS: usize = 4;

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool::new()) };
}

struct Pool {
    /// Initialised once, when made, and reused by cursor.
    blocks: Vec<Box<[u8]>>,
    large_blocks: Vec<Box<[u8]>>,
    /// Empty, with room for [`BLOCK_LEN`] octets.
    buffers: Vec<Vec<u8>>,
    /// Of any options.
    compressors: Vec<CompressorMemory>,
    decompressors: Vec<DecompressorMemory>,
}

impl Pool {
    const fn new() -> Self {
        Pool {
            blocks: Vec::new(),
            large_blocks: Vec::new(),
            buffers: Vec::new(),
            compressors: Vec::new(),
            decompressors: Vec::new(),
        }
    }

    /// The blocks of this length, and how many to keep.
    fn blocks_of(&mut self, len: usize) -> Option<(&mut Vec<Box<[u8]>>, usize)> {
        match len {
            BLOCK_LEN => Some((&mut self.blocks, KEPT)),
            LARGE_BLOCK_LEN => Some((&mut self.large_blocks, KEPT_LARGE)),
            _ => None,
        }
    }
}

/// A block of [`BLOCK_LEN`] octets to read into, or of any other length.
pub(crate) fn take_block(len: usize) -> Box<[u8]> {
    with(|pool| pool.blocks_of(len)?.0.pop()).unwrap_or_else(|| vec![0; len].into())
}

/// Gives back memory that was read into. Anything but a block of the usual lengths is freed.
pub(crate) fn give_block(block: Box<[u8]>) {
    with(|pool| {
        let (blocks, kept) = pool.blocks_of(block.len())?;
        if blocks.len() < kept {
            blocks.push(block);
        }
        None::<()>
    });
}

/// An empty buffer to encode into.
pub(crate) fn take_buffer() -> Vec<u8> {
    with(|pool| pool.buffers.pop()).unwrap_or_else(|| Vec::with_capacity(BLOCK_LEN))
}

/// Gives back memory that was encoded into. Anything but a buffer of the usual size is freed.
pub(crate) fn give_buffer(mut buffer: Vec<u8>) {
    if buffer.capacity() == BLOCK_LEN {
        buffer.clear();
        with(|pool| {
            if pool.buffers.len() < KEPT {
                pool.buffers.push(buffer);
            }
            None::<()>
        });
    }
}

/// Lends `side` the memory of a compressor, if there is some that suits it.
pub(crate) fn lend_compressor(side: &mut SendHalf) {
    with(|pool| {
        for at in 0..pool.compressors.len() {
            let memory = pool.compressors.swap_remove(at);
            let back = side.lend_compressor(memory)?;
            pool.compressors.push(back);
            let last = pool.compressors.len() - 1;
            pool.compressors.swap(at, last);
        }
        None::<()>
    });
}

/// Gives back the memory of a compressor.
pub(crate) fn give_compressor(memory: CompressorMemory) {
    with(|pool| {
        if pool.compressors.len() < KEPT_COMPRESSORS {
            pool.compressors.push(memory);
        }
        None::<()>
    });
}

/// Lends `side` the memory of a decompressor, if there is some.
pub(crate) fn lend_decompressor(side: &mut ReceiveSide) {
    with(|pool| {
        let back = side.lend_decompressor(pool.decompressors.pop()?)?;
        pool.decompressors.push(back);
        None::<()>
    });
}

/// Gives back the memory of a decompressor.
pub(crate) fn give_decompressor(memory: DecompressorMemory) {
    with(|pool| {
        if pool.decompressors.len() < KEPT_COMPRESSORS {
            pool.decompressors.push(memory);
        }
        None::<()>
    });
}

/// Runs `act` on this thread's pool; `None` also while the thread ends.
fn with<R>(act: impl FnOnce(&mut Pool) -> Option<R>) -> Option<R> {
    POOL.try_with(|pool| act(&mut pool.borrow_mut()))
        .ok()
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_keeps_a_bounded_number_of_blocks() {
        for _ in 0..3 * KEPT {
            give_block(vec![0; BLOCK_LEN].into());
            give_block(vec![0; LARGE_BLOCK_LEN].into());
            give_block(vec![0; 100].into());
            give_buffer(Vec::with_capacity(BLOCK_LEN));
            give_buffer(Vec::with_capacity(100));
        }
        let kept = with(|pool| {
            let (blocks, large) = (pool.blocks.len(), pool.large_blocks.len());
            Some((blocks, large, pool.buffers.len()))
        });
        assert_eq!(kept, Some((KEPT, KEPT_LARGE, KEPT)));
        for len in [BLOCK_LEN, LARGE_BLOCK_LEN, 100] {
            assert_eq!(take_block(len).len(), len);
        }
        assert_eq!(take_buffer().capacity(), BLOCK_LEN);
    }

    #[test]
    fn buffers_come_back_empty() {
        let mut buffer = take_buffer();
        buffer.extend_from_slice(b"secret");
        give_buffer(buffer);
        assert!(take_buffer().is_empty());
    }

    #[cfg(feature = "deflate")]
    #[test]
    fn the_memory_of_a_compressor_goes_to_whom_it_suits() {
        use ws_proto::{Config, DeflateConfig, DeflateParams};
        let side = |level| {
            let mut side = SendHalf::server(&Config::default());
            let params = DeflateParams {
                server_no_context_takeover: true,
                ..DeflateParams::default()
            };
            side.deflate(&params, &DeflateConfig::default().level(level));
            side
        };
        for level in [1, 6, 1, 6, 1, 6] {
            let mut side = side(level);
            side.message(&[0; 100]).unwrap();
            give_compressor(side.reclaim_compressor().expect("it has some"));
        }
        let kept = || with(|pool| Some(pool.compressors.len())).unwrap();
        assert_eq!(kept(), KEPT_COMPRESSORS);
        let mut lent: Vec<_> = [6, 6, 6, 9].map(side).into();
        lent.iter_mut().for_each(lend_compressor);
        let wanting: Vec<_> = lent.iter().map(SendHalf::wants_compressor).collect();
        assert_eq!(wanting, [false, false, true, true]);
        assert_eq!(kept(), 2);
    }
}
