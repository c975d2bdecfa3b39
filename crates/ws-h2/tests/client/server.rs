//! The server of the tests: an echo on hyper and hyper-util.

use std::convert::Infallible;
use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use ws_h2::Session;
use ws_hyper::Upgrade;
use ws_test_certificates::{Authority, Identity};
use ws_tokio::transport::Runtime;
use ws_tokio::{Acceptor, CloseCode, Config, Connector, DeflateConfig, Error, Tokio, WebSocket};

/// The number of messages of `/burst`.
pub(crate) const BURST: usize = 20_000;

/// Notified when all messages of `/burst` have been sent.
pub(crate) static BURST_SENT: Notify = Notify::const_new();

/// Serves the connections that a listener accepts. `/echo` echoes, `/close` closes with 4000,
/// `/drop` drops the connection, `/burst` answers with many messages, and `/unread` never reads.
/// `/moved` redirects to `/echo`.
pub(crate) async fn serve(listener: TcpListener, announces: bool) {
    loop {
        let (tcp, _) = listener.accept().await.unwrap();
        tokio::spawn(serve_one(tcp, announces));
    }
}

/// Serves one connection, in the version of HTTP in which the client begins.
async fn serve_one(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, announces: bool) {
    let config = Config::default().deflate(DeflateConfig::default());
    let acceptor = Acceptor::new().config(config);
    let service = service_fn(move |request| ready(Ok::<_, Infallible>(answer(&acceptor, request))));
    let mut server = auto::Builder::new(TokioExecutor::new());
    // A stream that is not read then fills only a part of the connection's window.
    server.http2().initial_stream_window_size(64 << 10);
    server.http2().max_concurrent_streams(2000);
    if announces {
        server.http2().enable_connect_protocol();
    }
    let served = server.serve_connection_with_upgrades(TokioIo::new(stream), service);
    drop(served.await);
}

/// Starts a server with TLS, whose certificate is of `authority`. It negotiates `protocols`.
/// Returns its port, and the number of connections that it has accepted.
pub(crate) async fn start_tls(
    authority: &Authority,
    protocols: &[&str],
    announces: bool,
) -> (u16, Arc<AtomicUsize>) {
    let Identity { certificate, key } = authority.server();
    let chain = CertificateDer::pem_slice_iter(certificate.as_bytes());
    let chain = chain.collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().into())
        .collect();
    let tls = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(AtomicUsize::new(0));
    let accepted = Arc::clone(&count);
    tokio::spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            accepted.fetch_add(1, Ordering::Relaxed);
            let tls = tls.clone();
            tokio::spawn(async move {
                if let Ok(stream) = tls.accept(tcp).await {
                    serve_one(stream, announces).await;
                }
            });
        }
    });
    (port, count)
}

fn answer(acceptor: &Acceptor, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    if path == "/moved" {
        let response = Response::builder().status(302).header("location", "/echo");
        return response.body(Full::default()).unwrap();
    }
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
