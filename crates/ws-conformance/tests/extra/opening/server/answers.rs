//! Servers that answer a right request wrongly, or refuse a wrong one wrongly.

use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::list::{Entry, KEY, VERSION, with_status};
use super::{Reaction, refusal};
use crate::opening::extensions::HEADER;
use crate::opening::head::accept;

/// Decodes bits after the last byte, too.
const BASE64_ANY: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Servers that write a wrong response to a right request.
pub(super) const OPENING: &[Entry] = &[
    (
        "accept-wrong",
        "answers each key with the same accept value",
        |it| {
            it.change = |_, it| it.set("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        },
    ),
    (
        "accept-of-decoded",
        "answers the key as it is when it is decoded and encoded again",
        |it| {
            it.change = |request, it| {
                let any = BASE64_ANY
                    .decode(request.all(KEY).concat())
                    .unwrap_or_default();
                it.set(
                    "Sec-WebSocket-Accept",
                    &accept(&BASE64_STANDARD.encode(any)),
                );
            };
        },
    ),
    ("accept-missing", "answers without an accept value", |it| {
        it.change = |_, it| it.remove("Sec-WebSocket-Accept");
    }),
    (
        "accept-twice",
        "answers with the accept value twice",
        |it| {
            it.change = |_, it| {
                let accept = it.all("Sec-WebSocket-Accept").concat();
                it.add("Sec-WebSocket-Accept", &accept);
            };
        },
    ),
    ("status-200", "answers 200 instead of 101", |it| {
        it.change = |_, it| it.first = "HTTP/1.1 200 OK".to_owned();
    }),
    ("status-1.0", "answers with HTTP/1.0", |it| {
        it.change = |_, it| it.first = it.first.replace("1.1", "1.0");
    }),
    ("no-upgrade-answered", "answers without Upgrade", |it| {
        it.change = |_, it| it.remove("Upgrade");
    }),
    (
        "no-connection-answered",
        "answers without Connection",
        |it| {
            it.change = |_, it| it.remove("Connection");
        },
    ),
    ("no-response", "never answers a right request", |it| {
        it.checks.set("all", |_| false);
        it.react = |reason| match reason {
            "all" => Reaction::Silence,
            _ => Reaction::Answer(refusal(reason)),
        };
    }),
    (
        "extension-unasked",
        "agrees to an extension that was not offered",
        |it| {
            it.change = |_, it| it.set(HEADER, "permessage-deflate");
        },
    ),
];

/// Servers that refuse a wrong request in a wrong way.
pub(super) const REFUSING: &[Entry] = &[
    ("refuses-with-200", "refuses with status 200", |it| {
        it.react = |reason| Reaction::Answer(with_status(reason, "200 OK"));
    }),
    ("refuses-with-403", "refuses with status 403", |it| {
        it.react = |reason| Reaction::Answer(with_status(reason, "403 Forbidden"));
    }),
    ("refuses-with-500", "refuses with status 500", |it| {
        it.react = |reason| Reaction::Answer(with_status(reason, "500 Internal Server Error"));
    }),
    (
        "version-unsaid",
        "does not say which version it knows",
        |it| {
            it.react = |reason| {
                let mut refusal = refusal(reason);
                refusal.head.remove(VERSION);
                Reaction::Answer(refusal)
            };
        },
    ),
    ("version-8-said", "says that it knows version 8", |it| {
        it.react = |reason| {
            let mut refusal = refusal(reason);
            refusal.head.set(VERSION, "8");
            Reaction::Answer(refusal)
        };
    }),
    (
        "refusal-cut",
        "ends TCP before the end of a refusal",
        |it| {
            it.react = |reason| {
                let mut refusal = refusal(reason);
                refusal.body.pop();
                Reaction::Answer(refusal)
            };
        },
    ),
    (
        "refusal-endless",
        "leaves TCP open after a refusal without a length",
        |it| {
            it.react = |reason| {
                let mut refusal = refusal(reason);
                refusal.head.remove("Content-Length");
                Reaction::AnswerAndHold(refusal)
            };
        },
    ),
    (
        "refusal-not-http",
        "refuses with a line that is not HTTP",
        |it| {
            it.react = |reason| {
                let mut refusal = refusal(reason);
                refusal.head.first = format!("ERROR {reason}");
                Reaction::Answer(refusal)
            };
        },
    ),
    (
        "fragments-ended",
        "ends TCP instead of refusing a fragment in the target",
        |it| {
            it.react = |reason| match reason {
                "fragment" => Reaction::End,
                _ => Reaction::Answer(refusal(reason)),
            };
        },
    ),
    (
        "names-in-silence",
        "never answers a header whose name is wrong",
        |it| {
            it.react = |reason| match reason {
                "header-names" => Reaction::Silence,
                _ => Reaction::Answer(refusal(reason)),
            };
        },
    ),
    (
        "refuses-in-silence",
        "never answers a wrong request",
        |it| it.react = |_| Reaction::Silence,
    ),
    ("refuses-by-end", "ends TCP instead of a refusal", |it| {
        it.react = |_| Reaction::End
    }),
    (
        "no-http-in-silence",
        "never answers what is not HTTP",
        |it| {
            it.react = |reason| match reason {
                "request-line" => Reaction::Silence,
                _ => Reaction::Answer(refusal(reason)),
            };
        },
    ),
    (
        "long-in-silence",
        "never answers a head that is too long",
        |it| {
            it.react = |reason| match reason {
                "length" | "header-count" => Reaction::Silence,
                _ => Reaction::Answer(refusal(reason)),
            };
        },
    ),
    ("dies-of-refusals", "dies after a refusal", |it| {
        it.react = |reason| Reaction::AnswerAndDie(refusal(reason));
    }),
    ("dies-of-garbage", "dies of what is not HTTP", |it| {
        it.react = |reason| match reason {
            "request-line" => Reaction::AnswerAndDie(refusal(reason)),
            _ => Reaction::Answer(refusal(reason)),
        };
    }),
    (
        "later-http-in-silence",
        "never answers a later version of HTTP",
        |it| {
            it.checks
                .set("later-http", |it| !it.first.ends_with("HTTP/2.0"));
            it.checks.set("http-version", |it| {
                it.parts().get(2).is_none_or(|it| *it >= "HTTP/1.1")
            });
            it.react = |reason| match reason {
                "later-http" => Reaction::Silence,
                _ => Reaction::Answer(refusal(reason)),
            };
        },
    ),
];
