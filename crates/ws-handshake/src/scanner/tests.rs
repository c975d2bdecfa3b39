use super::*;
use crate::limits::{HeadLimits, MAX_HEAD_LEN, MAX_HEADERS};

fn rules(kind: Kind) -> HeadRules {
    match kind {
        Kind::Request => HeadRules::request(HeadLimits::new()),
        Kind::Response => HeadRules::response(HeadLimits::new()),
    }
}

fn run(kind: Kind, input: &[u8]) -> Result<usize, HeadError> {
    run_by(rules(kind), input)
}

fn run_by(rules: HeadRules, mut input: &[u8]) -> Result<usize, HeadError> {
    let mut scanner = Scanner::new(rules);
    let mut total = 0;
    loop {
        match scanner.scan(input)? {
            Stop::NeedMore => return Ok(total + input.len()),
            Stop::StartLine(n) => {
                total += n;
                input = &input[n..];
            }
            Stop::Head(n) => return Ok(total + n),
        }
    }
}

#[test]
fn scan_stops_after_the_start_line_and_after_the_head() {
    let mut scanner = Scanner::new(rules(Kind::Request));
    assert_eq!(
        scanner.scan(b"\r\nGET / HTTP/1.1\r\nA: b\r\n\r\nxyz"),
        Ok(Stop::StartLine(18))
    );
    assert_eq!(scanner.scan(b"A: b\r\n\r\nxyz"), Ok(Stop::Head(8)));
}

#[test]
fn every_byte_is_read_once_however_the_input_is_split() {
    let head = b"GET / HTTP/1.1\r\nHost: a\r\nB: c\r\n\r\n";
    for size in 1..=head.len() {
        let mut scanner = Scanner::new(rules(Kind::Request));
        let mut offered = 0;
        for mut piece in head.chunks(size) {
            while !piece.is_empty() {
                let used = match scanner.scan(piece).unwrap() {
                    Stop::NeedMore => piece.len(),
                    Stop::StartLine(n) | Stop::Head(n) => n,
                };
                offered += used;
                piece = &piece[used..];
            }
        }
        // The scanner has read each byte once.
        assert_eq!(
            (offered, scanner.seen()),
            (head.len(), head.len()),
            "pieces of {size}"
        );
    }
}

#[test]
fn bare_line_ends_fail_at_every_position() {
    for (input, fault) in [
        (&b"\n"[..], HeadError::BareLineFeed),
        (b"\rG", HeadError::BareCarriageReturn),
        (b"GET / HTTP/1.1\n", HeadError::BareLineFeed),
        (b"GET / HTTP/1.1\rX", HeadError::BareCarriageReturn),
        (b"GET / HTTP/1.1\r\n\n", HeadError::BareLineFeed),
        (b"GET / HTTP/1.1\r\nA: b\n", HeadError::BareLineFeed),
        (b"GET / HTTP/1.1\r\nA: b\rc", HeadError::BareCarriageReturn),
        (
            b"GET / HTTP/1.1\r\nA: b\r\r\n",
            HeadError::BareCarriageReturn,
        ),
        (b"GET / HTTP/1.1\r\n\rA", HeadError::BareCarriageReturn),
    ] {
        assert_eq!(
            run(Kind::Request, input),
            Err(fault),
            "{:?}",
            input.escape_ascii()
        );
    }
}

#[test]
fn only_one_leading_empty_line_is_skipped() {
    assert_eq!(run(Kind::Request, b"\r\nGET / HTTP/1.1\r\n\r\n"), Ok(20));
    for (kind, input) in [
        (Kind::Request, &b"\r\n\r\nG"[..]),
        (Kind::Request, b"\r\n\rG"),
        (Kind::Response, b"\r\n\r"),
    ] {
        assert_eq!(run(kind, input), Err(HeadError::MalformedStartLine));
    }
}

#[test]
fn a_proxy_header_of_version_2_fails_at_its_first_nul() {
    let header = b"\r\n\r\n\0\r\nQUIT\n";
    assert_eq!(run(Kind::Request, header), Err(HeadError::ProxyProtocol));
    assert_eq!(run(Kind::Request, &header[..4]), Ok(4));
}

