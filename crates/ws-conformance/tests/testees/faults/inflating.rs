//! Faults in what is inflated (26).

use super::compression::{WINDOWS, both};
use crate::testees::Fault;
use crate::testees::codec::{PING, TEXT};
use crate::testees::deflate::LARGEST_WINDOW;
use crate::testees::rules::{Breach, INVALID_PAYLOAD, Reaction, Rule};

const STORED: u8 = 0;
const FIXED: u8 = 1;
const DYNAMIC: u8 = 2;
const RESERVED: u8 = 3;
/// The end of a flush within a message.
const FLUSH: [u8; 4] = [0, 0, 0xff, 0xff];

pub(in crate::testees) const FAULTS: &[Fault] = &[
    both(
        "fixed-blocks-refused",
        "refuses blocks with fixed codes",
        |r| {
            r.deflate.at_message = |message| refused(block(message) == FIXED);
        },
    ),
    both(
        "seven-bytes-refused",
        "refuses seven bytes of fixed codes",
        |r| {
            r.deflate.at_message = |message| refused(block(message) == FIXED && message.len() == 7);
        },
    ),
    both(
        "stored-after-fixed-refused",
        "refuses five stored bytes after a block with fixed codes",
        |r| {
            r.deflate.at_message = |message| {
                let has_stored = message.windows(4).any(|some| some == [5, 0, 0xfa, 0xff]);
                refused(block(message) == FIXED && has_stored)
            };
        },
    ),
    both(
        "dynamic-blocks-refused",
        "refuses blocks with codes of their own",
        |r| {
            r.deflate.at_message = |message| refused(block(message) == DYNAMIC);
        },
    ),
    both(
        "stored-blocks-refused",
        "refuses stored blocks that are not empty",
        |r| {
            r.deflate.at_message = |message| refused(block(message) == STORED && message.len() > 1);
        },
    ),
    both(
        "empty-stored-blocks-refused",
        "refuses an empty stored block",
        |r| {
            r.deflate.at_message = |message| refused(message == [0]);
        },
    ),
    both(
        "empty-fixed-blocks-refused",
        "refuses an empty block with fixed codes",
        |r| {
            r.deflate.at_message = |message| refused(message.starts_with(&[3, 0]));
        },
    ),
    both(
        "undecodable-echoed-with-zero",
        "echoes the beginning of what cannot be inflated, and a zero byte",
        |r| {
            r.overlooks = |it| it.rule == Rule::Inflate;
            r.deflate.beginning = |plain| plain.push(0);
        },
    ),
    both(
        "final-blocks-refused",
        "refuses the last block of a stream",
        |r| {
            r.deflate.at_message = |message| refused(is_final(message));
        },
    ),
    both(
        "final-blocks-end-all",
        "inflates nothing after the last block of a stream",
        |r| {
            r.deflate.ends_with_stream = true;
        },
    ),
    both(
        "flushes-refused",
        "refuses messages with a flush between blocks",
        |r| {
            r.deflate.at_message = |message| refused(message.windows(4).any(|some| some == FLUSH));
        },
    ),
    both(
        "one-stream-only",
        "accepts nothing of a message after the last block of a stream",
        |r| {
            r.deflate.takes_one_stream = true;
        },
    ),
    both(
        "fragments-inflated-alone",
        "inflates each fragment as a message",
        |r| {
            r.deflate.by_fragment = true;
        },
    ),
    both(
        "reserved-blocks-taken",
        "mistakes blocks of the reserved type for empty ones",
        |r| {
            r.overlooks = |it| is_undecodable(it, RESERVED);
        },
    ),
    both(
        "complements-unchecked",
        "accepts stored blocks with a wrong complement",
        |r| {
            r.overlooks = |it| is_undecodable(it, STORED) && !is_cut(it);
        },
    ),
    both(
        "codes-unchecked",
        "mistakes blocks with too many codes for empty ones",
        |r| {
            r.overlooks = |it| is_undecodable(it, DYNAMIC);
        },
    ),
    both(
        "distances-unchecked",
        "ends a message at a reference to nothing",
        |r| {
            r.overlooks = |it| is_undecodable(it, FIXED);
        },
    ),
    both(
        "cut-blocks-taken",
        "accepts messages that end within a block",
        |r| {
            r.overlooks = |it| matches!(it.rule, Rule::Inflate | Rule::Text(_)) && is_cut(it);
        },
    ),
    both(
        "undecodable-ignored",
        "ignores what cannot be inflated",
        |r| {
            r.deflate.at_undecodable = Reaction::Ignore;
        },
    ),
    both(
        "inflated-texts-unchecked",
        "does not check inflated texts",
        |r| {
            r.overlooks = |it| is_inflated_text(it);
        },
    ),
    both(
        "deflated-texts-checked",
        "accepts texts that are UTF-8 while they are compressed",
        |r| {
            r.overlooks = |it| is_inflated_text(it) && std::str::from_utf8(it.compressed).is_ok();
        },
    ),
    both("no-context", "inflates each message alone", |r| {
        r.deflate.keeps_peer_context = false
    })
    .in_long(WINDOWS),
    both(
        "uncompressed-loses-context",
        "loses the context at an uncompressed message",
        |r| {
            r.at_frame = |frame| match (frame.header.opcode, frame.header.rsv) {
                (TEXT, 0) => Reaction::ForgetContext,
                _ => Reaction::Right,
            };
        },
    ),
    both(
        "empty-loses-context",
        "loses the context at an empty message",
        |r| {
            r.deflate.at_message = |message| match message {
                [0] => Reaction::ForgetContext,
                _ => Reaction::Right,
            };
        },
    ),
    both("ping-loses-context", "loses the context at a Ping", |r| {
        r.at_frame = |frame| match frame.header.opcode {
            PING => Reaction::ForgetContext,
            _ => Reaction::Right,
        };
    }),
    both(
        "small-windows-one-short",
        "keeps one byte less than a small window",
        |r| {
            r.deflate.reach = |bits| match bits {
                LARGEST_WINDOW => 1 << bits,
                _ => (1 << bits) - 1,
            };
        },
    )
    .in_long(WINDOWS),
    both(
        "largest-window-one-short",
        "keeps one byte less than the largest window",
        |r| {
            r.deflate.reach = |bits| match bits {
                LARGEST_WINDOW => (1 << bits) - 1,
                _ => 1 << bits,
            };
        },
    )
    .in_long(WINDOWS),
];

/// Returns the type of the first block of a compressed message.
fn block(message: &[u8]) -> u8 {
    message.first().map_or(STORED, |first| first >> 1 & 3)
}

fn is_final(message: &[u8]) -> bool {
    message.first().is_some_and(|first| first & 1 == 1)
}

fn refused(is_refused: bool) -> Reaction {
    match is_refused {
        true => Reaction::Fail(INVALID_PAYLOAD),
        false => Reaction::Right,
    }
}

fn is_undecodable(breach: &Breach<'_>, of_type: u8) -> bool {
    breach.rule == Rule::Inflate && block(breach.compressed) == of_type
}

/// Returns `true` for the message of 26.3.5, a stored block of 1000 bytes.
fn is_cut(breach: &Breach<'_>) -> bool {
    breach.compressed.starts_with(&[0, 0xe8, 0x03, 0x17, 0xfc])
}

fn is_inflated_text(breach: &Breach<'_>) -> bool {
    matches!(breach.rule, Rule::Text(_)) && !breach.compressed.is_empty()
}
