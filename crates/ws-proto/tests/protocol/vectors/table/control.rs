//! Rows about Pings, Pongs and Closes.

use ws_proto::{CloseCode, ProtocolError::*};

use super::{FINE, HELLO, KOSME, NON_TEXT, Table, closed, ping, pong, text};
use crate::support::{
    CLOSE, FIN, PING, PONG,
    Seen::{self, Close, Ping},
    TEXT, Wire,
};

pub(super) fn group_2_pings(t: &mut Table) {
    let payloads = [b"", HELLO.as_bytes(), NON_TEXT, &[0xfe; 125]];
    for (x, payload) in (1..).zip(payloads) {
        let events = [Ping(payload.to_vec())];
        t.both(
            format!("2.{x}"),
            |w| w.frame(FIN | PING, payload),
            &events,
            FINE,
        );
    }
    t.both(
        "2.5",
        |w| w.frame(FIN | PING, &[0xfe; 126]),
        &[],
        ControlTooLong,
    );
    for (x, payload) in [(7, ""), (8, "unsolicited pong payload")] {
        t.both(
            format!("2.{x}"),
            |w| {
                w.frame(FIN | PONG, payload.as_bytes());
                w.close(1000, b"");
            },
            &[pong(payload), closed(1000, "")],
            FINE,
        );
    }
    t.both(
        "2.9",
        |w| {
            w.frame(FIN | PONG, b"unsolicited pong payload");
            w.frame(FIN | PING, b"ping payload");
        },
        &[pong("unsolicited pong payload"), ping("ping payload")],
        FINE,
    );
    let payloads: Vec<String> = (0..10).map(|i| format!("payload-{i}")).collect();
    let events: Vec<Seen> = payloads.iter().map(|payload| ping(payload)).collect();
    t.both(
        "2.10",
        |w| {
            for payload in &payloads {
                w.frame(FIN | PING, payload.as_bytes());
            }
        },
        &events,
        FINE,
    );
}

pub(super) fn group_7_closing(t: &mut Table) {
    let normal = [closed(1000, "")];
    t.both(
        "7.1.1",
        |w| {
            w.text("Hello World!");
            w.close(1000, b"");
        },
        &[text("Hello World!"), closed(1000, "")],
        FINE,
    );
    type Script = fn(&mut Wire);
    let followers: [(u8, Script); 3] = [
        (2, |w| w.frame(FIN | CLOSE, b"")),
        (3, |w| w.frame(FIN | PING, b"")),
        (4, |w| w.text("Hello World!")),
    ];
    for (x, follower) in followers {
        t.both(
            format!("7.1.{x}"),
            |w| {
                w.close(1000, b"");
                follower(w);
            },
            &normal,
            FINE,
        );
    }
    t.both(
        "7.1.5",
        |w| {
            w.frame(TEXT, b"fragment1");
            w.close(1000, b"");
            w.frame(FIN, b"fragment2");
        },
        &normal,
        FINE,
    );
    let long = "BAsd7&jh23".repeat(26_215)[..262_144].to_owned();
    t.both(
        "7.1.6",
        |w| {
            w.text(&long);
            w.text("Hello World!");
            w.close(1000, b"");
            w.frame(FIN | PING, b"");
        },
        &[text(&long), text("Hello World!"), closed(1000, "")],
        FINE,
    );
    t.both("7.3.1", |w| w.frame(FIN | CLOSE, b""), &[Close(None)], FINE);
    t.both("7.3.2", |w| w.frame(FIN | CLOSE, b"a"), &[], CloseTooShort);
    t.both("7.3.3", |w| w.close(1000, b""), &normal, FINE);
    for (x, reason) in [(4, "Hello World!".to_owned()), (5, "*".repeat(123))] {
        t.both(
            format!("7.3.{x}"),
            |w| w.close(1000, reason.as_bytes()),
            &[closed(1000, &reason)],
            FINE,
        );
    }
    t.both(
        "7.3.6",
        |w| w.close(1000, &[b'*'; 124]),
        &[],
        ControlTooLong,
    );
    let surrogate = [KOSME, b"\xed\xa0\x80edited"].concat();
    t.both(
        "7.5.1",
        |w| w.close(1000, &surrogate),
        &[],
        CloseReasonNotUtf8,
    );
}

/// Adds rows for the rules of RFC 6455 §5.5.1 and §7.4. The rows cover groups 7.7, 7.9 and 7.13 of
/// the AutobahnTestSuite, and cases that the suite does not have.
pub(super) fn close_rules(t: &mut Table) {
    for code in [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000,
        4999,
    ] {
        let name = format!("close code {code}");
        t.both(name, |w| w.close(code, b""), &[closed(code, "")], FINE);
    }
    for code in [
        0, 1, 998, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2998, 2999, 5000, 65535,
    ] {
        let name = format!("close code {code}");
        let error = InvalidCloseCode(CloseCode::new(code));
        t.both(name, |w| w.close(code, b"\xff"), &[], error);
    }
    for reason in [&b"\xce"[..], b"a\xc0\xaf", b"\xed\xa0\x80", b"\xff"] {
        let name = format!("close reason {reason:02x?}");
        t.both(name, |w| w.close(1000, reason), &[], CloseReasonNotUtf8);
    }
    let reason = "€".repeat(41);
    let events = [closed(4000, &reason)];
    t.both(
        "a reason of the greatest length",
        |w| w.close(4000, reason.as_bytes()),
        &events,
        FINE,
    );
    t.both(
        "violations after a Close",
        |w| {
            w.frame(FIN | CLOSE, b"");
            w.frame(0x7f, b"x");
            w.raw(&[0xff; 300]);
        },
        &[Close(None)],
        FINE,
    );
    t.both(
        "a violation after Pings",
        |w| {
            w.frame(FIN | PING, b"1");
            w.frame(FIN | PING, b"2");
            w.frame(FIN | 3, b"");
            w.close(1000, b"");
        },
        &[ping("1"), ping("2")],
        ReservedOpcode(3),
    );
}
