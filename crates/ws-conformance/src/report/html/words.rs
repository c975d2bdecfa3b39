//! Untrusted text for pages. The templates escape it. This module handles the rest: control
//! characters, long texts, and the tags in descriptions of the original.

/// The mark of an omission.
pub(super) const ELLIPSIS: &str = " …";

/// Returns at most this many characters, all of them visible. Characters that would reorder or hide
/// text are written as `\u{…}`. Line ends stay.
pub(super) fn visible(text: &str, most: usize) -> String {
    let mut shown = String::new();
    for (position, character) in text.chars().enumerate() {
        if position == most {
            return shown + ELLIPSIS;
        }
        match character {
            '\n' => shown.push(character),
            '\r' => {}
            _ if hides(character) => shown.extend(character.escape_unicode()),
            _ => shown.push(character),
        }
    }
    shown
}

/// Returns `true` for control characters, and for marks that change how the text around them is
/// displayed.
fn hides(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Returns prose of a report: line ends replace the original's `<br>`, and its `<b>` is removed.
pub(super) fn prose(text: &str, most: usize) -> String {
    let plain = text.replace("<b>", "").replace("</b>", "");
    let lines: Vec<_> = plain
        .split("<br>")
        .flat_map(str::lines)
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    visible(&lines.join("\n"), most)
}

/// Returns 3000 as `3,000`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_or_reorders_is_written_out() {
        assert_eq!(visible("a\u{202e}b\0é\r\n", 10), "a\\u{202e}b\\u{0}é\n");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(visible("ééé", 3), "ééé");
        assert_eq!(visible("éééé", 3), "ééé …");
    }

    #[test]
    fn the_tags_of_the_original_are_no_text() {
        let text = "Send <b>Opcode = 14</b>.\n<br><br>PARTS:<br>\nA<br>\n";
        assert_eq!(prose(text, 100), "Send Opcode = 14.\nPARTS:\nA");
        assert_eq!(prose("<i>stays", 100), "<i>stays");
    }

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1234567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }
}
