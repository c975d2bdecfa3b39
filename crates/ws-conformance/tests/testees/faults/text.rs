//! Faults in UTF-8 (25).

use crate::testees::Fault;
use crate::testees::codec::{PING, PONG, TEXT};
use crate::testees::echo::Frame;
use crate::testees::message::Message;
use crate::testees::rules::{
    Breach, INVALID_PAYLOAD, PROTOCOL_ERROR, Reaction, Rule, Stop, close_payload,
};
use crate::testees::utf8::BadText;

const MIB: usize = 1 << 20;

pub(in crate::testees) const FAULTS: &[Fault] = &[
    Fault::both("texts-unchecked", "accepts any bytes as text", |r| {
        r.overlooks = is_text
    }),
    Fault::both(
        "stray-bytes-taken",
        "accepts bytes that continue no character",
        |r| {
            r.overlooks = |it| it.rule == Rule::Text(BadText::Stray);
        },
    ),
    Fault::both(
        "cut-characters-taken",
        "accepts characters without their last bytes",
        |r| {
            r.overlooks = |it| it.rule == Rule::Text(BadText::Cut);
        },
    ),
    Fault::both(
        "overlong-characters-taken",
        "accepts overlong characters",
        |r| {
            r.overlooks = |it| it.rule == Rule::Text(BadText::Overlong);
        },
    ),
    Fault::both("surrogates-taken", "accepts surrogates", |r| {
        r.overlooks = |it| it.rule == Rule::Text(BadText::Surrogate);
    }),
    Fault::both(
        "too-high-taken",
        "accepts code points above U+10FFFF",
        |r| {
            r.overlooks = |it| it.rule == Rule::Text(BadText::TooHigh);
        },
    ),
    Fault::both(
        "five-bytes-taken",
        "accepts characters of five and six bytes",
        |r| {
            r.overlooks = |it| it.rule == Rule::Text(BadText::FiveBytes);
        },
    ),
    Fault::both("fe-and-ff-taken", "accepts the bytes FE and FF", |r| {
        r.overlooks = |it| it.rule == Rule::Text(BadText::NoLead);
    }),
    Fault::both(
        "only-bits-counted",
        "accepts cut, overlong, too high and too long characters",
        |r| {
            r.overlooks = |it| match it.rule {
                Rule::Text(BadText::Stray | BadText::Surrogate | BadText::NoLead) => false,
                Rule::Text(_) => true,
                _ => false,
            };
        },
    ),
    Fault::both(
        "fe-and-ff-refused",
        "refuses FE and FF in texts and nothing else",
        |r| {
            r.overlooks = |it| is_text(it) && it.rule != Rule::Text(BadText::NoLead);
        },
    ),
    Fault::both(
        "invalid-texts-close-1002",
        "closes with 1002 where 1007 is due",
        |r| {
            r.close = |stop| match stop {
                Stop::Violation(INVALID_PAYLOAD) => PROTOCOL_ERROR.to_be_bytes().to_vec(),
                other => close_payload(other),
            };
        },
    ),
    Fault::both(
        "text-ends-at-nul",
        "mistakes U+0000 for the end of a text",
        |r| {
            r.at_message = |message| {
                let payload = message.payload();
                let end = payload.iter().position(|byte| *byte == 0);
                payload.truncate(end.unwrap_or(payload.len()));
                Reaction::Right
            };
        },
    ),
    Fault::both("noncharacters-refused", "refuses noncharacters", |r| {
        r.at_message = |message| refused(message, is_noncharacter);
    }),
    Fault::both("specials-refused", "refuses U+FFF9 to U+FFFD", |r| {
        r.at_message = |message| refused(message, |it| ('\u{fff9}'..='\u{fffd}').contains(&it));
    }),
    Fault::both(
        "astral-characters-refused",
        "refuses characters of four bytes",
        |r| {
            r.at_message = |message| refused(message, |it| it.len_utf8() == 4);
        },
    ),
    Fault::both(
        "last-code-points-refused",
        "refuses the last code point of each length",
        |r| {
            r.at_message = |message| {
                let last = ['\u{7f}', '\u{7ff}', '\u{ffff}', '\u{10ffff}'];
                refused(message, |it| last.contains(&it))
            };
        },
    ),
    Fault::both(
        "fragments-checked-alone",
        "lets no fragment end within a character",
        |r| {
            r.text.by_fragment = true;
        },
    ),
    Fault::both(
        "pings-cut-characters",
        "lets no Ping come within a character",
        |r| {
            r.text.by_ping = true;
        },
    ),
    Fault::both(
        "second-fragment-lost",
        "loses the second fragment of a text",
        |r| {
            r.at_message = |message| {
                if message.opcode == TEXT && message.fragments.len() > 1 {
                    message.fragments.remove(1);
                }
                Reaction::Right
            };
        },
    ),
    Fault::both(
        "pings-lose-fragments",
        "loses the fragment before a Ping",
        |r| {
            r.at_message = |message| {
                if message.pinged {
                    message.fragments.remove(0);
                }
                Reaction::Right
            };
        },
    ),
    Fault::both(
        "first-fragment-checked",
        "checks the first fragment of a text only",
        |r| {
            r.overlooks = |it| is_text(it) && it.fragment > Some(0);
        },
    ),
    Fault::both(
        "last-fragment-checked",
        "checks the last fragment of a text only",
        |r| {
            r.overlooks = |it| is_text(it) && !it.header.fin;
        },
    ),
    Fault::both(
        "unchecked-after-ping",
        "does not check a text after a Ping",
        |r| {
            r.overlooks = |it| is_text(it) && it.after_ping;
        },
    ),
    Fault::both(
        "blocks-of-16",
        "lets no character lie across multiples of 16",
        |r| {
            r.text.block = 16;
        },
    ),
    Fault::both(
        "blocks-of-32",
        "lets no character lie across multiples of 32",
        |r| {
            r.text.block = 32;
        },
    ),
    Fault::both(
        "blocks-of-64",
        "lets no character lie across multiples of 64",
        |r| {
            r.text.block = 64;
        },
    ),
    Fault::both(
        "blocks-of-4096",
        "lets no character lie across multiples of 4096",
        |r| {
            r.text.block = 4096;
        },
    ),
    Fault::both(
        "blocks-of-65536",
        "lets no character lie across multiples of 65536",
        |r| {
            r.text.block = 65_536;
        },
    ),
    Fault::both(
        "last-of-16-unchecked",
        "does not check each sixteenth byte",
        |r| {
            r.overlooks = |it| is_text(it) && it.offset % 16 == 15;
        },
    ),
    Fault::both(
        "first-16-unchecked",
        "does not check the first 16 bytes",
        |r| {
            r.overlooks = |it| is_text(it) && it.offset < 16;
        },
    ),
    Fault::both(
        "tail-unchecked",
        "does not check bytes from 240 to 255",
        |r| {
            r.overlooks = |it| is_text(it) && (240..256).contains(&it.offset);
        },
    ),
    Fault::both(
        "unchecked-from-8-mib",
        "does not check a text from 8 MiB on",
        |r| {
            r.overlooks = |it| is_text(it) && it.offset >= 8 * MIB;
        },
    )
    .in_long(&["25.5"]),
    Fault::both(
        "binary-checked",
        "refuses binary messages that are not UTF-8",
        |r| {
            r.text.of_binary = true;
        },
    ),
    Fault::both("pings-checked", "refuses Pings that are not UTF-8", |r| {
        r.at_frame = |frame| checked(frame, PING);
    }),
    Fault::both("pongs-checked", "refuses Pongs that are not UTF-8", |r| {
        r.at_frame = |frame| checked(frame, PONG);
    }),
];

fn is_text(breach: &Breach<'_>) -> bool {
    matches!(breach.rule, Rule::Text(_))
}

fn refused(message: &mut Message, is_wrong: impl FnMut(char) -> bool) -> Reaction {
    match std::str::from_utf8(message.payload()) {
        Ok(text) if text.chars().any(is_wrong) => Reaction::Fail(INVALID_PAYLOAD),
        _ => Reaction::Right,
    }
}

fn is_noncharacter(character: char) -> bool {
    u32::from(character) & 0xfffe == 0xfffe
}

fn checked(frame: &Frame<'_>, opcode: u8) -> Reaction {
    match std::str::from_utf8(frame.payload) {
        Err(_) if frame.header.opcode == opcode => Reaction::Fail(INVALID_PAYLOAD),
        _ => Reaction::Right,
    }
}
