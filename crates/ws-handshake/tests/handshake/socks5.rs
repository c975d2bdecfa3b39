//! The connection through a SOCKS5 proxy (RFC 1928, RFC 1929).

use proptest::prelude::*;
use ws_handshake::{Credentials, CredentialsError, Progress, Socks5, Socks5Error, Socks5Refusal};

use crate::common::feed;

fn socks(with_password: bool) -> Socks5 {
    let credentials = Credentials::new("user", "pass");
    Socks5::new("h", 80, with_password.then_some(&credentials)).unwrap()
}

/// Passes input to a client, which may send several messages meanwhile.
fn receive(
    socks: &mut Socks5,
    input: &[u8],
    sent: &mut Vec<u8>,
) -> Result<Progress<()>, Socks5Error> {
    let mut consumed = 0;
    loop {
        let progress = socks.receive(&input[consumed..])?;
        consumed += progress.consumed;
        let output = socks.take_output();
        if output.is_empty() {
            let done = progress.done;
            return Ok(Progress { consumed, done });
        }
        sent.extend(output);
    }
}

/// Passes the pieces to a client. Returns everything that it sends, the number of bytes consumed,
/// and its result.
fn run<'a>(
    with_password: bool,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> (Vec<u8>, Result<(usize, bool), Socks5Error>, Socks5Error) {
    let mut socks = socks(with_password);
    let mut sent = socks.take_output();
    let result = feed(pieces, |piece| receive(&mut socks, piece, &mut sent));
    let result = result.map(|(consumed, done)| (consumed, done.is_some()));
    assert_eq!(socks.take_output(), b"", "a failed client sends nothing");
    (sent, result, socks.end_of_input())
}

/// Asserts that every split has the same result: whole, in two at each position, and in single
/// bytes. Returns the result.
fn run_in_every_split(
    with_password: bool,
    bytes: &[u8],
) -> (Vec<u8>, Result<(usize, bool), Socks5Error>) {
    let whole = run(with_password, bytes.chunks(1));
    for at in 0..=bytes.len() {
        let (first, second) = bytes.split_at(at);
        let split = run(with_password, [first, second].into_iter());
        assert_eq!(
            (&split.1, split.2),
            (&whole.1, whole.2),
            "{bytes:x?} split at {at}"
        );
        assert_eq!(split.0, whole.0);
    }
    (whole.0, whole.1)
}

const BOUND_V4: &[u8] = &[5, 0, 0, 1, 127, 0, 0, 1, 0, 80];

#[test]
fn the_reply_has_an_address_of_any_type_and_ends_after_it() {
    let v6 = [&[5, 0, 0, 4][..], &[0; 16], &[0, 80]].concat();
    let name = [&[5, 0, 0, 3, 4][..], b"host", &[0, 80]].concat();
    let long = [&[5, 0, 0, 3, 255][..], &[b'x'; 255], &[0, 80]].concat();
    let empty = [5, 0, 0, 3, 0, 0, 80];
    for reply in [BOUND_V4, &v6, &name, &long, &empty] {
        let bytes = [&[5, 0][..], reply, b"HTTP/1.1 101"].concat();
        let (sent, result) = run_in_every_split(false, &bytes);
        assert_eq!(sent, b"\x05\x01\x00\x05\x01\x00\x03\x01h\x00\x50");
        assert_eq!(result, Ok((2 + reply.len(), true)));
    }
}

#[test]
fn the_proxy_chooses_the_method() {
    // Without authentication.
    let bytes = [&[5, 0][..], BOUND_V4].concat();
    let (sent, result) = run_in_every_split(true, &bytes);
    assert_eq!(sent, b"\x05\x02\x00\x02\x05\x01\x00\x03\x01h\x00\x50");
    assert_eq!(result, Ok((bytes.len(), true)));
    // With user name and password.
    let bytes = [&[5, 2, 1, 0][..], BOUND_V4].concat();
    let (sent, result) = run_in_every_split(true, &bytes);
    let expected = b"\x05\x02\x00\x02\x01\x04user\x04pass\x05\x01\x00\x03\x01h\x00\x50";
    assert_eq!(sent, expected);
    assert_eq!(result, Ok((bytes.len(), true)));
}

