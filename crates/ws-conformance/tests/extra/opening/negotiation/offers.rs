//! Servers that accept or decline the wrong offers.

use super::list::has_right_extensions;
use super::{Negotiation, agree};
use crate::opening::extensions::{DEFLATE, Extension, HEADER, Mistakes};
use crate::opening::server::list::Entry;
use crate::opening::server::{Reaction, refusal};

pub(super) const ALL: &[Entry] = &[
    (
        "mirrors-offers",
        "repeats what is offered, whatever it is",
        |it| {
            it.negotiation.always = Some(|request| {
                let lines = request.all(HEADER);
                (!lines.is_empty()).then(|| lines.join(", "))
            });
        },
    ),
    (
        "unknown-extension",
        "agrees to the first extension, also to one that nobody knows",
        |it| {
            it.negotiation.always = Some(|request| {
                let offers = Extension::list(&request.all(HEADER), Mistakes::Fatal)?;
                offers.first().map(|offer| offer.name.clone())
            });
        },
    ),
    (
        "unknown-extension-only",
        "agrees to the extensions that nobody knows, and to no others",
        |it| {
            it.negotiation.always = Some(|request| {
                let offers = Extension::list(&request.all(HEADER), Mistakes::Fatal)?;
                let unknown = offers.iter().find(|offer| !offer.is_deflate());
                unknown.map(|offer| offer.name.clone())
            });
        },
    ),
    (
        "deflate-for-all",
        "agrees to compress if anything is offered",
        |it| {
            it.negotiation.always =
                Some(|request| (!request.all(HEADER).is_empty()).then(|| DEFLATE.to_owned()));
        },
    ),
    (
        "mistakes-skipped",
        "skips the malformed parts of a list",
        |it| {
            it.negotiation.mistakes = Mistakes::Skipped;
        },
    ),
    (
        "all-offers",
        "agrees to each offer of permessage-deflate",
        |it| {
            it.negotiation.always = Some(|request| {
                let offers = Extension::list(&request.all(HEADER), Mistakes::Fatal)?;
                let answers = offers.iter().filter(|offer| offer.is_deflate()).map(agree);
                let answers: Vec<_> = answers.collect();
                (!answers.is_empty()).then(|| answers.join(", "))
            });
        },
    ),
    (
        "parameters-unread",
        "agrees to compress without a look at parameters",
        |it| {
            it.negotiation.always = Some(|request| {
                let offers = Extension::list(&request.all(HEADER), Mistakes::Fatal)?;
                let is_deflate = |offer: &Extension| offer.is_deflate();
                offers.iter().any(is_deflate).then(|| DEFLATE.to_owned())
            });
        },
    ),
    (
        "declined-is-400",
        "answers 400 if no offer can be accepted",
        |it| {
            it.checks.set("offers", |request| {
                let lines = request.all(HEADER);
                lines.is_empty() || Negotiation::correct().answer(request).is_some()
            });
        },
    ),
    (
        "window-is-400",
        "answers 400 to an offer with a window",
        |it| {
            it.checks.set("offers", |request| {
                !request
                    .all(HEADER)
                    .iter()
                    .any(|it| it.contains("_window_bits"))
            });
        },
    ),
    (
        "quotes-are-400",
        "answers 400 to an offer with quotation marks",
        |it| {
            it.checks.set("offers", |request| {
                !request.all(HEADER).iter().any(|it| it.contains("=\"1"))
            });
        },
    ),
    (
        "semicolon-is-200",
        "answers 200 to an offer that ends with a semicolon",
        |it| {
            it.checks.set("offers", |request| {
                !request.all(HEADER).iter().any(|it| it.ends_with(';'))
            });
            it.react = |reason| {
                let mut refusal = refusal(reason);
                refusal.head.first = "HTTP/1.1 200 OK".to_owned();
                Reaction::Answer(refusal)
            };
        },
    ),
    (
        "malformed-ended",
        "ends TCP if a list of extensions is malformed",
        |it| {
            it.checks.set("offers", has_right_extensions);
            it.react = |reason| match reason {
                "offers" => Reaction::End,
                _ => Reaction::Answer(refusal(reason)),
            };
        },
    ),
    (
        "empty-items-fatal",
        "declines lists with empty elements",
        |it| {
            it.negotiation.always = Some(|request| {
                let lines = request.all(HEADER);
                let has_empty = |line: &str| line.split(',').any(|item| item.trim().is_empty());
                let is_right = !lines.iter().any(|line| has_empty(line));
                is_right
                    .then(|| Negotiation::correct().answer(request))
                    .flatten()
            });
        },
    ),
];
