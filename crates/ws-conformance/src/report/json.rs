//! JSON in the form of the original suite: sorted keys, three spaces of indentation, ASCII only, no
//! line end after the last line.

use serde_json::{Map, Value};

/// Returns the text of `value` in this form.
pub fn to_text(value: &Value) -> String {
    let mut text = String::new();
    write_value(&mut text, value, 0);
    text
}

fn write_value(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Array(items) => {
            write_list(text, '[', ']', items, depth, |text, item| {
                write_value(text, item, depth + 1);
            });
        }
        Value::Object(fields) => {
            write_list(text, '{', '}', &in_order(fields), depth, |text, field| {
                write_string(text, field.0);
                text.push_str(": ");
                write_value(text, field.1, depth + 1);
            });
        }
        Value::String(string) => write_string(text, string),
        Value::Null | Value::Bool(_) | Value::Number(_) => text.push_str(&value.to_string()),
    }
}

fn write_list<T>(
    text: &mut String,
    open: char,
    close: char,
    items: &[T],
    depth: usize,
    write: impl Fn(&mut String, &T),
) {
    let line = |text: &mut String, depth| {
        text.push('\n');
        text.extend(std::iter::repeat_n("   ", depth));
    };
    text.push(open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        line(text, depth + 1);
        write(text, item);
    }
    if !items.is_empty() {
        line(text, depth);
    }
    text.push(close);
}

/// Returns the fields by name, or by number if all names are numbers, as in the statistics.
fn in_order(fields: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut fields: Vec<_> = fields.iter().collect();
    fields.sort_by_key(|(name, _)| *name);
    if fields.iter().all(|(name, _)| name.parse::<u64>().is_ok()) {
        fields.sort_by_key(|(name, _)| name.parse::<u64>().ok());
    }
    fields
}

fn write_string(text: &mut String, string: &str) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            ' '..='~' => text.push(character),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_and_objects_are_indented_by_three() {
        let value = json!({"b": [1, [true]], "a": {"x": null}, "e": [], "o": {}});
        let expected = "{\n   \"a\": {\n      \"x\": null\n   },\n   \"b\": [\n      1,\n      [\n         \
                        true\n      ]\n   ],\n   \"e\": [],\n   \"o\": {}\n}";
        assert_eq!(to_text(&value), expected);
    }

    #[test]
    fn strings_are_ascii() {
        let text = to_text(&json!("a\"\\/\n\u{1}\u{7f}é\u{1f600}"));
        assert_eq!(text, r#""a\"\\/\n\u0001\u007f\u00e9\ud83d\ude00""#);
        assert_eq!(
            serde_json::from_str::<String>(&text)
                .unwrap()
                .chars()
                .count(),
            9
        );
    }

    #[test]
    fn names_that_are_numbers_sort_by_number() {
        let text = to_text(&json!({"14": 1, "4": 1, "129": 1}));
        assert_eq!(text, "{\n   \"4\": 1,\n   \"14\": 1,\n   \"129\": 1\n}");
        let ids = to_text(&json!({"10.1.1": 1, "9.1.1": 1}));
        assert!(ids.find("10.1.1") < ids.find("9.1.1"));
    }
}