#[test]
fn odd_lines_of_a_response_are_read_up_to_their_line_end() {
    let head = b"HTTP/1.1 101 x\r\nA: b\r\n c\r\n\td\r\n\0\x7f\r\nno colon\r\n\r\n";
    assert_eq!(run(Kind::Response, head), Ok(head.len()));
    let bare = b"HTTP/1.1 101 x\r\nA: b\rc\r\n";
    assert_eq!(
        run(Kind::Response, bare),
        Err(HeadError::BareCarriageReturn)
    );
}

#[test]
fn a_bare_line_feed_ends_a_line_only_if_it_is_allowed() {
    let rules = rules(Kind::Response);
    for head in [
        &b"HTTP/1.1 101 x\nA: b\n c\n\n"[..],
        b"\nHTTP/1.1 101 x\r\nA: b\nC: d\r\n\n",
        b"\r\nHTTP/1.1 101 x\n\r\n",
    ] {
        assert_eq!(run_by(rules, head), Err(HeadError::BareLineFeed));
        let lenient = rules.with_bare_line_feeds(true);
        assert_eq!(run_by(lenient, head), Ok(head.len()));
        assert_eq!(run_by(lenient, b"\n\n"), Err(HeadError::MalformedStartLine));
        let fault = Err(HeadError::BareCarriageReturn);
        assert_eq!(run_by(lenient, b"HTTP/1.1 101 x\r\r\n"), fault);
    }
}

#[test]
fn bytes_that_are_not_http_fail_at_the_first_invalid_byte() {
    assert_eq!(
        run(Kind::Request, b"\x16"),
        Err(HeadError::TlsOnPlainConnection)
    );
    assert_eq!(
        run(Kind::Request, b"\x00"),
        Err(HeadError::MalformedStartLine)
    );
    assert_eq!(
        run(Kind::Request, b"GET /\x80"),
        Err(HeadError::MalformedStartLine)
    );
    assert_eq!(
        run(Kind::Response, b"SSH-2"),
        Err(HeadError::MalformedStartLine)
    );
    assert_eq!(
        run(Kind::Response, b"HTTQ"),
        Err(HeadError::MalformedStartLine)
    );
}

#[test]
fn the_length_limit_is_exact_and_reported_when_it_is_reached() {
    let mut head = b"GET / HTTP/1.1\r\nA: ".to_vec();
    head.resize(MAX_HEAD_LEN - 4, b'a');
    head.extend_from_slice(b"\r\n\r\n");
    assert_eq!(run(Kind::Request, &head), Ok(MAX_HEAD_LEN));
    head.insert(MAX_HEAD_LEN - 4, b'a');
    assert_eq!(
        run(Kind::Request, &head[..MAX_HEAD_LEN - 1]),
        Ok(MAX_HEAD_LEN - 1)
    );
    assert_eq!(
        run(Kind::Request, &head[..MAX_HEAD_LEN]),
        Err(HeadError::HeadTooLong)
    );
    let short = HeadRules::request(HeadLimits::new().max_len(100));
    assert_eq!(run_by(short, &head[..99]), Ok(99));
    assert_eq!(run_by(short, &head[..100]), Err(HeadError::HeadTooLong));
    let line = vec![b'a'; MAX_HEAD_LEN];
    assert_eq!(run(Kind::Request, &line), Err(HeadError::StartLineTooLong));
}

#[test]
fn the_limit_of_field_lines_is_exact() {
    let head = |count: usize| {
        let mut head = b"GET / HTTP/1.1\r\n".to_vec();
        head.extend_from_slice(&b"A: b\r\n".repeat(count));
        head.extend_from_slice(b"\r\n");
        head
    };
    let limits = HeadLimits::new().max_lines(2);
    for rules in [HeadRules::request(limits), HeadRules::response(limits)] {
        // The scanner of a response compares only the first bytes of the start line.
        let head = |count| match rules.kind {
            Kind::Request => head(count),
            Kind::Response => [b"HTTP/1.1 101 x\r\n", &head(count)[16..]].concat(),
        };
        assert!(run_by(rules, &head(2)).is_ok());
        assert_eq!(run_by(rules, &head(3)), Err(HeadError::TooManyHeaders));
    }
    assert!(run(Kind::Request, &head(MAX_HEADERS)).is_ok());
    assert_eq!(
        run(Kind::Request, &head(MAX_HEADERS + 1)),
        Err(HeadError::TooManyHeaders)
    );
}
