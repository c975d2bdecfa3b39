//! The wire log as the lines of a table.

use std::time::Duration;

use super::words::{grouped, visible};
use crate::wire_log::{Entry, Excerpt, FrameEntry};

/// The most lines of the beginning and of the end of a long log.
const FIRST: usize = 400;
const LAST: usize = 100;
/// The most characters of bytes or payload. Reports have 64 bytes of them.
const MOST_TEXT: usize = 200;

/// A line: an entry of the log, or a note about omitted entries.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// The number with three digits, as in the original.
    pub(super) number: String,
    /// `tx`, `rx`, `suite` or `cut`, and `bytes` for lines that can be hidden.
    pub(super) class: &'static str,
    /// The kind, such as `TX FRAME`.
    pub(super) kind: &'static str,
    /// Names and values.
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) payload: String,
}

/// Returns the lines of a log, at most as many as browsers can display. `dropped_by_me` is `true`
/// if the suite ended TCP.
pub(super) fn lines(log: &[Entry], dropped_by_me: Option<bool>) -> Vec<Line> {
    let mut lines: Vec<_> = log.iter().enumerate().map(numbered).take(FIRST).collect();
    let rest = log.len() - lines.len();
    if rest > LAST {
        lines.push(Line {
            class: "cut",
            kind: "…",
            payload: format!(
                "{} entries are left out here",
                grouped((rest - LAST) as u64)
            ),
            ..Line::default()
        });
    }
    let last = log.iter().enumerate().skip(log.len() - rest.min(LAST));
    lines.extend(last.map(numbered));
    lines.extend(end(dropped_by_me, log.len()));
    lines
}

/// Returns a line about the side that ended TCP, which the log of the file does not have.
fn end(dropped_by_me: Option<bool>, number: usize) -> Option<Line> {
    Some(Line {
        number: format!("{number:03}"),
        class: "suite",
        kind: match dropped_by_me? {
            true => "TCP DROPPED BY ME",
            false => "TCP DROPPED BY PEER",
        },
        ..Line::default()
    })
}

fn numbered((number, entry): (usize, &Entry)) -> Line {
    Line {
        number: format!("{number:03}"),
        ..line(entry)
    }
}

fn line(entry: &Entry) -> Line {
    match entry {
        Entry::BytesReceived(bytes) => shown_bytes(new("rx bytes", "RX BYTES"), bytes),
        Entry::BytesSent { bytes, .. } => shown_bytes(new("tx bytes", "TX BYTES"), bytes),
        Entry::FrameReceived(frame) => shown_frame(new("rx", "RX FRAME"), frame),
        Entry::FrameSent {
            frame,
            repeated,
            chop,
            own_write,
        } => {
            let mut line = shown_frame(new("tx", "TX FRAME"), frame);
            line.facts.extend([
                ("PAYLOAD-REPEAT-LEN", number(*repeated)),
                ("CHOPSIZE", number(*chop)),
                ("SYNC", own_write.to_string()),
            ]);
            line
        }
        Entry::WaitBegan { time, tag } => Line {
            facts: vec![("TAG", text(tag.as_deref()))],
            ..timed("DELAY", *time)
        },
        Entry::WaitOver(tag) => Line {
            facts: vec![("TAG", text(tag.as_deref()))],
            ..new("suite", "DELAY TIMEOUT")
        },
        Entry::FailAfter(time) => timed("FAIL CONNECTION AFTER", *time),
        Entry::Failing => new("suite", "FAILING CONNECTION"),
        Entry::CloseAfter(time) => timed("CLOSE CONNECTION AFTER", *time),
        Entry::Closing => new("suite", "CLOSING CONNECTION"),
        Entry::Turned { on: true } => new("suite", "WIRELOG ENABLED"),
        Entry::Turned { on: false } => new("suite", "WIRELOG DISABLED"),
        Entry::Unknown(value) => Line {
            payload: visible(&value.to_string(), MOST_TEXT),
            ..new("suite", "OTHER")
        },
    }
}

fn new(class: &'static str, kind: &'static str) -> Line {
    Line {
        class,
        kind,
        ..Line::default()
    }
}

