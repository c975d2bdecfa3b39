//! What must come of which octets: one row per rule, and the scripts of the Autobahn suite under their numbers.
//!
//! Longer than other files because it is one table: divided, its rows could not be read and compared side by side.

use ws_proto::{CloseCode, Config, LimitError, MAX_FRAGMENTS, ProtocolError, ReceiveError, Role};

use crate::support::{BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, Seen, TEXT, Wire};
use ProtocolError::*;
use Seen::{Binary, Close, Ping, Pong, Text};

pub(crate) struct Vector {
    pub(crate) name: String,
    /// The end that receives.
    pub(crate) role: Role,
    pub(crate) config: Config,
    pub(crate) input: Vec<u8>,
    pub(crate) events: Vec<Seen>,
    pub(crate) error: Option<ReceiveError>,
}

/// "κόσμε", as the suite spells it.
const KOSME: &[u8] = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";
const HELLO: &str = "Hello, world!";
const OCTETS: &[u8] = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff";

pub(crate) fn vectors() -> Vec<Vector> {
    let mut table = Table::default();
    rfc_samples(&mut table);
    header_rules(&mut table);
    limits(&mut table);
    group_1_framing(&mut table);
    group_2_pings(&mut table);
    group_3_reserved_bits(&mut table);
    group_4_reserved_opcodes(&mut table);
    group_5_fragments(&mut table);
    group_6_utf8(&mut table);
    utf8_placement(&mut table);
    group_7_closing(&mut table);
    close_rules(&mut table);
    group_10(&mut table);
    table.0
}

#[derive(Default)]
struct Table(Vec<Vector>);

impl Table {
    fn row(
        &mut self,
        name: impl Into<String>,
        role: Role,
        input: &[u8],
        events: &[Seen],
        error: impl Into<Outcome>,
    ) {
        self.0.push(Vector {
            name: format!("{} to a {role:?}", name.into()),
            role,
            config: Config::default(),
            input: input.to_vec(),
            events: events.to_vec(),
            error: error.into().0,
        });
    }

    /// The same frames to a server, masked, and to a client.
    fn both(
        &mut self,
        name: impl Into<String>,
        script: impl Fn(&mut Wire),
        events: &[Seen],
        error: impl Into<Outcome>,
    ) {
        let name = name.into();
        let error = error.into();
        for role in [Role::Server, Role::Client] {
            let mut wire = Wire::from(role.peer());
            script(&mut wire);
            self.row(name.as_str(), role, &wire.octets, events, error);
        }
    }

    fn limited(
        &mut self,
        name: &str,
        config: &Config,
        script: impl Fn(&mut Wire),
        events: &[Seen],
        error: impl Into<Outcome>,
    ) {
        let before = self.0.len();
        self.both(name, script, events, error);
        for vector in &mut self.0[before..] {
            vector.config = config.clone();
        }
    }
}

/// How a row ends.
#[derive(Clone, Copy)]
struct Outcome(Option<ReceiveError>);

/// Without an error.
const FINE: Outcome = Outcome(None);

impl From<ProtocolError> for Outcome {
    fn from(error: ProtocolError) -> Self {
        Self(Some(error.into()))
    }
}

impl From<LimitError> for Outcome {
    fn from(error: LimitError) -> Self {
        Self(Some(error.into()))
    }
}

fn text(text: &str) -> Seen {
    Text(text.into())
}

fn utf8(octets: &[u8]) -> Seen {
    Text(String::from_utf8(octets.to_vec()).expect("a row with text"))
}

fn ping(payload: &str) -> Seen {
    Ping(payload.into())
}

fn pong(payload: &str) -> Seen {
    Pong(payload.into())
}

fn closed(code: u16, reason: &str) -> Seen {
    Close(Some((code, reason.into())))
}

fn hex(digits: &str) -> Vec<u8> {
    (0..digits.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&digits[i..i + 2], 16).expect("hexadecimal digits"))
        .collect()
}

/// RFC 6455 §5.7.
fn rfc_samples(t: &mut Table) {
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
        ("256 octets", &b"\x82\x7e\x01\x00"[..], 256),
        ("64 KiB", b"\x82\x7f\0\0\0\0\0\x01\0\0", 65536),
    ] {
        let payload = vec![0xa5; len];
        let input = [header, &payload].concat();
        t.row(name, Role::Client, &input, &[Binary(payload)], FINE);
    }
}

