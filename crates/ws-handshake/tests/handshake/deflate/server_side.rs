//! The answers of a server to offers.
//!
//! The conformance cases are those of `ws-conformance`.

use ws_handshake::{Answer, Request};

use super::{HEADER, accepted, answered, config, over_http, params};
use crate::common::{ACCEPT, HeadText, client, offer};

#[test]
fn nothing_is_offered_or_answered_unless_configured() {
    let handshake = client(&Request::new());
    let head = String::from_utf8(handshake.request().to_vec()).unwrap();
    assert!(!head.contains(HEADER));
    let accepted = accepted(&["permessage-deflate"], Answer::new()).unwrap();
    assert!(!accepted.response().headers().contains_key(HEADER));
    assert_eq!(accepted.agreed().deflate(), None);
}

#[test]
fn malformed_offers_are_declined() {
    for params in [
        "server_max_window_bits=7",     // case 21.3.1
        "server_max_window_bits=16",    // case 21.3.2
        "server_max_window_bits=015",   // case 21.3.3
        "server_max_window_bits=abc",   // case 21.3.4
        "server_max_window_bits",       // case 21.3.6
        "client_max_window_bits=7",     // case 21.3.9
        "client_max_window_bits=16",    // case 21.3.10
        "server_no_context_takeover=1", // case 21.3.14
        "client_no_context_takeover=x", // case 21.3.15
        "unknown",                      // case 21.3.17
        "server_max_window_bits=08",
        "server_max_window_bits=+9",
        "server_max_window_bits=1",
        "server_max_window_bits=150",
        "server_max_window_bits=99999999999999999999",
        "client_max_window_bits=0",
        "client_max_window_bits=-9",
        "client_no_context_takeover=true",
        "SERVER_NO_CONTEXT_TAKEOVER",
        "client_max_window_bits; unknown=1",
        // Conformance case 21.3.16: a repeated parameter.
        "server_max_window_bits=10; server_max_window_bits=10",
        "server_no_context_takeover; server_no_context_takeover",
        "client_no_context_takeover; client_no_context_takeover",
        "client_max_window_bits; client_max_window_bits=10",
    ] {
        let bad = format!("permessage-deflate; {params}");
        let good = "permessage-deflate; server_max_window_bits=12";
        assert_eq!(answered(&[&bad], &config()), "", "{bad}");
        // The next offer is accepted, in the same header line or in a later line (conformance cases
        // 21.3.18, 21.3.19).
        assert_eq!(answered(&[&format!("{bad}, {good}")], &config()), good);
        assert_eq!(answered(&[&bad, "x", good], &config()), good);
    }
    // Conformance case 21.3.5: a header that breaks the grammar offers nothing (RFC 6455 §9.1).
    for value in ["", "\"\""] {
        let line = format!("{HEADER}: permessage-deflate; server_max_window_bits={value}");
        let offer = offer(&HeadText::request().with(line));
        let accepted = offer.accept(Answer::new().deflate(&config())).unwrap();
        assert_eq!(accepted.agreed().deflate(), None);
    }
    // Conformance case 21.2.9: extension names are case-sensitive.
    assert_eq!(answered(&["PERMESSAGE-DEFLATE"], &config()), "");
    assert_eq!(answered(&["permessage-deflates, deflate"], &config()), "");
    assert_eq!(answered(&[], &config()), "");
}

#[test]
fn the_first_acceptable_offer_is_answered() {
    let plain = config();
    let small = config().own_window_bits(10).peer_window_bits(9);
    let fresh = config()
        .own_no_context_takeover()
        .peer_no_context_takeover();
    for (config, offers, answer) in [
        (plain, "", ""),
        // The example offers of RFC 7692 §7.1.3.
        (
            plain,
            "client_max_window_bits; server_max_window_bits=10, permessage-deflate; \
            client_max_window_bits",
            "; server_max_window_bits=10",
        ),
        // Conformance case 21.3.7: the smallest window.
        (
            plain,
            "server_max_window_bits=8",
            "; server_max_window_bits=8",
        ),
        // Conformance case 21.3.8: a quoted value.
        (
            plain,
            "server_max_window_bits=\"10\"",
            "; server_max_window_bits=10",
        ),
        // Conformance case 21.3.11: a client that leaves its window to the server.
        (plain, "client_max_window_bits", ""),
        (
            small,
            "client_max_window_bits",
            "; client_max_window_bits=9",
        ),
        // Conformance case 21.3.12: a client that limits its own window.
        (
            plain,
            "client_max_window_bits=10",
            "; client_max_window_bits=10",
        ),
        (plain, "client_max_window_bits=15", ""),
        (
            small,
            "client_max_window_bits=10",
            "; client_max_window_bits=9",
        ),
        (
            small,
            "client_max_window_bits=8",
            "; client_max_window_bits=8",
        ),
        // Conformance case 21.3.13: the answer has no window, because the client offered none.
        (small, "", ""),
        (
            small,
            "client_no_context_takeover",
            "; client_no_context_takeover",
        ),
        (
            small,
            "client_max_window_bits; server_max_window_bits=12",
            "; server_max_window_bits=10; client_max_window_bits=9",
        ),
        (
            small,
            "server_max_window_bits=9",
            "; server_max_window_bits=9",
        ),
        (
            small,
            "server_max_window_bits=8",
            "; server_max_window_bits=8",
        ),
        (
            small,
            "server_max_window_bits=15",
            "; server_max_window_bits=10",
        ),
        // Conformance case 21.3.20: a requested window is in the answer, even the largest window.
        (
            plain,
            "server_max_window_bits=15",
            "; server_max_window_bits=15",
        ),
        (
            plain,
            "server_max_window_bits=9",
            "; server_max_window_bits=9",
        ),
        // Conformance case 21.3.21: parameters without a value.
        (
            plain,
            "server_no_context_takeover",
            "; server_no_context_takeover",
        ),
        (
            plain,
            "client_no_context_takeover",
            "; client_no_context_takeover",
        ),
        (
            fresh,
            "",
            "; server_no_context_takeover; client_no_context_takeover",
        ),
        (
            fresh,
            "client_max_window_bits=9; client_no_context_takeover; \
            server_max_window_bits=11; server_no_context_takeover",
            "; server_no_context_takeover; server_max_window_bits=11; \
            client_no_context_takeover; client_max_window_bits=9",
        ),
    ] {
        let separator = if offers.is_empty() { "" } else { "; " };
        let offers = format!("permessage-deflate{separator}{offers}");
        let expected = format!("permessage-deflate{answer}");
        assert_eq!(answered(&[&offers], &config), expected, "{offers}");
        // Conformance case 21.2.2: other extensions do not change the answer.
        assert_eq!(answered(&["x-unknown; a", &offers, "y"], &config), expected);
    }
    for bits in 8..=15 {
        let line = format!("permessage-deflate; server_max_window_bits={bits}");
        assert_eq!(answered(&[&line], &plain), line);
    }
}

#[test]
fn requests_of_other_http_stacks_are_negotiated() {
    let (response, agreed) = over_http(
        "permessage-deflate; server_max_window_bits=abc, permessage-deflate; client_max_window_bits",
        &config().own_no_context_takeover().peer_window_bits(12),
    );
    assert_eq!(response.headers()["sec-websocket-accept"], ACCEPT);
    assert_eq!(
        response.headers()[HEADER],
        "permessage-deflate; server_no_context_takeover; client_max_window_bits=12"
    );
    assert_eq!(agreed, Some(params((true, false), (15, 12))));
}
