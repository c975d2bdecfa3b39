//! Group 10: a message that the sender's own options fragment.

use super::build::{fail_after, text_echo};
use crate::case::{Case, CaseId};
use crate::script::{JudgedBy, Payload, Step};

pub(in crate::cases) fn cases() -> Vec<Case> {
    let payload = Payload::repeated(b"*", 65536);
    let steps = vec![
        Step::Message {
            binary: false,
            payload: payload.clone(),
            fragment: Some(1300),
        },
        fail_after(10_000),
    ];
    let case = Case::steps(CaseId::three(10, 1, 1), "Auto-fragmented send", steps)
        .see(&["RFC 6455 §5.4"])
        .judged_by(JudgedBy::EventsAndSentFrames)
        .expects(vec![text_echo(payload)])
        .says(
            "Sends a text message of 65536 bytes in frames of 1300.",
            "The message comes back; then a clean close with code 1000.",
        );
    vec![case]
}
