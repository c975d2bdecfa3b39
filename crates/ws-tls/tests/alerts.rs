//! Alerts to a peer whose certificate is refused.

#![forbid(unsafe_code)]

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;

use tokio::net::TcpListener;
use ws_driver::{AcceptError, ConnectError, TlsErrorKind};
use ws_test_certificates::Authority;
use ws_tls::{TlsAcceptor, TlsConnector};
use ws_tokio::{Acceptor, Connector};

/// The number of operations after which tokio lets a task wait.
const BUDGET: usize = 128;

/// Polls `future` after each poll has spent a part of the budget of the task.
async fn after_operations<F: Future>(count: usize, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(move |cx| {
        for _ in 0..count {
            let spent = pin!(tokio::task::consume_budget()).poll(cx);
            assert!(spent.is_ready());
        }
        future.as_mut().poll(cx)
    })
    .await
}

/// The task of the client does many other things at the same time. In one of the cases, the read
/// that reveals the certificate is the last operation that tokio allows.
#[tokio::test]
async fn an_alert_is_sent_although_the_budget_of_the_task_is_spent() -> io::Result<()> {
    let server = Authority::new().server();
    let acceptor = TlsAcceptor::from_pem(server.certificate, server.key);
    let acceptor = Acceptor::new().tls(acceptor.unwrap());
    let other = Authority::new().certificate();
    let connector = TlsConnector::builder().roots_pem(other).build();
    let connector = Connector::new().tls(connector.unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("wss://{}/", listener.local_addr()?);
    for spent in BUDGET - 8..BUDGET {
        let acceptor = acceptor.clone();
        let serves = async {
            let (stream, _) = listener.accept().await?;
            let served = tokio::spawn(async move { acceptor.accept(stream).await.map(|_| ()) });
            io::Result::Ok(served.await.expect("the server does not panic"))
        };
        let (connector, url) = (connector.clone(), url.clone());
        let calls = tokio::spawn(async move {
            after_operations(spent, connector.connect(&url))
                .await
                .map(|_| ())
        });
        let (served, called) = tokio::join!(serves, calls);
        match (called.expect("the client does not panic"), served?) {
            (Err(ConnectError::Tls(called)), Err(AcceptError::Tls(served))) => {
                assert_eq!(called.kind(), TlsErrorKind::CertificateUnknownIssuer);
                assert_eq!(served.kind(), TlsErrorKind::CertificateRefused);
            }
            other => panic!("{spent}: {other:?}"),
        }
    }
    Ok(())
}
