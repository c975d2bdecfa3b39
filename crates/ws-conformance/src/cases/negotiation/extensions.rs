//! 21.2: lists of extensions.

use super::offers::{Decision, Judge, accepts, declined, judge_any, judge_malformed, offer};
use super::rules;
use crate::case::Case;
use crate::deflate::DEFLATE;
use crate::dialogue::{Miss, passed};

const TITLE: &str = "Negotiation: lists of extensions";

pub(super) fn cases() -> Vec<Case> {
    [unknown(), malformed(), tolerable()]
        .into_iter()
        .flatten()
        .chain([empty_elements()])
        .collect()
}

fn unknown() -> Vec<Case> {
    vec![
        offer(
            "21.2.1",
            TITLE,
            &rules::REGISTERED,
            "x-unknown; a=1",
            |_, answer| judge_any(answer),
        )
        .see(&["RFC 6455 §9"])
        .wants("The server answers with status 101 and without an extension, and echoes."),
        offer(
            "21.2.2",
            TITLE,
            &rules::REGISTERED,
            "x-unknown, permessage-deflate",
            |_, answer| judge_any(answer),
        )
        .see(&["RFC 6455 §9"])
        .wants(
            "The server answers with status 101 and without an extension, or with \
             permessage-deflate, and echoes.",
        ),
    ]
}

fn malformed() -> Vec<Case> {
    let malformed = |id, list, judge: Judge| {
        let case = offer(id, TITLE, &rules::MALFORMED, list, judge);
        case.wants(
            "The server answers with an error status, or with 101 and without an extension, and \
             then echoes.",
        )
    };
    let nothing: Judge = |_, answer| match answer {
        Decision::Declined => passed("The server opened the connection without an extension."),
        other => judge_malformed(other),
    };
    let something: Judge = |peer, answer| match answer {
        Decision::Declined => declined(peer),
        other => judge_malformed(other),
    };
    vec![
        malformed("21.2.3", ";", nothing),
        malformed("21.2.5", "permessage-deflate, a=", something),
        malformed("21.2.6", "permessage-deflate, a=\"", something),
        malformed("21.2.7", ",,", nothing),
        malformed("21.2.8", "permessage-deflate; =1", something),
    ]
}

fn tolerable() -> Vec<Case> {
    let tolerable = |id, rule, list| {
        let case = offer(id, TITLE, rule, list, |_, answer| match answer {
            Decision::Refused(status) => {
                passed(format!("The server refused with status {status}."))
            }
            other => judge_any(other),
        });
        case.wants(
            "The server answers with an error status, or with 101, and then echoes within the \
             bounds of its answer.",
        )
    };
    vec![
        tolerable("21.2.4", &rules::TOLERABLE, "permessage-deflate;").see(&["RFC 9110 §5.6.6"]),
        tolerable("21.2.9", &rules::OTHER_CASE, "PERMESSAGE-DEFLATE"),
        tolerable("21.2.10", &rules::TOLERABLE, ""),
    ]
}

fn empty_elements() -> Case {
    let rule = &rules::EMPTY_ELEMENTS;
    let list = ", permessage-deflate ,,";
    let case = offer("21.2.11", TITLE, rule, list, |peer, answer| match answer {
        Decision::Accepted(_) => judge_any(answer),
        Decision::Refused(status) => {
            Miss::must(format!("The server refused with status {status}."))
        }
        Decision::Declined => match accepts(peer, DEFLATE)? {
            true => {
                Miss::must("The server declined an offer that it accepts as `permessage-deflate`.")
            }
            false => Miss::not_applicable("The server does not accept permessage-deflate at all."),
        },
    });
    case.see(&["RFC 6455 §9.1"]).wants(
        "The server answers with status 101 and permessage-deflate, and echoes within the bounds \
         of its answer.",
    )
}
