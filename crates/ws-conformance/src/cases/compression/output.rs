//! 26.6: messages that the testee compresses.

use super::{MAX_BITS, grouped, open, open_with, rules};
use crate::case::Case;
use crate::case::Roles::Both;
use crate::case::Rule;
use crate::dialogue::{Miss, Peer, Wish, passed};
use crate::wire::Frame;

const TITLE: &str = "Compression: the testee's messages";
/// The length of a text that is sent twice, longer than small windows.
const HALF: usize = 3000;
/// Enough bytes for testees that do not compress short messages.
const WORTHWHILE: usize = 2000;
const NOISE: usize = 100_000;

pub(super) fn cases() -> Vec<Case> {
    const BOTH: Wish = Wish {
        window_bits: Some(10),
        no_context_takeover: true,
    };
    let (empty, window) = (&rules::START_EMPTY, &rules::AGREED_WINDOW);
    let mut cases = vec![
        obeys(
            "26.6.1",
            BOTH,
            "a window of 1,024 bytes and no context takeover",
            window,
        ),
        noise(),
        obeys("26.6.3", Wish::NONE, "the default parameters", &rules::SEND),
        obeys("26.6.4", Wish::NO_CONTEXT, "no context takeover", empty),
    ];
    // The windows of 9 to 15 bits, then that of 8 bits, which many testees do not support.
    for (number, bits) in (5..).zip((9..=MAX_BITS).chain([8])) {
        let what = format!("a window of {} bytes", grouped(1 << bits));
        cases.push(obeys(
            &format!("26.6.{number}"),
            Wish::window(bits),
            &what,
            window,
        ));
    }
    cases
}

/// Returns a case in which the testee compresses with these parameters. The reader of its frames
/// checks the rules.
fn obeys(id: &str, wish: Wish, what: &str, rule: &'static Rule) -> Case {
    let case = Case::new(id, Both, TITLE, rule, move |peer| {
        open_with(peer, Wish::NONE, wish)?;
        let before = peer.said.compressed;
        let count = exchange(peer)?;
        match peer.said.compressed - before {
            0 => Miss::not_applicable("The testee sent all echoes uncompressed."),
            compressed => passed(format!(
                "The testee compressed {compressed} of {count} echoes, and obeyed the parameters."
            )),
        }
    });
    case.does(format!(
        "Agrees to {what} for the testee's messages, then sends texts that repeat themselves and each other."
    ))
    .wants("The testee sends the texts back. RSV1 is set in first frames only, and no reference goes beyond what was agreed.")
    .see(&["RFC 7692 §6.1", "RFC 7692 §7.1"])
}

fn exchange(peer: &mut Peer<'_>) -> Result<usize, Miss> {
    let mut rng = fastrand::Rng::with_seed(26);
    let half: String = (0..HALF).map(|_| rng.alphanumeric()).collect();
    let texts = [half.repeat(2), half, worthwhile(), String::new()];
    for text in &texts {
        for _ in 0..2 {
            let message = Frame::text(&**text);
            peer.send(message.clone())?;
            peer.expect_echo(&message)?;
        }
    }
    Ok(2 * texts.len())
}

/// Returns a text that every window makes much shorter.
pub(super) fn worthwhile() -> String {
    "Hello, hello! ".chars().cycle().take(WORTHWHILE).collect()
}

fn noise() -> Case {
    let case = Case::new("26.6.2", Both, TITLE, &rules::COMPRESS_OR_NOT, |peer| {
        open(peer)?;
        let before = peer.said.compressed;
        let mut rng = fastrand::Rng::with_seed(26);
        let noise = std::iter::repeat_with(|| rng.u8(..)).take(NOISE);
        let message = Frame::binary(noise.collect::<Vec<_>>());
        peer.send(message.clone())?;
        peer.expect_echo(&message)?;
        passed(match peer.said.compressed - before {
            0 => "The testee sent the echo uncompressed.",
            _ => "The testee compressed the echo.",
        })
    });
    case.does("Agrees to compress, then sends 100,000 random bytes, which compression does not make shorter.")
        .wants("The testee sends the bytes back, compressed or not.")
        .see(&["RFC 7692 §6"])
}
