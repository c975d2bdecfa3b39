//! The offers of a client, and the answers that a client accepts.
//!
//! The conformance cases are those of `ws-conformance`.

use ws_handshake::{
    Answer, AnswerError, ClientError, DeflateError, DeflateParameter, Extension, Request,
};
use ws_proto::{DeflateConfig, DeflateParams};

use super::{
    HEADER, accepted, config, extensions, offered, params, response, verified, verified_by,
};
use crate::common::client;

#[test]
fn offers_are_in_order_of_preference() {
    let plain = "permessage-deflate; client_max_window_bits";
    let asked = "permessage-deflate; server_max_window_bits=10; client_max_window_bits";
    let reset = "permessage-deflate; server_no_context_takeover; client_max_window_bits";
    let both = "permessage-deflate; server_no_context_takeover; server_max_window_bits=10; \
        client_max_window_bits";
    let own = "permessage-deflate; client_no_context_takeover; client_max_window_bits";
    let everything = config()
        .own_no_context_takeover()
        .peer_no_context_takeover()
        .peer_window_bits(10);
    for (config, offers) in [
        (config(), plain.to_owned()),
        (DeflateConfig::default(), plain.to_owned()),
        (config().peer_window_bits(15), plain.to_owned()),
        (everything.plain_offer(), "permessage-deflate".to_owned()),
        (config().peer_window_bits(10), [asked, plain].join(", ")),
        (
            config().peer_no_context_takeover(),
            [reset, plain].join(", "),
        ),
        (
            config().peer_no_context_takeover().peer_window_bits(10),
            [both, reset, plain].join(", "),
        ),
        (
            config().own_no_context_takeover().own_window_bits(11),
            own.to_owned(),
        ),
    ] {
        assert_eq!(offered(&config), offers);
    }
}

#[test]
fn offers_keep_the_position_at_which_they_were_added() {
    let x = Extension::new("x").unwrap();
    let y = Extension::new("y").unwrap();
    let request = Request::new()
        .extension(x.clone())
        .deflate(&config())
        .extension(y.clone());
    let head = client(&request).request().to_vec();
    let line = "Sec-WebSocket-Extensions: x, permessage-deflate; client_max_window_bits, y\r\n";
    assert!(
        head.windows(line.len())
            .any(|window| window == line.as_bytes())
    );

    let answer = Answer::new().deflate(&config()).extension(y).extension(x);
    let accepted = accepted(&["permessage-deflate, x, y"], answer).unwrap();
    assert_eq!(
        accepted.response().headers()[HEADER],
        "y, x, permessage-deflate"
    );
    let agreed = verified_by(&request, "y, x, permessage-deflate").unwrap();
    assert_eq!(agreed, Some(DeflateParams::default()));
    assert_eq!(verified_by(&request, "y, x").unwrap(), None);
}

