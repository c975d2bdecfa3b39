//! Rows about UTF-8 in text messages.

use ws_proto::ProtocolError::*;

use super::{FINE, KOSME, Table, ping, text};
use crate::support::{
    BINARY, CONTINUATION, FIN, PING, PONG,
    Seen::{self, Binary, Ping, Pong, Text},
    TEXT,
};

pub(super) fn group_6_utf8(t: &mut Table) {
    t.both("6.1.1", |w| w.text(""), &[text("")], FINE);
    t.both(
        "6.1.2",
        |w| {
            w.frame(TEXT, b"");
            w.frame(CONTINUATION, b"");
            w.frame(FIN, b"");
        },
        &[text("")],
        FINE,
    );
    t.both(
        "6.1.3",
        |w| {
            w.frame(TEXT, b"");
            w.frame(CONTINUATION, b"middle frame payload");
            w.frame(FIN, b"");
        },
        &[text("middle frame payload")],
        FINE,
    );
    let mixed = "Hello-µ@ßöäüàá-UTF-8!!".as_bytes();
    let expected = [utf8(mixed)];
    t.both("6.2.1", |w| w.frame(FIN | TEXT, mixed), &expected, FINE);
    t.both(
        "6.2.2",
        |w| {
            w.frame(TEXT, &mixed[..15]);
            w.frame(FIN, &mixed[15..]);
        },
        &expected,
        FINE,
    );
    t.both("6.2.3", |w| w.fragments(TEXT, mixed, 1), &expected, FINE);
    t.both(
        "6.2.4",
        |w| w.fragments(TEXT, KOSME, 1),
        &[utf8(KOSME)],
        FINE,
    );
    let surrogate = [KOSME, b"\xed\xa0\x80edited"].concat();
    t.both(
        "6.3.1",
        |w| w.frame(FIN | TEXT, &surrogate),
        &[],
        InvalidUtf8,
    );
    t.both(
        "6.3.2",
        |w| w.fragments(TEXT, &surrogate, 1),
        &[],
        InvalidUtf8,
    );
    let beyond = [KOSME, b"\xf4\x90\x80\x80edited"].concat();
    for (x, first, second) in [(1, 11, 15), (2, 12, 13)] {
        t.both(
            format!("6.4.{x}"),
            |w| {
                w.frame(TEXT, &beyond[..first]);
                w.frame(CONTINUATION, &beyond[first..second]);
                w.frame(FIN, &beyond[second..]);
            },
            &[],
            InvalidUtf8,
        );
    }
    t.both(
        "6.4.3",
        |w| {
            w.frame(TEXT, &beyond);
            w.frame(FIN, b"");
        },
        &[],
        InvalidUtf8,
    );
    for (name, bytes, valid) in sequences() {
        if valid {
            t.both(name, |w| w.frame(FIN | TEXT, &bytes), &[utf8(&bytes)], FINE);
        } else {
            t.both(name, |w| w.frame(FIN | TEXT, &bytes), &[], InvalidUtf8);
        }
    }
}

