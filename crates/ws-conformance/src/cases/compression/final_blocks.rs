//! 26.7: final blocks, which do not end a message.

use super::blocks::{END, FINAL_END, FINAL_HELLO, FINAL_NOTHING, final_stored, stored};
use super::forms::{SAMPLE, finished, sample};
use super::{
    ANYTHING_ELSE, HELLO, HELLO_AGAIN, cut, expect_no_wrong_echo, expect_texts, grouped,
    in_fragments, open, open_with_context, rules, text,
};
use crate::case::Case;
use crate::case::Roles::Both;
use crate::deflate::TAIL;
use crate::dialogue::passed;
use crate::wire::Frame;

const TITLE: &str = "Compression: final blocks";
const SECTIONS: &[&str] = &["RFC 7692 §7.2.1", "RFC 7692 §7.2.3.4"];
/// The messages of a case that sends many.
const MESSAGES: usize = 20;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = one_in_three_fragments();
    cases.extend(several());
    cases.extend([
        cut_block(),
        own_codes(),
        stored_block(),
        end_of_message(),
        nothing_but_final_blocks(),
        reference_within_a_message(),
        reference_to_the_message_before(),
        many_messages(),
        empty_last_fragment(),
    ]);
    cases
}

/// Returns `Hello` in a block that is not final, with the rest of the last byte.
fn flushed() -> Vec<u8> {
    [HELLO, &TAIL].concat()
}

/// Returns `Hello` in a final block, at the end of a message.
fn final_and_end() -> Vec<u8> {
    [FINAL_HELLO, END].concat()
}

/// Returns a text whose fragments have these payloads.
fn fragments(payloads: &[&[u8]]) -> Vec<Frame> {
    in_fragments(&text(""), payloads.iter().copied())
}

/// Returns a case with a text that the testee has to send back.
fn example(
    id: &str,
    how: &str,
    echo: &'static str,
    frames: impl Fn() -> Vec<Frame> + Send + Sync + 'static,
) -> Case {
    let case = Case::new(id, Both, TITLE, &rules::RECEIVE, move |peer| {
        open(peer)?;
        peer.send_together(&frames())?;
        expect_texts(peer, &[echo])
    });
    case.does(format!("Sends a compressed text {how}."))
        .wants("The testee sends the text back, compressed or not.")
        .see(SECTIONS)
}

const THREE: &str = "HelloHelloHello";

fn one_in_three_fragments() -> Vec<Case> {
    vec![
        example(
            "26.7.1",
            "in three fragments, of which the first is a final block",
            THREE,
            || fragments(&[FINAL_HELLO, &flushed(), HELLO]),
        ),
        example(
            "26.7.2",
            "in three fragments, of which the second is a final block",
            THREE,
            || fragments(&[&flushed(), FINAL_HELLO, HELLO]),
        ),
        example(
            "26.7.3",
            "in three fragments, of which the third is a final block",
            THREE,
            || fragments(&[&flushed(), &flushed(), &final_and_end()]),
        ),
    ]
}

fn several() -> Vec<Case> {
    vec![
        example(
            "26.7.4",
            "of three final blocks in one frame",
            THREE,
            || vec![text([FINAL_HELLO, FINAL_HELLO, &final_and_end()].concat())],
        ),
        example(
            "26.7.5",
            "of three final blocks in three fragments",
            THREE,
            || fragments(&[FINAL_HELLO, FINAL_HELLO, &final_and_end()]),
        ),
        example(
            "26.7.6",
            "of three blocks in one frame, of which the first and the last are final",
            THREE,
            || vec![text([FINAL_HELLO, &flushed(), &final_and_end()].concat())],
        ),
    ]
}

fn cut_block() -> Case {
    example(
        "26.7.7",
        "in two fragments, of which the second begins within a final block",
        "HelloHello",
        || cut(&text([FINAL_HELLO, HELLO].concat()), &[3]),
    )
}

fn own_codes() -> Case {
    let case = Case::new("26.7.8", Both, TITLE, &rules::RECEIVE, |peer| {
        open(peer)?;
        let sample = sample(SAMPLE);
        peer.send(text([&finished(&sample), HELLO].concat()))?;
        peer.expect_echo(&Frame::text(sample + "Hello"))?;
        passed("The echo is right.")
    });
    case.does(format!(
        "Sends a compressed text of a final block with codes of its own for {} bytes, and of a block that is not final.",
        grouped(SAMPLE)
    ))
    .wants("The testee sends the text back, compressed or not.")
    .see(SECTIONS)
}

fn stored_block() -> Case {
    example(
        "26.7.9",
        "of a final stored block and a block that is not final",
        "HelloHello",
        || vec![text([&final_stored(b"Hello"), HELLO].concat())],
    )
}

fn end_of_message() -> Case {
    example(
        "26.7.10",
        "whose last block, the empty stored block without its last four bytes, is final",
        "Hello",
        || vec![text([&stored(b"Hello"), FINAL_END].concat())],
    )
}

fn nothing_but_final_blocks() -> Case {
    example(
        "26.7.11",
        "of three empty final blocks, the second of them stored",
        "",
        || {
            vec![text(
                [FINAL_NOTHING, &final_stored(b""), FINAL_NOTHING, END].concat(),
            )]
        },
    )
}

/// Returns a case with a reference across a final block. No known encoder writes such references,
/// and most decoders drop the window.
fn reference_within_a_message() -> Case {
    let case = Case::new("26.7.12", Both, TITLE, &rules::BEGINNING, |peer| {
        open(peer)?;
        peer.send(text([FINAL_HELLO, HELLO_AGAIN].concat()))?;
        expect_no_wrong_echo(peer, "HelloHello")
    });
    case.does("Sends a compressed text of a final block and a block that refers to it.")
        .wants(ANYTHING_ELSE)
        .see(SECTIONS)
}

fn reference_to_the_message_before() -> Case {
    let case = Case::new("26.7.13", Both, TITLE, &rules::BEGINNING, |peer| {
        open_with_context(peer)?;
        peer.send(text(final_and_end()))?;
        expect_texts(peer, &["Hello"])?;
        peer.send(text(HELLO_AGAIN))?;
        expect_no_wrong_echo(peer, "Hello")
    });
    case.does("Sends a text, compressed to a final block, then a text that refers to it.")
        .wants("The testee sends the first text back. It may fail the connection at the second text, ignore it or send it back.")
        .see(&["RFC 7692 §7.2.2", "RFC 7692 §7.2.3.4"])
}

fn many_messages() -> Case {
    let case = Case::new("26.7.14", Both, TITLE, &rules::RECEIVE, |peer| {
        open(peer)?;
        let pairs = [text(final_and_end()), text(HELLO)];
        let frames: Vec<_> = pairs.into_iter().cycle().take(MESSAGES).collect();
        peer.send_together(&frames)?;
        expect_texts(peer, &["Hello"; MESSAGES])
    });
    case.does(format!(
        "Sends {MESSAGES} compressed texts in turn: one in a final block, one in a block that is not final."
    ))
    .wants("The testee sends all texts back.")
    .see(SECTIONS)
}

fn empty_last_fragment() -> Case {
    example(
        "26.7.15",
        "in two fragments, of which the first is a final block and the second adds nothing",
        "Hello",
        || fragments(&[FINAL_HELLO, END]),
    )
    .see(&["RFC 7692 §7.2.1", "RFC 7692 §7.2.3.4", "RFC 7692 §7.2.3.6"])
}
