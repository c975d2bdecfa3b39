//! The server of the tests: an echo on hyper and hyper-util.

use std::convert::Infallible;
use std::future::ready;
use std::io;
use std::net::SocketAddr;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use ws_h2::Session;
use ws_hyper::Upgrade;
use ws_tokio::transport::Runtime;
use ws_tokio::{Acceptor, CloseCode, Config, Connector, DeflateConfig, Error, Tokio, WebSocket};

/// The number of messages of `/burst`.
pub(crate) const BURST: usize = 20_000;

/// Notified when all messages of `/burst` have been sent.
pub(crate) static BURST_SENT: Notify = Notify::const_new();

/// Serves the connections that a listener accepts. `/echo` echoes, `/close` closes with 4000,
/// `/drop` drops the connection, `/burst` answers with many messages, and `/unread` never reads.
pub(crate) async fn serve(listener: TcpListener, announces: bool) {
    let config = Config::default().deflate(DeflateConfig::default());
    let acceptor = Acceptor::new().config(config);
    loop {
        let (tcp, _) = listener.accept().await.unwrap();
        let acceptor = acceptor.clone();
        let service =
            service_fn(move |request| ready(Ok::<_, Infallible>(answer(&acceptor, request))));
        tokio::spawn(async move {
            let mut server = auto::Builder::new(TokioExecutor::new());
            // A stream that is not read then fills only a part of the connection's window.
            server.http2().initial_stream_window_size(64 << 10);
            server.http2().max_concurrent_streams(2000);
            if announces {
                server.http2().enable_connect_protocol();
            }
            let served = server.serve_connection_with_upgrades(TokioIo::new(tcp), service);
            drop(served.await);
        });
    }
}

fn answer(acceptor: &Acceptor, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let accepted = Upgrade::new(acceptor, request).and_then(|upgrade| {
        let is_offered = upgrade.request().protocols().any(|name| name == "chat");
        let upgrade = match is_offered {
            true => upgrade.subprotocol("chat"),
            false => upgrade,
        };
        upgrade.accept()
    });
    let (response, upgrading) = match accepted {
        Ok(accepted) => accepted,
        Err(refusal) => return refusal.response(),
    };
    tokio::spawn(async move {
        let ws = upgrading.await.unwrap();
        drop(run(ws, &path).await);
    });
    response
}

async fn run(mut ws: WebSocket, path: &str) -> Result<(), Error> {
    match path {
        "/close" => ws.close(CloseCode::new(4000), "over").await,
        "/drop" => Ok(()),
        "/burst" => {
            drop(ws.recv().await?);
            for _ in 0..BURST {
                ws.send("x").await?;
            }
            BURST_SENT.notify_one();
            drop(ws.recv().await?);
            Ok(())
        }
        "/unread" => std::future::pending().await,
        _ => {
            while let Some((message, out)) = ws.recv_ref().await? {
                out.feed(message).await?;
            }
            Ok(())
        }
    }
}

/// Starts the server of this runtime. Returns its address.
pub(crate) async fn start() -> SocketAddr {
    start_with(true).await
}

pub(crate) async fn start_with(announces: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, announces));
    address
}

/// Starts a session, and a task for its driver.
pub(crate) async fn session(address: SocketAddr, connector: Connector) -> Session<Tokio> {
    driven(address, connector).await.0
}

/// Starts a session. Also returns the task of its driver.
pub(crate) async fn driven(
    address: SocketAddr,
    connector: Connector,
) -> (Session<Tokio>, JoinHandle<io::Result<()>>) {
    let tcp = TcpStream::connect(address).await.unwrap();
    let (session, driver) = Session::start(connector, Tokio::tcp(tcp)).await.unwrap();
    (session, tokio::spawn(driver))
}
