//! What went over the wire, for people.

use serde_json::Value;

use crate::record::Record;

/// The opening handshake and the wire log, one line for each entry; `>` is sent by the suite, `<`
/// by the testee.
pub fn to_text(record: &Record) -> String {
    let (request, response) = match record.is_server {
        true => ('<', '>'),
        false => ('>', '<'),
    };
    let mut lines = vec![format!("case {} of {}", record.id, record.agent)];
    lines.extend(head(request, &record.http_request));
    lines.extend(head(response, &record.http_response));
    lines.extend(record.wirelog.iter().map(entry));
    if !record.create_wirelog {
        lines.push("  (the wire log is off while this case runs: it has too much data)".into());
    }
    lines.push(format!("  {}", end(record)));
    lines.push(format!("verdict: {}", record.verdict));
    lines.join("\n") + "\n"
}

fn head(direction: char, text: &str) -> impl Iterator<Item = String> {
    let lines = text.lines().filter(|line| !line.is_empty());
    lines.map(move |line| format!("{direction} {}", line.escape_debug()))
}

fn end(record: &Record) -> String {
    let who = if record.dropped_by_me {
        "the suite"
    } else {
        "the testee"
    };
    let clean = match &record.was_not_clean_reason {
        Some(reason) if !record.was_clean => format!("not clean: {reason}"),
        _ if record.was_clean => "clean".to_owned(),
        _ => "not clean".to_owned(),
    };
    format!("TCP ended by {who}, {clean}")
}

fn entry(entry: &Value) -> String {
    let at = |index: usize| &entry[index];
    match entry[0].as_str().unwrap_or_default() {
        "RO" => format!("<   {}", octets(at(1))),
        "TO" => format!(">   {}", octets(at(1))),
        "RF" => format!("< {}{}", frame(entry), mask(at(6))),
        "TF" => format!("> {}{}{}", frame(entry), mask(at(5)), writes(entry)),
        "CT" => format!("  waits {} s ({})", at(1), plain(at(2))),
        "CTE" => format!("  the wait is over ({})", plain(at(1))),
        "KL" => format!(
            "  fails the connection if it is still there after {} s",
            at(1)
        ),
        "KLE" => "  fails the connection: time is up".into(),
        "TI" => format!(
            "  closes the connection if it is still open after {} s",
            at(1)
        ),
        "TIE" => "  closes the connection: time is up".into(),
        "WLM" if at(1) == &Value::Bool(true) => "  wire log on".into(),
        "WLM" => "  wire log off".into(),
        _ => format!("  {entry}"),
    }
}

fn octets(octets: &Value) -> String {
    format!("{} octets: {}", octets[0], plain(&octets[1]))
}

/// Opcode, bits and payload: the same places in what is received and sent.
fn frame(entry: &Value) -> String {
    let (payload, opcode, fin, rsv) = (&entry[1], &entry[2], &entry[3], &entry[4]);
    let mut text = match opcode.as_u64() {
        Some(0) => "Continuation".into(),
        Some(1) => "Text".into(),
        Some(2) => "Binary".into(),
        Some(8) => "Close".into(),
        Some(9) => "Ping".into(),
        Some(10) => "Pong".into(),
        _ => format!("opcode {opcode}"),
    };
    if fin == &Value::Bool(false) {
        text += ", not final";
    }
    if rsv != &Value::from(0) {
        text += &format!(", RSV {rsv}");
    }
    let content = plain(&payload[1]);
    let shown = match content.strip_prefix("0x") {
        Some(_) => content,
        None => format!("\"{}\"", content.escape_debug()),
    };
    format!("{text}, {} octets {shown}", payload[0])
}

fn mask(mask: &Value) -> String {
    match mask.as_str() {
        Some(mask) => format!(", mask {mask}"),
        None => ", not masked".into(),
    }
}

/// How a frame is repeated and cut into writes.
fn writes(entry: &Value) -> String {
    let mut text = String::new();
    if let Some(len) = entry[6].as_u64() {
        text += &format!(", repeated to {len} octets");
    }
    if let Some(size) = entry[7].as_u64() {
        text += &format!(", in writes of {size}");
    }
    if entry[8] == Value::Bool(true) {
        text += ", in a write of its own";
    }
    text
}

/// A string as it is, anything else as JSON.
fn plain(value: &Value) -> String {
    match value.as_str() {
        Some(text) => text.to_owned(),
        None => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::record;
    use super::*;

    #[test]
    fn frames_and_octets_are_readable() {
        for (value, expected) in [
            (json!(["RO", [14, "810c"]]), "<   14 octets: 810c"),
            (
                json!(["RF", [2, "0x03e8"], 8, true, 0, false, null]),
                "< Close, 2 octets 0x03e8, not masked",
            ),
            (
                json!(["TF", [1, "*"], 1, false, 4, "9dcee889", 65536, 997, true]),
                "> Text, not final, RSV 4, 1 octets \"*\", mask 9dcee889, repeated to 65536 \
                 octets, in writes of 997, in a write of its own",
            ),
            (
                json!(["TF", [0, ""], 3, true, 0, null, null, null, false]),
                "> opcode 3, 0 octets \"\", not masked",
            ),
            (json!(["CT", 1, "A"]), "  waits 1 s (A)"),
            (json!(["XX", 1]), "  [\"XX\",1]"),
        ] {
            assert_eq!(entry(&value), expected);
        }
    }

    #[test]
    fn the_dialogue_begins_with_the_handshake_and_ends_with_the_verdict() {
        let text = to_text(&record("a", "2.1"));
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "case 2.1 of a");
        assert_eq!(lines[1], "> GET / HTTP/1.1");
        assert_eq!(lines[2], "< HTTP/1.1 101 Switching Protocols");
        assert_eq!(lines[lines.len() - 2], "  TCP ended by the testee, clean");
        assert_eq!(lines[lines.len() - 1], "verdict: OK, close OK");
    }
}
