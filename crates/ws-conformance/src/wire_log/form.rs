//! The form of entries in report files. As in the original suite, it is an array with the kind
//! first.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use super::{Entry, Excerpt, FrameEntry};

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        to_value(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(from_value(&value).unwrap_or(Self::Unknown(value)))
    }
}

fn to_value(entry: &Entry) -> Value {
    match entry {
        Entry::BytesReceived(bytes) => json!(["RO", excerpt(bytes)]),
        Entry::BytesSent { bytes, queued } => json!(["TO", excerpt(bytes), queued]),
        Entry::FrameReceived(frame) => json!([
            "RF",
            excerpt(&frame.payload),
            frame.opcode,
            frame.fin,
            frame.rsv,
            frame.key.is_some(),
            frame.key,
        ]),
        Entry::FrameSent {
            frame,
            repeated,
            chop,
            own_write,
        } => json!([
            "TF",
            excerpt(&frame.payload),
            frame.opcode,
            frame.fin,
            frame.rsv,
            frame.key,
            repeated,
            chop,
            own_write,
        ]),
        Entry::WaitBegan { time, tag } => json!(["CT", seconds(*time), tag]),
        Entry::WaitOver(tag) => json!(["CTE", tag]),
        Entry::FailAfter(time) => json!(["KL", seconds(*time)]),
        Entry::Failing => json!(["KLE"]),
        Entry::CloseAfter(time) => json!(["TI", seconds(*time)]),
        Entry::Closing => json!(["TIE"]),
        Entry::Turned { on } => json!(["WLM", on]),
        Entry::Unknown(value) => value.clone(),
    }
}

fn excerpt(excerpt: &Excerpt) -> Value {
    json!([excerpt.len, excerpt.text])
}

/// Returns whole seconds as integers, like those of the original.
fn seconds(time: Duration) -> Value {
    match time.subsec_nanos() {
        0 => json!(time.as_secs()),
        _ => json!(time.as_secs_f64()),
    }
}

fn from_value(value: &Value) -> Option<Entry> {
    Some(match value.get(0)?.as_str()? {
        "RO" => Entry::BytesReceived(read_excerpt(value.get(1)?)?),
        "TO" => Entry::BytesSent {
            bytes: read_excerpt(value.get(1)?)?,
            queued: value.get(2)?.as_bool()?,
        },
        "RF" => Entry::FrameReceived(read_frame(value, 6)?),
        "TF" => Entry::FrameSent {
            frame: read_frame(value, 5)?,
            repeated: value.get(6)?.as_u64(),
            chop: value.get(7)?.as_u64(),
            own_write: value.get(8)?.as_bool()?,
        },
        "CT" => Entry::WaitBegan {
            time: read_seconds(value.get(1)?)?,
            tag: read_text(value.get(2)?),
        },
        "CTE" => Entry::WaitOver(read_text(value.get(1)?)),
        "KL" => Entry::FailAfter(read_seconds(value.get(1)?)?),
        "KLE" => Entry::Failing,
        "TI" => Entry::CloseAfter(read_seconds(value.get(1)?)?),
        "TIE" => Entry::Closing,
        "WLM" => Entry::Turned {
            on: value.get(1)?.as_bool()?,
        },
        _ => return None,
    })
}

fn read_frame(value: &Value, key: usize) -> Option<FrameEntry> {
    Some(FrameEntry {
        payload: read_excerpt(value.get(1)?)?,
        opcode: value.get(2)?.as_u64()?.try_into().ok()?,
        fin: value.get(3)?.as_bool()?,
        rsv: value.get(4)?.as_u64()?.try_into().ok()?,
        key: read_text(value.get(key)?),
    })
}

fn read_excerpt(value: &Value) -> Option<Excerpt> {
    Some(Excerpt {
        len: value.get(0)?.as_u64()?,
        text: read_text(value.get(1)?)?,
    })
}

fn read_text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// Reads a duration. A file from elsewhere can contain any number.
fn read_seconds(value: &Value) -> Option<Duration> {
    Duration::try_from_secs_f64(value.as_f64()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_entry_is_written_as_it_was_read() {
        for value in [
            json!(["RO", [14, "810c"]]),
            json!(["TO", [2, "8900"], true]),
            json!(["RF", [2, "0x03e8"], 8, true, 0, false, null]),
            json!(["RF", [2, "ab"], 1, false, 4, true, "9dcee889"]),
            json!(["TF", [1, "*"], 1, false, 4, "9dcee889", 65536, 997, true]),
            json!(["TF", [0, ""], 3, true, 0, null, null, null, false]),
            json!(["CT", 1, "A"]),
            json!(["CT", 0.5, null]),
            json!(["CTE", "A"]),
            json!(["CTE", null]),
            json!(["KL", 10]),
            json!(["KLE"]),
            json!(["TI", 1]),
            json!(["TIE"]),
            json!(["WLM", false]),
        ] {
            let entry: Entry = serde_json::from_value(value.clone()).unwrap();
            assert!(!matches!(entry, Entry::Unknown(_)), "{value}");
            assert_eq!(serde_json::to_value(&entry).unwrap(), value);
        }
    }

    #[test]
    fn an_entry_of_another_form_is_kept_as_it_is() {
        for value in [
            json!(null),
            json!([]),
            json!(["XX", 1]),
            json!(["RO", 1]),
            json!(["RF", [2, "ab"], 300, false, 0, false, null]),
            json!(["KL", -1]),
            json!(["KL", 1e300]),
        ] {
            let entry: Entry = serde_json::from_value(value.clone()).unwrap();
            assert_eq!(entry, Entry::Unknown(value.clone()));
            assert_eq!(serde_json::to_value(&entry).unwrap(), value);
        }
    }
}
