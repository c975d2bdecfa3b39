//! Memory that connections borrow for as long as they move octets, and not while they wait.
//!
//! One pool per thread, bounded; memory returns to the pool of the thread that gives it back.

use std::cell::RefCell;

/// Octets in a block to read into, and in a buffer to encode into.
pub(crate) const BLOCK_LEN: usize = 64 * 1024;

/// How many of each kind a thread keeps.
const KEPT: usize = 8;

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { blocks: Vec::new(), buffers: Vec::new() }) };
}

struct Pool {
    /// Initialised once, when made, and reused by cursor.
    blocks: Vec<Box<[u8]>>,
    /// Empty, with room for [`BLOCK_LEN`] octets.
    buffers: Vec<Vec<u8>>,
}

/// A block of [`BLOCK_LEN`] octets to read into.
pub(crate) fn take_block() -> Box<[u8]> {
    with(|pool| pool.blocks.pop()).unwrap_or_else(|| vec![0; BLOCK_LEN].into())
}

/// Gives back memory that was read into. Anything but a block is freed.
pub(crate) fn give_block(block: Box<[u8]>) {
    if block.len() == BLOCK_LEN {
        with(|pool| {
            if pool.blocks.len() < KEPT {
                pool.blocks.push(block);
            }
            None::<()>
        });
    }
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
            give_block(vec![0; 100].into());
            give_buffer(Vec::with_capacity(BLOCK_LEN));
            give_buffer(Vec::with_capacity(100));
        }
        let (blocks, buffers) = with(|pool| Some((pool.blocks.len(), pool.buffers.len()))).unwrap();
        assert_eq!((blocks, buffers), (KEPT, KEPT));
        assert_eq!(take_block().len(), BLOCK_LEN);
        assert_eq!(take_buffer().capacity(), BLOCK_LEN);
    }

    #[test]
    fn buffers_come_back_empty() {
        let mut buffer = take_buffer();
        buffer.extend_from_slice(b"secret");
        give_buffer(buffer);
        assert!(take_buffer().is_empty());
    }
}
