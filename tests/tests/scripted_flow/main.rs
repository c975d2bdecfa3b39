//! How octets flow: batching, backpressure, pongs, and what memory is offered for reads.

#![forbid(unsafe_code)]

mod backpressure;
mod batching;
mod messages;
mod payloads;
mod turns;

use ws_driver::Error;
use ws_tests::scripted::{Op, Ws};

const BLOCK: usize = 64 * 1024;

fn writes(log: &[Op]) -> Vec<usize> {
    let len = |op: &Op| match op {
        Op::Write { len, .. } => Some(*len),
        _ => None,
    };
    log.iter().filter_map(len).collect()
}

fn reads(log: &[Op]) -> usize {
    log.iter()
        .filter(|op| matches!(op, Op::Read { .. }))
        .count()
}

/// The echo loop that the documentation recommends.
async fn echo(ws: &mut Ws) -> Result<(), Error> {
    while let Some((message, out)) = ws.recv_ref().await? {
        out.feed(message).await?;
    }
    Ok(())
}
