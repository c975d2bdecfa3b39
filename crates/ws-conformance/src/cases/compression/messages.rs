//! 26.1: messages that are compressed as RFC 7692 §7.2.3 shows, and in every other way.

use crate::case::Case;
use crate::case::Roles::Both;
use crate::dialogue::Miss;
use crate::dialogue::Outcome;
use crate::dialogue::Peer;
use crate::dialogue::passed;
use crate::wire::{Frame, Payload};
use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, compress_to_output, create_comp_flags_from_zip_params,
};

use crate::deflate::TAIL;
use crate::dialogue::{Terms, Wish};

const TITLE: &str = "Compression: messages";
const RSV1: u8 = 4;
pub(super) const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
/// After [`HELLO`]: the same again, mostly by a reference to it.
pub(super) const HELLO_AGAIN: &[u8] = b"\xf2\x00\x11\x00\x00";
const STORED: &[u8] = b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00";
const FINAL: &[u8] = b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00";
const TWO_BLOCKS: &[u8] = b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00";
/// The sample text, long enough for blocks with codes of their own.
const SAMPLE: usize = 20_000;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = examples();
    cases.extend([
        after_final_block(),
        nothing(),
        uncompressed(),
        ping(),
        every_form(),
    ]);
    cases
}

/// A text whose payload is compressed to these octets.
pub(super) fn compressed(octets: impl Into<Payload>) -> Frame {
    Frame::text(octets).with_rsv(RSV1)
}

/// Opens a connection with the default parameters.
pub(super) fn open(peer: &mut Peer<'_>) -> Result<Terms, Miss> {
    let terms = peer.open_compressing(Wish::NONE, Wish::NONE)?;
    peer.expect_to_be_alive()?;
    Ok(terms)
}

/// The same if messages may refer to those before them, as far back as is possible.
pub(super) fn open_with_context(peer: &mut Peer<'_>) -> Result<(), Miss> {
    let own = open(peer)?.own;
    match own.context_takeover && own.window_bits == 15 {
        true => Ok(()),
        false => Miss::unsupported("The testee does not agree to the largest window with context."),
    }
}

#[rustfmt::skip]
fn examples() -> Vec<Case> {
    vec![
        example("26.1.1", "in a block with fixed codes", &["RFC 7692 §7.2.3.1"], &["Hello"], || vec![compressed(HELLO)]),
        example("26.1.2", "in two fragments", &["RFC 7692 §7.2.3.1"], &["Hello"], || fragments(HELLO, &[3])),
        example("26.1.3", "twice, the second time by a reference to the first", &["RFC 7692 §7.2.3.2"], &["Hello", "Hello"], || {
            vec![compressed(HELLO), compressed(HELLO_AGAIN)]
        }),
        example("26.1.4", "in a stored block", &["RFC 7692 §7.2.3.3"], &["Hello"], || vec![compressed(STORED)]),
        example("26.1.5", "in a block that is the last one of its stream", &["RFC 7692 §7.2.3.4"], &["Hello"], || vec![compressed(FINAL)]),
        example("26.1.7", "in two blocks", &["RFC 7692 §7.2.3.5"], &["Hello"], || vec![compressed(TWO_BLOCKS)]),
        example("26.1.8", "of no octets, as an empty stored block", &["RFC 7692 §7.2.3.6"], &[""], || vec![compressed(*b"\x00")]),
        example("26.1.9", "of no octets, as an empty block with fixed codes that is the last one of its stream", &["RFC 7692 §7.2.3.4"], &[""], || vec![compressed(*b"\x03\x00\x00")]),
        example("26.1.12", "in fragments of which the first is empty", &["RFC 7692 §6.1"], &["Hello"], || fragments(HELLO, &[0])),
        example("26.1.13", "in fragments of one octet", &["RFC 7692 §6.1"], &["Hello"], || fragments(HELLO, &[1, 2, 3, 4, 5, 6])),
    ]
}

/// Compressed octets in fragments: these are the places where the second and later ones begin.
fn fragments(octets: &[u8], cuts: &[usize]) -> Vec<Frame> {
    let ends = cuts.iter().copied().chain([octets.len()]);
    let mut start = 0;
    let mut frames = Vec::new();
    for end in ends {
        let piece = &octets[std::mem::replace(&mut start, end)..end];
        frames.push(match frames.is_empty() {
            true => compressed(piece).unfinished(),
            false => Frame::continuation(piece).unfinished(),
        });
    }
    if let Some(last) = frames.last_mut() {
        last.fin = true;
    }
    frames
}

/// Messages with default parameters, and the texts that they are.
fn example(
    id: &str,
    how: &str,
    rules: &'static [&'static str],
    texts: &'static [&'static str],
    frames: fn() -> Vec<Frame>,
) -> Case {
    let case = Case::new(id, Both, TITLE, rules, move |peer| {
        match texts.len() {
            1 => drop(open(peer)?),
            _ => open_with_context(peer)?,
        }
        peer.send_together(&frames())?;
        expect_texts(peer, texts)
    });
    let what = if texts[0].is_empty() {
        "a text"
    } else {
        "the text `Hello`"
    };
    case.does(format!("Sends {what} {how}."))
        .wants("Its echo, compressed or not.")
}

fn expect_texts(peer: &mut Peer<'_>, texts: &[&str]) -> Outcome {
    for text in texts {
        peer.expect_echo(&Frame::text(*text))?;
    }
    passed("The echo is right.")
}