/// Returns the name and the bytes of each case in groups 6.5 to 6.23 of the AutobahnTestSuite, and
/// `true` if the bytes are UTF-8.
pub(crate) fn sequences() -> Vec<(String, Vec<u8>, bool)> {
    const VALID: [(&str, &str); 9] = [
        (
            "6.5",
            "68656c6c6f24776f726c64 68656c6c6fc2a2776f726c64 68656c6c6fe282ac776f726c64 \
             68656c6c6ff0a4ada2776f726c64 cebae1bdb9cf83cebcceb5",
        ),
        (
            "6.6",
            "ceba cebae1bdb9 cebae1bdb9cf83 cebae1bdb9cf83cebc cebae1bdb9cf83cebcceb5",
        ),
        ("6.7", "00 c280 e0a080 f0908080"),
        ("6.9", "7f dfbf efbfbf f48fbfbf"),
        ("6.11", "ed9fbf ee8080 efbfbd f48fbfbf"),
        (
            "6.22",
            "efbfbe efbfbf f09fbfbe f09fbfbf f0afbfbe f0afbfbf f0bfbfbe f0bfbfbf f18fbfbe \
             f18fbfbf f19fbfbe f19fbfbf f1afbfbe f1afbfbf f1bfbfbe f1bfbfbf f28fbfbe",
        ),
        (
            "6.22 (higher planes)",
            "f28fbfbf f29fbfbe f29fbfbf f2afbfbe f2afbfbf f2bfbfbe f2bfbfbf f38fbfbe \
             f38fbfbf f39fbfbe f39fbfbf f3afbfbe f3afbfbf f3bfbfbe f3bfbfbf f48fbfbe f48fbfbf",
        ),
        ("6.23", "efbfb9 efbfba efbfbb efbfbc efbfbd"),
        ("6.23 (noncharacters)", "efbfbe efbfbf"),
    ];
    const INVALID: [(&str, &str); 13] = [
        (
            "6.6",
            "ce cebae1 cebae1bd cebae1bdb9cf cebae1bdb9cf83ce cebae1bdb9cf83cebcce",
        ),
        ("6.8", "f888808080 fc8480808080"),
        ("6.10", "f7bfbfbf fbbfbfbfbf fdbfbfbfbfbf"),
        ("6.11", "f4908080"),
        (
            "6.12",
            "80 bf 80bf 80bf80 80bf80bf 80bf80bf80 80bf80bf80bf \
             808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f\
             a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbe",
        ),
        (
            "6.13",
            "c020c120c220c320c420c520c620c720c820c920ca20cb20cc20cd20ce20cf20\
             d020d120d220d320d420d520d620d720d820d920da20db20dc20dd20de20 \
             e020e120e220e320e420e520e620e720e820e920ea20eb20ec20ed20ee20 \
             f020f120f220f320f420f520f620 f820f920fa20 fc20",
        ),
        (
            "6.14",
            "c0 e080 f08080 f8808080 fc80808080 df efbf f7bfbf fbbfbfbf fdbfbfbfbf",
        ),
        (
            "6.15",
            "c0e080f08080f8808080fc80808080dfefbff7bfbffbbfbfbffdbfbfbfbf",
        ),
        ("6.16", "fe ff fefeffff"),
        ("6.17", "c0af e080af f08080af f8808080af fc80808080af"),
        ("6.18", "c1bf e09fbf f08fbfbf f887bfbfbf fc83bfbfbfbf"),
        ("6.19", "c080 e08080 f0808080 f880808080 fc8080808080"),
        (
            "6.20 and 6.21",
            "eda080 edadbf edae80 edafbf edb080 edbe80 edbfbf eda080edb080 eda080edbfbf \
             edadbfedb080 edadbfedbfbf edae80edb080 edae80edbfbf edafbfedb080 edafbfedbfbf",
        ),
    ];
    let rows = |table: &[(&str, &str)], valid: bool| -> Vec<(String, Vec<u8>, bool)> {
        let mut rows = Vec::new();
        for (group, list) in table {
            for digits in list.split_whitespace() {
                rows.push((format!("{group}: {digits}"), hex(digits), valid));
            }
        }
        rows
    };
    [rows(&VALID, true), rows(&INVALID, false)].concat()
}

pub(super) fn utf8_placement(t: &mut Table) {
    t.both(
        "an unfinished character before an empty last fragment",
        |w| {
            w.frame(TEXT, b"\xc2");
            w.frame(FIN, b"");
        },
        &[],
        InvalidUtf8,
    );
    t.both(
        "valid fragments before an invalid one",
        |w| {
            w.text("before");
            w.frame(TEXT, b"never ");
            w.frame(FIN | PING, b"seen");
            w.frame(CONTINUATION, b"delivered\xff");
            w.frame(FIN, b"");
        },
        &[text("before"), ping("seen")],
        InvalidUtf8,
    );
    t.both(
        "bytes that are not UTF-8, in binary and control frames",
        |w| {
            w.frame(BINARY, b"\xff\xc2");
            w.frame(FIN | PING, b"\xfe");
            w.frame(FIN | PONG, b"\xc0\x80");
            w.frame(FIN, b"");
        },
        &[
            Ping(b"\xfe".to_vec()),
            Pong(b"\xc0\x80".to_vec()),
            Binary(b"\xff\xc2".to_vec()),
        ],
        FINE,
    );
    for at in [0, 1, 31, 32, 63, 64, 127, 128, 255] {
        let mut bytes = [b'a'; 256];
        bytes[at] = 0xff;
        t.both(
            format!("an invalid byte at {at} of 256"),
            |w| w.frame(FIN | TEXT, &bytes),
            &[],
            InvalidUtf8,
        );
    }
    for at in [15, 16, 31, 32, 63, 64, 4095, 4096] {
        for character in ["é", "€", "𤭢"] {
            let before = "a".repeat(at - 1);
            let all = format!("{before}{character}tail");
            t.both(
                format!("{character} at byte {at}"),
                |w| w.text(&all),
                &[text(&all)],
                FINE,
            );
        }
    }
}

fn utf8(bytes: &[u8]) -> Seen {
    Text(String::from_utf8(bytes.to_vec()).expect("a row with text"))
}

fn hex(digits: &str) -> Vec<u8> {
    (0..digits.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&digits[i..i + 2], 16).expect("hexadecimal digits"))
        .collect()
}