/// RFC 6455 §5.1, §5.2, §5.4 and §5.5, each rule also behind a message that must come first.
fn header_rules(t: &mut Table) {
    for before in [0, 2] {
        let good = vec![text("good"); before];
        let lead = |w: &mut Wire| (0..before).for_each(|_| w.text("good"));
        let mut both = |name: &str, script: &dyn Fn(&mut Wire), error: ProtocolError| {
            let name = format!("{name} behind {before} messages");
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
                "16 bits for a length below 126",
                &|w| w.header(FIN | TEXT, 126, &long),
                NonMinimalLength,
            );
        }
        for len in [0, 5, 125, 126, 65535] {
            let long = u64::to_be_bytes(len);
            both(
                "64 bits for a length below 65536",
                &|w| w.header(FIN | BINARY, 127, &long),
                NonMinimalLength,
            );
        }
        for len in [1 << 63, u64::MAX] {
            let long = len.to_be_bytes();
            both(
                "a length of 2^63 and more",
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
                "a control frame with its length in 16 bits",
                &|w| w.header(FIN | opcode, 126, &[0, 5]),
                ControlTooLong,
            );
            both(
                "a control frame with its length in 64 bits",
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
            "a continuation of nothing",
            &|w| w.frame(FIN, b"x"),
            UnexpectedContinuation,
        );
        both(
            "binary inside a text",
            &|w| {
                w.frame(TEXT, b"a");
                w.frame(FIN | BINARY, b"b");
            },
            ExpectedContinuation,
        );
        both(
            "text inside a binary",
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
        let mut unmasked = Wire::from(Role::Server);
        unmasked.frame(FIN | first, b"");
        let name = format!("{name} with the mask bit wrong");
        t.row(&name, Role::Server, &unmasked.octets, &[], UnmaskedFrame);
        let mut masked = Wire::from(Role::Client);
        masked.frame(FIN | first, b"");
        t.row(&name, Role::Client, &masked.octets, &[], MaskedFrame);
    }
    let mut start = Wire::from(Role::Client);
    start.frame(TEXT, b"masked");
    start.raw(b"\x80\x01x");
    let name = "an unmasked continuation";
    t.row(name, Role::Server, &start.octets, &[], UnmaskedFrame);
    let zero = b"\x81\x82\0\0\0\0ab\x82\x84abcdabcd";
    let events = [text("ab"), Binary(vec![0; 4])];
    t.row(
        "keys of zero and payload",
        Role::Server,
        zero,
        &events,
        FINE,
    );
}

fn limits(t: &mut Table) {
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
    t.limited("limits, exactly", &config, exact, &exact_events, FINE);
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
        "2^63 - 1 announced",
        |w| w.header(FIN | TEXT, 127, &len.to_be_bytes()),
        &[],
        LimitError::MessageTooLong { len, limit },
    );
    let mut wire = Wire::from(Role::Server);
    wire.frame(TEXT, b"a");
    for _ in 1..MAX_FRAGMENTS {
        wire.frame(CONTINUATION, b"");
    }
    wire.frame(FIN, b"");
    let name = "one fragment too many";
    let error = LimitError::TooManyFragments;
    t.row(name, Role::Client, &wire.octets, &[], error);
}

fn group_1_framing(t: &mut Table) {
    let lens = [0, 125, 126, 127, 128, 65535, 65536, 65536];
    for (x, len) in (1..).zip(lens) {
        let stars = "*".repeat(len);
        t.both(
            format!("1.1.{x}"),
            |w| w.text(&stars),
            &[text(&stars)],
            FINE,
        );
        let octets = vec![0xfe; len];
        t.both(
            format!("1.2.{x}"),
            |w| w.frame(FIN | BINARY, &octets),
            &[Binary(octets.clone())],
            FINE,
        );
    }
}

fn group_2_pings(t: &mut Table) {
    let payloads = [b"", HELLO.as_bytes(), OCTETS, &[0xfe; 125]];
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

fn group_3_reserved_bits(t: &mut Table) {
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
        |w| w.frame(FIN | 0x50 | BINARY, OCTETS),
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

fn group_4_reserved_opcodes(t: &mut Table) {
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

fn group_5_fragments(t: &mut Table) {
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
        "all kinds of control frames between fragments of one octet",
        |w| {
            for (i, octet) in b"fragments".iter().enumerate() {
                w.frame(if i == 0 { BINARY } else { CONTINUATION }, &[*octet]);
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

fn group_6_utf8(t: &mut Table) {
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
    for (name, octets, valid) in sequences() {
        if valid {
            t.both(
                name,
                |w| w.frame(FIN | TEXT, &octets),
                &[utf8(&octets)],
                FINE,
            );
        } else {
            t.both(name, |w| w.frame(FIN | TEXT, &octets), &[], InvalidUtf8);
        }
    }
}

/// Groups 6.5 to 6.23: name, octets, and whether they are UTF-8.
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
            "6.22 (planes above)",
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

fn utf8_placement(t: &mut Table) {
    t.both(
        "a cut character behind an empty last fragment",
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
        "octets that are not UTF-8 outside of text",
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
        let mut octets = [b'a'; 256];
        octets[at] = 0xff;
        t.both(
            format!("an invalid octet at {at} of 256"),
            |w| w.frame(FIN | TEXT, &octets),
            &[],
            InvalidUtf8,
        );
    }
    for at in [15, 16, 31, 32, 63, 64, 4095, 4096] {
        for character in ["é", "€", "𤭢"] {
            let before = "a".repeat(at - 1);
            let all = format!("{before}{character}tail");
            t.both(
                format!("{character} at octet {at}"),
                |w| w.text(&all),
                &[text(&all)],
                FINE,
            );
        }
    }
}

fn group_7_closing(t: &mut Table) {
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

/// RFC 6455 §5.5.1 and §7.4: groups 7.7, 7.9 and 7.13, and what they leave out.
fn close_rules(t: &mut Table) {
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
        "a long reason",
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
        "a violation after pings",
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

fn group_10(t: &mut Table) {
    let stars = "*".repeat(65536);
    t.both(
        "10.1.1",
        |w| w.fragments(TEXT, stars.as_bytes(), 1300),
        &[text(&stars)],
        FINE,
    );
}
