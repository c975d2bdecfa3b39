//! The descriptors of connections that end in many ways.

use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, thread};

use ws_driver::transport::{Runtime, Wrap};
use ws_driver::{CloseCode, ConnectError, MessageKind};
use ws_tls::TlsConnector;

use super::{acceptor, connector, serve, tls_connector, url};
use crate::fault::Fault;
use crate::socket::{self, TOO_LONG};
use crate::suite::{Connector, Stream, Suite, start};
use crate::tls::certificates;

/// A way in which a client ends its connection.
#[derive(Clone, Copy, Debug)]
enum Way {
    // Within the handshakes:
    /// The client does not trust the server.
    Refuses,
    /// The client does not use TLS.
    UsesPlainHttp,
    /// The client drops its TCP stream at once.
    DropsTcp,
    /// The client drops its stream after the TLS handshake.
    DropsTls,
    // In the middle:
    /// The client drops the connection after a message.
    Drops,
    /// The client drops the connection within a message.
    DropsWithinMessage,
    /// The client drops the halves of the connection one after the other.
    DropsHalves,
    // At the end:
    /// The client closes the connection.
    Closes,
}

/// A third of the connections fails in the handshakes, a third is dropped, and a third is closed.
const WAYS: [Way; 12] = [
    Way::Refuses,
    Way::Drops,
    Way::Closes,
    Way::UsesPlainHttp,
    Way::DropsWithinMessage,
    Way::Closes,
    Way::DropsTcp,
    Way::DropsHalves,
    Way::Closes,
    Way::DropsTls,
    Way::Drops,
    Way::Closes,
];

/// Opens a connection and ends it in this way.
async fn call<S: Suite>(way: Way, listener: &TcpListener) -> Result<(), Fault> {
    let address = listener.local_addr().expect("the address of the listener");
    let url = url(address);
    match way {
        Way::Refuses => {
            let roots = certificates().stranger.certificate();
            let builder = TlsConnector::builder().roots_pem(roots);
            let tls = builder.build().expect("the certificate of an authority");
            let refused = Connector::<S>::new().tls(tls).connect(&url).await;
            assert!(matches!(refused, Err(ConnectError::Tls(_))), "{refused:?}");
        }
        Way::UsesPlainHttp => {
            let plain = Connector::<S>::new();
            let refused = plain.connect(format!("ws://{address}/")).await;
            assert!(
                matches!(refused, Err(ConnectError::Handshake(_))),
                "{refused:?}"
            );
        }
        Way::DropsTcp => drop(connect_tcp::<S>(address).await),
        Way::DropsTls => {
            let tcp = S::Runtime::wrap(connect_tcp::<S>(address).await);
            let tls = tls_connector().connect("localhost", tcp).await;
            drop(tls.expect("the TLS handshake"));
        }
        Way::Drops => {
            let mut ws = connector::<S>().connect(&url).await?;
            ws.send("hello").await?;
        }
        Way::DropsWithinMessage => {
            let mut ws = connector::<S>().connect(&url).await?;
            let mut writer = ws.writer(MessageKind::Text)?;
            writer.write("hel").await?;
        }
        Way::DropsHalves => {
            let (mut tx, mut rx) = connector::<S>().connect(&url).await?.split();
            tx.send("hello").await?;
            drop(tx);
            // The sending direction of TCP has ended, or ends when the receiver is dropped.
            let _ = rx.recv().await;
        }
        Way::Closes => {
            let mut ws = connector::<S>().connect(&url).await?;
            ws.send("hello").await?;
            ws.close(CloseCode::NORMAL, "").await?;
        }
    }
    Ok(())
}

async fn connect_tcp<S: Suite>(address: std::net::SocketAddr) -> Stream<S> {
    let connected = S::Runtime::connect_tcp(address).await;
    connected.expect("a listener")
}

/// Opens connections and ends them, one after the other.
fn run<S: Suite>(connections: usize) {
    let (listener, _) = socket::listen();
    listener.set_nonblocking(true).expect("the flag is set");
    S::block_on(async {
        for way in WAYS.into_iter().cycle().take(connections) {
            let accepting = listener.try_clone().expect("a second handle");
            let served = start::<S, _>(async move {
                let stream = loop {
                    match accepting.accept() {
                        Ok((stream, _)) => break S::adopt(stream),
                        Err(_) => S::sleep(Duration::from_millis(1)).await,
                    }
                };
                serve::<S>(acceptor::<S>(), stream).await
            });
            let called = call::<S>(way, &listener).await;
            called.unwrap_or_else(|error| panic!("{way:?}: {error:?}"));
            let served = served.finish::<S>().await;
            assert_eq!(served.is_ok(), matches!(way, Way::Closes), "{served:?}");
        }
    });
}

/// Returns the number of open descriptors of this process.
pub(in crate::suite) fn open_descriptors() -> usize {
    let listed = fs::read_dir(Path::new("/proc/self/fd"));
    listed.expect("the descriptors of this process").count()
}

/// No other test may run in the process at the same time, because it would open descriptors.
pub fn no_descriptor_of_a_tls_connection_remains<S: Suite>() {
    // The reactor of a runtime keeps its descriptors for the life of the process.
    run::<S>(WAYS.len());
    let before = open_descriptors();
    run::<S>(100);
    // A background thread of a runtime may close a descriptor a moment later.
    let start = Instant::now();
    while open_descriptors() != before {
        let now = open_descriptors();
        assert!(
            start.elapsed() < TOO_LONG,
            "{now} descriptors, {before} before"
        );
        thread::sleep(Duration::from_millis(10));
    }
}
