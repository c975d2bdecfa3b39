//! Faults under load (27).

use crate::testees::Fault;
use crate::testees::codec::PING;
use crate::testees::message::{Message, alter};
use crate::testees::rules::{Reaction, Rules};

const MIB: u64 = 1 << 20;
/// The longest messages of 27.6.
const SHORT: u64 = 4096;
/// The long cases that take little.
const MOST: &[&str] = &["27.1", "27.2"];
const CROWD: &[&str] = &["27.1", "27.2", "27.3", "27.4"];
const PINGS: &[&str] = &["27.1", "27.2", "27.4", "27.5"];
const LONG: &[&str] = &["27.1", "27.2", "27.5"];

pub(in crate::testees) const CORRECT: Fault = patient(Fault::both(
    "patient",
    "correct: waits long for its output to be read",
    |_| {},
));

pub(in crate::testees) const FAULTS: &[Fault] = &[
    patient(Fault::server(
        "one-at-a-time",
        "serves one connection after the other",
        |r| {
            r.one_at_a_time = true;
        },
    ))
    .in_long(CROWD),
    patient(Fault::both(
        "impatient",
        "ends TCP if a frame stops for 0.6 s",
        |r| {
            r.frame_patience_ms = 600;
        },
    ))
    .in_long(MOST),
    patient(Fault::both(
        "unread-output-lost",
        "loses some output after output that had to wait",
        |r| {
            r.loses_output = true;
        },
    ))
    .in_long(MOST),
    patient(Fault::both(
        "unread-output-drops",
        "ends TCP if there is no room for 0.1 s",
        |r| {
            r.write_patience_ms = 100;
        },
    ))
    .in_long(PINGS),
    patient(Fault::both(
        "stops-reading",
        "stops for 20 s after 20 messages of 64 KiB",
        |r| {
            r.at_message = |message| match (message.number, message.len) {
                (20, 65_536) => Reaction::Late(20_000),
                _ => Reaction::Right,
            };
        },
    ))
    .in_long(MOST),
    patient(Fault::server(
        "500-connections",
        "drops more than 500 connections",
        |r| {
            r.max_connections = 500;
        },
    ))
    .in_long(CROWD),
    patient(Fault::server(
        "dies-of-500",
        "ends at more than 500 connections",
        |r| {
            r.max_connections = 500;
            r.at_overload = Reaction::Die;
        },
    ))
    .in_long(CROWD),
    patient(Fault::both(
        "1000-pongs-only",
        "answers nothing but the first 1000 Pings",
        |r| {
            r.at_frame = |frame| match (frame.header.opcode, frame.number) {
                (PING, 1000..) => Reaction::Ignore,
                _ => Reaction::Right,
            };
        },
    ))
    .in_long(PINGS),
    patient(Fault::both(
        "corrupts-8-mib",
        "changes one byte beyond 4 MiB",
        |r| {
            r.at_message = |message| {
                if message.len > 5 * MIB {
                    message.payload()[4_500_000] ^= 1;
                }
                Reaction::Right
            };
        },
    ))
    .in_long(LONG),
    patient(Fault::both(
        "loses-a-fragment",
        "loses one of many fragments",
        |r| {
            r.at_message = |message| {
                if message.fragments.len() > 500 {
                    message.fragments.remove(500);
                }
                Reaction::Right
            };
        },
    ))
    .in_long(LONG),
    patient(Fault::both(
        "loses-one-in-flight",
        "loses one of many messages",
        |r| {
            r.at_message = |message| one_of_many(message, Reaction::Ignore);
        },
    ))
    .in_long(MOST),
    patient(Fault::both(
        "swaps-two-in-flight",
        "swaps two of many messages",
        |r| {
            r.at_message = |message| one_of_many(message, Reaction::HoldBack);
        },
    ))
    .in_long(MOST),
    patient(Fault::both(
        "repeats-one-in-flight",
        "echoes one of many messages twice",
        |r| {
            r.at_message = |message| one_of_many(message, Reaction::Repeat);
        },
    ))
    .in_long(MOST),
    patient(Fault::both(
        "alters-one-in-flight",
        "changes one of many messages",
        |r| {
            r.at_message = |message| {
                if one_of_many(message, Reaction::Ignore) == Reaction::Ignore {
                    alter(message);
                }
                Reaction::Right
            };
        },
    ))
    .in_long(MOST),
];

/// A testee that waits long for its output to be read.
const fn patient(fault: Fault) -> Fault {
    fault.on(|rules: &mut Rules| rules.write_patience_ms = 30_000)
}

fn one_of_many(message: &mut Message, reaction: Reaction) -> Reaction {
    match (message.number, message.len) {
        (777, ..=SHORT) => reaction,
        _ => Reaction::Right,
    }
}
