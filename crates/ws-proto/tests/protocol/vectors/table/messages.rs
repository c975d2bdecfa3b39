//! Rows about messages: their lengths, their fragments, and the limits on both.

use ws_proto::{Config, LimitError, MAX_FRAGMENTS, ProtocolError::*, Role};

use super::{FINE, HELLO, Table, closed, ping, pong, text};
use crate::support::{
    BINARY, CONTINUATION, FIN, PING, PONG,
    Seen::{Binary, Ping, Text},
    TEXT, Wire, frames_from,
};

pub(super) fn limits(t: &mut Table) {
    let config = Config::default().max_frame(100).max_message(150);
    let exact = |w: &mut Wire| {
        w.frame(FIN | BINARY, &[7; 100]);
        w.frame(TEXT, &[b'a'; 100]);
        w.frame(FIN | PING, &[b'p'; 125]);
        w.frame(CONTINUATION, &[b'a'; 50]);
        w.frame(FIN, b"");
    };
    let exact_events = [
        Binary(vec![7; 100]),
        Ping(vec![b'p'; 125]),
        Text("a".repeat(150)),
    ];
    t.limited(
        "lengths that reach the limits",
        &config,
        exact,
        &exact_events,
        FINE,
    );
    let error = LimitError::FrameTooLong {
        len: 101,
        limit: 100,
    };
    t.limited(
        "a frame over the limit",
        &config,
        |w| {
            exact(w);
            w.frame(FIN | BINARY, &[7; 101]);
        },
        &exact_events,
        error,
    );
    let error = LimitError::MessageTooLong {
        len: 151,
        limit: 150,
    };
    t.limited(
        "a message over the limit",
        &config,
        |w| {
            exact(w);
            w.frame(BINARY, &[7; 100]);
            w.frame(CONTINUATION, b"");
            w.frame(FIN, &[7; 51]);
        },
        &exact_events,
        error,
    );
    let len = i64::MAX as u64;
    let limit = 16 << 20;
    t.both(
        "an announced length of 2^63 - 1",
        |w| w.header(FIN | TEXT, 127, &len.to_be_bytes()),
        &[],
        LimitError::MessageTooLong { len, limit },
    );
    let input = frames_from(Role::Server, |w| {
        w.frame(TEXT, b"a");
        for _ in 1..MAX_FRAGMENTS {
            w.frame(CONTINUATION, b"");
        }
        w.frame(FIN, b"");
    });
    let name = "one fragment too many";
    let error = LimitError::TooManyFragments;
    t.row(name, Role::Client, &input, &[], error);
}

pub(super) fn group_1_framing(t: &mut Table) {
    let lens = [0, 125, 126, 127, 128, 65535, 65536, 65536];
    for (x, len) in (1..).zip(lens) {
        let stars = "*".repeat(len);
        t.both(
            format!("1.1.{x}"),
            |w| w.text(&stars),
            &[text(&stars)],
            FINE,
        );
        let bytes = vec![0xfe; len];
        t.both(
            format!("1.2.{x}"),
            |w| w.frame(FIN | BINARY, &bytes),
            &[Binary(bytes.clone())],
            FINE,
        );
    }
}

pub(super) fn group_5_fragments(t: &mut Table) {
    for (x, opcode) in [(1, PING), (2, PONG)] {
        t.both(
            format!("5.{x}"),
            |w| {
                w.frame(opcode, b"fragment1");
                w.frame(FIN, b"fragment2");
            },
            &[],
            FragmentedControl,
        );
    }
    let whole = text("fragment1fragment2");
    t.both(
        "5.3",
        |w| {
            w.frame(TEXT, b"fragment1");
            w.frame(FIN, b"fragment2");
        },
        std::slice::from_ref(&whole),
        FINE,
    );
    t.both(
        "5.6",
        |w| {
            w.frame(TEXT, b"fragment1");
            w.frame(FIN | PING, b"ping payload");
            w.frame(FIN, b"fragment2");
        },
        &[ping("ping payload"), whole.clone()],
        FINE,
    );
    for (name, fin) in [("5.9", FIN), ("5.12", 0)] {
        t.both(
            name,
            |w| {
                w.frame(fin, b"non-continuation payload");
                w.text(HELLO);
            },
            &[],
            UnexpectedContinuation,
        );
    }
    t.both(
        "5.15",
        |w| {
            w.frame(TEXT, b"fragment1");
            w.frame(FIN, b"fragment2");
            w.frame(CONTINUATION, b"fragment3");
            w.frame(FIN | TEXT, b"fragment4");
        },
        std::slice::from_ref(&whole),
        UnexpectedContinuation,
    );
    for (name, fin) in [("5.16", 0), ("5.17", FIN)] {
        t.both(
            name,
            |w| {
                for _ in 0..2 {
                    w.frame(fin, b"fragment1");
                    w.frame(TEXT, b"fragment2");
                    w.frame(FIN, b"fragment3");
                }
            },
            &[],
            UnexpectedContinuation,
        );
    }
    t.both(
        "5.18",
        |w| {
            w.frame(TEXT, b"fragment1");
            w.frame(FIN | TEXT, b"fragment2");
        },
        &[],
        ExpectedContinuation,
    );
    t.both(
        "5.19",
        |w| {
            w.frame(TEXT, b"fragment1");
            w.frame(CONTINUATION, b"fragment2");
            w.frame(FIN | PING, b"pongme 1!");
            w.frame(CONTINUATION, b"fragment3");
            w.frame(CONTINUATION, b"fragment4");
            w.frame(FIN | PING, b"pongme 2!");
            w.frame(FIN, b"fragment5");
        },
        &[
            ping("pongme 1!"),
            ping("pongme 2!"),
            text("fragment1fragment2fragment3fragment4fragment5"),
        ],
        FINE,
    );
    t.both(
        "Pings and Pongs between fragments of one byte, and a Close",
        |w| {
            for (i, byte) in b"fragments".iter().enumerate() {
                w.frame(if i == 0 { BINARY } else { CONTINUATION }, &[*byte]);
                w.frame(FIN | PING, &[i as u8]);
                w.frame(FIN | PONG, b"");
            }
            w.frame(FIN, b"");
            w.close(1001, b"bye");
        },
        &(0..9)
            .flat_map(|i| [Ping(vec![i]), pong("")])
            .chain([Binary(b"fragments".to_vec()), closed(1001, "bye")])
            .collect::<Vec<_>>(),
        FINE,
    );
}

pub(super) fn group_10_long_message(t: &mut Table) {
    let stars = "*".repeat(65536);
    t.both(
        "10.1.1",
        |w| w.fragments(TEXT, stars.as_bytes(), 1300),
        &[text(&stars)],
        FINE,
    );
}
