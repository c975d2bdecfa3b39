//! Nothing that a peer or a caller passes makes the crate panic, or read beyond its limits.

#![forbid(unsafe_code)]

mod common;

use common::{HeadText, NONCE, client, target};
use proptest::prelude::*;
use ws_handshake::{
    Answer, ClientError, Extension, OriginPolicy, Rejection, Request, ServerHandshake, Target,
    UpgradeRequest,
};
use ws_proto::DeflateConfig;

/// Feeds pieces whose lengths come from `cuts`, over and over, to a server.
fn serve(mut bytes: &[u8], cuts: &[usize]) -> Option<Result<(usize, UpgradeRequest), Rejection>> {
    let mut server = ServerHandshake::new(OriginPolicy::default());
    let mut total = 0;
    for cut in cuts.iter().cycle() {
        if bytes.is_empty() {
            return None;
        }
        let (piece, rest) = bytes.split_at(bytes.len().min(*cut));
        match server.receive(piece) {
            Err(rejection) => {
                assert!(!rejection.to_string().is_empty());
                assert!(rejection.encode().starts_with(b"HTTP/1.1 "));
                return Some(Err(rejection));
            }
            Ok(progress) => {
                assert!(progress.consumed <= piece.len());
                total += progress.consumed;
                if let Some(offer) = progress.done {
                    return Some(Ok((total, offer)));
                }
                assert_eq!(progress.consumed, piece.len());
            }
        }
        bytes = rest;
    }
    None
}

fn connect(mut bytes: &[u8], cuts: &[usize]) -> String {
    let request = Request::new()
        .protocol("a")
        .extension(Extension::new("x").unwrap())
        .deflate(&DeflateConfig::default().peer_window_bits(10));
    let mut client = client(&request);
    let mut total = 0;
    for cut in cuts.iter().cycle() {
        if bytes.is_empty() {
            break;
        }
        let (piece, rest) = bytes.split_at(bytes.len().min(*cut));
        match client.receive(piece) {
            Err(error) => return format!("{error} {error:?}"),
            Ok(progress) => {
                assert!(progress.consumed <= piece.len());
                total += progress.consumed;
                if let Some(established) = progress.done {
                    return format!("{established:?} {total}");
                }
                assert_eq!(progress.consumed, piece.len());
            }
        }
        bytes = rest;
    }
    let error: ClientError = client.end_of_input();
    format!("{error} {error:?}")
}

/// A head with some of its bytes exchanged, removed or repeated.
fn mutated(head: HeadText) -> impl Strategy<Value = Vec<u8>> {
    let bytes = head.bytes();
    let length = bytes.len();
    let interesting = prop_oneof![
        Just(b'\r'),
        Just(b'\n'),
        Just(b' '),
        Just(b'\t'),
        Just(b':'),
        Just(b','),
        Just(b';'),
        Just(b'='),
        Just(b'"'),
        Just(b'#'),
        Just(b'['),
        Just(b'%'),
        Just(0),
        any::<u8>(),
    ];
    let edit = (0..length, 0..3_u8, interesting);
    prop::collection::vec(edit, 0..4).prop_map(move |edits| {
        let mut bytes = bytes.clone();
        for (at, kind, byte) in edits {
            let at = at.min(bytes.len().saturating_sub(1));
            match kind {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, byte),
            }
        }
        bytes
    })
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1..40_usize, 1..8)
}

fn full_request() -> HeadText {
    HeadText::request()
        .start("GET http://a:80/b?c HTTP/1.1")
        .with("Origin: https://a")
        .with("Sec-WebSocket-Protocol: a, b")
        .with("Sec-WebSocket-Extensions: x; y=\"z\"; w, permessage-deflate; server_max_window_bits=10")
        .with("Content-Length: 0")
}

fn chunked_refusal() -> HeadText {
    HeadText::response()
        .start("HTTP/1.1 403 No")
        .with("Transfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\nA\r\n0123456789\r\n0")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600), cuts in cuts()) {
        let _ = serve(&bytes, &cuts);
        connect(&bytes, &cuts);
    }

    #[test]
    fn random_bytes_behind_a_start_line(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        cuts in cuts(),
    ) {
        let _ = serve(&[b"GET / HTTP/1.1\r\n", &bytes[..]].concat(), &cuts);
        connect(&[b"HTTP/1.1 403 x\r\nTransfer-Encoding: chunked\r\n\r\n", &bytes[..]].concat(), &cuts);
        connect(&[b"HTTP/1.1 101 x\r\n", &bytes[..]].concat(), &cuts);
    }

    #[test]
    fn mutated_requests(bytes in mutated(full_request()), cuts in cuts()) {
        let whole = serve(&bytes, &[usize::MAX]);
        match (whole, serve(&bytes, &cuts)) {
            (None, None) => {}
            (Some(Err(whole)), Some(Err(cut))) => prop_assert_eq!(whole, cut),
            (Some(Ok((whole, offer))), Some(Ok((cut, _)))) => {
                prop_assert_eq!(whole, cut);
                let compressed = Answer::new().deflate(&DeflateConfig::default());
                prop_assert!(offer.accept(compressed).is_ok());
                let mut answer = Answer::new();
                if let Some(name) = offer.protocols().next() {
                    answer = answer.protocol(name);
                }
                if let Some(extension) = offer.extensions().first() {
                    answer = answer.extension(extension.clone());
                }
                prop_assert!(offer.accept(answer).is_ok());
            }
            (whole, cut) => prop_assert!(false, "{:?} {:?}", whole, cut),
        }
    }

    #[test]
    fn mutated_responses(
        bytes in prop_oneof![
            mutated(HeadText::response().with("Sec-WebSocket-Extensions: x; y=\"z\"")),
            mutated(HeadText::response().with("Sec-WebSocket-Protocol: a")),
            mutated(HeadText::response().with(
                "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9",
            )),
            mutated(chunked_refusal()),
        ],
        cuts in cuts(),
    ) {
        prop_assert_eq!(connect(&bytes, &[usize::MAX]), connect(&bytes, &cuts));
    }

    #[test]
    fn extension_lists_survive_a_round_trip(value in "[a;=\", \\\\1]{0,24}") {
        if let Ok(list) = Extension::parse_list(value.as_bytes()) {
            let line: Vec<_> = list.iter().map(Extension::to_string).collect();
            prop_assert_eq!(Extension::parse_list(line.join(",").as_bytes()).unwrap(), list);
        }
    }

    #[test]
    fn urls(url in prop_oneof![".{0,40}", "wss?://[a-c\\[\\]:0-9@%/?#.v\u{e4}-]{0,24}"]) {
        if let Ok(target) = Target::parse(&url) {
            prop_assert!(!target.host().is_empty() && target.port() != 0);
            // What is parsed can be sent, and a server reads it.
            let mut client = Request::new().build(&target, NONCE).unwrap();
            let offer = serve(client.request(), &[usize::MAX]).unwrap().unwrap().1;
            prop_assert_eq!(offer.host(), target.authority());
            let accepted = offer.accept(Answer::new()).unwrap();
            prop_assert!(client.receive(&accepted.encode()).unwrap().done.is_some());
        }
    }

    #[test]
    fn headers_of_the_caller(
        name in prop_oneof!["[a-zA-Z-]{0,9}", ".{0,9}"],
        value in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        if let Ok(client) = Request::new().header(&name, &value[..]).build(&target(), NONCE) {
            // No value makes a second header.
            let lines = client.request().split(|byte| *byte == b'\n').count();
            prop_assert_eq!(lines, 9);
            prop_assert!(serve(client.request(), &[usize::MAX]).is_some());
        }
    }
}
