//! No input of a peer or a caller makes the crate panic or read beyond its limits.

use proptest::prelude::*;
use ws_handshake::{
    Answer, AnyRequest, Extension, HeadError, OriginPolicy, Rejection, Request, ServerHandshake,
    Target, UpgradeRequest,
};
use ws_proto::DeflateConfig;

use crate::common::{HeadText, NONCE, client, feed, target};

/// Splits the bytes into pieces. Their lengths are those in `cuts`, repeated until the bytes end.
fn split<'a>(mut bytes: &'a [u8], cuts: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    cuts.iter().cycle().map_while(move |cut| {
        let (piece, rest) = bytes.split_at(bytes.len().min(*cut));
        bytes = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Passes the pieces to a server. Returns the number of bytes consumed, and the request if the head
/// is complete.
fn serve(bytes: &[u8], cuts: &[usize]) -> Result<(usize, Option<UpgradeRequest>), Rejection> {
    let mut server = ServerHandshake::new(OriginPolicy::default());
    feed(split(bytes, cuts), |piece| server.receive(piece)).inspect_err(|rejection| {
        assert!(!rejection.to_string().is_empty());
        assert!(rejection.encode().starts_with(b"HTTP/1.1 "));
    })
}

/// Passes the pieces to a client, and ends the stream if the client needs more. Returns the result
/// as text.
fn connect(bytes: &[u8], cuts: &[usize]) -> String {
    let request = Request::new()
        .protocol("a")
        .extension(Extension::new("x").unwrap())
        .deflate(&DeflateConfig::default().peer_window_bits(10));
    let mut client = client(&request);
    let error = match feed(split(bytes, cuts), |piece| client.receive(piece)) {
        Ok((total, Some(established))) => return format!("{established:?} {total}"),
        Ok((_, None)) => client.end_of_input(),
        Err(error) => error,
    };
    format!("{error} {error:?}")
}

/// A head with some bytes replaced, removed or inserted.
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
        .with("Sec-WebSocket-Extensions: x; y=\"z\"; w")
        .with("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10")
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
    fn random_bytes_do_not_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        cuts in cuts(),
    ) {
        let _ = serve(&bytes, &cuts);
        connect(&bytes, &cuts);
    }

    #[test]
    fn random_bytes_after_a_start_line_do_not_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        cuts in cuts(),
    ) {
        let _ = serve(&[b"GET / HTTP/1.1\r\n", &bytes[..]].concat(), &cuts);
        let refusal = b"HTTP/1.1 403 x\r\nTransfer-Encoding: chunked\r\n\r\n";
        connect(&[refusal, &bytes[..]].concat(), &cuts);
        connect(&[b"HTTP/1.1 101 x\r\n", &bytes[..]].concat(), &cuts);
    }

    #[test]
    fn mutated_requests_are_read_alike_however_they_are_split(
        bytes in mutated(full_request()),
        cuts in cuts(),
    ) {
        match (serve(&bytes, &[usize::MAX]), serve(&bytes, &cuts)) {
            (Err(whole), Err(split)) => prop_assert_eq!(whole, split),
            (Ok((whole, None)), Ok((split, None))) => prop_assert_eq!(whole, split),
            (Ok((whole, Some(offer))), Ok((split, Some(_)))) => {
                prop_assert_eq!(whole, split);
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
            (whole, split) => prop_assert!(false, "{:?} {:?}", whole, split),
        }
    }

    #[test]
    fn receive_any_accepts_the_opening_requests_that_receive_accepts(
        bytes in mutated(full_request()),
        cuts in cuts(),
    ) {
        let any = |cuts: &[usize]| {
            let mut server = ServerHandshake::new(OriginPolicy::default());
            feed(split(&bytes, cuts), |piece| server.receive_any(piece))
        };
        let (whole, pieces) = (any(&[usize::MAX]), any(&cuts));
        prop_assert_eq!(format!("{whole:?}"), format!("{pieces:?}"));
        match (serve(&bytes, &cuts), any(&cuts)) {
            (Ok((_, Some(strict))), Ok((_, Some(AnyRequest::Upgrade(any))))) => {
                prop_assert_eq!(format!("{strict:?}"), format!("{any:?}"));
            }
            (Ok((_, None)), Ok((_, None))) => {}
            // Only the version is checked later.
            (Err(strict), any) => {
                let late = strict.reason() == HeadError::UnsupportedHttpVersion.into();
                let is_plain = matches!(any, Ok((_, Some(AnyRequest::Plain(_)))));
                prop_assert!(late || is_plain || any.is_err_and(|any| any == strict));
            }
            (strict, any) => prop_assert!(false, "{:?} {:?}", strict, any),
        }
    }

    #[test]
    fn mutated_responses_are_read_alike_however_they_are_split(
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
    fn parsed_urls_can_be_requested(
        url in prop_oneof![".{0,40}", "wss?://[a-c\\[\\]:0-9@%/?#.v\u{e4}-]{0,24}"],
    ) {
        if let Ok(target) = Target::parse(&url) {
            prop_assert!(!target.host().is_empty() && target.port() != 0);
            // A request for a parsed target can be built, and a server accepts this request.
            let mut client = Request::new().build(&target, NONCE).unwrap();
            let offer = serve(client.request(), &[usize::MAX]).unwrap().1.unwrap();
            prop_assert_eq!(offer.host(), target.authority());
            let accepted = offer.accept(Answer::new()).unwrap();
            prop_assert!(client.receive(&accepted.encode()).unwrap().done.is_some());
        }
    }

    #[test]
    fn headers_of_the_caller_add_one_line(
        name in prop_oneof!["[a-zA-Z-]{0,9}", ".{0,9}"],
        value in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        if let Ok(client) = Request::new().header(&name, &value[..]).build(&target(), NONCE) {
            // Without the header, the head has 7 lines. `split` also returns the end after the last
            // LF.
            let lines = client.request().split(|byte| *byte == b'\n').count();
            prop_assert_eq!(lines, 9);
            prop_assert!(!matches!(serve(client.request(), &[usize::MAX]), Ok((_, None))));
        }
    }
}
