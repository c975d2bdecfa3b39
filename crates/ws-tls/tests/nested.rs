//! TLS inside TLS, as in the tunnel of an HTTPS proxy.

#![forbid(unsafe_code)]

use std::io;

use ws_driver::{TlsError, TlsErrorKind};
use ws_test_certificates::Authority;
use ws_tls::{TlsAcceptor, TlsConnector};
use ws_tokio::transport::TokioTimer;
use ws_tokio::{Acceptor, CloseCode, Connector, testing};

#[tokio::test]
async fn messages_pass_through_two_sessions() {
    let (outer, inner) = (Authority::new(), Authority::new());
    let acceptor = |authority: &Authority| {
        let server = authority.server();
        TlsAcceptor::from_pem(server.certificate, server.key).unwrap()
    };
    let trusting = |authority: &Authority| {
        let roots = authority.certificate();
        TlsConnector::builder().roots_pem(roots).build().unwrap()
    };
    let (near, far) = testing::duplex::<TokioTimer>(10_000);
    let (outer_acceptor, inner_acceptor) = (acceptor(&outer), acceptor(&inner));
    let server = tokio::spawn(async move {
        let tls = outer_acceptor.accept(far).await?;
        let tls = inner_acceptor.accept(tls).await?;
        let mut ws = Acceptor::new().accept_on(tls).await?;
        while let Some((message, out)) = ws.recv_ref().await? {
            out.feed(message).await?;
        }
        io::Result::Ok(ws.end().is_some_and(|end| end.clean))
    });

    let tls = trusting(&outer).connect("localhost", near).await.unwrap();
    let tls = trusting(&inner).connect("127.0.0.1", tls).await.unwrap();
    assert_eq!(tls.session().alpn_protocol(), Some(&b"http/1.1"[..]));
    let connector = Connector::new();
    let mut ws = connector
        .handshake_on("wss://localhost/", tls)
        .await
        .unwrap();
    for len in [0, 1, 16_384, 100_000] {
        let message = vec![7; len];
        let (mut tx, mut rx) = ws.split();
        let (sent, received) = tokio::join!(tx.send(&message), rx.recv());
        sent.unwrap();
        assert_eq!(received.unwrap().unwrap().as_bytes(), message);
        ws = rx.reunite(tx).unwrap();
    }
    ws.close(CloseCode::NORMAL, "bye").await.unwrap();
    assert!(server.await.unwrap().unwrap());
}

#[tokio::test]
async fn a_host_that_is_no_name_is_an_error() {
    let roots = Authority::new().certificate();
    let connector = TlsConnector::builder().roots_pem(roots).build().unwrap();
    for host in ["", "a b", "ex\u{e4}mple.com", "[::1]"] {
        let (near, _far) = testing::duplex::<TokioTimer>(10_000);
        let error = connector.connect(host, near).await.unwrap_err();
        let error: TlsError = error.downcast().unwrap();
        assert_eq!(error.kind(), TlsErrorKind::Setup, "{host}");
    }
}
