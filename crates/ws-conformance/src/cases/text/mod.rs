//! 25: UTF-8, wherever it is cut.

use crate::case::Case;
use crate::case::Roles::Both;
use crate::cases::fails::fails;
use crate::cases::original::utf8_families;
use crate::dialogue::Miss;
use crate::dialogue::Outcome;
use crate::dialogue::Peer;
use crate::dialogue::passed;
use crate::role::Role;
use crate::wire::Frame;

const CUT: &str = "UTF-8: sequences cut by fragments";
const AROUND: &str = "UTF-8: sequences cut by a Ping";
const OFFSETS: &str = "UTF-8: an invalid octet at every offset";
const PLACES: &str = "UTF-8: where else it is, and is not";
const RULES: &[&str] = &["RFC 6455 §8.1"];
const FAILS: &str = "The connection fails: Close 1007 or the end of TCP, nothing else.";
const ONE_CONNECTION: &str = "a client comes for one connection, and gets one of them";
const INVALID_TEXT: &[u16] = &[1007];
/// How long the texts with one invalid octet are.
const TEXT: usize = 256;
const OFFSETS_PER_CASE: usize = 16;
/// Where vectors, and the buffers of implementations, begin and end.
const EDGES: [usize; 10] = [15, 16, 31, 32, 63, 64, 4095, 4096, 65_535, 65_536];

pub(super) fn cases() -> Vec<Case> {
    let families = utf8_families().into_iter().zip(1..);
    let cut = families.flat_map(|(family, number)| {
        let title = family.title;
        let split = |ping| (family.sequences.clone(), ping);
        [
            cut_sequences(&format!("25.1.{number}"), title, split(false)),
            cut_sequences(&format!("25.2.{number}"), title, split(true)),
        ]
    });
    let offsets = (0..TEXT).step_by(OFFSETS_PER_CASE).map(invalid_octet);
    let mut cases: Vec<_> = cut.chain(offsets).collect();
    cases.extend([edges(), last_octet().heavy(), not_text(), later_fragment()]);
    cases
}

/// Each sequence of a family, cut at every place into two fragments, with a Ping between them or
/// without. All valid ones go over one connection.
fn cut_sequences(id: &str, family: &str, (sequences, ping): (Vec<Vec<u8>>, bool)) -> Case {
    let is_valid = |sequence: &Vec<u8>| std::str::from_utf8(sequence).is_ok();
    let (valid, invalid): (Vec<_>, Vec<_>) = sequences.into_iter().partition(is_valid);
    let (title, rules): (_, &[&str]) = match ping {
        true => (AROUND, &["RFC 6455 §5.4", "RFC 6455 §8.1"]),
        false => (CUT, RULES),
    };
    let case = Case::new(id, Both, title, rules, move |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        for sequence in &valid {
            for cut in 0..=sequence.len() {
                expect_valid(peer, sequence, cut, ping)?;
            }
        }
        let all = invalid
            .iter()
            .flat_map(|it| (0..=it.len()).map(move |cut| (it, cut)))
            .collect();
        expect_all_invalid(peer, all, |peer, (sequence, cut)| {
            peer.send_together(&halves(sequence, *cut, ping))?;
            let outcome = peer.expect_fail_only(INVALID_TEXT);
            outcome.map_err(|miss| miss.with(&place(sequence, *cut)))
        })
    });
    let between = if ping {
        ", with a Ping between them"
    } else {
        ""
    };
    case.does(format!(
        "Sends each sequence of the family \"{family}\" as a text, cut at every place into two fragments{between}. Each invalid text has a connection of its own; {ONE_CONNECTION}."
    ))
    .wants("Valid texts come back. With an invalid one the connection fails: Close 1007 or the end of TCP.")
}

fn halves(sequence: &[u8], cut: usize, ping: bool) -> Vec<Frame> {
    let (first, second) = sequence.split_at(cut);
    let ping = ping.then(|| Frame::ping("between"));
    let first = Frame::text(first).unfinished();
    let frames = [first].into_iter().chain(ping);
    frames.chain([Frame::continuation(second)]).collect()
}

/// What a sequence and its cut look like.
fn place(sequence: &[u8], cut: usize) -> String {
    let hex =
        |octets: &[u8]| -> String { octets.iter().map(|octet| format!("{octet:02x}")).collect() };
    format!("{}|{}", hex(&sequence[..cut]), hex(&sequence[cut..]))
}

fn expect_valid(peer: &mut Peer<'_>, sequence: &[u8], cut: usize, ping: bool) -> Result<(), Miss> {
    peer.send_together(&halves(sequence, cut, ping))?;
    let pings = ping.then(|| b"between".to_vec());
    let echo = peer.expect_pongs_and_echo(pings.as_slice(), &Frame::text(sequence));
    echo.map_err(|miss| miss.with(&place(sequence, cut)))
}

