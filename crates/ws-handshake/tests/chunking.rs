//! How the input is cut changes nothing: neither the result, nor how much was consumed.

#![forbid(unsafe_code)]

mod common;

use common::{HeadText, client};
use ws_handshake::{
    Extension, MAX_HEAD_LEN, MAX_REFUSAL_BODY_LEN, OriginPolicy, Request, ServerHandshake,
};

/// The result in the end, and the bytes that went in up to there; an error has no count.
type Outcome = (Option<usize>, String);

fn run<'a>(
    pieces: impl Iterator<Item = &'a [u8]>,
    mut receive: impl FnMut(&[u8]) -> (Option<usize>, Option<String>),
) -> Outcome {
    let mut total = 0;
    for piece in pieces {
        match receive(piece) {
            (Some(consumed), Some(done)) => return (Some(total + consumed), done),
            (Some(consumed), None) => {
                assert_eq!(consumed, piece.len(), "asking for more with input left");
                total += consumed;
            }
            (None, error) => return (None, error.unwrap()),
        }
    }
    (Some(total), "pending".into())
}

fn serve<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let mut server = ServerHandshake::new(OriginPolicy::default());
    run(pieces, |piece| match server.receive(piece) {
        Ok(progress) => (
            Some(progress.consumed),
            progress
                .done
                .map(|offer| format!("{} {:?}", offer.uri(), offer.headers())),
        ),
        Err(rejection) => (None, Some(format!("{rejection:?}"))),
    })
}

fn connect<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let request = Request::new()
        .protocol("a")
        .extension(Extension::new("x").unwrap());
    let mut client = client(&request);
    let outcome = run(pieces, |piece| match client.receive(piece) {
        Ok(progress) => (
            Some(progress.consumed),
            progress
                .done
                .map(|done| format!("{:?} {:?}", done.agreed(), done.response())),
        ),
        Err(error) => (
            None,
            Some(format!(
                "{error:?} {:?}",
                error.refusal().map(|refusal| refusal.body())
            )),
        ),
    });
    // The error at the end of the stream depends on the bytes alone, too.
    (
        outcome.0,
        format!("{} {:?}", outcome.1, client.end_of_input()),
    )
}

fn server_vectors() -> Vec<Vec<u8>> {
    let request = HeadText::request();
    let valid = request.bytes();
    vec![
        valid.clone(),
        [b"\r\n", &valid[..]].concat(),
        [&valid[..], b"\x81\x80\x01\x02\x03\x04"].concat(),
        [&valid[..], &valid[..]].concat(),
        valid[..valid.len() - 3].to_vec(),
        request
            .clone()
            .with("X: caf\u{e9}")
            .with("Sec-WebSocket-Protocol: a, b")
            .bytes(),
        request
            .clone()
            .start("GET http://a:80/x?y HTTP/1.1")
            .bytes(),
        request.clone().start("POST / HTTP/1.1").bytes(),
        request.clone().start("HEAD / HTTP/1.1").bytes(),
        request.clone().start("GET / HTTP/1.0").bytes(),
        request.clone().start("GET /").bytes(),
        request.clone().without("Upgrade").bytes(),
        request.clone().set("Sec-WebSocket-Version", "8").bytes(),
        request.clone().with("A : b").bytes(),
        request.clone().with(" folded").bytes(),
        request.clone().with("A: b\rc").bytes(),
        request.clone().with("A: b\nc").bytes(),
        request.with(b"A: \0").bytes(),
        b"\r\n\r\nGET / HTTP/1.1\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00".to_vec(),
        b"hello\r\nworld\r\n\r\n".to_vec(),
    ]
}

fn client_vectors() -> Vec<Vec<u8>> {
    let response = HeadText::response();
    let valid = response.bytes();
    let refusal = response.clone().start("HTTP/1.1 403 No");
    let body = |line: &str, body: &[u8]| [&refusal.clone().with(line).bytes()[..], body].concat();
    vec![
        valid.clone(),
        [b"\r\n", &valid[..]].concat(),
        [&valid[..], b"\x81\x02hi"].concat(),
        [
            b"HTTP/1.1 100 \r\n\r\nHTTP/1.1 103 x\r\nA: b\r\n\r\n",
            &valid[..],
            b"\x81",
        ]
        .concat(),
        valid[..valid.len() - 1].to_vec(),
        response.clone().with("Sec-WebSocket-Protocol: a").bytes(),
        response
            .clone()
            .with("Sec-WebSocket-Extensions: x; y=\"z\"")
            .bytes(),
        response.clone().with("Sec-WebSocket-Extensions: z").bytes(),
        response.clone().set("Sec-WebSocket-Accept", "x").bytes(),
        response.clone().start("HTTP/1.0 101 x").bytes(),
        response.start("HTTP/1.1 1o1 x").bytes(),
        body("Content-Length: 4", b"bodyrest"),
        body("Content-Length: 0", b"rest"),
        body(
            "Transfer-Encoding: chunked",
            b"3;x=y\r\nabc\r\n1\r\nd\r\n0\r\n\r\nrest",
        ),
        body("Transfer-Encoding: chunked", b"3\r\nabcd"),
        body("X: until the end", b"body"),
        b"SSH-2.0-x\r\n".to_vec(),
        Vec::new(),
    ]
}

