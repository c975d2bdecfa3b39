//! SOCKS5 proxies (RFC 1928, RFC 1929).

use std::io::ErrorKind;
use std::time::Duration;

use ws_driver::handshake::{Socks5Error, Socks5Refusal};
use ws_driver::{ConnectError, ConnectPhase, Connector, ProxyErrorKind};
use ws_tests::scripted::network::{self, Answer};
use ws_tests::scripted::{Manual, Server};

use super::{SECOND, connect, fail, fail_at_proxy, io_kind, serve, texts, through};

const PROXY: &str = "127.0.0.1:1080";
/// The reply of success, with an IPv4 address.
const OPENED: [u8; 10] = [5, 0, 0, 1, 127, 0, 0, 1, 1, 0];
/// The command to connect to port 80 of the host `server`.
const COMMAND: &[u8] = b"\x05\x01\x00\x03\x06server\x00\x50";

/// Returns a connector through the SOCKS5 proxy at [`PROXY`], which resolves names and follows this
/// script.
fn by(server: Server) -> Connector<Manual> {
    network::clear();
    serve(PROXY, server);
    through("socks5h://proxy")
}

/// Chooses no authentication.
fn greeted() -> Server {
    Server::new().expect([5, 1, 0]).send([5, 0])
}

fn error_of(server: Server) -> ProxyErrorKind {
    let error = fail_at_proxy(&by(server), "ws://server/");
    match error.kind() {
        ProxyErrorKind::Socks5(error) => (*error).into(),
        ProxyErrorKind::Lost => ProxyErrorKind::Lost,
        ProxyErrorKind::EarlyData => ProxyErrorKind::EarlyData,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_connection_opens_in_one_piece_and_byte_by_byte() {
    let bound_name = [&[5, 0, 0, 3, 255][..], &[b'n'; 255], &[0, 80]].concat();
    let bound_v6 = [&[5, 0, 0, 4][..], &[1; 16], &[0, 80]].concat();
    for opened in [OPENED.to_vec(), bound_name, bound_v6] {
        for piece in [usize::MAX, 1, 3] {
            let server = greeted().expect(COMMAND).send(opened.clone()).upgrade();
            connect(&by(server.in_pieces(piece)), "ws://server/")
                .0
                .unwrap();
            assert_eq!(network::lookups(), ["proxy:1080"]);
            assert_eq!(network::heads().len(), 1);
        }
    }
}

#[test]
fn tls_to_the_server_goes_through_the_proxy() {
    let command = b"\x05\x01\x00\x03\x06server\x01\xbb";
    let server = greeted()
        .expect(command)
        .send(OPENED)
        .hello("server")
        .upgrade();
    connect(&by(server), "wss://server/").0.unwrap();
}

#[test]
fn the_client_resolves_the_name_for_socks5() {
    for (address, encoded) in [
        ("192.0.2.9:1", &[1, 192, 0, 2, 9][..]),
        (
            "[::1]:1",
            &[4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        ),
    ] {
        network::clear();
        network::name("server", Answer::success(network::addresses(address)));
        let command = [&[5, 1, 0][..], encoded, &[0, 80]].concat();
        serve(PROXY, greeted().expect(command).send(OPENED).upgrade());
        connect(&through("socks5://proxy"), "ws://server/")
            .0
            .unwrap();
        assert_eq!(network::lookups(), ["server:80", "proxy:1080"]);
        assert!(network::heads()[0].contains("Host: server\r\n"));
    }
}

#[test]
fn an_unknown_name_for_socks5_is_an_error_of_the_server() {
    network::name("server", Answer::failure(ErrorKind::NotFound));
    let (error, _) = fail(&through("socks5://proxy"), "ws://server/");
    assert!(matches!(error, ConnectError::Resolve(_)), "{error:?}");
    assert!(network::attempts().is_empty());
}

#[test]
fn the_password_is_sent_only_if_the_proxy_requires_it() {
    let hello = [5, 2, 0, 2];
    let password = b"\x01\x05alice\x06secret";
    for piece in [usize::MAX, 1] {
        let with = Server::new()
            .expect(hello)
            .send([5, 2])
            .expect(password)
            .send([1, 0]);
        let without = Server::new().expect(hello).send([5, 0]);
        for server in [with, without] {
            network::clear();
            let server = server.expect(COMMAND).send(OPENED).upgrade();
            serve(PROXY, server.in_pieces(piece));
            let connector = through("socks5h://alice:secret@proxy");
            connect(&connector, "ws://server/").0.unwrap();
            assert_eq!(network::heads().len(), 1);
        }
    }
}

#[test]
fn data_before_its_turn_is_early() {
    for early in [
        // Before the command is sent.
        Server::new().send([&[5, 0][..], &OPENED].concat()),
        Server::new().send([5, 0, 5]),
        // Before the request is sent.
        greeted().expect(COMMAND).send([&OPENED[..], b"x"].concat()),
        greeted()
            .expect(COMMAND)
            .send([&OPENED[..], &[b'x'; 70_000]].concat()),
    ] {
        let error = error_of(early);
        assert!(matches!(error, ProxyErrorKind::EarlyData), "{error:?}");
    }
}

#[test]
fn an_end_at_every_byte_is_a_loss() {
    for piece in [usize::MAX, 1] {
        for len in 0..2 {
            let server = Server::new().expect([5, 1, 0]).send(&[5, 0][..len]).end();
            let error = error_of(server.in_pieces(piece));
            assert!(matches!(error, ProxyErrorKind::Lost), "{error:?}");
        }
        for len in 0..OPENED.len() {
            let server = greeted().expect(COMMAND).send(&OPENED[..len]).end();
            let error = error_of(server.in_pieces(piece));
            assert!(matches!(error, ProxyErrorKind::Lost), "{error:?}");
            let server = greeted().expect(COMMAND).send(&OPENED[..len]).reset();
            let error = fail_at_proxy(&by(server), "ws://server/");
            assert_eq!(io_kind(error.kind()), Some(ErrorKind::ConnectionReset));
        }
    }
    let server = greeted().expect(COMMAND).send(OPENED).end();
    let (error, _) = fail(&by(server), "ws://server/");
    assert!(matches!(error, ConnectError::Lost), "{error:?}");
}

#[test]
fn refusals_and_faulty_answers_have_their_errors() {
    let reply = |reply: &[u8]| greeted().expect(COMMAND).send(reply);
    let refused = Socks5Error::Refused;
    for (server, expected) in [
        (reply(&[5, 1]), refused(Socks5Refusal::GeneralFailure)),
        (
            reply(&[5, 2, 0, 1, 0, 0, 0, 0, 0, 0]),
            refused(Socks5Refusal::NotAllowed),
        ),
        (reply(&[5, 3]), refused(Socks5Refusal::NetworkUnreachable)),
        (reply(&[5, 4]), refused(Socks5Refusal::HostUnreachable)),
        (reply(&[5, 5]), refused(Socks5Refusal::ConnectionRefused)),
        (reply(&[5, 99]), refused(Socks5Refusal::Other(99))),
        (reply(&[4, 0]), Socks5Error::WrongVersion(4)),
        (reply(&[5, 0, 0, 2]), Socks5Error::InvalidAddressType(2)),
        (
            Server::new().send([5, 0xff]),
            Socks5Error::AuthenticationRequired,
        ),
        (Server::new().send([5, 2]), Socks5Error::MethodNotOffered(2)),
        (
            Server::new().send("HTTP/1.1 400 No\r\n\r\n"),
            Socks5Error::WrongVersion(b'H'),
        ),
    ] {
        match error_of(server) {
            ProxyErrorKind::Socks5(error) => assert_eq!(error, expected),
            other => panic!("{expected:?}: {other:?}"),
        }
    }
}

#[test]
fn only_an_unreachable_server_is_worth_another_attempt() {
    for (code, again) in [
        (1, false),
        (2, false),
        (3, true),
        (4, true),
        (5, true),
        (6, true),
    ] {
        let server = greeted().expect(COMMAND).send([5, code]);
        let error = fail_at_proxy(&by(server), "ws://server/");
        assert_eq!(error.is_disconnect(), again, "{code}");
    }
}

#[test]
fn a_proxy_that_sends_a_byte_now_and_then_ends_at_the_deadline() {
    let name = [&[5, 0, 0, 3, 255][..], &[b'n'; 255], &[0, 80]].concat();
    let drip = |server: Server, byte: &u8| server.wait(SECOND).send([*byte]);
    let server = name.iter().fold(greeted().expect(COMMAND), drip);
    let (error, time) = fail(&by(server), "ws://server/");
    assert!(
        matches!(error, ConnectError::Timeout(ConnectPhase::Proxy)),
        "{error:?}"
    );
    assert_eq!(time, 10 * SECOND);
}

#[test]
fn unusable_credentials_are_reported_before_anything_is_tried() {
    let long = "x".repeat(256);
    for scheme in ["socks5", "socks5h"] {
        for userinfo in [
            format!("secret:{long}"),
            format!("{long}:secret"),
            "secret:".into(),
        ] {
            network::clear();
            let (error, time) = fail(&through(&format!("{scheme}://{userinfo}@proxy")), "ws://h/");
            match &error {
                ConnectError::Proxy(error) => assert!(
                    matches!(
                        error.kind(),
                        ProxyErrorKind::Socks5(Socks5Error::CredentialsLength)
                    ),
                    "{error:?}"
                ),
                other => panic!("{other:?}"),
            }
            assert_eq!(time, Duration::ZERO);
            assert!(!texts(&error).contains("secret"));
            assert!(network::attempts().is_empty());
            assert!(network::lookups().is_empty(), "{:?}", network::lookups());
        }
    }
}

#[test]
fn no_error_has_the_credentials() {
    let asked = || Server::new().expect([5, 2, 0, 2]).send([5, 2]);
    for server in [
        Server::new().end(),
        Server::new().reset(),
        Server::new().send([4]),
        Server::new().send([5, 0xff]),
        asked().end(),
        asked().send([1, 1]),
        asked().send([1, 0, 5, 1]),
        asked()
            .send([1, 0])
            .expect(b"\x01\x05puser\x07psecret")
            .expect(COMMAND)
            .send([5, 1]),
        asked(),
    ] {
        network::clear();
        serve(PROXY, server);
        let (error, _) = fail(&through("socks5h://puser:psecret@proxy"), "ws://server/");
        let texts = texts(&error);
        assert!(
            !texts.contains("psecret") && !texts.contains("puser"),
            "{texts}"
        );
    }
}
