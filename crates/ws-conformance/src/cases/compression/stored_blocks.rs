//! 26.8: stored blocks.

use super::blocks::{END, stored, stored_with_header};
use super::{
    HELLO, HELLO_AGAIN, binary, cut, expect_texts, in_fragments, open, open_with_context, rules,
    text,
};
use crate::case::Case;
use crate::case::Roles::Both;
use crate::deflate::TAIL;
use crate::dialogue::passed;
use crate::wire::Frame;

const TITLE: &str = "Compression: stored blocks";
const SECTIONS: &[&str] = &["RFC 7692 §7.2.1", "RFC 7692 §7.2.3.3"];
/// The most bytes of a stored block.
const MOST: usize = 65_535;
const FRAGMENT: usize = 1000;

pub(super) fn cases() -> Vec<Case> {
    vec![
        texts(
            "26.8.1",
            "of three empty stored blocks before a block with fixed codes",
            "Hello",
            || vec![text([&stored(b"").repeat(3), HELLO].concat())],
        ),
        texts("26.8.2", "of stored blocks of one byte", "Hello", || {
            vec![text(
                [&b"Hello".map(|byte| stored(&[byte])).concat(), END].concat(),
            )]
        }),
        long("26.8.3", "one stored block of 65,535 bytes", &[MOST]),
        long(
            "26.8.4",
            "stored blocks of 65,535 bytes and of one byte",
            &[MOST, 1],
        ),
        long("26.8.5", "three stored blocks of 65,535 bytes", &[MOST; 3]),
        texts("26.8.6", "of empty stored blocks", "", || {
            vec![text([&stored(b"").repeat(3), END].concat())]
        }),
        looks_like_the_end(),
        texts(
            "26.8.8",
            "in fragments that begin within the header of a stored block, and within its bytes",
            "Hello",
            || cut(&text([&stored(b"Hello"), END].concat()), &[1, 2, 3, 4, 7]),
        ),
        texts(
            "26.8.9",
            "of a stored block, before which the rest of a byte is not zero",
            "Hello",
            || vec![text([&stored_with_header(0xf8, b"Hello"), END].concat())],
        ),
        texts(
            "26.8.10",
            "of a block with fixed codes and a stored block that begins in the same byte",
            "HelloHello",
            || {
                let without_header = &stored(b"Hello")[1..];
                vec![text([HELLO, without_header, END].concat())]
            },
        ),
        reference_to_the_message_before(),
        texts(
            "26.8.12",
            "of a stored block and a block that refers to it",
            "HelloHello",
            || vec![text([&stored(b"Hello"), HELLO_AGAIN].concat())],
        ),
    ]
}

/// Returns a case with a text that the testee has to send back.
fn texts(id: &str, how: &str, echo: &'static str, frames: fn() -> Vec<Frame>) -> Case {
    let case = Case::new(id, Both, TITLE, &rules::RECEIVE, move |peer| {
        open(peer)?;
        peer.send_together(&frames())?;
        expect_texts(peer, &[echo])
    });
    case.does(format!("Sends a compressed text {how}."))
        .wants("The testee sends the text back, compressed or not.")
        .see(SECTIONS)
}

/// Returns a message of stored blocks of these lengths.
fn long(id: &str, what: &str, lengths: &'static [usize]) -> Case {
    let case = Case::new(id, Both, TITLE, &rules::RECEIVE, |peer| {
        open(peer)?;
        let mut rng = fastrand::Rng::with_seed(26);
        let blocks: Vec<Vec<u8>> = lengths
            .iter()
            .map(|&len| std::iter::repeat_with(|| rng.u8(..)).take(len).collect())
            .collect();
        let compressed: Vec<u8> = blocks.iter().flat_map(|block| stored(block)).collect();
        let compressed = [&compressed, END].concat();
        let message = Frame::binary(blocks.concat());
        peer.send(binary(&*compressed))?;
        peer.expect_echo(&message)?;
        let fragments = in_fragments(&binary(""), compressed.chunks(FRAGMENT));
        peer.send_together(&fragments)?;
        peer.expect_echo(&message)?;
        passed("Both echoes are right.")
    });
    case.does(format!(
        "Sends a binary message that is compressed to {what}, in one frame and in fragments of 1,000 bytes."
    ))
    .wants("The testee sends the message back both times, compressed or not.")
    .see(SECTIONS)
}

/// Returns a message that ends with the bytes that a sender removes.
fn looks_like_the_end() -> Case {
    let case = Case::new("26.8.7", Both, TITLE, &rules::RECEIVE, |peer| {
        open(peer)?;
        let bytes = [b"Hello", &TAIL[..]].concat();
        peer.send(binary([&stored(&bytes), END].concat()))?;
        peer.expect_echo(&Frame::binary(bytes))?;
        passed("The echo is right.")
    });
    case.does(
        "Sends a binary message in a stored block. The message ends with the bytes 00 00 ff ff.",
    )
    .wants("The testee sends the message back, compressed or not.")
    .see(SECTIONS)
}

fn reference_to_the_message_before() -> Case {
    let case = Case::new("26.8.11", Both, TITLE, &rules::KEEP_CONTEXT, |peer| {
        open_with_context(peer)?;
        let first = text([&stored(b"Hello"), END].concat());
        peer.send_together(&[first, text(HELLO_AGAIN)])?;
        expect_texts(peer, &["Hello", "Hello"])
    });
    case.does("Sends a text, compressed to a stored block, then a text that refers to it.")
        .wants("The testee sends both texts back, compressed or not.")
        .see(SECTIONS)
}
