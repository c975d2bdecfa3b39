//! Rows about frame headers: reserved bits, reserved opcodes, lengths, masks and the order of
//! frames.

use ws_proto::{ProtocolError, ProtocolError::*, Role};

use super::{FINE, HELLO, NON_TEXT, Table, ping, pong, text};
use crate::support::{BINARY, CLOSE, FIN, PING, PONG, Seen::Binary, TEXT, Wire, frames_from};

/// Adds the examples of RFC 6455 §5.7.
pub(super) fn rfc_samples(t: &mut Table) {
    let hello = [text("Hello")];
    t.row(
        "unmasked text",
        Role::Client,
        b"\x81\x05Hello",
        &hello,
        FINE,
    );
    let masked = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    t.row("masked text", Role::Server, masked, &hello, FINE);
    let fragments = b"\x01\x03Hel\x80\x02lo";
    t.row("fragments", Role::Client, fragments, &hello, FINE);
    let pinged = [ping("Hello")];
    t.row("ping", Role::Client, b"\x89\x05Hello", &pinged, FINE);
    let masked = b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    t.row("masked pong", Role::Server, masked, &[pong("Hello")], FINE);
    for (name, header, len) in [
        ("256 bytes", &b"\x82\x7e\x01\x00"[..], 256),
        ("64 KiB", b"\x82\x7f\0\0\0\0\0\x01\0\0", 65536),
    ] {
        let payload = vec![0xa5; len];
        let input = [header, &payload].concat();
        t.row(name, Role::Client, &input, &[Binary(payload)], FINE);
    }
}

/// Adds rows that break the rules of RFC 6455 §5.1, §5.2, §5.4 and §5.5. Most rules are broken in
/// two rows: at the start of the input, and after two messages.
pub(super) fn header_rules(t: &mut Table) {
    for before in [0, 2] {
        let good = vec![text("good"); before];
        let lead = |w: &mut Wire| (0..before).for_each(|_| w.text("good"));
        let mut both = |name: &str, script: &dyn Fn(&mut Wire), error: ProtocolError| {
            let name = format!("{name} after {before} messages");
            t.both(
                name,
                |w| {
                    lead(w);
                    script(w);
                },
                &good,
                error,
            );
        };
        for len in [0, 5, 125] {
            let long = u16::to_be_bytes(len);
            both(
                "a 16-bit length below 126",
                &|w| w.header(FIN | TEXT, 126, &long),
                NonMinimalLength,
            );
        }
        for len in [0, 5, 125, 126, 65535] {
            let long = u64::to_be_bytes(len);
            both(
                "a 64-bit length below 65536",
                &|w| w.header(FIN | BINARY, 127, &long),
                NonMinimalLength,
            );
        }
        for len in [1 << 63, u64::MAX] {
            let long = len.to_be_bytes();
            both(
                "a length of 2^63 or more",
                &|w| w.header(FIN | BINARY, 127, &long),
                LengthOutOfRange,
            );
        }
        for opcode in [PING, PONG, CLOSE] {
            both(
                "a control frame without FIN",
                &|w| w.frame(opcode, b""),
                FragmentedControl,
            );
            both(
                "a control frame with a 16-bit length",
                &|w| w.header(FIN | opcode, 126, &[0, 5]),
                ControlTooLong,
            );
            both(
                "a control frame with a 64-bit length",
                &|w| w.header(FIN | opcode, 127, &[0, 0, 0, 0, 0, 0, 0, 5]),
                ControlTooLong,
            );
            for rsv in [0x10, 0x20, 0x40, 0x70] {
                both(
                    "reserved bits on a control frame",
                    &|w| w.frame(FIN | rsv | opcode, b""),
                    ReservedBits,
                );
            }
        }
        both(
            "a continuation without a message",
            &|w| w.frame(FIN, b"x"),
            UnexpectedContinuation,
        );
        both(
            "a binary frame inside a text message",
            &|w| {
                w.frame(TEXT, b"a");
                w.frame(FIN | BINARY, b"b");
            },
            ExpectedContinuation,
        );
        both(
            "a text frame inside a binary message",
            &|w| {
                w.frame(BINARY, b"a");
                w.frame(TEXT, b"b");
            },
            ExpectedContinuation,
        );
        both(
            "reserved bits on a continuation",
            &|w| {
                w.frame(TEXT, b"a");
                w.frame(FIN | 0x40, b"b");
            },
            ReservedBits,
        );
        for opcode in (3..=7).chain(11..=15) {
            both(
                "a reserved opcode between fragments",
                &|w| {
                    w.frame(TEXT, b"a");
                    w.frame(FIN | opcode, b"");
                    w.frame(FIN, b"b");
                },
                ReservedOpcode(opcode),
            );
        }
    }
    t.both(
        "a new message after a control frame inside a message",
        |w| {
            w.frame(BINARY, b"a");
            w.frame(FIN | PONG, b"");
            w.frame(BINARY, b"b");
        },
        &[pong("")],
        ExpectedContinuation,
    );
    for (name, first) in [("text", TEXT), ("ping", PING), ("close", CLOSE)] {
        let frame = |w: &mut Wire| w.frame(FIN | first, b"");
        let [unmasked, masked] = [Role::Server, Role::Client].map(|role| frames_from(role, frame));
        let name = format!("{name} with the wrong mask bit");
        t.row(&name, Role::Server, &unmasked, &[], UnmaskedFrame);
        t.row(&name, Role::Client, &masked, &[], MaskedFrame);
    }
    let input = frames_from(Role::Client, |w| {
        w.frame(TEXT, b"masked");
        w.raw(b"\x80\x01x");
    });
    let name = "an unmasked continuation";
    t.row(name, Role::Server, &input, &[], UnmaskedFrame);
    let zero = b"\x81\x82\0\0\0\0ab\x82\x84abcdabcd";
    let events = [text("ab"), Binary(vec![0; 4])];
    t.row(
        "a key of zeros, and a key that equals the payload",
        Role::Server,
        zero,
        &events,
        FINE,
    );
}

