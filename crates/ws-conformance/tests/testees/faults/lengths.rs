//! Faults in lengths and limits (23.1, 23.5).

use crate::testees::Fault;
use crate::testees::codec::{CLOSE, PING};
use crate::testees::message::Message;
use crate::testees::rules::{PROTOCOL_ERROR, Reaction, Rule, Stop, TOO_BIG, close_payload};

const MIB: u64 = 1 << 20;
const TIB: u64 = 1 << 40;
const LIMITS: &[&str] = &["23.5.1", "23.5.2"];

pub(in crate::testees) const FAULTS: &[Fault] = &[
    Fault::both(
        "data-length-in-16-bits",
        "accepts short lengths in 16 bits in data frames",
        |r| {
            r.overlooks = |it| {
                it.rule == Rule::ShortestLength
                    && it.header.len_bits == 16
                    && !it.header.is_control()
            };
        },
    ),
    Fault::both(
        "length-125-in-16-bits",
        "accepts the length 125 in 16 bits",
        |r| {
            r.overlooks = |it| it.rule == Rule::ShortestLength && it.header.payload_len == 125;
        },
    ),
    Fault::both(
        "data-length-in-64-bits",
        "accepts short lengths in 64 bits in data frames",
        |r| {
            r.overlooks = |it| {
                it.rule == Rule::ShortestLength
                    && it.header.len_bits == 64
                    && !it.header.is_control()
            };
        },
    ),
    Fault::both(
        "length-65535-in-64-bits",
        "accepts the length 65535 in 64 bits",
        |r| {
            r.overlooks = |it| it.rule == Rule::ShortestLength && it.header.payload_len == 65_535;
        },
    ),
    Fault::both(
        "control-length-in-16-bits",
        "accepts control frames with lengths in 16 bits",
        |r| {
            r.overlooks = |it| it.is_of_control(Rule::ShortestLength) && it.header.len_bits == 16;
        },
    ),
    Fault::both(
        "control-length-in-64-bits",
        "accepts control frames with lengths in 64 bits",
        |r| {
            r.overlooks = |it| it.is_of_control(Rule::ShortestLength) && it.header.len_bits == 64;
        },
    ),
    Fault::both(
        "highest-bit-unchecked",
        "waits for payloads with lengths whose highest bit is set",
        |r| {
            r.overlooks = |it| {
                let is_set = it.header.payload_len >> 63 == 1;
                it.rule == Rule::HighestBit || it.rule == Rule::Limit && is_set
            };
        },
    ),
    Fault::both(
        "lengths-cut-to-32-bits",
        "reads 32 bits of lengths in 64 bits",
        |r| {
            r.long_length = |bytes| u64::from_be_bytes(bytes) & u64::from(u32::MAX);
        },
    ),
    Fault::both(
        "long-pings-taken",
        "accepts Pings of more than 125 bytes",
        |r| {
            r.overlooks = |it| it.is(Rule::ControlLength, PING);
            r.pong = |payload| payload.truncate(125);
        },
    ),
    Fault::both(
        "long-closes-taken",
        "accepts Close frames of more than 125 bytes",
        |r| {
            r.overlooks = |it| it.is(Rule::ControlLength, CLOSE);
        },
    ),
    Fault::both(
        "no-limit",
        "waits for as many bytes as a header announces",
        |r| {
            r.overlooks = |it| it.rule == Rule::Limit;
        },
    ),
    Fault::both("cuts-4097-bytes", "loses the last of 4097 bytes", |r| {
        r.at_message = |message| cut(message, 4097);
    }),
    Fault::both("cuts-32769-bytes", "loses the last of 32769 bytes", |r| {
        r.at_message = |message| cut(message, 32_769);
    }),
    Fault::both("cuts-65537-bytes", "loses the last of 65537 bytes", |r| {
        r.at_message = |message| cut(message, 65_537);
    }),
    Fault::both(
        "limit-closes-1002",
        "closes with 1002 where 1009 is due",
        |r| {
            r.max_message = 2 * MIB;
            r.close = |stop| match stop {
                Stop::Violation(TOO_BIG) => PROTOCOL_ERROR.to_be_bytes().to_vec(),
                other => close_payload(other),
            };
        },
    )
    .in_long(LIMITS),
    Fault::both("limit-ignores", "ignores messages that are too long", |r| {
        r.overlooks = |it| it.rule == Rule::Limit && it.header.payload_len < TIB;
        r.at_message = |message| match message.len {
            ..=MIB => Reaction::Right,
            _ => Reaction::Ignore,
        };
    })
    .in_long(LIMITS),
    Fault::server(
        "dies-of-a-tebibyte",
        "ends where a header announces 1 TiB",
        |r| {
            r.overlooks = |it| it.rule == Rule::Limit && it.header.payload_len == TIB;
            r.at_header = |header| match header.payload_len {
                TIB => Reaction::Die,
                _ => Reaction::Right,
            };
        },
    ),
];

fn cut(message: &mut Message, len: u64) -> Reaction {
    if message.len == len {
        message.payload().pop();
    }
    Reaction::Right
}
