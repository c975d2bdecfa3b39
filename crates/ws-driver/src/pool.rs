//! Pools of memory that connections borrow while they move bytes. A connection that waits for input
//! holds none of this memory, unless compression with context takeover needs it for the next
//! message.
//!
//! Each thread has one pool of bounded size. Memory returns to the pool of the thread that gives it
//! back.

use std::cell::RefCell;

use ws_proto::{CompressorMemory, DecompressorMemory, RecvHalf, SendHalf};

/// The length in bytes of a block to read into, and the capacity of a buffer to encode into.
pub(crate) const BLOCK_LEN: usize = 64 * 1024;

/// The length in bytes of a block for connections with little input between two waits.
///
/// The core keeps a block of this length even if little of it is in use.
pub(crate) const SMALL_BLOCK_LEN: usize = 4 * 1024;

/// The length in bytes of a block for connections with frames that are longer than [`BLOCK_LEN`].
pub(crate) const LARGE_BLOCK_LEN: usize = 256 * 1024;

/// The number of blocks that a thread keeps, and the number of buffers.
const KEPT: usize = 8;

/// The number of large blocks that a thread keeps.
const KEPT_LARGE: usize = 2;

/// The number of compressor memories that a thread keeps (134 to 483 KiB each), and the number of
/// decompressor memories (47 to 95 KiB each).
const KEPT_COMPRESSORS: usize = 4;

thread_local! {
    static POOL: RefCell<Pool> = RefCell::default();
}

#[derive(Default)]
struct Pool {
    /// The blocks are initialized once, when they are allocated. A block is not cleared before it
    /// is used again: its user keeps track of the part that has been read.
    small_blocks: Vec<Box<[u8]>>,
    blocks: Vec<Box<[u8]>>,
    large_blocks: Vec<Box<[u8]>>,
    /// Empty buffers with a capacity of [`BLOCK_LEN`] bytes.
    buffers: Vec<Vec<u8>>,
    /// Memories for different compression options.
    compressors: Vec<CompressorMemory>,
    decompressors: Vec<DecompressorMemory>,
}

impl Pool {
    #[inline]
    fn keep_block(&mut self, block: Box<[u8]>) {
        match block.len() {
            SMALL_BLOCK_LEN => keep(&mut self.small_blocks, KEPT, block),
            BLOCK_LEN => keep(&mut self.blocks, KEPT, block),
            LARGE_BLOCK_LEN => keep(&mut self.large_blocks, KEPT_LARGE, block),
            _ => {}
        }
    }

    #[inline]
    fn keep_buffer(&mut self, mut buffer: Vec<u8>) {
        if buffer.capacity() == BLOCK_LEN {
            buffer.clear();
            keep(&mut self.buffers, KEPT, buffer);
        }
    }
}

/// Takes a block of `len` bytes to read into. Allocates one if the pool has none.
pub(crate) fn take_block(len: usize) -> Box<[u8]> {
    let block = with(|pool| match len {
        SMALL_BLOCK_LEN => pool.small_blocks.pop(),
        BLOCK_LEN => pool.blocks.pop(),
        LARGE_BLOCK_LEN => pool.large_blocks.pop(),
        _ => None,
    });
    block.flatten().unwrap_or_else(|| vec![0; len].into())
}

/// Gives back a block. A block whose length is none of the usual lengths is freed.
pub(crate) fn give_block(block: Box<[u8]>) {
    with(|pool| pool.keep_block(block));
}

/// Gives back a block, and a buffer if there is one.
pub(crate) fn give_both(block: Box<[u8]>, buffer: Option<Vec<u8>>) {
    with(|pool| {
        pool.keep_block(block);
        if let Some(buffer) = buffer {
            pool.keep_buffer(buffer);
        }
    });
}

/// Takes an empty buffer to encode into. Allocates one if the pool has none.
pub(crate) fn take_buffer() -> Vec<u8> {
    let buffer = with(|pool| pool.buffers.pop()).flatten();
    buffer.unwrap_or_else(|| Vec::with_capacity(BLOCK_LEN))
}

/// Gives back a buffer. A buffer whose capacity is not the usual one is freed.
pub(crate) fn give_buffer(buffer: Vec<u8>) {
    with(|pool| pool.keep_buffer(buffer));
}

/// Lends memory to the compressor of `send`, if the pool has memory that fits the compressor.
pub(crate) fn lend_compressor(send: &mut SendHalf) {
    with(|pool| {
        // Tries each memory once: takes it from the front, and puts it at the back if it does not
        // fit.
        for _ in 0..pool.compressors.len() {
            let memory = pool.compressors.remove(0);
            let back = send.lending().lend_compressor(memory)?;
            pool.compressors.push(back);
        }
        None::<()>
    });
}

/// Gives back the memory of a compressor.
pub(crate) fn give_compressor(memory: CompressorMemory) {
    with(|pool| keep(&mut pool.compressors, KEPT_COMPRESSORS, memory));
}

/// Lends memory to the decompressor of `recv`, if the pool has memory for decompressors.
pub(crate) fn lend_decompressor(recv: &mut RecvHalf) {
    with(|pool| {
        let memory = pool.decompressors.pop()?;
        let back = recv.lending().lend_decompressor(memory);
        pool.decompressors.extend(back);
        Some(())
    });
}

/// Gives back the memory of a decompressor.
pub(crate) fn give_decompressor(memory: DecompressorMemory) {
    with(|pool| keep(&mut pool.decompressors, KEPT_COMPRESSORS, memory));
}

/// Keeps `memory`, unless `max` pieces of its kind are kept already.
fn keep<T>(kept: &mut Vec<T>, max: usize, memory: T) {
    if kept.len() < max {
        kept.push(memory);
    }
}

/// Runs `act` on the pool of this thread. `None` while the thread is ending.
fn with<R>(act: impl FnOnce(&mut Pool) -> R) -> Option<R> {
    POOL.try_with(|pool| act(&mut pool.borrow_mut())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_keeps_a_bounded_number_of_blocks() {
        for _ in 0..3 * KEPT {
            give_block(vec![0; SMALL_BLOCK_LEN].into());
            give_block(vec![0; BLOCK_LEN].into());
            give_block(vec![0; LARGE_BLOCK_LEN].into());
            give_block(vec![0; 100].into());
            give_buffer(Vec::with_capacity(BLOCK_LEN));
            give_buffer(Vec::with_capacity(100));
        }
        let kept = with(|pool| {
            let blocks = [&pool.small_blocks, &pool.blocks, &pool.large_blocks];
            (blocks.map(Vec::len), pool.buffers.len())
        });
        assert_eq!(kept, Some(([KEPT, KEPT, KEPT_LARGE], KEPT)));
        for len in [SMALL_BLOCK_LEN, BLOCK_LEN, LARGE_BLOCK_LEN, 100] {
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
    fn compressor_memory_is_lent_to_compressors_with_the_same_options() {
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
            side.message(&[0; 100][..]).unwrap();
            let memory = side.lending().reclaim_compressor();
            give_compressor(memory.expect("memory of a compressor that has been used"));
        }
        let kept = || with(|pool| pool.compressors.len()).unwrap();
        assert_eq!(kept(), KEPT_COMPRESSORS);
        let mut lent: Vec<_> = [6, 6, 6, 9].map(side).into();
        lent.iter_mut().for_each(lend_compressor);
        let wanting = lent
            .iter_mut()
            .map(|side| side.lending().wants_compressor());
        let wanting: Vec<_> = wanting.collect();
        assert_eq!(wanting, [false, false, true, true]);
        assert_eq!(kept(), 2);
    }
}
