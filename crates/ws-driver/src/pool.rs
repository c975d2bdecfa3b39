//! Pools of memory that connections borrow while they move bytes. A connection that waits for input
//! holds none of this memory, unless compression with context takeover needs it for the next
//! message.
//!
//! Each thread has one pool of bounded size. Memory returns to the pool of the thread that gives it
//! back.

use std::cell::{Cell, RefCell};

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
    static POOL: Pool = Pool::default();
}

#[derive(Default)]
struct Pool {
    /// The blocks are initialized once, when they are allocated. A block is not cleared before it
    /// is used again: its user keeps track of the part that has been read.
    small_blocks: Kept<Box<[u8]>, KEPT>,
    blocks: Kept<Box<[u8]>, KEPT>,
    large_blocks: Kept<Box<[u8]>, KEPT_LARGE>,
    /// Empty buffers with a capacity of [`BLOCK_LEN`] bytes.
    buffers: Kept<Vec<u8>, KEPT>,
    /// Memories for different compression options.
    compressors: RefCell<Vec<CompressorMemory>>,
    decompressors: Kept<DecompressorMemory, KEPT_COMPRESSORS>,
}

/// At most `MAX` pieces of memory of one kind.
///
/// The last piece has a place of its own. A thread that serves one connection after the other needs
/// no other piece, and few instructions take it and give it back.
struct Kept<T, const MAX: usize> {
    last: Cell<Option<T>>,
    others: RefCell<Vec<T>>,
}

impl<T, const MAX: usize> Default for Kept<T, MAX> {
    fn default() -> Self {
        Self {
            last: Cell::default(),
            others: RefCell::default(),
        }
    }
}

impl<T, const MAX: usize> Kept<T, MAX> {
    #[inline(always)]
    fn take(&self) -> Option<T> {
        self.last.take().or_else(|| self.take_other())
    }

    #[inline(always)]
    fn give(&self, memory: T) {
        if let Some(other) = self.last.replace(Some(memory)) {
            self.give_other(other);
        }
    }

    #[inline(never)]
    fn take_other(&self) -> Option<T> {
        self.others.borrow_mut().pop()
    }

    #[inline(never)]
    fn give_other(&self, memory: T) {
        let mut others = self.others.borrow_mut();
        if others.len() + 1 < MAX {
            others.push(memory);
        }
    }
}

impl Pool {
    /// Takes a block of `len` bytes, if one is kept.
    #[inline(always)]
    fn take_block(&self, len: usize) -> Option<Box<[u8]>> {
        match len == SMALL_BLOCK_LEN {
            true => self.small_blocks.take(),
            false => self.take_longer(len),
        }
    }

    #[inline(never)]
    fn take_longer(&self, len: usize) -> Option<Box<[u8]>> {
        match len {
            BLOCK_LEN => self.blocks.take(),
            LARGE_BLOCK_LEN => self.large_blocks.take(),
            _ => None,
        }
    }

    #[inline(always)]
    fn give_block(&self, block: Box<[u8]>) {
        match block.len() == SMALL_BLOCK_LEN {
            true => self.small_blocks.give(block),
            false => self.give_longer(block),
        }
    }

    #[inline(never)]
    fn give_longer(&self, block: Box<[u8]>) {
        match block.len() {
            BLOCK_LEN => self.blocks.give(block),
            LARGE_BLOCK_LEN => self.large_blocks.give(block),
            _ => {}
        }
    }

    #[inline(always)]
    fn give_buffer(&self, mut buffer: Vec<u8>) {
        if buffer.capacity() == BLOCK_LEN {
            buffer.clear();
            self.buffers.give(buffer);
        }
    }
}

/// Takes a block of `len` bytes to read into. Allocates one if the pool has none.
#[inline(always)]
pub(crate) fn take_block(len: usize) -> Box<[u8]> {
    let block = with(|pool| pool.take_block(len));
    block.flatten().unwrap_or_else(|| new_block(len))
}

/// Takes a block of `len` bytes, passes it to `lend`, and gives back the block that `lend` returns.
#[inline(always)]
pub(crate) fn lend_block(len: usize, lend: impl FnOnce(Box<[u8]>) -> Box<[u8]>) {
    let old = lend(take_block(len));
    if !old.is_empty() {
        give_block(old);
    }
}

#[cold]
fn new_block(len: usize) -> Box<[u8]> {
    vec![0; len].into()
}

/// Gives back a block. A block whose length is none of the usual lengths is freed.
pub(crate) fn give_block(block: Box<[u8]>) {
    with(|pool| pool.give_block(block));
}

/// Gives back a block, and a buffer if there is one.
pub(crate) fn give_both(block: Box<[u8]>, buffer: Option<Vec<u8>>) {
    with(|pool| {
        pool.give_block(block);
        if let Some(buffer) = buffer {
            pool.give_buffer(buffer);
        }
    });
}

/// Takes an empty buffer to encode into. Allocates one if the pool has none.
#[inline(always)]
pub(crate) fn take_buffer() -> Vec<u8> {
    let buffer = with(|pool| pool.buffers.take()).flatten();
    buffer.unwrap_or_else(new_buffer)
}

#[cold]
fn new_buffer() -> Vec<u8> {
    Vec::with_capacity(BLOCK_LEN)
}

/// Gives back a buffer. A buffer whose capacity is not the usual one is freed.
pub(crate) fn give_buffer(buffer: Vec<u8>) {
    with(|pool| pool.give_buffer(buffer));
}

/// Lends memory to the compressor of `send`, if the pool has memory that fits the compressor.
pub(crate) fn lend_compressor(send: &mut SendHalf) {
    with(|pool| {
        let mut kept = pool.compressors.borrow_mut();
        // Tries each memory once: takes it from the front, and puts it at the back if it does not
        // fit.
        for _ in 0..kept.len() {
            let memory = kept.remove(0);
            let back = send.lending().lend_compressor(memory)?;
            kept.push(back);
        }
        None::<()>
    });
}

/// Gives back the memory of a compressor.
pub(crate) fn give_compressor(memory: CompressorMemory) {
    with(|pool| {
        let mut kept = pool.compressors.borrow_mut();
        if kept.len() < KEPT_COMPRESSORS {
            kept.push(memory);
        }
    });
}

/// Lends memory to the decompressor of `recv`, if the pool has memory for decompressors.
pub(crate) fn lend_decompressor(recv: &mut RecvHalf) {
    with(|pool| {
        let memory = pool.decompressors.take()?;
        if let Some(back) = recv.lending().lend_decompressor(memory) {
            pool.decompressors.give(back);
        }
        Some(())
    });
}

/// Gives back the memory of a decompressor.
pub(crate) fn give_decompressor(memory: DecompressorMemory) {
    with(|pool| pool.decompressors.give(memory));
}

/// Runs `act` on the pool of this thread. `None` while the thread is ending.
#[inline(always)]
fn with<R>(act: impl FnOnce(&Pool) -> R) -> Option<R> {
    POOL.try_with(act).ok()
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
            let others = [
                pool.small_blocks.others.borrow().len(),
                pool.blocks.others.borrow().len(),
                pool.large_blocks.others.borrow().len(),
                pool.buffers.others.borrow().len(),
            ];
            others.map(|others| others + 1)
        });
        assert_eq!(kept, Some([KEPT, KEPT, KEPT_LARGE, KEPT]));
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
        let kept = || with(|pool| pool.compressors.borrow().len()).unwrap();
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
