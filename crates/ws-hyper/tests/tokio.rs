//! Connections under the servers of hyper and hyper-util, on tokio.

#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Body, Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use ws_hyper::{Refusal, Upgrade, UpgradeError, Upgrading};
use ws_tokio::{Acceptor, CloseCode, Connector, Registry, Tokio, WebSocket};

type Page = Response<Full<Bytes>>;
type Opened = Result<WebSocket, UpgradeError>;
type Sender = mpsc::UnboundedSender<Opened>;

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";
/// A masked text, with the key 0.
const TEXT: &[u8] = b"\x81\x82\0\0\0\0hi";

/// Returns the service that answers with `respond`.
fn service<B: Body<Data = Bytes, Error = Infallible>>(
    respond: impl Fn(Request<Incoming>) -> Response<B>,
) -> impl Service<
    Request<Incoming>,
    Response = Response<B>,
    Error = Infallible,
    Future = Ready<Result<Response<B>, Infallible>>,
> {
    service_fn(move |request| ready(Ok(respond(request))))
}

/// Serves a stream with HTTP/1.1 and upgrades.
async fn serve<S, B>(stream: S, respond: impl Fn(Request<Incoming>) -> Response<B>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    B: Body<Data = Bytes, Error = Infallible> + 'static,
{
    let server = http1::Builder::new();
    let served = server.serve_connection(TokioIo::new(stream), service(respond));
    // An error means that the client has ended the connection.
    drop(served.with_upgrades().await);
}

/// Sends the connection, or the error, to the test.
fn open(upgrading: Upgrading<Tokio>, opened: &Sender) {
    let opened = opened.clone();
    tokio::spawn(async move { opened.send(upgrading.await) });
}

/// Answers requests, and opens connections.
fn answer(opened: Sender) -> impl Fn(Request<Incoming>) -> Page {
    answer_with(Acceptor::new(), opened)
}

fn answer_with(acceptor: Acceptor, opened: Sender) -> impl Fn(Request<Incoming>) -> Page {
    move |request| {
        let accepted = Upgrade::new(&acceptor, request).and_then(Upgrade::accept);
        match accepted {
            Ok((response, upgrading)) => {
                open(upgrading, &opened);
                response
            }
            Err(refusal) => refusal.response(),
        }
    }
}

/// A server for one TCP connection, and what it has opened.
struct Server {
    address: SocketAddr,
    opened: mpsc::UnboundedReceiver<Opened>,
}

impl Server {
    async fn start() -> Self {
        Self::with(|tcp, opened| serve(tcp, answer(opened))).await
    }

    /// Starts a server that serves the connection with `run`.
    async fn with<F>(run: impl FnOnce(TcpStream, Sender) -> F + Send + 'static) -> Self
    where
        F: Future + Send,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, opened) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let (tcp, _) = listener.accept().await.unwrap();
            drop(run(tcp, sender).await);
        });
        Self { address, opened }
    }

    async fn next(&mut self) -> Opened {
        self.opened.recv().await.expect("the task has a result")
    }

    /// Sends bytes. Returns the socket.
    async fn send(&self, bytes: &[u8]) -> TcpStream {
        let mut tcp = TcpStream::connect(self.address).await.unwrap();
        tcp.write_all(bytes).await.unwrap();
        tcp
    }

    /// Sends a request, and returns the whole answer.
    async fn ask(&self, request: &str) -> String {
        let mut tcp = self.send(request.as_bytes()).await;
        let mut answer = String::new();
        tcp.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

async fn connect(address: SocketAddr) -> WebSocket {
    let url = format!("ws://{address}/");
    ws_tokio::connect(&url).await.unwrap()
}

/// Returns `true` if the connection is over the TCP stream of the runtime.
fn has_tcp(ws: &WebSocket) -> bool {
    ws.get_ref()
        .is_some_and(|transport| transport.tcp().is_some())
}

#[tokio::test]
async fn the_tcp_stream_is_taken_back() {
    let mut server = Server::start().await;
    let mut client = connect(server.address).await;
    let mut ws = server.next().await.unwrap();
    assert!(has_tcp(&ws));
    let transport = client.get_ref().expect("an open connection");
    let own = transport.tcp().expect("TCP").local_addr().unwrap();
    assert_eq!(ws.peer_addr(), Some(own));
    client.send("hello").await.unwrap();
    assert_eq!(ws.recv().await.unwrap(), Some("hello".into()));
    // The server ends TCP first, and then waits for the client's end.
    let receive = async {
        assert_eq!(client.recv().await.unwrap(), None);
        drop(client);
    };
    let (closed, ()) = tokio::join!(ws.close(CloseCode::NORMAL, ""), receive);
    closed.unwrap();
}

#[tokio::test]
async fn bytes_behind_the_request_are_the_first_message() {
    let mut server = Server::start().await;
    let _client = server.send(&[REQUEST.as_bytes(), TEXT].concat()).await;
    let mut ws = server.next().await.unwrap();
    assert_eq!(ws.recv().await.unwrap(), Some("hi".into()));
}

#[tokio::test]
async fn another_stream_stays_with_hyper() {
    let (near, far) = tokio::io::duplex(64);
    let (sender, mut opened) = mpsc::unbounded_channel();
    tokio::spawn(serve(far, answer(sender)));
    let connector = Connector::new();
    let client = connector.handshake("ws://h/", near).await.unwrap();
    let ws = opened.recv().await.unwrap().unwrap();
    assert!(!has_tcp(&ws));

    // More than the pipe and the transport hold back, in both halves.
    let long = "long ".repeat(20_000);
    let (mut sending, mut receiving) = ws.split();
    let echo = tokio::spawn(async move {
        let message = receiving.recv().await.unwrap().unwrap();
        sending.send(message).await.unwrap();
    });
    let (sent, received) = {
        let (mut sending, mut receiving) = client.split();
        let text = long.clone();
        let sent = tokio::spawn(async move { sending.send(text).await });
        (sent, receiving.recv().await.unwrap().unwrap())
    };
    sent.await.unwrap().unwrap();
    echo.await.unwrap();
    assert_eq!(received.as_text(), Some(&*long));
}

#[cfg(feature = "auto")]
#[tokio::test]
async fn the_automatic_server_gives_the_tcp_stream_back_too() {
    let mut server = Server::with(async |tcp, opened| {
        auto::Builder::new(TokioExecutor::new())
            .serve_connection_with_upgrades(TokioIo::new(tcp), service(answer(opened)))
            .await
    })
    .await;
    let mut client = connect(server.address).await;
    let mut ws = server.next().await.unwrap();
    assert!(has_tcp(&ws));
    client.send("hello").await.unwrap();
    assert_eq!(ws.recv().await.unwrap(), Some("hello".into()));
}

#[tokio::test]
async fn a_graceful_shutdown_leaves_connections_open() {
    let graceful = GracefulShutdown::new();
    let watcher = graceful.watcher();
    let mut server = Server::with(async move |tcp, opened| {
        let server = auto::Builder::new(TokioExecutor::new());
        let service = service(answer(opened));
        let served = server.serve_connection_with_upgrades(TokioIo::new(tcp), service);
        watcher.watch(served).await
    })
    .await;
    let mut client = connect(server.address).await;
    let mut ws = server.next().await.unwrap();
    // The server no longer counts the connection, so this ends at once.
    let ended = tokio::time::timeout(Duration::from_secs(5), graceful.shutdown());
    ended.await.expect("the HTTP server has ended");
    client.send("still here").await.unwrap();
    assert_eq!(ws.recv().await.unwrap(), Some("still here".into()));
}

/// Accepts, and sends this response instead. Returns the answer that the client gets and the result
/// of the upgrade.
async fn replace(response: fn() -> Page) -> (String, Opened) {
    let (mut client, far) = tokio::io::duplex(4096);
    let (sender, mut opened) = mpsc::unbounded_channel();
    let acceptor = Acceptor::new().handshake_timeout(Duration::from_millis(100));
    tokio::spawn(serve(far, move |request| {
        let upgrade = Upgrade::new(&acceptor, request).unwrap();
        let (_answer, upgrading) = upgrade.accept_if_sent().unwrap();
        open(upgrading, &sender);
        response()
    }));
    client.write_all(REQUEST.as_bytes()).await.unwrap();
    let mut head = vec![0; 12];
    client.read_exact(&mut head).await.unwrap();
    (
        String::from_utf8(head).unwrap(),
        opened.recv().await.unwrap(),
    )
}

fn forbidden() -> Page {
    let mut page = Page::default();
    *page.status_mut() = StatusCode::FORBIDDEN;
    page
}

#[tokio::test]
async fn nothing_is_upgraded_if_another_response_is_sent() {
    let (head, opened) = replace(|| {
        let mut page = forbidden();
        let close = hyper::header::HeaderValue::from_static("close");
        page.headers_mut().insert(hyper::header::CONNECTION, close);
        page
    })
    .await;
    assert_eq!(head, "HTTP/1.1 403");
    // hyper upgrades the connection when it would close it.
    let error = opened.unwrap_err();
    assert!(matches!(error, UpgradeError::Replaced), "{error}");
}

#[tokio::test]
async fn the_wait_for_an_upgrade_ends() {
    let (head, opened) = replace(forbidden).await;
    assert_eq!(head, "HTTP/1.1 403");
    // hyper keeps the connection for the next request.
    let error = opened.unwrap_err();
    assert!(matches!(error, UpgradeError::Timeout), "{error}");
}

#[tokio::test]
async fn an_answer_that_is_sent_is_upgraded() {
    let (client, far) = tokio::io::duplex(4096);
    let (sender, mut opened) = mpsc::unbounded_channel();
    tokio::spawn(serve(far, move |request| {
        let upgrade = Upgrade::new(&Acceptor::new(), request).unwrap();
        let (answer, upgrading) = upgrade.accept_if_sent().unwrap();
        open(upgrading, &sender);
        answer
    }));
    let connector = Connector::new();
    let mut client = connector.handshake("ws://h/", client).await.unwrap();
    client.send("hello").await.unwrap();
    let mut ws = opened.recv().await.unwrap().unwrap();
    assert_eq!(ws.recv().await.unwrap(), Some("hello".into()));
}

#[tokio::test]
async fn a_client_can_end_in_the_middle_of_the_upgrade() {
    let mut server = Server::start().await;
    drop(server.send(REQUEST.as_bytes()).await);
    match server.next().await {
        Ok(mut ws) => drop(ws.recv().await.unwrap_err()),
        Err(error) => assert!(matches!(error, UpgradeError::Hyper(_)), "{error}"),
    }
}

#[tokio::test]
async fn requests_that_cannot_be_upgraded_are_refused() {
    let old = REQUEST.replace("HTTP/1.1", "HTTP/1.0");
    let plain = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    let foreign = REQUEST.replace("Host: h", "Host: h\r\nOrigin: http://other");
    let body = REQUEST.replace("\r\n\r\n", "\r\nContent-Length: 2\r\n\r\nab");
    let post = REQUEST.replace("GET", "POST");
    for (request, status) in [
        (&*old, "505"),
        (plain, "426"),
        (&foreign, "403"),
        (&body, "400"),
        (&post, "405"),
    ] {
        let server = Server::start().await;
        let answer = server.ask(request).await;
        assert_eq!(answer.split(' ').nth(1), Some(status), "{answer}");
    }
}

#[tokio::test]
async fn a_server_without_upgrades_says_so() {
    let (sender, mut refused) = mpsc::unbounded_channel();
    let server = Server::with(async move |tcp, _| {
        let service = service(move |mut request| -> Page {
            // Another service takes the upgrade first.
            drop(hyper::upgrade::on(&mut request));
            let refusal = Upgrade::new(&Acceptor::new(), request).unwrap_err();
            let response = refusal.response();
            sender.send(refusal).unwrap();
            response
        });
        let server = http1::Builder::new();
        server.serve_connection(TokioIo::new(tcp), service).await
    })
    .await;
    let url = format!("ws://{}/", server.address);
    let error = ws_tokio::connect(&url).await.unwrap_err();
    assert_eq!(
        error.response().unwrap().status(),
        StatusCode::INTERNAL_SERVER_ERROR
    );
    assert!(matches!(refused.recv().await, Some(Refusal::NotUpgradable)));
}

#[tokio::test]
async fn the_answer_has_what_the_caller_adds() {
    let respond = |request: Request<Incoming>| {
        let upgrade = Upgrade::new(&Acceptor::new(), request).unwrap();
        assert_eq!(upgrade.request().path(), "/room");
        let upgrade = upgrade.subprotocol("chat").header("x-node", "7");
        let (response, upgrading) = upgrade.accept::<Full<Bytes>>().unwrap();
        assert_eq!(upgrading.agreed().protocol(), Some("chat"));
        tokio::spawn(async { upgrading.await.unwrap().send("welcome").await });
        response
    };
    let server = Server::with(move |tcp, _| serve(tcp, respond)).await;
    let url = format!("ws://{}/room", server.address);
    let mut client = Connector::new()
        .subprotocol("chat")
        .connect(&url)
        .await
        .unwrap();
    assert_eq!(client.protocol(), Some("chat"));
    assert_eq!(client.recv().await.unwrap(), Some("welcome".into()));
}

#[test]
fn the_head_of_a_request_stays_as_it_is() {
    let request = Request::get("/room").header("host", "h").extension(7_u8);
    let (mut parts, ()) = request.body(()).unwrap().into_parts();
    let refusal = Upgrade::from_parts(&Acceptor::new(), &mut parts).unwrap_err();
    assert_eq!(refusal.status(), StatusCode::UPGRADE_REQUIRED);
    assert_eq!(
        (parts.uri.path(), &parts.headers["host"]),
        ("/room", &"h".parse().unwrap())
    );
    assert_eq!(parts.extensions.get(), Some(&7_u8));
}

#[tokio::test]
async fn a_registry_refuses_clients_and_closes_connections_inside_recv() {
    let registry = Registry::new().max_connections(1);
    let acceptor = Acceptor::new().registry(&registry);
    let (sender, mut opened) = mpsc::unbounded_channel();
    let serve_next = || {
        let (near, far) = tokio::io::duplex(4096);
        tokio::spawn(serve(far, answer_with(acceptor.clone(), sender.clone())));
        near
    };
    let connector = Connector::new();
    let client = connector.handshake("ws://h/", serve_next()).await;
    let mut client = client.unwrap();
    let mut ws = opened.recv().await.unwrap().unwrap();
    assert_eq!((registry.counts().opening, registry.counts().open), (0, 1));

    let refused = connector.handshake("ws://h/", serve_next()).await;
    let refused = refused.unwrap_err();
    let response = refused.response().expect("a response");
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "5");

    // The handler waits before the shutdown begins, and knows nothing of it.
    let handler = tokio::spawn(async move {
        assert_eq!(ws.recv().await.unwrap(), Some("I am here".into()));
        let received = ws.recv().await;
        (received, ws.end())
    });
    client.send("I am here").await.unwrap();
    let timeout = Duration::from_secs(25);
    let shutdown = registry.shutdown(CloseCode::GOING_AWAY, "restart", timeout);
    let (report, received) = tokio::join!(shutdown, client.recv());
    assert_eq!(received.unwrap(), None);
    assert_eq!(client.end().unwrap().reason(), "restart");
    assert!(report.unwrap().is_clean());
    let (received, end) = handler.await.unwrap();
    assert_eq!(received.unwrap(), None);
    assert!(end.unwrap().clean);

    let refused = connector.handshake("ws://h/", serve_next()).await;
    assert!(refused.unwrap_err().response().is_some());
    assert_eq!((registry.counts().refused, registry.counts().clean), (2, 1));
}
