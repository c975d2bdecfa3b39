//! Memory for ciphertext between a transport and rustls.

use std::cell::Cell;

/// The length of the longest read: four records of 16 KiB.
pub(crate) const LEN: usize = 64 * 1024;

thread_local! {
    static SCRATCH: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// Calls `act` with memory of the thread, so that a waiting connection holds none. Nested calls
/// occur with TLS inside TLS. They allocate.
pub(crate) fn with<R>(act: impl FnOnce(&mut [u8]) -> R) -> R {
    let taken = SCRATCH.try_with(Cell::take).ok().flatten();
    let mut memory = taken.unwrap_or_else(|| vec![0; LEN].into_boxed_slice());
    let result = act(&mut memory);
    // If the thread is ending, the memory is dropped.
    let _ = SCRATCH.try_with(|scratch| scratch.set(Some(memory)));
    result
}
