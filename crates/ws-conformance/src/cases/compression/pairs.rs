//! 26.10 and 26.11: parameters that differ between the directions.

use super::output::worthwhile;
use super::{MAX_BITS, binary, open_with, rules, text};
use crate::case::Case;
use crate::case::Roles::Both;
use crate::case::Rule;
use crate::deflate::{Coding, Encoder};
use crate::dialogue::{Miss, Peer, Terms, Wish, passed};
use crate::role::Role;
use crate::wire::Frame;

const WINDOWS: &str = "Compression: two windows";
const PARAMETERS: &str = "Compression: parameters of one side";
const MIN_BITS: u8 = 8;
/// The length of the bytes that are repeated at the far end of a window.
const REPEATED: usize = 64;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = windows();
    cases.extend(parameters());
    cases
}

/// Returns a case for each two windows that differ.
fn windows() -> Vec<Case> {
    let bits = MIN_BITS..=MAX_BITS;
    let pairs = bits
        .clone()
        .flat_map(|client| bits.clone().map(move |server| (client, server)));
    let pairs = pairs.filter(|(client, server)| client != server);
    (1..)
        .zip(pairs)
        .map(|(number, (client, server))| {
            let id = format!("26.10.{number}");
            let [client, server] = [client, server].map(Wish::window);
            pair(&id, WINDOWS, &rules::AGREED_WINDOW, client, server)
        })
        .collect()
}

/// Returns a case for each two sets of parameters that differ.
fn parameters() -> Vec<Case> {
    const SMALL: u8 = 10;
    let sets = [
        Wish::NONE,
        Wish::NO_CONTEXT,
        Wish::window(SMALL),
        Wish {
            window_bits: Some(SMALL),
            no_context_takeover: true,
        },
    ];
    let pairs = sets
        .iter()
        .flat_map(|client| sets.map(|server| (*client, server)));
    let pairs = pairs.filter(|(client, server)| client != server);
    (1..)
        .zip(pairs)
        .map(|(number, (client, server))| {
            let id = format!("26.11.{number}");
            let rule = match client.no_context_takeover != server.no_context_takeover {
                true => &rules::START_EMPTY,
                false => &rules::AGREED_WINDOW,
            };
            pair(&id, PARAMETERS, rule, client, server)
        })
        .collect()
}

fn pair(id: &str, title: &'static str, rule: &'static Rule, client: Wish, server: Wish) -> Case {
    let case = Case::new(id, Both, title, rule, move |peer| {
        let (own, testees) = match peer.testee {
            Role::Server => (client, server),
            Role::Client => (server, client),
        };
        let terms = agree(peer, own, testees)?;
        let before = peer.said.compressed;
        let count = exchange(peer, terms)?;
        let compressed = peer.said.compressed - before;
        passed(format!(
            "The echoes are right. The testee compressed {compressed} of {count}."
        ))
    });
    let parameters = client.parameters("client") + &server.parameters("server");
    case.does(format!(
        "Offers `{}` to a server, or answers a client with it. Then sends messages that refer as far back as the suite may, and texts that repeat what the testee may not refer to.",
        parameters.trim_start_matches("; ")
    ))
    .wants("The testee sends all messages back. No reference of its own goes beyond what was agreed for it.")
    .see(&["RFC 7692 §7", "RFC 7692 §7.1", "RFC 7692 §7.2.2"])
}

/// Agrees to these parameters. The testee may limit its own messages further.
fn agree(peer: &mut Peer<'_>, own: Wish, testees: Wish) -> Result<Terms, Miss> {
    let terms = open_with(peer, own, testees)?;
    let wished = Coding {
        window_bits: own.window_bits.unwrap_or(MAX_BITS),
        context_takeover: !own.no_context_takeover,
    };
    match terms.own == wished && terms.testees != wished {
        true => Ok(terms),
        false => Miss::not_applicable("The testee agrees to other parameters."),
    }
}

/// Exchanges messages. A testee that confuses the parameters of the two directions cannot inflate
/// the far reference, cannot inflate the repeated text, refers too far itself, or refers to an
/// earlier message.
fn exchange(peer: &mut Peer<'_>, terms: Terms) -> Result<usize, Miss> {
    let mut rng = fastrand::Rng::with_seed(26);
    let mut encoder = Encoder::new(terms.own);
    let mut far = vec![0; 1 << terms.own.window_bits];
    rng.fill(&mut far);
    far.extend_from_within(..REPEATED);
    peer.send(binary(encoder.compress(&far)))?;
    peer.expect_echo(&Frame::binary(far))?;
    let half: String = (0..beyond(terms.testees))
        .map(|_| rng.alphanumeric())
        .collect();
    let texts = [half.repeat(2), worthwhile()];
    for message in &texts {
        for _ in 0..2 {
            peer.send(text(encoder.compress(message.as_bytes())))?;
            peer.expect_echo(&Frame::text(&**message))?;
        }
    }
    Ok(1 + 2 * texts.len())
}

/// Returns a distance that is beyond a window, but not beyond the next larger one, even if a
/// compressor uses 262 bytes less than all of it.
fn beyond(coding: Coding) -> usize {
    let window = 1 << coding.window_bits;
    window + window / 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_that_differs_has_a_case() {
        assert_eq!(windows().len(), 8 * 7);
        assert_eq!(parameters().len(), 4 * 3);
    }
}
