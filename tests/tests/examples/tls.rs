//! Tests of the example programs of ws-tokio that use TLS.

use std::fs;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time;
use ws_test_certificates::{Authority, Files};
use ws_tokio::tls::{TlsConnector, TlsTransport};
use ws_tokio::{CloseCode, ConnectError, Connector, Message, TlsErrorKind, WebSocket};

use crate::{scratch, soon};

#[expect(dead_code, reason = "no test calls its `main`")]
#[path = "../../../crates/ws-tokio/examples/tokio_mutual_tls.rs"]
mod mutual_tls;
#[expect(dead_code, reason = "no test calls its `main`")]
#[path = "../../../crates/ws-tokio/examples/tokio_wss_client.rs"]
mod wss_client;
#[expect(dead_code, reason = "no test calls its `main`")]
#[path = "../../../crates/ws-tokio/examples/tokio_wss_server.rs"]
mod wss_server;

/// Starts the server, which looks at its files every millisecond. Returns its URL.
async fn start(files: &Files) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("wss://{}/", listener.local_addr().unwrap());
    let files = wss_server::Files {
        chain: files.server.certificate.clone(),
        key: files.server.key.clone(),
    };
    let current = files.read().await.unwrap();
    let tls = current.acceptor().unwrap();
    let interval = Duration::from_millis(1);
    tokio::spawn(wss_server::renew(tls.clone(), files, current, interval));
    tokio::spawn(wss_server::serve(listener, tls));
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_trusts_a_private_authority() {
    let files = Files::write(&scratch("trust")).unwrap();
    let url = start(&files).await;
    let answer = soon(wss_client::ask(&url, "hello", Some(&files.authority))).await;
    assert_eq!(answer.unwrap(), Message::from("hello"));

    let strangers = Files::write(&scratch("strangers")).unwrap();
    let result = soon(wss_client::ask(&url, "hello", Some(&strangers.authority))).await;
    let error = result.unwrap_err();
    let error: &ConnectError = error.downcast_ref().unwrap();
    assert!(wss_client::advice(error).unwrap().contains("private"));

    let missing = scratch("missing.pem");
    assert!(
        soon(wss_client::ask(&url, "hello", Some(&missing)))
            .await
            .is_err()
    );
}

/// Returns the certificate of the server.
fn certificate(ws: &WebSocket) -> Vec<u8> {
    let transport = ws.get_ref().unwrap();
    let tls = transport.downcast_ref::<TlsTransport>().unwrap();
    let certificates = tls.session().peer_certificates().unwrap();
    certificates[0].to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewed_certificate_is_used_without_a_restart() {
    let authority = Authority::new();
    let files = Files::write(&scratch("renewal")).unwrap();
    let (old, new) = (authority.server(), authority.server());
    fs::write(&files.server.certificate, old.certificate).unwrap();
    fs::write(&files.server.key, old.key).unwrap();
    let roots = authority.certificate();
    let url = start(&files).await;
    // Each handshake is a full one, so that the server sends its certificate.
    let connect = async || {
        let tls = TlsConnector::builder().roots_pem(&*roots).build().unwrap();
        soon(Connector::new().tls(tls).connect(&url)).await.unwrap()
    };
    let mut open = connect().await;
    let first = certificate(&open);

    // A new certificate without its key is not used.
    fs::write(&files.server.certificate, new.certificate).unwrap();
    time::sleep(Duration::from_millis(50)).await;
    assert_eq!(certificate(&connect().await), first);

    fs::write(&files.server.key, new.key).unwrap();
    let renewed = soon(async {
        loop {
            let certificate = certificate(&connect().await);
            if certificate != first {
                return certificate;
            }
        }
    });
    let renewed = renewed.await;

    // Missing files change nothing.
    fs::remove_file(&files.server.key).unwrap();
    time::sleep(Duration::from_millis(50)).await;
    assert_eq!(certificate(&connect().await), renewed);

    open.send("still here").await.unwrap();
    let answer = soon(open.recv()).await.unwrap();
    assert_eq!(answer, Some(Message::from("still here")));
    soon(open.close(CloseCode::NORMAL, "")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mutual_tls_names_the_client() {
    let files = Files::write(&scratch("mutual")).unwrap();
    let server = [&*files.server.certificate, &*files.server.key];
    let client = [&*files.client.certificate, &*files.client.key];
    let greeting = soon(mutual_tls::run(&files.authority, server, client)).await;
    assert_eq!(
        greeting.unwrap(),
        Message::from("hello, a client for tests")
    );

    let strangers = Files::write(&scratch("mutual-strangers")).unwrap();
    let client = [&*strangers.client.certificate, &*strangers.client.key];
    let error = soon(mutual_tls::run(&files.authority, server, client)).await;
    match error.unwrap_err().downcast_ref().unwrap() {
        ConnectError::Tls(error) => assert_eq!(error.kind(), TlsErrorKind::CertificateRefused),
        other => panic!("{other:?}"),
    }
}
