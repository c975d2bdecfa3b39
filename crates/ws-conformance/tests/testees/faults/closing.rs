//! Faults in closing (24).

use crate::testees::Fault;
use crate::testees::codec::CLOSE;
use crate::testees::echo::Frame;
use crate::testees::message::alter;
use crate::testees::rules::{AtEnd, PROTOCOL_ERROR, Reaction, Rule, Stop, TcpEnd, close_payload};
use crate::testees::utf8::BadText;

const NORMAL: u16 = 1000;
const GOING_AWAY: [u8; 2] = 1001_u16.to_be_bytes();
/// The first bytes of final frames.
const FINAL_TEXT: u8 = 0x81;
const FINAL_CLOSE: u8 = 0x88;
/// Longer than a reply may take.
const LATE_MS: u64 = 7000;
/// Long enough for what follows a Close, and shorter than the end of TCP may take.
const READS_ON_MS: u64 = 500;

pub(in crate::testees) const FAULTS: &[Fault] = &[
    Fault::both("code-1012-refused", "refuses the close code 1012", |r| {
        r.at_frame = |frame| at_code(frame, 1012, Reaction::Fail(PROTOCOL_ERROR));
    }),
    Fault::both("code-1013-refused", "refuses the close code 1013", |r| {
        r.at_frame = |frame| at_code(frame, 1013, Reaction::Fail(PROTOCOL_ERROR));
    }),
    Fault::both("code-1014-refused", "refuses the close code 1014", |r| {
        r.at_frame = |frame| at_code(frame, 1014, Reaction::Fail(PROTOCOL_ERROR));
    }),
    Fault::both("code-1015-taken", "accepts the close code 1015", |r| {
        r.overlooks = |it| it.rule == Rule::CloseCode(1015);
    }),
    Fault::both(
        "codes-below-1000-taken",
        "accepts close codes below 1000",
        |r| {
            r.overlooks = |it| matches!(it.rule, Rule::CloseCode(..1000));
        },
    ),
    Fault::both("code-999-taken", "accepts the close code 999", |r| {
        r.overlooks = |it| it.rule == Rule::CloseCode(999);
    }),
    Fault::both(
        "codes-from-1016-taken",
        "accepts close codes from 1016 to 2999",
        |r| {
            r.overlooks = |it| matches!(it.rule, Rule::CloseCode(1016..3000));
        },
    ),
    Fault::both("code-2999-taken", "accepts the close code 2999", |r| {
        r.overlooks = |it| it.rule == Rule::CloseCode(2999);
    }),
    Fault::both(
        "codes-from-5000-ignored",
        "does not react to close codes from 5000",
        |r| {
            r.overlooks = |it| matches!(it.rule, Rule::CloseCode(5000..));
            r.at_frame = |frame| match frame.close_code() {
                Some(5000..) => Reaction::Ignore,
                _ => Reaction::Right,
            };
        },
    ),
    Fault::client(
        "code-1010-ignored",
        "does not react to the close code 1010",
        |r| {
            r.at_frame = |frame| at_code(frame, 1010, Reaction::Ignore);
        },
    ),
    Fault::both(
        "cut-reasons-taken",
        "accepts reasons that end within a character",
        |r| {
            r.overlooks = |it| it.rule == Rule::Reason(BadText::Cut);
        },
    ),
    Fault::both(
        "overlong-reasons-taken",
        "accepts reasons with overlong characters",
        |r| {
            r.overlooks = |it| it.rule == Rule::Reason(BadText::Overlong);
        },
    ),
    Fault::both(
        "surrogates-in-reasons-taken",
        "accepts reasons with surrogates",
        |r| {
            r.overlooks = |it| it.rule == Rule::Reason(BadText::Surrogate);
        },
    ),
    Fault::both(
        "reasons-of-123-refused",
        "refuses reasons of 123 bytes",
        |r| {
            r.at_frame = |frame| match (frame.header.opcode, frame.payload.len()) {
                (CLOSE, 125) => Reaction::Fail(PROTOCOL_ERROR),
                _ => Reaction::Right,
            };
        },
    ),
    Fault::both(
        "reads-on-after-reply",
        "goes on after its reply to a Close",
        |r| {
            r.reads_on_ms = |stop| match stop {
                Stop::Closed(_) => READS_ON_MS,
                _ => 0,
            };
        },
    ),
    Fault::both(
        "reads-on-after-failure",
        "goes on after the Close that a violation causes",
        |r| {
            r.reads_on_ms = |stop| match stop {
                Stop::Violation(_) => READS_ON_MS,
                _ => 0,
            };
        },
    ),
    Fault::both("closes-twice", "sends each Close twice", |r| {
        r.after_close = |_| &[(FINAL_CLOSE, &GOING_AWAY)];
    }),
    Fault::both(
        "message-after-reply",
        "sends a message after its reply to a Close",
        |r| {
            r.after_close = |stop| match stop {
                Stop::Closed(_) => &[(FINAL_TEXT, b"late")],
                _ => &[],
            };
        },
    ),
    Fault::both(
        "message-after-failure",
        "sends a message after a failing Close",
        |r| {
            r.after_close = |stop| match stop {
                Stop::Violation(_) => &[(FINAL_TEXT, b"late")],
                _ => &[],
            };
        },
    ),
    Fault::both("violations-ignored", "ignores what breaks a rule", |r| {
        r.ignores_violations = true;
    }),
    Fault::both(
        "code-1000-ignored",
        "does not react to the close code 1000",
        |r| {
            r.at_frame = |frame| at_code(frame, NORMAL, Reaction::Ignore);
        },
    ),
    Fault::both(
        "code-1000-answered-1001",
        "answers the close code 1000 by 1001",
        |r| {
            r.close = |stop| match close_payload(stop) {
                payload if payload == NORMAL.to_be_bytes() => GOING_AWAY.to_vec(),
                payload => payload,
            };
        },
    ),
    Fault::both("late-replies", "answers a Close after 7 s", |r| {
        r.at_frame = |frame| match frame.header.opcode {
            CLOSE => Reaction::Late(LATE_MS),
            _ => Reaction::Right,
        };
    }),
    Fault::both(
        "drops-instead-of-replies",
        "ends TCP instead of answering a Close",
        |r| {
            r.at_frame = |frame| match frame.header.opcode {
                CLOSE => Reaction::Drop,
                _ => Reaction::Right,
            };
        },
    ),
    Fault::server(
        "tcp-left-to-client",
        "leaves it to the client to end TCP",
        |r| {
            r.tcp_end = TcpEnd::ByClient;
        },
    ),
    Fault::both(
        "tcp-left-open-after-failure",
        "leaves TCP open after a violation",
        |r| {
            r.tcp_end = TcpEnd::NeverAfterFailure;
        },
    )
    .in_long(&["24.3.5"]),
    Fault::server(
        "tcp-ended-after-silence",
        "does not end TCP before the peer is silent",
        |r| {
            r.tcp_end = TcpEnd::AfterSilence;
        },
    )
    .in_long(&["24.3.5"]),
    Fault::both(
        "half-close-ignored",
        "ignores the end of the peer's direction of TCP",
        |r| {
            r.at_end = AtEnd::Stay;
        },
    ),
    Fault::both(
        "long-unread-echo-altered",
        "changes one byte of messages of 16 MiB",
        |r| {
            r.write_patience_ms = 60_000;
            r.at_message = |message| {
                if message.len == 16 << 20 {
                    alter(message);
                }
                Reaction::Right
            };
        },
    )
    .in_long(&["24.4.4"]),
    Fault::both(
        "close-within-message-refused",
        "refuses a Close within a message",
        |r| {
            r.at_frame = |frame| within_message(frame, Reaction::Fail(PROTOCOL_ERROR));
        },
    ),
    Fault::both(
        "close-within-message-ignored",
        "ignores a Close within a message",
        |r| {
            r.at_frame = |frame| within_message(frame, Reaction::Ignore);
        },
    ),
];

fn at_code(frame: &Frame<'_>, code: u16, reaction: Reaction) -> Reaction {
    match frame.close_code() {
        Some(found) if found == code => reaction,
        _ => Reaction::Right,
    }
}

fn within_message(frame: &Frame<'_>, reaction: Reaction) -> Reaction {
    match (frame.header.opcode, frame.fragment) {
        (CLOSE, Some(_)) => reaction,
        _ => Reaction::Right,
    }
}
