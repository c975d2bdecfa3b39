//! Faults in masking (23.2).

use crate::testees::Fault;
use crate::testees::codec::{self, CLOSE, CONTINUATION, PING, TEXT};
use crate::testees::rules::{Masking, PROTOCOL_ERROR, Reaction, Rule};

pub(in crate::testees) const FAULTS: &[Fault] = &[
    Fault::both(
        "masks-of-texts-unchecked",
        "accepts texts with a mask or without",
        |r| {
            r.overlooks = |it| it.is(Rule::Mask, TEXT);
        },
    ),
    Fault::both(
        "masks-of-pings-unchecked",
        "accepts Pings with a mask or without",
        |r| {
            r.overlooks = |it| it.is(Rule::Mask, PING);
        },
    ),
    Fault::both(
        "masks-of-closes-unchecked",
        "accepts Closes with a mask or without",
        |r| {
            r.overlooks = |it| it.is(Rule::Mask, CLOSE);
        },
    ),
    Fault::server(
        "masks-of-continuations-unchecked",
        "accepts continuations without a mask",
        |r| {
            r.overlooks = |it| it.is(Rule::Mask, CONTINUATION);
        },
    ),
    Fault::server(
        "key-of-zeros-refused",
        "treats a key of zeros as no mask",
        |r| {
            r.at_header = |header| match header.masking_key {
                Some([0, 0, 0, 0]) => Reaction::Fail(PROTOCOL_ERROR),
                _ => Reaction::Right,
            };
        },
    ),
    Fault::server(
        "zeros-not-unmasked",
        "leaves four zeros on the wire as they are",
        |r| {
            r.unmask = |payload, how| match payload {
                [0, 0, 0, 0] => {}
                other => codec::unmask(other, how),
            };
        },
    ),
    Fault::server(
        "unmasks-by-alignment",
        "unmasks wrongly at one alignment",
        |r| {
            r.unmask = |payload, how| {
                codec::unmask(payload, how);
                let is_wrong = how.header.position % 8 == 5 && (200..300).contains(&payload.len());
                if is_wrong && let Some(byte) = payload.last_mut() {
                    *byte ^= how.key[0] | 1;
                }
            };
        },
    ),
    Fault::server(
        "unmasks-by-words",
        "leaves the end after the last eight bytes masked",
        |r| {
            r.unmask = |payload, how| {
                let end = match payload.len() {
                    len @ 100..130 => len / 8 * 8,
                    len => len,
                };
                codec::unmask(&mut payload[..end], how);
            };
        },
    ),
    Fault::client("same-key", "masks all frames with one key", |r| {
        r.masking = Masking::SameKey
    }),
    Fault::client("counted-keys", "adds 1 to its key after each frame", |r| {
        r.masking = Masking::Step(1);
    }),
];