#[test]
fn answers_are_accepted_or_rejected_alike_on_both_sides() {
    use DeflateError::*;
    use DeflateParameter as P;
    let unknown = |name: &str| Err(UnknownParameter(name.to_owned()));
    for (offer, answer, expected) in [
        ("", "", Ok(params((false, false), (15, 15)))),
        (
            "",
            "; server_no_context_takeover",
            Ok(params((true, false), (15, 15))),
        ),
        (
            "",
            "; client_no_context_takeover",
            Ok(params((false, true), (15, 15))),
        ),
        // RFC 7692 §7.1.2.1: a server may limit its window even if the client did not request it.
        (
            "",
            "; server_max_window_bits=9",
            Ok(params((false, false), (9, 15))),
        ),
        (
            "",
            "; server_max_window_bits=\"8\"",
            Ok(params((false, false), (8, 15))),
        ),
        (
            "; server_max_window_bits=10",
            "; server_max_window_bits=10",
            Ok(params((false, false), (10, 15))),
        ),
        (
            "; server_max_window_bits=10",
            "; server_max_window_bits=8",
            Ok(params((false, false), (8, 15))),
        ),
        (
            "; client_max_window_bits",
            "",
            Ok(params((false, false), (15, 15))),
        ),
        (
            "; client_max_window_bits",
            "; client_max_window_bits=8",
            Ok(params((false, false), (15, 8))),
        ),
        // RFC 7692 §7.1.1.2, §7.1.2.2: the stricter limit of offer and answer applies to the
        // client.
        (
            "; client_no_context_takeover",
            "",
            Ok(params((false, true), (15, 15))),
        ),
        (
            "; client_max_window_bits=10",
            "",
            Ok(params((false, false), (15, 10))),
        ),
        (
            "; client_max_window_bits=10",
            "; client_max_window_bits=12",
            Ok(params((false, false), (15, 10))),
        ),
        (
            "; client_max_window_bits=10",
            "; client_max_window_bits=9",
            Ok(params((false, false), (15, 9))),
        ),
        // RFC 7692 §7.1.3: a server may accept either of two offers.
        (
            "; server_max_window_bits=10, permessage-deflate",
            "; server_max_window_bits=10",
            Ok(params((false, false), (10, 15))),
        ),
        (
            "; server_max_window_bits=10, permessage-deflate",
            "",
            Ok(params((false, false), (15, 15))),
        ),
        // Conformance case 22.2.25: an unknown parameter.
        ("", "; unknown", unknown("unknown")),
        (
            "",
            "; Server_max_window_bits=10",
            unknown("Server_max_window_bits"),
        ),
        // Conformance case 22.2.26: a repeated parameter.
        (
            "",
            "; server_max_window_bits=9; server_max_window_bits=9",
            Err(DuplicateParameter(P::ServerMaxWindowBits)),
        ),
        (
            "",
            "; server_no_context_takeover; server_no_context_takeover",
            Err(DuplicateParameter(P::ServerNoContextTakeover)),
        ),
        (
            "",
            "; client_no_context_takeover; client_no_context_takeover",
            Err(DuplicateParameter(P::ClientNoContextTakeover)),
        ),
        (
            "; client_max_window_bits",
            "; client_max_window_bits=9; client_max_window_bits=10",
            Err(DuplicateParameter(P::ClientMaxWindowBits)),
        ),
        // Conformance case 22.2.27: an invalid window of the server.
        (
            "",
            "; server_max_window_bits=16",
            Err(InvalidValue(P::ServerMaxWindowBits)),
        ),
        (
            "",
            "; server_max_window_bits=7",
            Err(InvalidValue(P::ServerMaxWindowBits)),
        ),
        (
            "",
            "; server_max_window_bits=09",
            Err(InvalidValue(P::ServerMaxWindowBits)),
        ),
        (
            "",
            "; server_max_window_bits",
            Err(InvalidValue(P::ServerMaxWindowBits)),
        ),
        // Conformance case 22.2.28: an invalid window of the client.
        (
            "; client_max_window_bits",
            "; client_max_window_bits",
            Err(InvalidValue(P::ClientMaxWindowBits)),
        ),
        (
            "; client_max_window_bits",
            "; client_max_window_bits=16",
            Err(InvalidValue(P::ClientMaxWindowBits)),
        ),
        // Conformance case 22.2.29: a window of the client that was not offered.
        (
            "",
            "; client_max_window_bits=15",
            Err(ClientMaxWindowBitsNotOffered),
        ),
        // Conformance case 22.2.30: a value where none is allowed.
        (
            "",
            "; server_no_context_takeover=1",
            Err(InvalidValue(P::ServerNoContextTakeover)),
        ),
        (
            "",
            "; client_no_context_takeover=1",
            Err(InvalidValue(P::ClientNoContextTakeover)),
        ),
        // Conformance case 22.2.31: an answer that ignores a limit of the offer.
        (
            "; server_max_window_bits=10",
            "; server_max_window_bits=11",
            Err(ServerMaxWindowBitsTooLarge {
                answered: 11,
                asked: 10,
            }),
        ),
        (
            "; server_max_window_bits=10",
            "",
            Err(ServerMaxWindowBitsMissing),
        ),
        (
            "; server_no_context_takeover",
            "",
            Err(ServerNoContextTakeoverMissing),
        ),
        (
            "; server_no_context_takeover",
            "; client_no_context_takeover",
            Err(ServerNoContextTakeoverMissing),
        ),
    ] {
        let (offer, answer) = (
            format!("permessage-deflate{offer}"),
            format!("permessage-deflate{answer}"),
        );
        let result = verified(&offer, &answer).map_err(deflate_error);
        assert_eq!(result, expected.clone().map(Some), "{offer} -> {answer}");
        // A server checks an answer that it writes with `extension` by the same rules.
        let by_hand = Answer::new().extension(extensions(&answer).remove(0));
        let result = accepted(&[&offer], by_hand).map(|accepted| accepted.agreed().deflate());
        let expected = expected.map(Some).map_err(AnswerError::Deflate);
        assert_eq!(result, expected, "{offer} -> {answer}");
    }
}

