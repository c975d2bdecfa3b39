//! Tests of offers and answers.

use super::*;

const PLAIN: Demand = Demand::new(false, None);
const SMALL: Demand = Demand::new(false, Some(9));
const SMALL_ALONE: Demand = Demand::new(true, Some(9));

fn coding(window_bits: u8, context_takeover: bool) -> Coding {
    Coding {
        window_bits,
        context_takeover,
    }
}

#[test]
fn demands_are_offered_in_order() {
    let common = "permessage-deflate; client_no_context_takeover; client_max_window_bits";
    assert_eq!(
        offers(&[SMALL_ALONE, PLAIN]),
        format!("{common}; server_no_context_takeover; server_max_window_bits=9, {common}")
    );
}

fn response(header: &str, demand: Demand) -> Result<Option<AgreedResponse>, ExtensionError> {
    read_response(&[header], &[demand])
}

#[test]
fn an_answer_says_what_counts() {
    assert_eq!(read_response(&[], &[PLAIN]), Ok(None));
    assert_eq!(response("", PLAIN), Ok(None));
    let plain = response("permessage-deflate", PLAIN).unwrap().unwrap();
    assert_eq!(plain.agreement.outgoing(Role::Server), coding(15, true));
    assert_eq!(plain.agreement.incoming(Role::Server), coding(15, true));
    let alone = "permessage-deflate; client_no_context_takeover";
    let alone = response(alone, PLAIN).unwrap().unwrap();
    assert_eq!(alone.agreement.outgoing(Role::Server), coding(15, false));
    let full = "Permessage-Deflate ; client_max_window_bits=\"10\"; server_no_context_takeover";
    let full = response(full, PLAIN).unwrap().unwrap();
    assert_eq!(full.agreement.outgoing(Role::Server), coding(10, true));
    assert_eq!(full.agreement.incoming(Role::Server), coding(15, false));
}

#[test]
fn an_answer_fits_if_it_has_what_an_offer_asks_for() {
    let fits = |header, demands: &[Demand]| {
        let response = read_response(&[header], demands).unwrap();
        response.unwrap().fits
    };
    assert!(!fits("permessage-deflate", &[SMALL]));
    assert!(!fits(
        "permessage-deflate; server_max_window_bits=10",
        &[SMALL]
    ));
    assert!(fits(
        "permessage-deflate; server_max_window_bits=8",
        &[SMALL]
    ));
    assert!(fits("permessage-deflate", &[SMALL, PLAIN]));
}

#[test]
fn an_answer_that_makes_no_sense_is_refused() {
    let parameter = |header: &str| match response(header, PLAIN) {
        Err(ExtensionError::Parameter(name)) => name,
        other => panic!("{header}: {other:?}"),
    };
    for (wrong, name) in [
        ("x", "x"),
        ("server_max_window_bits", "server_max_window_bits"),
        ("server_max_window_bits=7", "server_max_window_bits"),
        ("client_max_window_bits", "client_max_window_bits"),
        ("client_max_window_bits=16", "client_max_window_bits"),
        ("server_no_context_takeover=1", "server_no_context_takeover"),
        (
            "client_no_context_takeover; client_no_context_takeover",
            "client_no_context_takeover",
        ),
    ] {
        assert_eq!(parameter(&format!("permessage-deflate; {wrong}")), name);
    }
    for unexpected in ["x", "permessage-deflate, permessage-deflate"] {
        let refusal = response(unexpected, PLAIN);
        assert!(matches!(refusal, Err(ExtensionError::Unexpected(_))));
    }
    let twice = read_response(&["permessage-deflate"; 2], &[PLAIN]);
    assert_eq!(twice, Err(ExtensionError::RepeatedHeader));
}

#[test]
fn an_offer_is_taken_up_if_it_will_do() {
    let answer = |header: &str, demands: &[Demand]| {
        let agreed = agree(&[header], demands).unwrap();
        agreed.map(|(answer, _)| answer)
    };
    let plain = "permessage-deflate";
    let able = "permessage-deflate; client_max_window_bits; server_max_window_bits=12";
    assert_eq!(answer("x, y", &[PLAIN]), None);
    assert_eq!(answer(plain, &[PLAIN]).as_deref(), Some(plain));
    assert_eq!(answer(plain, &[SMALL]), None);
    assert_eq!(
        answer(&format!("{plain}, {able}"), &[SMALL_ALONE]).as_deref(),
        Some(
            "permessage-deflate; server_max_window_bits=12; client_no_context_takeover; \
             client_max_window_bits=9"
        )
    );
    // The client does not offer a window, so the next demand is tried.
    assert_eq!(
        answer(plain, &[SMALL_ALONE, Demand::new(true, None), PLAIN]).as_deref(),
        Some("permessage-deflate; client_no_context_takeover")
    );
}

#[test]
fn what_is_answered_counts_for_both_sides() {
    let offer = "permessage-deflate; client_max_window_bits=15; server_no_context_takeover";
    let (_, agreement) = agree(&[offer], &[SMALL]).unwrap().unwrap();
    assert_eq!(agreement.incoming(Role::Client), coding(9, true));
    assert_eq!(agreement.outgoing(Role::Client), coding(15, false));
}

#[test]
fn an_offer_that_makes_no_sense_is_refused() {
    assert!(agree(&["permessage-deflate; x"], &[PLAIN]).is_err());
    assert!(agree(&["permessage-deflate"; 2], &[PLAIN]).is_err());
}