/// Every way to cut the bytes in two, and one byte at a time.
fn assert_invariant(bytes: &[u8], run: fn(&mut dyn Iterator<Item = &[u8]>) -> Outcome) {
    let whole = run(&mut [bytes].into_iter());
    let name = bytes.escape_ascii().to_string();
    for at in 0..=bytes.len() {
        let (first, second) = bytes.split_at(at);
        assert_eq!(
            run(&mut [first, second].into_iter()),
            whole,
            "{name} cut at {at}"
        );
    }
    assert_eq!(run(&mut bytes.chunks(1)), whole, "{name} byte by byte");
}

#[test]
fn requests_mean_the_same_however_they_are_cut() {
    for bytes in server_vectors() {
        assert_invariant(&bytes, |pieces| serve(pieces));
    }
}

#[test]
fn responses_mean_the_same_however_they_are_cut() {
    for bytes in client_vectors() {
        assert_invariant(&bytes, |pieces| connect(pieces));
    }
}

/// Around the limits every cut would take long, so these are cut into pieces of several sizes.
fn assert_invariant_in_pieces(bytes: &[u8], run: fn(&mut dyn Iterator<Item = &[u8]>) -> Outcome) {
    let whole = run(&mut [bytes].into_iter());
    for size in [
        1,
        2,
        7,
        1000,
        MAX_HEAD_LEN - 1,
        MAX_HEAD_LEN,
        MAX_HEAD_LEN + 1,
    ] {
        assert_eq!(run(&mut bytes.chunks(size)), whole, "pieces of {size}");
    }
}

#[test]
fn limits_are_hit_at_the_same_byte_however_the_input_is_cut() {
    let padded = |head: HeadText, length: usize| {
        let padding = length - head.clone().with("X: ").bytes().len();
        head.with(format!("X: {}", "x".repeat(padding))).bytes()
    };
    for length in [
        MAX_HEAD_LEN - 1,
        MAX_HEAD_LEN,
        MAX_HEAD_LEN + 1,
        MAX_HEAD_LEN + 2,
    ] {
        let head = padded(HeadText::request(), length);
        assert_invariant_in_pieces(&head, |pieces| serve(pieces));
        let head = padded(HeadText::response(), length);
        assert_invariant_in_pieces(&head, |pieces| connect(pieces));
        // The interim head leaves the final one a little less.
        let heads = [
            b"HTTP/1.1 100 \r\n\r\n",
            &padded(HeadText::response(), length - 17)[..],
        ];
        assert_invariant_in_pieces(&heads.concat(), |pieces| connect(pieces));
    }
    let line = vec![b'x'; MAX_HEAD_LEN + 2];
    assert_invariant_in_pieces(&line, |pieces| serve(pieces));
    let interim = b"HTTP/1.1 100 \r\n\r\n".repeat(MAX_HEAD_LEN / 16);
    assert_invariant_in_pieces(&interim, |pieces| connect(pieces));
    let lines = b"GET / HTTP/1.1\r\n"
        .iter()
        .chain(b"a: b\r\n".repeat(101).iter())
        .copied()
        .collect();
    let lines: Vec<u8> = lines;
    assert_invariant_in_pieces(&lines, |pieces| serve(pieces));
}

#[test]
fn bodies_end_at_the_same_byte_however_the_input_is_cut() {
    let head = HeadText::response().start("HTTP/1.1 500 x");
    for length in [
        MAX_REFUSAL_BODY_LEN - 1,
        MAX_REFUSAL_BODY_LEN,
        MAX_REFUSAL_BODY_LEN + 1,
    ] {
        let plain = [&head.bytes()[..], &vec![b'x'; length]].concat();
        assert_invariant_in_pieces(&plain, |pieces| connect(pieces));
        let chunked = head.clone().with("Transfer-Encoding: chunked").bytes();
        let chunks = [&chunked[..], &b"1\r\nx\r\n".repeat(length)].concat();
        assert_invariant_in_pieces(&chunks, |pieces| connect(pieces));
    }
}
