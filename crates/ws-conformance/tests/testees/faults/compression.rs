//! Faults in permessage-deflate (26). Their testees agree to all that a case offers.

use crate::testees::Fault;
use crate::testees::codec::{BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT};
use crate::testees::message::alter;
use crate::testees::rules::{
    Breach, CompressedFrames, INVALID_PAYLOAD, PROTOCOL_ERROR, Reaction, Rule, Rules, Stop,
    TOO_BIG, close_payload,
};

const MIB: usize = 1 << 20;
const STORED: u8 = 0;
const FIXED: u8 = 1;
const DYNAMIC: u8 = 2;
const RESERVED: u8 = 3;
/// The end of a flush within a message.
const FLUSH: [u8; 4] = [0, 0, 0xff, 0xff];
const BOMBS: &[&str] = &["26.5.2", "26.5.3", "26.5.4"];

pub(in crate::testees) const CORRECT: Fault = both(
    "agrees-to-all",
    "correct: agrees to all that is offered",
    |_| {},
);

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
        "empty-payloads-ignored",
        "ignores compressed messages without a payload",
        |r| {
            r.deflate.at_message = |message| match message {
                [] => Reaction::Ignore,
                _ => Reaction::Right,
            };
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
        "garbage-ignores-message",
        "ignores messages that end with FF FF FF",
        |r| {
            r.deflate.at_message = |message| match message.ends_with(&[0xff; 3]) {
                true => Reaction::Ignore,
                false => Reaction::Right,
            };
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
        "empty-first-fragments-refused",
        "refuses empty first fragments",
        |r| {
            r.at_header = |header| {
                let is_first = matches!(header.opcode, TEXT | BINARY) && !header.fin;
                match is_first && header.payload_len == 0 {
                    true => Reaction::Fail(PROTOCOL_ERROR),
                    false => Reaction::Right,
                }
            };
        },
    ),
    both(
        "one-byte-fragments-refused",
        "refuses fragments of one byte",
        |r| {
            r.at_header = |header| match (header.opcode, header.payload_len) {
                (CONTINUATION, 1) => Reaction::Fail(PROTOCOL_ERROR),
                _ => Reaction::Right,
            };
        },
    ),
    both(
        "pings-lose-compressed",
        "loses the message in which a Ping comes",
        |r| {
            r.at_frame = |frame| match frame.header.opcode {
                PING => Reaction::ForgetMessage,
                _ => Reaction::Right,
            };
        },
    ),
    both(
        "rsv1-sticks",
        "inflates all messages after the first compressed one",
        |r| {
            r.deflate.is_sticky = true;
        },
    ),
    both(
        "rsv1-of-continuations-taken",
        "takes RSV1 on continuations",
        |r| {
            r.overlooks = |it| it.is(Rule::Rsv, CONTINUATION);
        },
    ),
    both("rsv1-of-pings-taken", "takes RSV1 on Pings", |r| {
        r.overlooks = |it| it.is(Rule::Rsv, PING);
    }),
    both("rsv1-of-pongs-taken", "takes RSV1 on Pongs", |r| {
        r.overlooks = |it| it.is(Rule::Rsv, PONG);
    }),
    both("rsv1-of-closes-taken", "takes RSV1 on Closes", |r| {
        r.overlooks = |it| it.is(Rule::Rsv, CLOSE);
    }),
    both(
        "rsv1-taken-unasked",
        "takes RSV1 although compression was not agreed",
        |r| {
            r.overlooks = |it| it.is(Rule::Rsv, TEXT) && it.header.rsv == 4;
        },
    ),
    both("rsv2-taken", "takes RSV2", |r| {
        r.overlooks = |it| it.is(Rule::Rsv, TEXT) && it.header.rsv == 2;
    }),
    both("rsv3-taken", "takes RSV3", |r| {
        r.overlooks = |it| it.is(Rule::Rsv, TEXT) && it.header.rsv == 1;
    }),
    both(
        "all-rsv-taken",
        "takes frames with all reserved bits",
        |r| {
            r.overlooks = |it| it.is(Rule::Rsv, TEXT) && it.header.rsv == 7;
        },
    ),
    both(
        "reserved-blocks-taken",
        "takes blocks of the reserved type for empty ones",
        |r| {
            r.overlooks = |it| is_undecodable(it, RESERVED);
        },
    ),
    both(
        "complements-unchecked",
        "takes stored blocks with a wrong complement",
        |r| {
            r.overlooks = |it| is_undecodable(it, STORED) && !is_cut(it);
        },
    ),
    both(
        "codes-unchecked",
        "takes blocks with too many codes for empty ones",
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
        "takes messages that end within a block",
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
        "takes texts that are UTF-8 while they are compressed",
        |r| {
            r.overlooks = |it| is_inflated_text(it) && std::str::from_utf8(it.compressed).is_ok();
        },
    ),
    both("no-context", "inflates each message alone", |r| {
        r.deflate.keeps_peer_context = false
    }),
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
        "reach-one-short",
        "keeps one byte less than the window",
        |r| {
            r.deflate.reach = |bits| (1 << bits) - 1;
        },
    ),
    both(
        "inflates-8-mib",
        "loses what is inflated beyond 8 MiB",
        |r| {
            r.deflate.truncates_at = 8 * MIB;
        },
    )
    .in_long(&["26.5.1"]),
    both(
        "bombs-close-1002",
        "closes with 1002 where 1009 is due",
        |r| {
            r.max_message = 20 * MIB as u64;
            r.close = |stop| match stop {
                Stop::Violation(TOO_BIG) => PROTOCOL_ERROR.to_be_bytes().to_vec(),
                other => close_payload(other),
            };
        },
    )
    .in_long(BOMBS),
    both(
        "bombs-ignored",
        "ignores messages that are too long when they are inflated",
        |r| {
            r.deflate.at_bomb = Reaction::Ignore;
        },
    )
    .in_long(BOMBS),
    both("sixty-ms-each", "takes 60 ms for each message", |r| {
        r.at_message = |_| Reaction::Late(60);
    })
    .in_long(&["26.5.5"]),
    both("loses-one-of-10000", "loses one of many messages", |r| {
        r.at_message = |message| match message.number {
            7777 => Reaction::Ignore,
            _ => Reaction::Right,
        };
    })
    .in_long(&["26.5.5"]),
    both(
        "window-of-32-kib",
        "compresses with the largest window whatever was agreed",
        |r| {
            r.deflate.small_windows = false;
        },
    ),
    both(
        "own-context-kept",
        "compresses with context whatever was agreed",
        |r| {
            r.deflate.resets_own_context = false;
            r.deflate.small_windows = false;
        },
    ),
    both(
        "rsv1-on-all-of-long",
        "sets RSV1 in both frames of a long message",
        |r| {
            r.deflate.frames = |len| if_long(len, CompressedFrames::TwoWithRsv1);
        },
    ),
    both(
        "rsv1-missing-on-long",
        "compresses long messages without RSV1",
        |r| r.deflate.frames = |len| if_long(len, CompressedFrames::WithoutRsv1),
    ),
    both(
        "long-texts-altered",
        "changes one byte of texts from 6000 bytes",
        |r| {
            r.at_message = |message| {
                if message.opcode == TEXT && message.len >= 6000 {
                    alter(message);
                }
                Reaction::Right
            };
        },
    ),
    both(
        "noise-altered",
        "changes one byte of binary messages of 100,000 bytes",
        |r| {
            r.at_message = |message| {
                if message.len == 100_000 {
                    alter(message);
                }
                Reaction::Right
            };
        },
    ),
];

const fn both(name: &'static str, description: &'static str, change: fn(&mut Rules)) -> Fault {
    Fault::both(name, description, change).on(|rules| {
        rules.deflate.agrees = true;
        rules.deflate.agrees_for_client = true;
    })
}

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

fn if_long(len: usize, form: CompressedFrames) -> CompressedFrames {
    match len {
        ..1000 => CompressedFrames::One,
        _ => form,
    }
}
