//! Clients on the runtimes without tokio.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;

use smol::net::TcpStream;
use ws_driver::transport::Runtime;
use ws_driver::{CloseCode, Connector};
use ws_h2::{Http2, Session};
use ws_smol::Smol;

use crate::server;

/// Starts the server on a runtime of its own, which ends with the process.
fn start_elsewhere() -> SocketAddr {
    let (sender, address) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            sender.send(listener.local_addr().unwrap()).unwrap();
            server::serve(listener, true).await;
        });
    });
    address.recv().unwrap()
}

#[test]
fn a_session_works_without_tokio() {
    let address = start_elsewhere();
    smol::block_on(async {
        let tcp = TcpStream::connect(address).await.unwrap();
        let (session, driver) = Session::start(Connector::<Smol>::new(), Smol::tcp(tcp))
            .await
            .unwrap();
        smol::spawn(driver).detach();
        let url = format!("ws://{address}/echo");
        let mut first = session.open(&url).await.unwrap();
        let mut second = session.open(&url).await.unwrap();
        first.send(vec![1; 100_000]).await.unwrap();
        second.send("hello").await.unwrap();
        assert_eq!(second.recv().await.unwrap(), Some("hello".into()));
        assert_eq!(first.recv().await.unwrap(), Some(vec![1; 100_000].into()));
    });
}

/// Connects over HTTP/2, and exchanges messages in two halves.
async fn exchange<R: Runtime>(address: SocketAddr) {
    let connector = Connector::<R>::new().http2(Http2::Only);
    let url = format!("ws://{address}/echo");
    let (mut tx, mut rx) = connector.connect(&url).await.unwrap().split();
    for len in [0, 100, 100_000] {
        tx.send(vec![1; len]).await.unwrap();
        assert_eq!(rx.recv().await.unwrap(), Some(vec![1; len].into()));
    }
    let mut ws = rx.reunite(tx).unwrap();
    ws.close(CloseCode::NORMAL, "").await.unwrap();
    assert!(ws.end().unwrap().clean);
}

#[test]
fn a_connector_works_without_tokio() {
    let address = start_elsewhere();
    smol::block_on(exchange::<Smol>(address));
    async_std::task::block_on(exchange::<ws_async_std::AsyncStd>(address));
}