#[test]
fn each_message_is_sent_when_the_proxy_has_answered_the_one_before() {
    let mut socks = socks(true);
    assert_eq!(socks.take_output(), [5, 2, 0, 2]);
    assert!(socks.take_output().is_empty());
    assert!(socks.receive(&[5]).unwrap().done.is_none());
    assert!(socks.take_output().is_empty());
    assert!(socks.receive(&[2]).unwrap().done.is_none());
    assert_eq!(socks.take_output(), b"\x01\x04user\x04pass");
    // The client stops at a message that it must answer.
    assert_eq!(socks.receive(&[1, 0, 5]).unwrap().consumed, 2);
    assert_eq!(socks.take_output(), b"\x05\x01\x00\x03\x01h\x00\x50");
    assert_eq!(socks.receive(BOUND_V4).unwrap().done, Some(()));
    // All further bytes belong to the server.
    assert_eq!(socks.receive(&[5, 0]).unwrap().consumed, 0);
    assert!(socks.take_output().is_empty());
}

#[test]
fn literal_addresses_are_sent_as_addresses() {
    for (host, address) in [
        ("127.0.0.1", &[1, 127, 0, 0, 1][..]),
        ("::1", &[4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        (
            "[::1]",
            &[4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        ),
        ("127.1", b"\x03\x05127.1"),
        ("example.com.", b"\x03\x0cexample.com."),
    ] {
        let mut socks = Socks5::new(host, 0x1234, None).unwrap();
        socks.take_output();
        socks.receive(&[5, 0]).unwrap();
        let expected = [&[5, 1, 0][..], address, &[0x12, 0x34]].concat();
        assert_eq!(socks.take_output(), expected, "{host}");
    }
}

#[test]
fn every_refusal_has_its_own_text() {
    let mut texts = Vec::new();
    for code in 1..=255 {
        let bytes = [&[5, 0, 5, code][..], b"\0\x01\0\0\0\0\0\0"].concat();
        let (_, result) = run_in_every_split(false, &bytes);
        let Err(error @ Socks5Error::Refused(refusal)) = result else {
            panic!("{result:?}")
        };
        let is_other = refusal == Socks5Refusal::Other(code);
        assert_eq!(is_other, code > 8, "{refusal:?}");
        let text = error.to_string();
        assert!(text.contains("; ") && !texts.contains(&text), "{text}");
        texts.push(text);
    }
}

#[test]
fn answers_that_break_the_protocol_are_errors() {
    for (with_password, bytes, expected) in [
        (false, &b"HTTP/1.1 400"[..], Socks5Error::WrongVersion(b'H')),
        (false, &[0, 0x5a], Socks5Error::WrongVersion(0)),
        (false, &[4, 0], Socks5Error::WrongVersion(4)),
        (false, &[5, 0, 4, 0], Socks5Error::WrongVersion(4)),
        (false, &[5, 0xff], Socks5Error::AuthenticationRequired),
        (true, &[5, 0xff], Socks5Error::NoAcceptableMethod),
        (false, &[5, 2], Socks5Error::MethodNotOffered(2)),
        (true, &[5, 1], Socks5Error::MethodNotOffered(1)),
        (true, &[5, 0x80], Socks5Error::MethodNotOffered(0x80)),
        (true, &[5, 2, 5, 0], Socks5Error::WrongVersion(5)),
        (true, &[5, 2, 1, 1], Socks5Error::AuthenticationFailed),
        (true, &[5, 2, 1, 0xff], Socks5Error::AuthenticationFailed),
        (
            false,
            &[5, 0, 5, 0, 0, 0],
            Socks5Error::InvalidAddressType(0),
        ),
        (
            false,
            &[5, 0, 5, 0, 0, 2],
            Socks5Error::InvalidAddressType(2),
        ),
        (
            false,
            &[5, 0, 5, 0, 0, 255],
            Socks5Error::InvalidAddressType(255),
        ),
    ] {
        let (_, result) = run_in_every_split(with_password, bytes);
        assert_eq!(result, Err(expected), "{bytes:x?}");
        let mut socks = socks(with_password);
        // Later calls return the same error, even without input.
        for input in [bytes, b"", b"more"] {
            let result = receive(&mut socks, input, &mut Vec::new());
            assert_eq!(result, Err(expected));
        }
        assert_eq!(socks.end_of_input(), expected);
    }
}

#[test]
fn the_end_of_the_stream_is_an_error_after_every_byte() {
    let bytes = [&[5, 2, 1, 0][..], BOUND_V4].concat();
    for len in 0..bytes.len() {
        let mut socks = socks(true);
        let progress = receive(&mut socks, &bytes[..len], &mut Vec::new());
        assert_eq!(
            progress,
            Ok(Progress {
                consumed: len,
                done: None
            })
        );
        let expected = match len {
            0 => Socks5Error::ConnectionClosed,
            _ => Socks5Error::Truncated,
        };
        assert_eq!(socks.end_of_input(), expected);
        assert_eq!(socks.receive(&bytes[len..]), Err(expected));
    }
}

#[test]
fn a_reserved_byte_has_no_meaning() {
    let (_, result) = run_in_every_split(false, &[5, 0, 5, 0, 0xaa, 1, 0, 0, 0, 0, 0, 0]);
    assert_eq!(result, Ok((12, true)));
}

#[test]
fn lengths_are_limited() {
    let text = |len| "x".repeat(len);
    let with = |user: usize, password: usize| {
        let credentials = Credentials::new(text(user), text(password));
        Socks5::new("h", 80, Some(&credentials)).map(drop)
    };
    assert_eq!(with(255, 255), Ok(()));
    for (user, password) in [(0, 1), (1, 0), (256, 1), (1, 256)] {
        assert_eq!(with(user, password), Err(Socks5Error::CredentialsLength));
    }
    assert!(Socks5::new(&text(255), 80, None).is_ok());
    let result = Socks5::new(&text(256), 80, None).map(drop);
    assert_eq!(result, Err(Socks5Error::NameTooLong));
}

#[test]
fn control_characters_are_refused() {
    let controls = (0..=0x1f_u8).chain([0x7f]).map(char::from);
    for control in controls {
        let text = format!("a{control}b");
        let host = Socks5::new(&text, 80, None).map(drop);
        assert_eq!(host, Err(Socks5Error::InvalidHost), "{text:?}");
        for credentials in [Credentials::new(&*text, "c"), Credentials::new("c", &*text)] {
            let result = Socks5::new("h", 80, Some(&credentials)).map(drop);
            let expected = Socks5Error::Credentials(CredentialsError::ControlCharacter);
            assert_eq!(result, Err(expected), "{text:?}");
        }
    }
    // Unlike basic authentication, SOCKS5 can send a colon in the user name.
    assert!(Socks5::new("h", 80, Some(&Credentials::new("a:b", "c"))).is_ok());
}

#[test]
fn debug_omits_the_credentials() {
    let socks = Socks5::new("h", 80, Some(&Credentials::new("user", "s3cret"))).unwrap();
    assert_eq!(format!("{socks:?}"), "Socks5 { state: MethodVersion, .. }");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn replies_are_read_alike_however_they_are_split(
        with_password in any::<bool>(),
        start in prop_oneof![
            Just(&[][..]),
            Just(&[5][..]),
            Just(&[5, 0, 5, 0, 0][..]),
            Just(&[5, 0, 5, 0, 0, 3][..]),
            Just(&[5, 2, 1, 0, 5, 0, 0][..]),
        ],
        rest in prop::collection::vec(prop_oneof![0..6_u8, any::<u8>()], 0..40),
        size in 1..12_usize,
    ) {
        let bytes = [start, &rest].concat();
        let whole = run(with_password, [&bytes[..]].into_iter());
        let split = run(with_password, bytes.chunks(size));
        prop_assert_eq!((&split.1, split.2), (&whole.1, whole.2));
        if let Ok((consumed, _)) = whole.1 {
            prop_assert!(consumed <= bytes.len());
        }
    }
}