fn after_final_block() -> Case {
    let rules = &["RFC 7692 §7.2.3.4"];
    let case = Case::new("26.1.6", Both, TITLE, rules, |peer| {
        open(peer)?;
        peer.send_together(&[compressed(FINAL), compressed(HELLO)])?;
        expect_texts(peer, &["Hello", "Hello"])
    });
    case.does(
        "Sends the text `Hello` in the last block of a stream, then another one in a new stream.",
    )
    .wants("Both echoes.")
}

/// Not even the empty block that every message has.
fn nothing() -> Case {
    let case = Case::new("26.1.10", Both, TITLE, &["RFC 7692 §7.2.2"], |peer| {
        open(peer)?;
        peer.send(compressed(*b""))?;
        expect_texts(peer, &[""])
    });
    case.does("Sends a frame without payload that claims to be a compressed text.")
        .wants("An empty text, or the end of the connection.")
        .informational()
}

fn uncompressed() -> Case {
    let case = Case::new("26.1.11", Both, TITLE, &["RFC 7692 §6"], |peer| {
        open(peer)?;
        peer.send_together(&[
            Frame::text("plain"),
            compressed(HELLO),
            Frame::text("plain").unfinished(),
            Frame::continuation(" again"),
            compressed(HELLO),
        ])?;
        expect_texts(peer, &["plain", "Hello", "plain again", "Hello"])
    });
    case.does("Sends compressed texts and uncompressed ones in turn.")
        .wants("Their echoes.")
}

fn ping() -> Case {
    let rules = &["RFC 6455 §5.4", "RFC 7692 §6.1"];
    let case = Case::new("26.1.14", Both, TITLE, rules, |peer| {
        open(peer)?;
        let mut frames = fragments(HELLO, &[3]);
        frames.insert(1, Frame::ping("between"));
        peer.send_together(&frames)?;
        peer.expect_pongs_and_echo(&[b"between".to_vec()], &Frame::text("Hello"))?;
        passed("The Pong and the echo are right.")
    });
    case.does("Sends a compressed text in two fragments with a Ping between them.")
        .wants("A Pong, then the echo of the text.")
}

/// Level 0 makes stored blocks, the fixed strategy fixed codes, the others codes of their own.
fn every_form() -> Case {
    const DEFAULT: i32 = 0;
    const FIXED: i32 = 4;
    let case = Case::new("26.1.15", Both, TITLE, &["RFC 7692 §7.2.1"], |peer| {
        open_with_context(peer)?;
        let levels = (0..=9).map(|level| (level, DEFAULT)).chain([(6, FIXED)]);
        let flushes = [TDEFLFlush::None, TDEFLFlush::Sync, TDEFLFlush::Full];
        let text = sample();
        for (level, strategy) in levels {
            for flush in flushes {
                peer.send(compressed(deflate(text.as_bytes(), level, strategy, flush)))?;
                let echo = peer.expect_echo(&Frame::text(&*text));
                echo.map_err(|miss| miss.with(&format!("Level {level}, {flush:?}")))?;
            }
        }
        passed("All echoes are right.")
    });
    case.does(format!(
        "Sends a text of {SAMPLE} octets, compressed with levels 0 to 9 and with fixed codes, each time in one go, with many sync flushes, and with many full flushes."
    ))
    .wants("All echoes.")
}

/// Something that repeats itself, but not at once.
fn sample() -> String {
    let mut rng = fastrand::Rng::with_seed(26);
    let words: Vec<String> = (0..200)
        .map(|_| (0..rng.usize(1..9)).map(|_| rng.lowercase()).collect())
        .collect();
    let mut text = String::new();
    while text.len() < SAMPLE {
        text += &words[rng.usize(..words.len())];
        text.push(' ');
    }
    text.truncate(SAMPLE);
    text
}

/// A stream with a flush of this kind every 500 octets.
fn deflate(octets: &[u8], level: i32, strategy: i32, flush: TDEFLFlush) -> Vec<u8> {
    const RAW: i32 = -15;
    let flags = create_comp_flags_from_zip_params(level, RAW, strategy);
    let mut compressor = CompressorOxide::new(flags);
    let mut out = Vec::new();
    let mut write = |octets: &[u8], flush| {
        compress_to_output(&mut compressor, octets, flush, |piece| {
            out.extend_from_slice(piece);
            true
        });
    };
    for piece in octets.chunks(500) {
        write(piece, flush);
    }
    write(&[], TDEFLFlush::Sync);
    out.truncate(out.len() - TAIL.len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deflate::{Coding, Inflater};

    #[test]
    fn every_form_is_the_sample() {
        let coding = Coding {
            window_bits: 15,
            context_takeover: true,
        };
        let text = sample();
        let mut seen = std::collections::HashSet::new();
        for (level, strategy) in [(0, 0), (1, 0), (9, 0), (6, 4)] {
            for flush in [TDEFLFlush::None, TDEFLFlush::Sync, TDEFLFlush::Full] {
                let octets = deflate(text.as_bytes(), level, strategy, flush);
                seen.insert(octets[0] >> 1 & 3);
                let mut inflater = Inflater::new(coding);
                let mut out = Vec::new();
                inflater.begin();
                inflater.push(&octets, &mut out, usize::MAX).unwrap();
                inflater.end(&mut out, usize::MAX).unwrap();
                assert_eq!(out, text.as_bytes(), "{level} {strategy} {flush:?}");
                assert!(!octets.ends_with(&TAIL));
            }
        }
        assert_eq!(seen.len(), 3, "stored, fixed and dynamic blocks");
    }
}