/// All of these are to fail a connection, a new one for each but the first. A client has but that
/// one: it gets the one in the middle.
fn expect_all_invalid<T>(
    peer: &mut Peer<'_>,
    mut texts: Vec<T>,
    expect: impl Fn(&mut Peer<'_>, &T) -> Outcome,
) -> Outcome {
    if peer.testee == Role::Client && !texts.is_empty() {
        texts = vec![texts.swap_remove(texts.len() / 2)];
    }
    for (number, text) in texts.iter().enumerate() {
        if number > 0 {
            peer.connect_again()?;
            peer.open()?;
        }
        expect(peer, text)?;
    }
    passed("Valid texts came back, and invalid ones failed the connection.")
}

fn invalid_octet(first: usize) -> Case {
    let number = first / OFFSETS_PER_CASE + 1;
    let offsets = first..first + OFFSETS_PER_CASE;
    let last = offsets.end - 1;
    let id = format!("25.3.{number}");
    let case = Case::new(&id, Both, OFFSETS, RULES, move |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        // The one that a client gets is at another place in each case.
        let mut offsets: Vec<_> = offsets.clone().collect();
        offsets.rotate_left((number + OFFSETS_PER_CASE / 2) % OFFSETS_PER_CASE);
        expect_all_invalid(peer, offsets, |peer, &offset| {
            let mut text = vec![b'*'; TEXT];
            text[offset] = 0xff;
            peer.send(Frame::text(text))?;
            let outcome = peer.expect_fail_only(INVALID_TEXT);
            outcome.map_err(|miss| miss.with(&format!("Offset {offset}")))
        })
    });
    case.does(format!(
        "Sends texts of {TEXT} octets of which one is invalid, that at {first} to {last}, each over a connection of its own; {ONE_CONNECTION}."
    ))
    .wants(FAILS)
}

/// A character lies before, across and behind each edge.
fn edges() -> Case {
    let case = Case::new("25.4", Both, PLACES, RULES, |peer| {
        peer.open()?;
        for edge in EDGES {
            for character in ["é", "€", "𝄞"] {
                for before in 0..=character.len() {
                    let start = "*".repeat(edge - before);
                    let message = Frame::text(format!("{start}{character}*"));
                    peer.send(message.clone())?;
                    peer.expect_echo(&message)?;
                }
            }
        }
        passed("All echoes are right.")
    });
    case.does("Sends texts in which a character of 2, 3 or 4 octets lies before, across or behind the offsets 15, 16, 31, 32, 63, 64, 4095, 4096, 65535 and 65536.")
        .wants("Their echoes.")
}

fn last_octet() -> Case {
    let case = Case::new("25.5", Both, PLACES, RULES, |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        let mut text = vec![b'*'; 16 << 20];
        if let Some(last) = text.last_mut() {
            *last = 0xff;
        }
        peer.send(Frame::text(text))?;
        let outcome = peer.expect_fail(&[1007, 1009])?;
        match peer.close_code() {
            Some(1009) => Miss::unsupported("The testee does not take messages of 16 MiB."),
            _ => passed(outcome),
        }
    });
    case.does("Sends a text of 16 MiB whose last octet is invalid.")
        .wants(FAILS)
}

fn not_text() -> Case {
    const OCTETS: &[u8] = b"\xff\xfe\xc0\xaf\xed\xa0\x80\xe2\x82";
    let rules = &["RFC 6455 §5.5", "RFC 6455 §5.6"];
    let case = Case::new("25.6", Both, PLACES, rules, |peer| {
        peer.open()?;
        let message = Frame::binary(OCTETS);
        peer.send_together(&[Frame::pong(OCTETS), Frame::ping(OCTETS), message.clone()])?;
        peer.expect_pongs_and_echo(&[OCTETS.to_vec()], &message)?;
        passed("The Pong and the echo are right.")
    });
    case.does("Sends a Pong, a Ping and a binary message of octets that are no UTF-8.")
        .wants("A Pong with the payload of the Ping, then the echo.")
}

fn later_fragment() -> Case {
    let frames = || {
        vec![
            Frame::text("Hello, ").unfinished(),
            Frame::continuation("κόσμε").unfinished(),
            Frame::continuation([0xff]).unfinished(),
            Frame::continuation("!"),
        ]
    };
    fails("25.7", Both, PLACES, RULES, INVALID_TEXT, frames).does(
        "Sends a message, which has to come back, then a text in four fragments of which the third is invalid.",
    )
}