fn deflate_error(error: ClientError) -> DeflateError {
    match error {
        ClientError::Deflate(error) => error,
        other => panic!("{other}"),
    }
}

#[test]
fn other_answers_fail() {
    let request = Request::new().deflate(&config());
    for (request, answer, name) in [
        // Conformance case 22.2.23: an extension that was not offered.
        (&Request::new(), "permessage-deflate", "UnofferedExtension"),
        (&request, "permessage-deflate, x", "UnofferedExtension"),
        (&request, "PERMESSAGE-DEFLATE", "UnofferedExtension"),
        // Conformance case 22.2.24: a repeated extension.
        (
            &request,
            "permessage-deflate, permessage-deflate",
            "DuplicateExtension",
        ),
        (
            &request,
            "permessage-deflate; server_max_window_bits=",
            "InvalidExtensions",
        ),
        (
            &request,
            "permessage-deflate; client_max_window_bits",
            "Deflate(InvalidValue(ClientMaxWindowBits))",
        ),
    ] {
        let error = verified_by(request, answer).unwrap_err();
        assert_eq!(format!("{error:?}"), name, "{answer}");
    }
    let two_lines = response("permessage-deflate").with(format!("{HEADER}: permessage-deflate"));
    let error = client(&request).receive(&two_lines.bytes()).unwrap_err();
    assert!(matches!(error, ClientError::DuplicateExtension));
}

#[test]
fn errors_name_the_parameter() {
    let error = verified(
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits=9",
    );
    assert_eq!(
        error.unwrap_err().to_string(),
        "the answer to permessage-deflate is wrong; offer no compression, or report it \
         (client_max_window_bits was not offered)"
    );
    let twice = Answer::new()
        .extension(Extension::new("permessage-deflate").unwrap())
        .deflate(&config());
    assert_eq!(
        accepted(&["permessage-deflate"], twice).unwrap_err(),
        AnswerError::DuplicateExtension("permessage-deflate".into())
    );
}

#[test]
fn a_limit_that_the_server_does_not_grant_is_no_error() {
    let wishes = config().peer_no_context_takeover().peer_window_bits(10);
    let request = Request::new().deflate(&wishes);
    for (answer, expected) in [
        ("permessage-deflate", params((false, false), (15, 15))),
        (
            "permessage-deflate; server_max_window_bits=12",
            params((false, false), (12, 15)),
        ),
        (
            "permessage-deflate; server_no_context_takeover",
            params((true, false), (15, 15)),
        ),
    ] {
        assert_eq!(verified_by(&request, answer).unwrap(), Some(expected));
    }
}

#[test]
fn offers_with_unknown_parameters_are_not_interpreted() {
    let offers = "permessage-deflate; x-level=3";
    assert_eq!(
        verified(offers, "permessage-deflate; x-level=2").unwrap(),
        None
    );
    let by_hand = Answer::new().extension(extensions(offers).remove(0));
    let accepted = accepted(&[offers], by_hand).unwrap();
    assert_eq!(accepted.agreed().deflate(), None);
    assert_eq!(accepted.agreed().extensions(), extensions(offers));
}
