//! Faults in permessage-deflate (26), except for those in what is inflated. The testees agree to
//! all that a case offers.

use crate::testees::Fault;
use crate::testees::codec::{BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT};
use crate::testees::message::alter;
use crate::testees::rules::{
    CompressedFrames, PROTOCOL_ERROR, Reaction, Rule, Rules, Stop, TOO_BIG, close_payload,
};

const MIB: usize = 1 << 20;
pub(super) const WINDOWS: &[&str] = &["26.10.*", "26.11.*"];
const BOMBS: &[&str] = &["26.5.2", "26.5.3", "26.5.4"];

pub(in crate::testees) const CORRECT: Fault = compressing(
    "agrees-to-all",
    "correct: agrees to all that is offered",
    |_| {},
);

pub(in crate::testees) const FAULTS: &[Fault] = &[
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
        "accepts RSV1 on continuations",
        |r| {
            r.overlooks = |it| it.is(Rule::Rsv, CONTINUATION);
        },
    ),
    both("rsv1-of-pings-taken", "accepts RSV1 on Pings", |r| {
        r.overlooks = |it| it.is(Rule::Rsv, PING);
    }),
    both("rsv1-of-pongs-taken", "accepts RSV1 on Pongs", |r| {
        r.overlooks = |it| it.is(Rule::Rsv, PONG);
    }),
    both("rsv1-of-closes-taken", "accepts RSV1 on Closes", |r| {
        r.overlooks = |it| it.is(Rule::Rsv, CLOSE);
    }),
    both(
        "rsv1-taken-unasked",
        "accepts RSV1 although compression was not agreed",
        |r| {
            r.overlooks = |it| it.is(Rule::Rsv, TEXT) && it.header.rsv == 4;
        },
    ),
    both("rsv2-taken", "accepts RSV2", |r| {
        r.overlooks = |it| it.is(Rule::Rsv, TEXT) && it.header.rsv == 2;
    }),
    both("rsv3-taken", "accepts RSV3", |r| {
        r.overlooks = |it| it.is(Rule::Rsv, TEXT) && it.header.rsv == 1;
    }),
    both(
        "all-rsv-taken",
        "accepts frames with all reserved bits",
        |r| {
            r.overlooks = |it| it.is(Rule::Rsv, TEXT) && it.header.rsv == 7;
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
    compressing(
        "window-of-32-kib",
        "compresses with the largest window whatever was agreed",
        |r| {
            r.deflate.small_windows = false;
        },
    )
    .in_long(WINDOWS),
    compressing(
        "own-context-kept",
        "compresses with context whatever was agreed",
        |r| {
            r.deflate.resets_own_context = false;
            r.deflate.small_windows = false;
        },
    )
    .in_long(WINDOWS),
    compressing(
        "rsv1-on-all-of-long",
        "sets RSV1 in both frames of a long message",
        |r| {
            r.deflate.frames = |len| if_long(len, CompressedFrames::TwoWithRsv1);
        },
    ),
    compressing(
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

/// A fault of a testee that sends its echoes uncompressed, which takes less time.
pub(super) const fn both(
    name: &'static str,
    description: &'static str,
    change: fn(&mut Rules),
) -> Fault {
    Fault::both(name, description, change).on(|rules| {
        agree(rules);
        rules.deflate.compresses = false;
    })
}

const fn compressing(
    name: &'static str,
    description: &'static str,
    change: fn(&mut Rules),
) -> Fault {
    Fault::both(name, description, change).on(agree)
}

fn agree(rules: &mut Rules) {
    rules.deflate.agrees = true;
    rules.deflate.agrees_for_client = true;
}

fn if_long(len: usize, form: CompressedFrames) -> CompressedFrames {
    match len {
        ..1000 => CompressedFrames::One,
        _ => form,
    }
}
