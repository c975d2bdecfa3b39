//! Faults in opcodes, fragments, reserved bits and segments (23.3, 23.4).

use crate::testees::Fault;
use crate::testees::codec::{self, BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT};
use crate::testees::message::Message;
use crate::testees::rules::{AtEnd, PROTOCOL_ERROR, Pongs, Reaction, Rule};

const MIB: u64 = 1 << 20;
/// More than the texts that any case but 23.4.2 sends.
const MANY: usize = 700;
const MANY_FRAGMENTS: &[&str] = &["23.4.4"];

pub(in crate::testees) const FAULTS: &[Fault] = &[
    Fault::both(
        "opcodes-3-to-7-ignored",
        "ignores frames with opcodes 3 to 7",
        |r| {
            r.overlooks = |it| it.rule == Rule::Opcode && it.header.opcode < CLOSE;
        },
    ),
    Fault::both(
        "opcodes-11-to-15-ignored",
        "ignores frames with opcodes 11 to 15",
        |r| {
            r.overlooks = |it| it.is_of_control(Rule::Opcode);
        },
    ),
    Fault::both(
        "opcodes-ignored-between-fragments",
        "ignores opcodes between fragments",
        |r| {
            r.overlooks = |it| it.rule == Rule::Opcode && it.fragment.is_some();
        },
    ),
    Fault::both(
        "opcodes-ignored-outside-messages",
        "ignores opcodes outside messages",
        |r| {
            r.overlooks = |it| it.rule == Rule::Opcode && it.fragment.is_none();
        },
    ),
    Fault::both(
        "binary-within-text-taken",
        "accepts a binary message within a text",
        |r| {
            r.overlooks = |it| it.is(Rule::Order, BINARY);
        },
    ),
    Fault::both(
        "text-within-binary-taken",
        "accepts a text within a binary message",
        |r| {
            r.overlooks = |it| it.is(Rule::Order, TEXT);
        },
    ),
    Fault::both(
        "first-continuation-taken",
        "mistakes a stray continuation for a text",
        |r| {
            r.overlooks = |it| it.is(Rule::Order, CONTINUATION);
        },
    ),
    Fault::both(
        "pings-without-fin-taken",
        "accepts Pings without FIN",
        |r| {
            r.overlooks = |it| it.is(Rule::ControlFin, PING);
        },
    ),
    Fault::both(
        "closes-without-fin-taken",
        "accepts Closes without FIN",
        |r| {
            r.overlooks = |it| it.is(Rule::ControlFin, CLOSE);
        },
    ),
    Fault::both(
        "rsv-of-pings-unchecked",
        "accepts Pings with reserved bits",
        |r| {
            r.overlooks = |it| it.is(Rule::Rsv, PING);
        },
    ),
    Fault::both(
        "rsv-of-pongs-unchecked",
        "accepts Pongs with reserved bits",
        |r| {
            r.overlooks = |it| it.is(Rule::Rsv, PONG);
        },
    ),
    Fault::both(
        "rsv-of-closes-unchecked",
        "accepts Closes with reserved bits",
        |r| {
            r.overlooks = |it| it.is(Rule::Rsv, CLOSE);
        },
    ),
    Fault::both(
        "needs-whole-headers",
        "fails where a header comes in two segments",
        |r| {
            r.needs_whole_headers = true;
        },
    ),
    Fault::both("loses-one-of-many", "loses one of many texts", |r| {
        r.at_message = |message| one_of_many(message, Reaction::Ignore);
    }),
    Fault::both("swaps-two-of-many", "swaps two of many texts", |r| {
        r.at_message = |message| one_of_many(message, Reaction::HoldBack);
    }),
    Fault::both(
        "repeats-one-of-many",
        "echoes one of many texts twice",
        |r| {
            r.at_message = |message| one_of_many(message, Reaction::Repeat);
        },
    ),
    Fault::both(
        "corrupts-a-mebibyte",
        "changes one byte of messages from 1 MiB",
        |r| {
            r.at_message = |message| {
                if message.len >= MIB {
                    message.payload()[700_000] ^= 1;
                }
                Reaction::Right
            };
        },
    ),
    Fault::server(
        "mask-restarts",
        "begins with the key anew at each read after 64 KiB",
        |r| {
            r.unmask = |payload, mut how| {
                if how.offset > 0xffff {
                    how.offset = 0;
                }
                codec::unmask(payload, how);
            };
        },
    ),
    Fault::both(
        "many-fragments-fail",
        "fails at the thousandth fragment",
        |r| {
            r.at_frame = |frame| match frame.fragment {
                Some(1000..) => Reaction::Fail(PROTOCOL_ERROR),
                _ => Reaction::Right,
            };
        },
    )
    .in_long(MANY_FRAGMENTS),
    Fault::both(
        "many-fragments-ignored",
        "ignores messages of more than 1000 fragments",
        |r| {
            r.at_message = |message| match message.fragments.len() {
                1001.. => Reaction::Ignore,
                _ => Reaction::Right,
            };
        },
    )
    .in_long(MANY_FRAGMENTS),
    Fault::both(
        "first-pong-only",
        "answers nothing but the first Ping",
        |r| {
            r.at_frame = |frame| match (frame.header.opcode, frame.number) {
                (PING, 1..) => Reaction::Ignore,
                _ => Reaction::Right,
            };
        },
    ),
    Fault::both(
        "fifty-pongs-only",
        "answers nothing but the first 50 Pings",
        |r| {
            r.at_frame = |frame| match (frame.header.opcode, frame.number) {
                (PING, 50..) => Reaction::Ignore,
                _ => Reaction::Right,
            };
        },
    ),
    Fault::both("swapped-pongs", "swaps Pongs", |r| r.pongs = Pongs::Swapped),
    Fault::both(
        "pong-after-message",
        "answers a Ping after the next message",
        |r| {
            r.pongs = Pongs::AfterData;
        },
    ),
    Fault::both("pong-after-3-seconds", "answers a Ping after 3 s", |r| {
        r.pongs = Pongs::AfterMillis(3000);
    }),
    Fault::both(
        "pings-end-messages",
        "loses the message in which a Ping comes",
        |r| {
            r.at_frame = |frame| match frame.header.opcode {
                PING => Reaction::ForgetMessage,
                _ => Reaction::Right,
            };
        },
    ),
    Fault::both(
        "pongs-end-messages",
        "loses the message in which a Pong comes",
        |r| {
            r.at_frame = |frame| match frame.header.opcode {
                PONG => Reaction::ForgetMessage,
                _ => Reaction::Right,
            };
        },
    ),
    Fault::both(
        "half-frames-taken",
        "accepts a frame that TCP cuts off as complete",
        |r| {
            r.at_end = AtEnd::Complete;
        },
    ),
    Fault::both("half-frames-ignored", "ignores the end of TCP", |r| {
        r.at_end = AtEnd::Stay
    }),
    Fault::server(
        "dies-of-a-reset",
        "ends where TCP is reset within a frame",
        |r| {
            r.dies_of_reset = true;
            r.accept_delay_ms = 50;
        },
    ),
];

fn one_of_many(message: &mut Message, reaction: Reaction) -> Reaction {
    match (message.opcode, message.number) {
        (TEXT, MANY) => reaction,
        _ => Reaction::Right,
    }
}
