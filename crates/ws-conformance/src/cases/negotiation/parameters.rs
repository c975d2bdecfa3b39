//! 21.3: the parameters of permessage-deflate.

use super::offers::{Decision, Judge, accepts, declined, judge_any, judge_malformed, offer};
use super::rules;
use crate::case::{Case, Rule};
use crate::deflate::Extension;
use crate::dialogue::{Miss, Outcome, passed};

const TITLE: &str = "Negotiation: permessage-deflate";
const SERVER_BITS: &str = "server_max_window_bits";
const CLIENT_BITS: &str = "client_max_window_bits";
const SERVER_TAKEOVER: &str = "server_no_context_takeover";

pub(super) fn cases() -> Vec<Case> {
    [wrong(), windows(), right(), choices()]
        .into_iter()
        .flatten()
        .chain([empty_value(), quoted()])
        .collect()
}

/// Returns cases with offers that the server has to decline.
fn wrong() -> Vec<Case> {
    let wrong = |id, rule: &'static Rule, list, section: &'static [&'static str]| {
        let case = offer(id, TITLE, rule, list, |peer, answer| match answer {
            Decision::Accepted(_) => {
                Miss::must("The server accepted an offer that it has to decline.")
            }
            Decision::Declined => declined(peer),
            Decision::Refused(_) => judge_any(answer),
        });
        case.see(section)
            .wants("The server answers with status 101 and without the extension, and echoes.")
    };
    let invalid = |id, list, section| wrong(id, &rules::INVALID_VALUE, list, section);
    let server_bits = &["RFC 7692 §7.1.2.1"];
    let client_bits = &["RFC 7692 §7.1.2.2"];
    vec![
        invalid(
            "21.3.1",
            "permessage-deflate; server_max_window_bits=7",
            server_bits,
        ),
        invalid(
            "21.3.2",
            "permessage-deflate; server_max_window_bits=16",
            server_bits,
        ),
        invalid(
            "21.3.3",
            "permessage-deflate; server_max_window_bits=015",
            server_bits,
        ),
        invalid(
            "21.3.4",
            "permessage-deflate; server_max_window_bits=abc",
            server_bits,
        ),
        invalid(
            "21.3.6",
            "permessage-deflate; server_max_window_bits",
            server_bits,
        ),
        invalid(
            "21.3.9",
            "permessage-deflate; client_max_window_bits=7",
            client_bits,
        ),
        invalid(
            "21.3.10",
            "permessage-deflate; client_max_window_bits=16",
            client_bits,
        ),
        invalid(
            "21.3.14",
            "permessage-deflate; server_no_context_takeover=1",
            &["RFC 7692 §7.1.1.1"],
        ),
        invalid(
            "21.3.15",
            "permessage-deflate; client_no_context_takeover=x",
            &["RFC 7692 §7.1.1.2"],
        ),
        wrong(
            "21.3.16",
            &rules::REPEATED_PARAMETER,
            "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
            &["RFC 7692 §7.1.1.2"],
        ),
        wrong(
            "21.3.17",
            &rules::UNKNOWN_PARAMETER,
            "permessage-deflate; x_unknown",
            &["RFC 7692 §7.1"],
        ),
    ]
}

fn empty_value() -> Case {
    let list = "permessage-deflate; server_max_window_bits=";
    let case = offer(
        "21.3.5",
        TITLE,
        &rules::MALFORMED,
        list,
        |peer, answer| match answer {
            Decision::Declined => declined(peer),
            other => judge_malformed(other),
        },
    );
    case.see(&["RFC 7692 §7.1.2.1"]).wants(
        "The server answers with an error status, or with 101 and without the extension, and then \
         echoes.",
    )
}

/// Judges the answer of a server that accepted. The case does not apply to a server that declines.
fn judge_accepted(answer: &Decision, judge: impl Fn(&Extension) -> Outcome) -> Outcome {
    match answer {
        Decision::Accepted(agreed) => judge(agreed),
        Decision::Declined => Miss::not_applicable("The server declines this offer."),
        Decision::Refused(_) => judge_any(answer),
    }
}

fn judge_window(answer: &Decision, most: u8) -> Outcome {
    judge_accepted(answer, |agreed| match agreed.number(SERVER_BITS) {
        Some(bits) if bits <= most => {
            passed(format!("The server accepted with {bits} and obeys it."))
        }
        Some(bits) => Miss::must(format!(
            "The server accepted with {bits}, which is above {most}."
        )),
        None if most == 15 => Miss::should("The server accepted without server_max_window_bits."),
        None => Miss::must("The server accepted without server_max_window_bits."),
    })
}

