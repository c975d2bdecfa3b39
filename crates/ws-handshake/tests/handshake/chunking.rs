//! The result and the number of bytes consumed do not depend on how the input is split.

use ws_handshake::{
    Extension, MAX_HEAD_LEN, MAX_REFUSAL_BODY_LEN, OriginPolicy, Request, ServerHandshake,
};

use crate::common::{HeadText, client, feed};

/// Passes the pieces to a server. Returns the number of bytes consumed and the result, as text.
fn serve<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> String {
    let mut server = ServerHandshake::new(OriginPolicy::default());
    let result = feed(pieces, |piece| server.receive(piece)).map(|(consumed, offer)| {
        let parts = offer.map(|offer| (offer.uri().clone(), offer.headers().clone()));
        (consumed, parts)
    });
    format!("{result:?}")
}

/// Passes the pieces to a client. Returns the number of bytes consumed and the result, as text.
fn connect<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> String {
    let request = Request::new()
        .protocol("a")
        .extension(Extension::new("x").unwrap());
    let mut client = client(&request);
    let result = match feed(pieces, |piece| client.receive(piece)) {
        Ok((consumed, done)) => format!("{consumed} {:?}", done.map(|done| done.into_parts())),
        Err(error) => {
            let body = error.refusal().map(|refusal| refusal.body());
            format!("{error:?} {body:?}")
        }
    };
    // The error at the end of the stream must not depend on the split either.
    format!("{result} {:?}", client.end_of_input())
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
        b"\r\n\r\n\0\r\nQUIT\n".to_vec(),
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n".to_vec(),
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
        response.clone().start("HTTP/1.1 1o1 x").bytes(),
        response
            .clone()
            .with("A: b\r\n c\r\nno colon\r\nD : e\0")
            .bytes(),
        response.clone().with("Connection : b").bytes(),
        response.with("A: b\rc").bytes(),
        refusal.clone().with("A: b\rc").bytes(),
        refusal.clone().with("A: b\nc").bytes(),
        refusal.bytes()[..30].to_vec(),
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

/// Asserts that `run` returns the same for every split: whole, in two at each position, and in
/// single bytes.
fn assert_invariant(bytes: &[u8], run: fn(&mut dyn Iterator<Item = &[u8]>) -> String) {
    let whole = run(&mut [bytes].into_iter());
    let name = bytes.escape_ascii().to_string();
    for at in 0..=bytes.len() {
        let (first, second) = bytes.split_at(at);
        assert_eq!(
            run(&mut [first, second].into_iter()),
            whole,
            "{name} split at {at}"
        );
    }
    assert_eq!(run(&mut bytes.chunks(1)), whole, "{name} in single bytes");
}

#[test]
fn requests_are_read_alike_however_they_are_split() {
    for bytes in server_vectors() {
        assert_invariant(&bytes, |pieces| serve(pieces));
    }
}

#[test]
fn responses_are_read_alike_however_they_are_split() {
    for bytes in client_vectors() {
        assert_invariant(&bytes, |pieces| connect(pieces));
    }
}

/// Asserts that `run` returns the same for the whole input and for pieces of several sizes. Long
/// inputs are not split at every position, because that would take too long.
fn assert_invariant_in_pieces(bytes: &[u8], run: fn(&mut dyn Iterator<Item = &[u8]>) -> String) {
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
fn limits_apply_at_the_same_byte_however_the_input_is_split() {
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
        // The interim head has 17 bytes. Both heads share the limit.
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
    let lines = [&b"GET / HTTP/1.1\r\n"[..], &b"a: b\r\n".repeat(101)].concat();
    assert_invariant_in_pieces(&lines, |pieces| serve(pieces));
}

#[test]
fn bodies_end_at_the_same_byte_however_the_input_is_split() {
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
