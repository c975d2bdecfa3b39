//! Properties that hold for all configurations and offers.

use proptest::prelude::*;
use ws_handshake::Request;
use ws_proto::{DeflateConfig, DeflateParams, Role};

use super::{HEADER, offered, over_http, verified, verified_by};

fn any_config() -> impl Strategy<Value = DeflateConfig> {
    let peer_window_bits = prop::option::of(8..=15_u8);
    (any::<(bool, bool)>(), 9..=15_u8, peer_window_bits).prop_map(|(takeover, own, peer)| {
        let mut config = DeflateConfig::default().own_window_bits(own);
        if !takeover.0 {
            config = config.own_no_context_takeover();
        }
        if !takeover.1 {
            config = config.peer_no_context_takeover();
        }
        match peer {
            Some(bits) => config.peer_window_bits(bits),
            None => config,
        }
    })
}

/// Lists of offers: well-formed ones, malformed ones, and those of another extension.
fn any_offers() -> impl Strategy<Value = String> {
    let param = prop_oneof![
        4 => Just("server_no_context_takeover"),
        4 => Just("client_no_context_takeover"),
        4 => Just("client_max_window_bits"),
        1 => Just("server_max_window_bits"),
        1 => Just("x"),
    ];
    let window = (any::<bool>(), 7..=16_u8).prop_map(|(is_server, bits)| {
        let side = if is_server { "server" } else { "client" };
        format!("{side}_max_window_bits={bits}")
    });
    let param = prop_oneof![param.prop_map(str::to_owned), window];
    let params = prop::collection::vec(param, 0..4);
    let name = prop_oneof![8 => Just("permessage-deflate"), 1 => Just("x")];
    let offer = (name, params).prop_map(|(name, params)| {
        let params = params.iter().map(|param| format!("; {param}"));
        [name.to_owned()]
            .into_iter()
            .chain(params)
            .collect::<String>()
    });
    prop::collection::vec(offer, 1..5).prop_map(|offers| offers.join(", "))
}

/// Returns `true` if the end with this role announced that it resets its window, if it does so.
fn announces_own_reset(params: &DeflateParams, config: &DeflateConfig, role: Role) -> bool {
    params.takeover(role) <= config.wanted(role).takeover(role)
}

/// Returns `true` if the parameters keep the limits that the end with this role requested of its
/// peer.
fn keeps_peer_limits(params: &DeflateParams, config: &DeflateConfig, role: Role) -> bool {
    let (wanted, peer) = (config.wanted(role), role.peer());
    params.takeover(peer) <= wanted.takeover(peer)
        && params.window_bits(peer) <= wanted.window_bits(peer)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_ends_derive_the_same_parameters(ours in any_config(), theirs in any_config()) {
        let request = Request::new().deflate(&ours);
        let (response, agreed) = over_http(&offered(&ours), &theirs);
        let answer = response.headers()[HEADER].to_str().unwrap();
        prop_assert_eq!(verified_by(&request, answer).unwrap(), agreed);
        let agreed = agreed.unwrap();
        for (config, role) in [(&ours, Role::Client), (&theirs, Role::Server)] {
            prop_assert!(announces_own_reset(&agreed, config, role));
            prop_assert!(keeps_peer_limits(&agreed, config, role));
        }
    }

    #[test]
    fn a_plain_offer_has_and_gets_no_window(ours in any_config(), theirs in any_config()) {
        prop_assert_eq!(offered(&ours.plain_offer()), "permessage-deflate");
        let (response, agreed) = over_http("permessage-deflate", &theirs);
        prop_assert!(!response.headers()[HEADER].to_str().unwrap().contains("window_bits"));
        let agreed = agreed.unwrap();
        prop_assert_eq!((agreed.server_max_window_bits, agreed.client_max_window_bits), (15, 15));
    }

    #[test]
    fn every_answer_fits_the_offers(offers in any_offers(), config in any_config()) {
        let (response, agreed) = over_http(&offers, &config);
        match response.headers().get(HEADER) {
            Some(answer) => {
                let answer = answer.to_str().unwrap();
                prop_assert_eq!(verified(&offers, answer).unwrap(), agreed);
                prop_assert!(announces_own_reset(&agreed.unwrap(), &config, Role::Server));
                // The answer has a window only if an offer has it.
                for window in ["server_max_window_bits", "client_max_window_bits"] {
                    prop_assert!(!answer.contains(window) || offers.contains(window));
                }
            }
            None => prop_assert_eq!(agreed, None),
        }
    }
}