pub(super) fn group_3_reserved_bits(t: &mut Table) {
    let hello = HELLO.as_bytes();
    t.both(
        "3.1",
        |w| w.frame(FIN | 0x10 | TEXT, hello),
        &[],
        ReservedBits,
    );
    for (x, rsv) in [(2, 0x20), (3, 0x30), (4, 0x40)] {
        t.both(
            format!("3.{x}"),
            |w| {
                w.text(HELLO);
                w.frame(FIN | rsv | TEXT, hello);
                w.frame(FIN | PING, b"");
            },
            &[text(HELLO)],
            ReservedBits,
        );
    }
    t.both(
        "3.5",
        |w| w.frame(FIN | 0x50 | BINARY, NON_TEXT),
        &[],
        ReservedBits,
    );
    t.both(
        "3.6",
        |w| w.frame(FIN | 0x60 | BINARY, hello),
        &[],
        ReservedBits,
    );
    t.both(
        "3.7",
        |w| w.frame(FIN | 0x70 | CLOSE, b""),
        &[],
        ReservedBits,
    );
}

pub(super) fn group_4_reserved_opcodes(t: &mut Table) {
    for (group, base) in [(1, 2), (2, 10)] {
        for x in 1..=5 {
            let opcode = base + x;
            let payload = match x {
                1 | 3 => "",
                2 => "reserved opcode payload",
                _ => HELLO,
            };
            let first = [text(HELLO)];
            let events = if x < 3 { &[][..] } else { &first };
            t.both(
                format!("4.{group}.{x}"),
                |w| {
                    if x < 3 {
                        w.frame(FIN | opcode, payload.as_bytes());
                    } else {
                        w.text(HELLO);
                        w.frame(FIN | opcode, payload.as_bytes());
                        w.frame(FIN | PING, b"");
                    }
                },
                events,
                ReservedOpcode(opcode),
            );
        }
    }
}
