//! 26.1: messages that are compressed as RFC 7692 §7.2.3 shows, and in other ways.

use super::blocks::{END, FINAL_HELLO, FINAL_NOTHING, stored};
use super::forms::{self, SAMPLE};
use super::{
    ANYTHING_ELSE, HELLO, HELLO_AGAIN, cut, expect_no_wrong_echo, expect_texts, grouped, open,
    open_with_context, rules, text,
};
use crate::case::Case;
use crate::case::Roles::Both;
use crate::dialogue::passed;
use crate::wire::Frame;

const TITLE: &str = "Compression: messages";
const TWO_BLOCKS: &[u8] = b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = examples();
    cases.extend(empty());
    cases.extend(in_two_or_more_fragments());
    cases.extend([
        by_reference(),
        after_final_block(),
        nothing(),
        uncompressed(),
        ping(),
        every_form(),
    ]);
    cases
}

fn examples() -> Vec<Case> {
    vec![
        hello("26.1.1", "one block with fixed codes", || vec![text(HELLO)])
            .see(&["RFC 7692 §7.2.3.1"]),
        hello("26.1.4", "a stored block", || {
            vec![text([&stored(b"Hello"), END].concat())]
        })
        .see(&["RFC 7692 §7.2.3.3"]),
        hello("26.1.5", "a final block", || {
            vec![text([FINAL_HELLO, END].concat())]
        })
        .see(&["RFC 7692 §7.2.3.4"]),
        hello("26.1.7", "two blocks", || vec![text(TWO_BLOCKS)]).see(&["RFC 7692 §7.2.3.5"]),
    ]
}

/// Returns the text `Hello`, compressed like this.
fn hello(id: &str, form: &str, frames: fn() -> Vec<Frame>) -> Case {
    example(id, "Hello", frames).does(format!("Sends the text `Hello`, compressed to {form}."))
}

/// Returns a case with a compressed text that the testee has to send back.
fn example(id: &str, echo: &'static str, frames: fn() -> Vec<Frame>) -> Case {
    let case = Case::new(id, Both, TITLE, &rules::RECEIVE, move |peer| {
        open(peer)?;
        peer.send_together(&frames())?;
        expect_texts(peer, &[echo])
    });
    case.wants("The testee sends the text back, compressed or not.")
}

fn empty() -> Vec<Case> {
    let stored = example("26.1.8", "", || vec![text(END)]);
    let fixed = example("26.1.9", "", || vec![text([FINAL_NOTHING, END].concat())]);
    vec![
        stored
            .does("Sends an empty text, compressed to an empty stored block.")
            .see(&["RFC 7692 §7.2.3.6"]),
        fixed
            .does("Sends an empty text, compressed to an empty final block with fixed codes.")
            .see(&["RFC 7692 §7.2.3.4"]),
    ]
}

fn in_two_or_more_fragments() -> Vec<Case> {
    let two = example("26.1.2", "Hello", || cut(&text(HELLO), &[3]));
    let empty_first = example("26.1.12", "Hello", || cut(&text(HELLO), &[0]));
    let bytes = example("26.1.13", "Hello", || {
        cut(&text(HELLO), &[1, 2, 3, 4, 5, 6])
    });
    vec![
        two.does("Sends the compressed text `Hello` in two fragments.")
            .see(&["RFC 7692 §7.2.3.1"]),
        empty_first
            .does(
                "Sends the compressed text `Hello` in two fragments, of which the first is empty.",
            )
            .see(&["RFC 7692 §6.1"]),
        bytes
            .does("Sends the compressed text `Hello` in fragments of one byte.")
            .see(&["RFC 7692 §6.1"]),
    ]
}

fn by_reference() -> Case {
    let case = Case::new("26.1.3", Both, TITLE, &rules::KEEP_CONTEXT, |peer| {
        open_with_context(peer)?;
        peer.send_together(&[text(HELLO), text(HELLO_AGAIN)])?;
        expect_texts(peer, &["Hello", "Hello"])
    });
    case.does("Sends the compressed text `Hello` twice, the second time by a reference to the first text.")
        .wants("The testee sends both texts back, compressed or not.")
        .see(&["RFC 7692 §7.2.3.2"])
}

fn after_final_block() -> Case {
    let case = Case::new("26.1.6", Both, TITLE, &rules::RECEIVE, |peer| {
        open(peer)?;
        peer.send_together(&[text([FINAL_HELLO, END].concat()), text(HELLO)])?;
        expect_texts(peer, &["Hello", "Hello"])
    });
    case.does(
        "Sends the text `Hello`, compressed to a final block, then the same text in a block that is not final.",
    )
    .wants("The testee sends both texts back, compressed or not.")
    .see(&["RFC 7692 §7.2.3.4"])
}

/// Returns a case whose message lacks even the header of the final block.
fn nothing() -> Case {
    let case = Case::new("26.1.10", Both, TITLE, &rules::LAST_BYTE, |peer| {
        open(peer)?;
        peer.send(text(""))?;
        expect_no_wrong_echo(peer, "")
    });
    case.does("Sends a text with RSV1 and without a payload.")
        .wants(ANYTHING_ELSE)
        .see(&["RFC 7692 §7.2.2"])
}

fn uncompressed() -> Case {
    let case = Case::new(
        "26.1.11",
        Both,
        TITLE,
        &rules::RECEIVE_UNCOMPRESSED,
        |peer| {
            open(peer)?;
            peer.send_together(&[
                Frame::text("plain"),
                text(HELLO),
                Frame::text("plain").unfinished(),
                Frame::continuation(" again"),
                text(HELLO),
            ])?;
            expect_texts(peer, &["plain", "Hello", "plain again", "Hello"])
        },
    );
    case.does("Sends uncompressed and compressed texts in turn.")
        .wants("The testee sends all texts back, in order.")
        .see(&["RFC 7692 §6"])
}

fn ping() -> Case {
    let rule = &rules::CONTROL_BETWEEN_FRAGMENTS;
    let case = Case::new("26.1.14", Both, TITLE, rule, |peer| {
        open(peer)?;
        let mut frames = cut(&text(HELLO), &[3]);
        frames.insert(1, Frame::ping("between"));
        peer.send_together(&frames)?;
        peer.expect_pongs_and_echo(&[b"between".to_vec()], &Frame::text("Hello"))?;
        passed("The Pong and the echo are right.")
    });
    case.does("Sends a compressed text in two fragments with a Ping between them.")
        .wants("The testee sends a Pong, then the text.")
        .see(&["RFC 7692 §6.1"])
}

fn every_form() -> Case {
    let case = Case::new("26.1.15", Both, TITLE, &rules::RECEIVE, |peer| {
        open_with_context(peer)?;
        let sample = forms::sample(SAMPLE);
        for form in forms::all() {
            peer.send(text(form.deflate(&sample)))?;
            let echo = peer.expect_echo(&Frame::text(&*sample));
            echo.map_err(|miss| miss.with(&form.to_string()))?;
        }
        passed("All echoes are right.")
    });
    case.does(format!(
        "Sends a text of {} bytes 33 times: compressed with levels 0 to 9 and with fixed codes, each without a flush, with many sync flushes, and with many full flushes.",
        grouped(SAMPLE)
    ))
    .wants("The testee sends the text back each time.")
    .see(&["RFC 7692 §7.2.1"])
}
