//! The wire log as the lines of a table.

use serde_json::Value;

use super::stored::Stored;
use super::words::{grouped, visible};

/// A longer log is shown by its beginning and its end.
const FIRST: usize = 400;
const LAST: usize = 100;
/// Characters of octets or payload: reports have 64 octets of them.
const MOST_TEXT: usize = 200;

/// A line: an entry of the log, or what stands for those that are left out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// Three digits, as in the original.
    pub(super) number: String,
    /// `tx`, `rx`, `suite` or `cut`, and `octets` for lines that can be hidden.
    pub(super) class: &'static str,
    /// Such as `TX FRAME`.
    pub(super) kind: &'static str,
    /// Name and value.
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) payload: String,
}

/// The lines of a log that is at most so long that a browser bears it.
pub(super) fn lines(stored: &Stored) -> Vec<Line> {
    let log = &stored.wirelog;
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
    lines.extend(end(stored, log.len()));
    lines
}

/// Who ended TCP. The log of the file does not have it.
fn end(stored: &Stored, number: usize) -> Option<Line> {
    Some(Line {
        number: format!("{number:03}"),
        class: "suite",
        kind: match stored.dropped_by_me? {
            true => "TCP DROPPED BY ME",
            false => "TCP DROPPED BY PEER",
        },
        ..Line::default()
    })
}

fn numbered((number, entry): (usize, &Value)) -> Line {
    Line {
        number: format!("{number:03}"),
        ..line(entry)
    }
}

fn line(entry: &Value) -> Line {
    let new = |class, kind| Line {
        class,
        kind,
        ..Line::default()
    };
    let wait = |kind, time: &Value| Line {
        payload: format!("{time} s"),
        ..new("suite", kind)
    };
    match entry[0].as_str().unwrap_or_default() {
        "RO" => octets(new("rx octets", "RX OCTETS"), &entry[1]),
        "TO" => octets(new("tx octets", "TX OCTETS"), &entry[1]),
        "RF" => frame(new("rx", "RX FRAME"), entry),
        "TF" => frame(new("tx", "TX FRAME"), entry),
        "CT" => Line {
            facts: vec![("TAG", text(&entry[2]))],
            ..wait("DELAY", &entry[1])
        },
        "CTE" => Line {
            facts: vec![("TAG", text(&entry[1]))],
            ..new("suite", "DELAY TIMEOUT")
        },
        "KL" => wait("FAIL CONNECTION AFTER", &entry[1]),
        "KLE" => new("suite", "FAILING CONNECTION"),
        "TI" => wait("CLOSE CONNECTION AFTER", &entry[1]),
        "TIE" => new("suite", "CLOSING CONNECTION"),
        "WLM" if entry[1] == Value::Bool(true) => new("suite", "WIRELOG ENABLED"),
        "WLM" => new("suite", "WIRELOG DISABLED"),
        _ => Line {
            payload: text(entry),
            ..new("suite", "OTHER")
        },
    }
}

fn octets(line: Line, octets: &Value) -> Line {
    Line {
        facts: vec![("LEN", text(&octets[0]))],
        payload: text(&octets[1]),
        ..line
    }
}

fn frame(line: Line, entry: &Value) -> Line {
    let mut facts = vec![
        ("OPCODE", opcode(&entry[2])),
        ("FIN", text(&entry[3])),
        ("RSV", text(&entry[4])),
        ("PAYLOAD-LEN", text(&entry[1][0])),
    ];
    if entry[0] == "RF" {
        facts.push(("MASKED", text(&entry[5])));
        facts.push(("MASK", text(&entry[6])));
    } else {
        facts.push(("MASK", text(&entry[5])));
        facts.push(("PAYLOAD-REPEAT-LEN", text(&entry[6])));
        facts.push(("CHOPSIZE", text(&entry[7])));
        facts.push(("SYNC", text(&entry[8])));
    }
    Line {
        facts,
        payload: text(&entry[1][1]),
        ..line
    }
}

fn opcode(opcode: &Value) -> String {
    let number = text(opcode);
    match opcode.as_u64().and_then(opcode_name) {
        Some(name) => format!("{number} {name}"),
        None => number,
    }
}

/// What RFC 6455 §5.2 calls it; reserved ones have no name.
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

/// A string as it is, nothing as a dash, and anything else as JSON.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => visible(text, MOST_TEXT),
        Value::Null => "–".to_owned(),
        other => visible(&other.to_string(), MOST_TEXT),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(entry: Value) -> String {
        let line = line(&entry);
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
            (json!(["RO", [14, "810c"]]), "RX OCTETS: LEN=14 [810c]"),
            (json!(["TO", [2, "8900"], false]), "TX OCTETS: LEN=2 [8900]"),
            (
                json!(["RF", [2, "0x03e8"], 8, true, 0, false, null]),
                "RX FRAME: OPCODE=8 Close, FIN=true, RSV=0, PAYLOAD-LEN=2, MASKED=false, MASK=– \
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
        let stored = json!({"wirelog": log, "droppedByMe": false});
        let lines = lines(&serde_json::from_value(stored).unwrap());
        assert_eq!(lines.len(), FIRST + 1 + LAST + 1);
        assert_eq!(lines[FIRST].payload, "9,500 entries are left out here");
        assert_eq!(lines[FIRST + 1].number, "9900");
        assert_eq!(lines[FIRST + LAST + 1].kind, "TCP DROPPED BY PEER");
    }
}
