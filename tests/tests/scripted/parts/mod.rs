//! Connections that are taken apart, and connections that are made from the parts.

mod apart;
mod incomplete;
mod taken_over;

use std::time::Duration;

use ws_driver::Config;
use ws_tests::scripted::{End, Ws};
use ws_tests::steps::take_over;

const SECOND: Duration = Duration::from_secs(1);

/// Asserts that a connection cannot be taken apart now, and returns the connection.
fn refused(ws: Ws, end: End, why: &str) -> Ws {
    match ws.into_parts() {
        Ok((_, unread)) => panic!(
            "{end:?}, {why}: taken apart with {} bytes unread",
            unread.len()
        ),
        Err(ws) => ws,
    }
}

/// Takes a connection apart and makes another one from the parts. Also returns the bytes that had
/// not been read.
fn rebuild(ws: Ws, end: End) -> (Ws, Vec<u8>) {
    let (transport, unread) = match ws.into_parts() {
        Ok(parts) => parts,
        Err(ws) => panic!("{end:?}: not taken apart: {ws:?}"),
    };
    let copy = unread.clone();
    (take_over(end, &Config::default(), transport, unread), copy)
}
