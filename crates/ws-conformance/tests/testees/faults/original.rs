//! The faults that the original suite was asked about (`data/baselines`).

use crate::testees::codec::{BINARY, CLOSE, TEXT};
use crate::testees::message::{Message, alter};
use crate::testees::rules::{
    CompressedFrames, INVALID_PAYLOAD, Masking, PROTOCOL_ERROR, Pongs, Reaction, Rule, Rules,
    Start, Stop, TcpEnd, TextCheck, Upgrade, close_payload, normal,
};
use crate::testees::{Fault, echo::Frame};

/// The time in which all of a case arrives.
const WHOLE_CASE_MS: u64 = 100;

pub(in crate::testees) const ORIGINAL: &[Fault] = &[
    Fault::NONE,
    Fault::both("fragmented-echo", "correct: echoes in two fragments", |r| {
        r.fragments = true;
    }),
    Fault::both(
        "empty-close",
        "correct: its Close frames have no code",
        |r| {
            r.close = |_| Vec::new();
        },
    ),
    Fault::server("no-upgrade", "never answers the request", |r| {
        r.upgrade = Upgrade::Silent;
    }),
    Fault::server("refused-upgrade", "answers 403", |r| {
        r.upgrade = Upgrade::Refused;
    }),
    Fault::server(
        "wrong-accept",
        "answers with the accept value of another key",
        |r| {
            r.upgrade = Upgrade::WrongAccept;
        },
    ),
    Fault::both(
        "drops-at-once",
        "ends TCP right after the opening handshake",
        |r| {
            r.start = Start::Drop;
        },
    ),
    Fault::both(
        "closes-first",
        "sends Close right after the opening handshake",
        |r| {
            r.start = Start::Close;
        },
    ),
    Fault::both("no-echo", "ignores data messages", |r| {
        r.at_message = |_| Reaction::Ignore;
    }),
    Fault::both(
        "wrong-opcode",
        "echoes text as binary and binary as text",
        |r| {
            r.at_message = |message| {
                message.opcode = TEXT + BINARY - message.opcode;
                Reaction::Right
            };
        },
    ),
    Fault::both(
        "altered-text",
        "changes one byte of a text, not its length",
        |r| {
            r.at_message = |message| match message.opcode {
                TEXT => altered(message),
                _ => Reaction::Right,
            };
        },
    ),
    Fault::both("slow", "takes 1.3 s to react", |r| r.reaction_ms = 1300),
    Fault::both("late-pong", "sends a Pong after 1.5 s", |r| {
        r.pongs = Pongs::AfterMillis(1500);
    }),
    Fault::both(
        "pong-after-data",
        "sends a Pong after the next data message",
        |r| {
            r.pongs = Pongs::AfterData;
        },
    ),
    Fault::both(
        "wrong-pong",
        "the payload of a Pong is one byte longer or shorter",
        |r| {
            r.pong = |payload| match payload.len() {
                ..125 => payload.push(b'!'),
                _ => drop(payload.pop()),
            };
        },
    ),
    Fault::both("no-close-reply", "ignores Close frames", |r| {
        r.at_frame = |frame| at_close(frame, Reaction::Ignore);
    }),
    Fault::both(
        "drops-on-close",
        "ends TCP instead of answering a Close",
        |r| {
            r.at_frame = |frame| at_close(frame, Reaction::Drop);
        },
    ),
    Fault::both(
        "talks-after-close",
        "answers what came after a Close, then closes",
        |r| {
            r.at_frame = |frame| at_close(frame, Reaction::HoldBack);
            r.reaction_ms = WHOLE_CASE_MS;
        },
    ),
    Fault::both("closes-1000", "every Close of it has the code 1000", |r| {
        r.close = normal
    }),
    Fault::both("closes-1002", "every Close of it has the code 1002", |r| {
        r.close = |_| PROTOCOL_ERROR.to_be_bytes().to_vec();
    }),
    Fault::both(
        "utf8-closes-1002",
        "closes with 1002 where 1007 is due",
        |r| {
            r.close = |stop| match stop {
                Stop::Violation(INVALID_PAYLOAD) => PROTOCOL_ERROR.to_be_bytes().to_vec(),
                other => close_payload(other),
            };
        },
    ),
    Fault::server("tcp-left-open", "leaves it to the client to end TCP", |r| {
        r.tcp_end = TcpEnd::ByClient;
    }),
    Fault::both(
        "wrong-masking",
        "masks as a server, does not mask as a client",
        |r| {
            r.masking = Masking::Wrong;
        },
    ),
    Fault::both(
        "long-lengths",
        "writes each length in 16 bits at least",
        |r| {
            r.long_lengths = true;
        },
    ),
    Fault::both("rsv-in-echo", "sets RSV1 in its data frames", |r| {
        r.rsv = 0x40
    }),
    Fault::both(
        "fails-fast",
        "a violation discards echoes that are not yet written",
        |r| {
            r.discards_output = true;
            r.reaction_ms = WHOLE_CASE_MS;
        },
    ),
    Fault::both("utf8-unchecked", "accepts any bytes as text", |r| {
        r.overlooks = |it| matches!(it.rule, Rule::Text(_) | Rule::Reason(_));
    }),
    Fault::both(
        "utf8-at-message-end",
        "looks at text when the message is complete",
        |r| r.text.when = TextCheck::MessageEnd,
    ),
    Fault::both(
        "utf8-at-frame-end",
        "looks at text when the frame is complete",
        |r| {
            r.text.when = TextCheck::FrameEnd;
        },
    ),
    Fault::both("rsv-unchecked", "ignores RSV bits", |r| {
        r.overlooks = |it| it.rule == Rule::Rsv;
    }),
    Fault::both(
        "opcodes-unchecked",
        "ignores frames with reserved opcodes",
        |r| {
            r.overlooks = |it| it.rule == Rule::Opcode;
        },
    ),
    Fault::both(
        "order-unchecked",
        "accepts a stray or a missing continuation",
        |r| {
            r.overlooks = |it| it.rule == Rule::Order;
        },
    ),
    Fault::both(
        "last-fragment-lost",
        "echoes fragments without the last one",
        |r| {
            r.at_message = |message| {
                if message.fragments.len() > 1 {
                    message.fragments.pop();
                }
                Reaction::Right
            };
        },
    ),
    Fault::both(
        "fragments-swapped",
        "echoes fragments in reverse order",
        |r| {
            r.at_message = |message| {
                message.fragments.reverse();
                Reaction::Right
            };
        },
    ),
    Fault::both(
        "control-fragments-unchecked",
        "accepts a control frame with FIN=0",
        |r| {
            r.overlooks = |it| it.rule == Rule::ControlFin;
        },
    ),
    Fault::both(
        "control-length-unchecked",
        "accepts long control frames",
        |r| {
            r.overlooks = |it| it.rule == Rule::ControlLength;
            r.pong = |payload| payload.truncate(125);
        },
    ),
    Fault::both(
        "long-controls-echoed",
        "accepts long control frames and answers with long ones",
        |r| {
            r.overlooks = |it| it.rule == Rule::ControlLength;
            r.close = |stop| match stop {
                Stop::Closed(payload) => payload.clone(),
                other => close_payload(other),
            };
        },
    ),
    Fault::both(
        "close-codes-unchecked",
        "accepts and repeats any close code",
        |r| {
            r.overlooks = |it| matches!(it.rule, Rule::CloseCode(_));
        },
    ),
    Fault::both(
        "uncompressed",
        "correct: does not agree to compress",
        |_| {},
    ),
    compressing("compressed", "correct: compresses", |_| {}),
    compressing(
        "echoes-uncompressed",
        "correct: agrees to compress and does not",
        |r| {
            r.deflate.compresses = false;
        },
    ),
    compressing(
        "compressed-fragments",
        "correct: compresses and echoes in two fragments",
        |r| r.deflate.frames = |_| CompressedFrames::Two,
    ),
    compressing(
        "altered-compressed",
        "compresses, and changes one byte of a message",
        |r| r.at_message = altered,
    ),
    compressing(
        "window-ignored",
        "compresses with the largest window whatever was agreed",
        |r| r.deflate.small_windows = false,
    ),
    compressing(
        "context-kept",
        "compresses with context although it agreed not to",
        |r| r.deflate.resets_own_context = false,
    ),
    compressing(
        "context-lost",
        "decompresses without context although it agreed to keep it",
        |r| r.deflate.keeps_peer_context = false,
    ),
    compressing("rsv1-missing", "compresses without RSV1", |r| {
        r.deflate.frames = |_| CompressedFrames::WithoutRsv1;
    }),
    compressing(
        "rsv1-on-continuations",
        "sets RSV1 in every frame of a compressed message",
        |r| {
            r.deflate.frames = |_| CompressedFrames::TwoWithRsv1;
        },
    ),
    compressing(
        "final-blocks",
        "correct: ends each message with the last block of a stream",
        |r| r.deflate.final_blocks = true,
    ),
    compressing(
        "unknown-parameter",
        "offers or agrees to a parameter that does not exist",
        |r| (r.deflate.offer, r.deflate.answer) = ("; level=9", "; level=9"),
    ),
    compressing(
        "smallest-window",
        "correct: asks the peer for a window of 8 bits",
        |r| {
            r.deflate.offer = "; client_max_window_bits; server_max_window_bits=8";
            r.deflate.answer = "; client_max_window_bits=8";
        },
    ),
];

const fn compressing(
    name: &'static str,
    description: &'static str,
    change: fn(&mut Rules),
) -> Fault {
    Fault::both(name, description, change).on(|rules| rules.deflate.agrees = true)
}

fn altered(message: &mut Message) -> Reaction {
    alter(message);
    Reaction::Right
}

fn at_close(frame: &Frame<'_>, reaction: Reaction) -> Reaction {
    match frame.header.opcode {
        CLOSE => reaction,
        _ => Reaction::Right,
    }
}
