//! 24.2: reasons.

use crate::case::Case;
use crate::case::Roles::Both;
use crate::cases::fails::fails;
use crate::wire::Frame;

use super::rules;

const TITLE: &str = "Closing: reasons";
/// The length of the longest reason.
const MAX_REASON: usize = 123;

pub(super) fn cases() -> Vec<Case> {
    vec![
        invalid("24.2.1", "ends within a character", b"Bye \xe2\x82"),
        invalid(
            "24.2.2",
            "encodes a character in more bytes than necessary",
            b"Bye \xc0\xaf",
        ),
        invalid(
            "24.2.3",
            "contains half of a surrogate pair",
            b"Bye \xed\xa0\x80",
        ),
        longest(),
    ]
}

fn invalid(id: &str, how: &str, reason: &'static [u8]) -> Case {
    let frames = move || vec![Frame::close(1000, reason)];
    let rule = &rules::INVALID_REASON;
    let case = fails(id, Both, TITLE, rule, &[1007, 1002], frames);
    case.see(&["RFC 6455 §5.5.1"]).does(format!(
        "Sends a message and waits for its echo. Then sends a Close with code 1000 and a reason \
         that {how}."
    ))
}

fn longest() -> Case {
    let case = Case::new("24.2.4", Both, TITLE, &rules::ANSWER, |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        let reason = "€".repeat(MAX_REASON / 3);
        peer.send(Frame::close(1000, reason.as_bytes()))?;
        peer.expect_close(&[1000])
    });
    case.does(
        "Sends a message and waits for its echo. Then sends a Close with code 1000 and a reason \
         of 123 bytes, in characters of three bytes.",
    )
    .wants("The testee answers with a Close that has code 1000 or no code.")
}
