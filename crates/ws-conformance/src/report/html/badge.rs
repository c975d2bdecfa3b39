//! Badges: small pictures of the result, for a README, and their data for shields.io.

use askama::Template;
use serde_json::json;

use super::verdicts::Tally;

const LABEL: &str = "websocket conformance";
/// The approximate width of two characters, and of the space around a text, in a sans-serif of 11
/// px.
const TWO_CHARACTERS: usize = 13;
const SPACE: usize = 12;

#[derive(Template)]
#[template(path = "badge.svg")]
struct Badge {
    label: &'static str,
    message: String,
    color: &'static str,
    label_width: usize,
    message_width: usize,
}

/// Returns the badge as SVG. `not_run` is the number of cases of the original suite that did not
/// run.
pub(super) fn of(tally: &Tally, not_run: usize) -> String {
    let (message, color) = message(tally, not_run);
    let badge = Badge {
        label: LABEL,
        label_width: width(LABEL),
        message_width: width(&message),
        message,
        color,
    };
    badge.render().expect("writing to a string cannot fail")
}

/// Returns the data from which shields.io makes a badge.
pub(super) fn endpoint(tally: &Tally, not_run: usize) -> String {
    let (message, color) = message(tally, not_run);
    let endpoint = json!({
        "schemaVersion": 1,
        "label": LABEL,
        "message": message,
        "color": color,
    });
    endpoint.to_string()
}

fn width(text: &str) -> usize {
    text.len() * TWO_CHARACTERS / 2 + SPACE
}

/// Returns the text and the color. A testee is strict only if all its verdicts are the best ones.
fn message(tally: &Tally, not_run: usize) -> (String, &'static str) {
    let (strict, run) = (tally.strict(), tally.run());
    if run == 0 {
        return ("no result".to_owned(), "#5c6670");
    }
    let tolerated = tally.nonstrict + tally.unstable + tally.unimplemented;
    match (tally.fail, tolerated) {
        (0, 0) if not_run > 0 => (
            format!("{strict}/{run} strict, {not_run} not run"),
            "#0a6b2d",
        ),
        (0, 0) => (format!("{strict}/{run} strict"), "#0a6b2d"),
        (0, _) => (format!("{strict}/{run} strict, none failed"), "#7a5a00"),
        (failed, _) => (format!("{strict}/{run}, {failed} failed"), "#a30f1b"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_badge_tells_the_truth() {
        let tally = |pass, nonstrict, fail| Tally {
            pass,
            nonstrict,
            fail,
            ..Tally::default()
        };
        for (tally, expected) in [
            (tally(517, 0, 0), "517/517 strict"),
            (tally(516, 1, 0), "516/517 strict, none failed"),
            (tally(1, 1, 1), "1/3, 1 failed"),
            (tally(0, 0, 0), "no result"),
        ] {
            assert_eq!(message(&tally, 0).0, expected);
        }
        let (part, _) = message(&tally(301, 0, 0), 216);
        assert_eq!(part, "301/301 strict, 216 not run");
        let data: serde_json::Value = serde_json::from_str(&endpoint(&tally(2, 0, 0), 0)).unwrap();
        assert_eq!(data["schemaVersion"], 1);
        assert_eq!(
            (&data["message"], &data["color"]),
            (&"2/2 strict".into(), &"#0a6b2d".into())
        );
        let svg = of(&tally(2, 0, 0), 0);
        assert!(
            svg.starts_with("<svg ") && svg.contains(">2/2 strict<"),
            "{svg}"
        );
    }
}
