//! Traffic: batching, back-pressure, Pongs, memory, and wake-ups.

mod backpressure;
mod batching;
mod lending;
mod memory;
mod messages;
mod payloads;
mod turns;
mod waking;

use ws_tests::scripted::Op;

/// The length of the block that a connection reads into.
const BLOCK: usize = 64 * 1024;

/// Returns the lengths of the writes in a log.
fn writes(log: &[Op]) -> Vec<usize> {
    let len = |op: &Op| match op {
        Op::Write { len, .. } => Some(*len),
        _ => None,
    };
    log.iter().filter_map(len).collect()
}

/// Returns the number of reads in a log.
fn reads(log: &[Op]) -> usize {
    log.iter()
        .filter(|op| matches!(op, Op::Read { .. }))
        .count()
}
