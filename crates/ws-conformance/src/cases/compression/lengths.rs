//! 26.9: messages whose length is close to that of a buffer.

use super::blocks::{END, stored};
use super::forms::sample;
use super::{RSV1, grouped, in_fragments, open, rules};
use crate::case::Case;
use crate::case::Roles::Both;
use crate::deflate::Encoder;
use crate::dialogue::{Miss, Peer, passed};
use crate::wire::Frame;

const TITLE: &str = "Compression: lengths";
const FRAGMENT: usize = 1000;
const KINDS: [fn(String) -> Frame; 2] = [Frame::text, Frame::binary];
const LENGTHS: [usize; 9] = [
    4095, 4096, 4097, 32_767, 32_768, 32_769, 65_535, 65_536, 65_537,
];

pub(super) fn cases() -> Vec<Case> {
    let numbered = (1..).zip(LENGTHS);
    numbered
        .map(|(number, len)| of_length(number, len))
        .collect()
}

/// Returns a case with messages of the length, then with messages whose compressed bytes have the
/// length. The stored messages come last, because the encoder does not count them as context.
fn of_length(number: usize, len: usize) -> Case {
    let id = format!("26.9.{number}");
    let case = Case::new(&id, Both, TITLE, &rules::RECEIVE, move |peer| {
        let own = open(peer)?.own;
        let mut encoder = Encoder::new(own);
        let message = sample(len);
        for kind in KINDS {
            for fragment in [len, FRAGMENT] {
                let compressed = encoder.compress(message.as_bytes());
                exchange(peer, kind(message.clone()), &compressed, fragment)?;
            }
        }
        let (message, compressed) = stored_to(len);
        for kind in KINDS {
            for fragment in [len, FRAGMENT] {
                exchange(peer, kind(message.clone()), &compressed, fragment)?;
            }
        }
        passed("All echoes are right.")
    });
    let bytes = grouped(len);
    case.does(format!(
        "Sends messages of {bytes} bytes, then messages that are compressed to {bytes} bytes: each as a text and as a binary message, in one frame and in fragments of 1,000 bytes."
    ))
    .wants("The testee sends all messages back, compressed or not.")
    .see(&["RFC 7692 §6.1", "RFC 7692 §7.2.2"])
}

fn exchange(
    peer: &mut Peer<'_>,
    message: Frame,
    compressed: &[u8],
    fragment: usize,
) -> Result<(), Miss> {
    let first = message.clone().with_rsv(RSV1);
    peer.send_together(&in_fragments(&first, compressed.chunks(fragment)))?;
    peer.expect_echo(&message)
}

/// Returns a text and its stored block, which has this length.
fn stored_to(len: usize) -> (String, Vec<u8>) {
    const HEADER: usize = 5;
    let text = sample(len - HEADER - END.len());
    let compressed = [&stored(text.as_bytes()), END].concat();
    (text, compressed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_message_has_the_length() {
        for len in LENGTHS {
            assert_eq!(stored_to(len).1.len(), len);
        }
    }
}