fn timed(kind: &'static str, time: Duration) -> Line {
    Line {
        payload: format!("{} s", time.as_secs_f64()),
        ..new("suite", kind)
    }
}

fn shown_bytes(line: Line, bytes: &Excerpt) -> Line {
    Line {
        facts: vec![("LEN", bytes.len.to_string())],
        payload: text(Some(&bytes.text)),
        ..line
    }
}

fn shown_frame(line: Line, frame: &FrameEntry) -> Line {
    Line {
        facts: vec![
            ("OPCODE", opcode(frame.opcode)),
            ("FIN", frame.fin.to_string()),
            ("RSV", frame.rsv.to_string()),
            ("PAYLOAD-LEN", frame.payload.len.to_string()),
            ("MASK", text(frame.key.as_deref())),
        ],
        payload: text(Some(&frame.payload.text)),
        ..line
    }
}

fn opcode(opcode: u8) -> String {
    match opcode_name(opcode.into()) {
        Some(name) => format!("{opcode} {name}"),
        None => opcode.to_string(),
    }
}

/// Returns the name of an opcode in RFC 6455 §5.2. Reserved opcodes have none.
pub(super) fn opcode_name(opcode: u64) -> Option<&'static str> {
    Some(match opcode {
        0 => "Continuation",
        1 => "Text",
        2 => "Binary",
        8 => "Close",
        9 => "Ping",
        10 => "Pong",
        _ => return None,
    })
}

/// Returns a text, or a dash if there is none.
fn text(text: Option<&str>) -> String {
    text.map_or_else(|| "–".to_owned(), |text| visible(text, MOST_TEXT))
}

fn number(number: Option<u64>) -> String {
    number.map_or_else(|| "–".to_owned(), |number| number.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(entry: serde_json::Value) -> String {
        let line = line(&serde_json::from_value(entry).unwrap());
        let facts = line
            .facts
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let facts: Vec<_> = facts.collect();
        format!("{}: {} [{}]", line.kind, facts.join(", "), line.payload)
    }

    #[test]
    fn every_kind_of_entry_has_its_line() {
        for (entry, expected) in [
            (json!(["RO", [14, "810c"]]), "RX BYTES: LEN=14 [810c]"),
            (json!(["TO", [2, "8900"], false]), "TX BYTES: LEN=2 [8900]"),
            (
                json!(["RF", [2, "0x03e8"], 8, true, 0, false, null]),
                "RX FRAME: OPCODE=8 Close, FIN=true, RSV=0, PAYLOAD-LEN=2, MASK=– \
                 [0x03e8]",
            ),
            (
                json!(["TF", [1, "*"], 3, false, 4, "9dcee889", 65536, 997, true]),
                "TX FRAME: OPCODE=3, FIN=false, RSV=4, PAYLOAD-LEN=1, MASK=9dcee889, \
                 PAYLOAD-REPEAT-LEN=65536, CHOPSIZE=997, SYNC=true [*]",
            ),
            (json!(["CT", 1, "A"]), "DELAY: TAG=A [1 s]"),
            (json!(["CTE", "A"]), "DELAY TIMEOUT: TAG=A []"),
            (json!(["KL", 1]), "FAIL CONNECTION AFTER:  [1 s]"),
            (json!(["TIE"]), "CLOSING CONNECTION:  []"),
            (json!(["WLM", false]), "WIRELOG DISABLED:  []"),
            (json!(["XX"]), "OTHER:  [[\"XX\"]]"),
        ] {
            assert_eq!(shown(entry), expected);
        }
    }

    #[test]
    fn a_long_log_is_cut_in_the_middle_with_a_mark() {
        let log = vec![json!(["RO", [1, "00"]]); 10_000];
        let log: Vec<Entry> = serde_json::from_value(log.into()).unwrap();
        let lines = lines(&log, Some(false));
        assert_eq!(lines.len(), FIRST + 1 + LAST + 1);
        assert_eq!(lines[FIRST].payload, "9,500 entries are left out here");
        assert_eq!(lines[FIRST + 1].number, "9900");
        assert_eq!(lines[FIRST + LAST + 1].kind, "TCP DROPPED BY PEER");
    }
}
