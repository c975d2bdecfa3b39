//! Refusals by a server that keeps the connection open.

use std::time::Duration;

use ws_driver::ConnectPhase;
use ws_driver::handshake::MAX_REFUSAL_BODY_LEN;
use ws_tests::scripted::{Server, network};

use super::{MILLISECOND, SECOND, connector, fail, serve};

const STATUSES: [u16; 4] = [401, 403, 429, 503];

#[test]
fn a_refusal_is_reported_within_a_second_after_its_head() {
    for status in STATUSES {
        for piece in [usize::MAX, 1] {
            for (length, tls) in [("", false), ("Content-Length: 900\r\n", true)] {
                network::clear();
                let head = format!("HTTP/1.1 {status} No\r\nRetry-After: 7\r\n{length}\r\n");
                let (port, server) = match tls {
                    true => (443, Server::new().hello("server")),
                    false => (80, Server::new()),
                };
                let server = server.wait(3 * SECOND).answer(head).send("why");
                let more = |server: Server, _| server.wait(400 * MILLISECOND).send("+");
                let server = (0..60).fold(server, more);
                serve(&format!("127.0.0.1:{port}"), server.in_pieces(piece));
                let url = if tls { "wss://server/" } else { "ws://server/" };
                let (error, time) = fail(&connector().redirects(2), url);
                let response = error.response().expect("a refusal");
                assert_eq!(response.status(), status);
                assert_eq!(response.headers()["retry-after"], "7");
                assert_eq!(response.body(), b"why++");
                assert_eq!(time, 4 * SECOND);
                assert!(!error.is_disconnect());
            }
        }
    }
}

#[test]
fn a_refusal_with_a_complete_body_takes_no_time() {
    for status in STATUSES {
        network::clear();
        let refusal = format!("HTTP/1.1 {status} No\r\nContent-Length: 3\r\n\r\nwhy and more");
        serve("127.0.0.1:80", Server::new().answer(refusal));
        let (error, time) = fail(&connector(), "ws://server/");
        let response = error.response().expect("a refusal");
        assert_eq!(
            (response.status().as_u16(), &response.body()[..]),
            (status, &b"why"[..])
        );
        assert_eq!(time, Duration::ZERO);
    }
}

#[test]
fn the_body_of_a_refusal_is_bounded() {
    let server = Server::new()
        .answer("HTTP/1.1 503 No\r\n\r\n")
        .send_forever([b'x'; 999]);
    serve("127.0.0.1:80", server);
    let (error, _) = fail(&connector(), "ws://server/");
    assert_eq!(
        error.response().expect("a refusal").body().len(),
        MAX_REFUSAL_BODY_LEN
    );
}

#[test]
fn a_refusal_waits_no_longer_than_the_deadline() {
    for connector in [
        connector().handshake_timeout(300 * MILLISECOND),
        connector().phase_timeout(ConnectPhase::Handshake, 300 * MILLISECOND),
    ] {
        serve(
            "127.0.0.1:80",
            Server::new().answer("HTTP/1.1 503 No\r\n\r\nwhy"),
        );
        let (error, time) = fail(&connector, "ws://server/");
        assert_eq!(error.response().expect("a refusal").body(), b"why");
        assert_eq!(time, 300 * MILLISECOND);
    }
}

#[test]
fn a_refusal_whose_head_is_not_complete_is_still_a_refusal() {
    let head = "HTTP/1.1 403 No\r\nRetry-After: 7\r\nX";
    for (server, time) in [
        (Server::new().answer(head).end(), Duration::ZERO),
        (Server::new().answer(head).reset(), Duration::ZERO),
        (Server::new().answer(head), 10 * SECOND),
    ] {
        network::clear();
        serve("127.0.0.1:80", server);
        let (error, passed) = fail(&connector(), "ws://server/");
        let response = error.response().expect("a refusal");
        assert_eq!(response.status(), 403);
        assert_eq!(response.headers()["retry-after"], "7");
        assert_eq!(passed, time);
    }
}
