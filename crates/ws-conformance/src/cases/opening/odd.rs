//! Odd ways to send a head.

use std::time::Duration;

use crate::dialogue::{Miss, Peer};
use crate::http::Head;

/// Returns the bytes of a head with each character in one byte, up to U+00FF.
pub(super) fn as_latin1(head: &Head) -> Vec<u8> {
    let text = String::from_utf8(head.bytes()).expect("a head is made of strings");
    let byte = |letter: char| u8::try_from(letter).expect("no head has letters beyond U+00FF");
    text.chars().map(byte).collect()
}

/// Sends each byte in a segment of its own. Without the pauses, the testee may read many at a time.
pub(super) fn in_bytes(peer: &mut Peer<'_>, bytes: &[u8]) -> Result<(), Miss> {
    bytes.chunks(1).try_for_each(|byte| {
        peer.send_bytes(byte)?;
        peer.pause(Duration::from_millis(1))
    })
}