/// Returns a case for each size of the server's window.
fn windows() -> Vec<Case> {
    let windows = [
        ("21.3.7", 8),
        ("21.3.20", 9),
        ("21.3.22", 10),
        ("21.3.23", 11),
        ("21.3.24", 12),
        ("21.3.25", 13),
        ("21.3.26", 14),
        ("21.3.27", 15),
    ];
    windows.map(|(id, bits)| window(id, bits)).into()
}

fn window(id: &str, bits: u8) -> Case {
    let rule = match bits {
        15 => &rules::LARGEST_SERVER_WINDOW,
        _ => &rules::SERVER_WINDOW,
    };
    let list = format!("permessage-deflate; {SERVER_BITS}={bits}");
    let case = offer(id, TITLE, rule, &list, move |_, answer| {
        judge_window(answer, bits)
    });
    case.wants(
        "The server declines, or answers with the same or a smaller window. Its messages obey the \
         window of its answer.",
    )
}

/// Returns a case with a value in quotes. A server that accepts the value only without quotes does
/// not implement the grammar.
fn quoted() -> Case {
    let list = "permessage-deflate; server_max_window_bits=\"10\"";
    let case = offer(
        "21.3.8",
        TITLE,
        &rules::SERVER_WINDOW,
        list,
        |peer, answer| match answer {
            Decision::Accepted(_) => judge_window(answer, 10),
            Decision::Declined | Decision::Refused(_) => {
                match accepts(peer, "permessage-deflate; server_max_window_bits=10")? {
                    true => Miss::should("The server accepts the value only without quotes."),
                    false => judge_window(answer, 10),
                }
            }
        },
    );
    case.see(&["RFC 6455 §9.1"]).wants(
        "The server answers as if there were no quotes. Its messages obey the window of its answer.",
    )
}

fn right() -> Vec<Case> {
    let right = |id, rule, list, wants: &str, judge: Judge| {
        let case = offer(id, TITLE, rule, list, judge);
        case.wants(format!("The server declines, or {wants}."))
    };
    vec![
        right(
            "21.3.11",
            &rules::CLIENT_WINDOW,
            "permessage-deflate; client_max_window_bits",
            "answers with a value from 8 to 15 or without this parameter",
            |_, answer| judge_accepted(answer, |_| judge_any(answer)),
        ),
        right(
            "21.3.12",
            &rules::CLIENT_WINDOW,
            "permessage-deflate; client_max_window_bits=10",
            "answers with a value from 8 to 15, which may be above the hint, or without this \
             parameter",
            |_, answer| judge_accepted(answer, |_| judge_any(answer)),
        ),
        right(
            "21.3.13",
            &rules::NO_CLIENT_WINDOW,
            "permessage-deflate",
            "answers without client_max_window_bits",
            |_, answer| {
                judge_accepted(answer, |agreed| match agreed.has(CLIENT_BITS) {
                    true => Miss::must("The answer has client_max_window_bits."),
                    false => judge_any(answer),
                })
            },
        ),
        right(
            "21.3.21",
            &rules::NO_TAKEOVER,
            "permessage-deflate; server_no_context_takeover",
            "answers with this parameter, and each of its messages can be inflated on its own",
            |_, answer| judge_accepted(answer, |agreed| judge_no_takeover(answer, agreed)),
        ),
    ]
}

fn judge_no_takeover(answer: &Decision, agreed: &Extension) -> Outcome {
    match agreed.has(SERVER_TAKEOVER) {
        true => judge_any(answer),
        false => Miss::must("The server accepted without server_no_context_takeover."),
    }
}

/// Returns cases with two offers, the first of which is wrong.
fn choices() -> Vec<Case> {
    let choice = |id, lines, sections: &'static [&'static str]| {
        let case = offer(
            id,
            TITLE,
            &rules::INVALID_VALUE,
            lines,
            |peer, answer| match answer {
                Decision::Accepted(agreed) => judge_no_takeover(answer, agreed),
                Decision::Refused(_) => judge_any(answer),
                Decision::Declined => {
                    match accepts(peer, "permessage-deflate; server_no_context_takeover")? {
                        true => {
                            Miss::should("The server accepts the second offer only on its own.")
                        }
                        false => Miss::not_applicable("The server declines the second offer."),
                    }
                }
            },
        );
        case.see(sections).wants(
            "The server declines the first offer. It accepts the second one, if it accepts that \
             on its own.",
        )
    };
    vec![
        choice(
            "21.3.18",
            "permessage-deflate; server_max_window_bits=7, \
             permessage-deflate; server_no_context_takeover",
            &["RFC 7692 §5", "RFC 7692 §7.1.1.1"],
        ),
        choice(
            "21.3.19",
            "permessage-deflate; server_max_window_bits=7\n\
             permessage-deflate; server_no_context_takeover",
            &["RFC 7692 §5", "RFC 7692 §7.1.1.1", "RFC 6455 §9.1"],
        ),
    ]
}
