//! The wire log as text for people.

use crate::record::Record;
use crate::wire_log::{Entry, Excerpt, FrameEntry};

/// Returns the opening handshake and the wire log, one line for each entry, and the verdict with
/// its reasons. `>` marks what the suite sent, `<` what the testee sent.
///
/// Of each frame and of each piece of bytes, the log has the length and the first 64 bytes, like
/// that of the original. The reason names the place of a difference beyond them.
pub fn to_text(record: &Record) -> String {
    let (request, response) = match record.is_server {
        true => ('<', '>'),
        false => ('>', '<'),
    };
    let mut lines = vec![format!("case {} of {}", record.id, record.agent)];
    lines.extend(head(request, &record.http_request));
    lines.extend(head(response, &record.http_response));
    lines.extend(record.wirelog.iter().map(line));
    if !record.create_wirelog {
        lines.push("  (the wire log is off while this case runs: it has too much data)".into());
    }
    lines.push(format!("  {}", end(record)));
    lines.push(format!("verdict: {}", record.verdict));
    for result in [&record.result, &record.result_close] {
        lines.push(format!("  {}", result.escape_debug()));
    }
    let violations = record.violations.iter();
    lines.extend(violations.map(|it| format!("  violation: {}", it.escape_debug())));
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

fn line(entry: &Entry) -> String {
    match entry {
        Entry::BytesReceived(bytes) => format!("<   {}", shown_bytes(bytes)),
        Entry::BytesSent { bytes, .. } => format!(">   {}", shown_bytes(bytes)),
        Entry::FrameReceived(frame) => format!("< {}", shown_frame(frame)),
        Entry::FrameSent {
            frame,
            repeated,
            chop,
            own_write,
        } => format!(
            "> {}{}",
            shown_frame(frame),
            writes(*repeated, *chop, *own_write)
        ),
        Entry::WaitBegan { time, tag } => {
            format!("  waits {} s ({})", time.as_secs_f64(), name(tag))
        }
        Entry::WaitOver(tag) => format!("  the wait is over ({})", name(tag)),
        Entry::FailAfter(time) => format!(
            "  fails the connection if TCP was not ended after {} s",
            time.as_secs_f64()
        ),
        Entry::Failing => "  fails the connection: the time limit has passed".into(),
        Entry::CloseAfter(time) => format!(
            "  closes the connection if it is still open after {} s",
            time.as_secs_f64()
        ),
        Entry::Closing => "  closes the connection: the time limit has passed".into(),
        Entry::Turned { on: true } => "  wire log on".into(),
        Entry::Turned { on: false } => "  wire log off".into(),
        Entry::Unknown(value) => format!("  {value}"),
    }
}

fn shown_bytes(bytes: &Excerpt) -> String {
    format!("{} bytes: {}", bytes.len, bytes.text)
}

/// Returns opcode, bits, payload and masking key.
fn shown_frame(frame: &FrameEntry) -> String {
    let mut text = match frame.opcode {
        0 => "Continuation".into(),
        1 => "Text".into(),
        2 => "Binary".into(),
        8 => "Close".into(),
        9 => "Ping".into(),
        10 => "Pong".into(),
        opcode => format!("opcode {opcode}"),
    };
    if !frame.fin {
        text += ", not final";
    }
    if frame.rsv != 0 {
        text += &format!(", RSV {}", frame.rsv);
    }
    let content = &frame.payload.text;
    let shown = match content.starts_with("0x") {
        true => content.clone(),
        false => format!("\"{}\"", content.escape_debug()),
    };
    let mask = match &frame.key {
        Some(key) => format!("mask {key}"),
        None => "not masked".into(),
    };
    format!("{text}, {} bytes {shown}, {mask}", frame.payload.len)
}

/// Describes how a frame is repeated and cut into writes.
fn writes(repeated: Option<u64>, chop: Option<u64>, own_write: bool) -> String {
    let mut text = String::new();
    if let Some(len) = repeated {
        text += &format!(", repeated to {len} bytes");
    }
    if let Some(size) = chop {
        text += &format!(", in writes of {size}");
    }
    if own_write {
        text += ", in a write of its own";
    }
    text
}

fn name(tag: &Option<String>) -> &str {
    tag.as_deref().unwrap_or("no name")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::record;
    use super::*;

    #[test]
    fn frames_and_bytes_are_readable() {
        for (value, expected) in [
            (json!(["RO", [14, "810c"]]), "<   14 bytes: 810c"),
            (
                json!(["RF", [2, "0x03e8"], 8, true, 0, false, null]),
                "< Close, 2 bytes 0x03e8, not masked",
            ),
            (
                json!(["TF", [1, "*"], 1, false, 4, "9dcee889", 65536, 997, true]),
                "> Text, not final, RSV 4, 1 bytes \"*\", mask 9dcee889, repeated to 65536 \
                 bytes, in writes of 997, in a write of its own",
            ),
            (
                json!(["TF", [0, ""], 3, true, 0, null, null, null, false]),
                "> opcode 3, 0 bytes \"\", not masked",
            ),
            (json!(["CT", 1, "A"]), "  waits 1 s (A)"),
            (json!(["XX", 1]), "  [\"XX\",1]"),
        ] {
            let entry: Entry = serde_json::from_value(value).unwrap();
            assert_eq!(line(&entry), expected);
        }
    }

    #[test]
    fn the_dialogue_begins_with_the_handshake_and_ends_with_the_verdict() {
        let text = to_text(&record("a", "2.1"));
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "case 2.1 of a");
        assert_eq!(lines[1], "> GET / HTTP/1.1");
        assert_eq!(lines[2], "< HTTP/1.1 101 Switching Protocols");
        let end = [
            "  TCP ended by the testee, clean",
            "verdict: OK, close OK",
            "  as expected",
            "  as expected",
        ];
        assert_eq!(lines[lines.len() - 4..], end);
    }
}
