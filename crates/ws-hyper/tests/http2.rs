//! Connections over HTTP/2 (RFC 8441), under the automatic server of hyper-util.

#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::future::ready;
use std::net::SocketAddr;
use std::time::Duration;

use h2::client::{ResponseFuture, SendRequest};
use h2::ext::Protocol;
use h2::{Reason, RecvStream, SendStream};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use ws_hyper::Upgrade;
use ws_tokio::{Acceptor, CloseCode, Config, DeflateConfig, Error, Timeout, WebSocket};

const PATIENCE: Duration = Duration::from_secs(10);

/// Masked texts, with the key 0.
const TEXT: &[u8] = b"\x81\x82\0\0\0\0hi";
const CLOSE: &[u8] = b"\x88\x82\0\0\0\0\x03\xe8";

type Opened = mpsc::UnboundedReceiver<WebSocket>;

/// Starts a server of HTTP/1.1 and HTTP/2 on one port. Returns the connections that it opens.
async fn serve(config: Config) -> (SocketAddr, Opened) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, opened) = mpsc::unbounded_channel();
    let acceptor = Acceptor::new().config(config);
    tokio::spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            let (acceptor, sender) = (acceptor.clone(), sender.clone());
            let service = service_fn(move |request| {
                ready(Ok::<_, Infallible>(answer(&acceptor, request, &sender)))
            });
            tokio::spawn(async move {
                let mut server = auto::Builder::new(TokioExecutor::new());
                server.http2().enable_connect_protocol();
                let served = server.serve_connection_with_upgrades(TokioIo::new(tcp), service);
                drop(served.await);
            });
        }
    });
    (address, opened)
}

fn answer(
    acceptor: &Acceptor,
    request: Request<Incoming>,
    opened: &mpsc::UnboundedSender<WebSocket>,
) -> Response<Full<Bytes>> {
    let accepted = Upgrade::new(acceptor, request).and_then(Upgrade::accept);
    let (response, upgrading) = match accepted {
        Ok(accepted) => accepted,
        Err(refusal) => return refusal.response(),
    };
    let opened = opened.clone();
    tokio::spawn(async move { opened.send(upgrading.await.unwrap()) });
    response
}

/// Connects with HTTP/2, and waits until the server has announced that it accepts CONNECT.
async fn connect(address: SocketAddr) -> SendRequest<Bytes> {
    let tcp = TcpStream::connect(address).await.unwrap();
    // The default window of a connection is that of a stream, so one stream could fill it.
    let mut builder = h2::client::Builder::new();
    let builder = builder.initial_connection_window_size(1 << 20);
    let (client, connection) = builder.handshake(tcp).await.unwrap();
    tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let announced = async {
        while !client.is_extended_connect_protocol_enabled() {
            tokio::task::yield_now().await;
            client = client.clone().ready().await.unwrap();
        }
        client
    };
    timeout(PATIENCE, announced).await.expect("SETTINGS")
}

fn request(address: SocketAddr) -> Request<()> {
    let mut request = Request::new(());
    *request.method_mut() = Method::CONNECT;
    *request.uri_mut() = format!("http://{address}/").parse().unwrap();
    let protocol = Protocol::from_static("websocket");
    request.extensions_mut().insert(protocol);
    let headers = request.headers_mut();
    headers.insert("sec-websocket-version", "13".parse().unwrap());
    request
}

fn send(
    client: &mut SendRequest<Bytes>,
    request: Request<()>,
) -> (ResponseFuture, SendStream<Bytes>) {
    client.send_request(request, false).unwrap()
}

/// The client's end of a WebSocket in a stream.
struct Stream {
    send: SendStream<Bytes>,
    recv: RecvStream,
    read: Vec<u8>,
}

impl Stream {
    async fn open(client: &mut SendRequest<Bytes>, address: SocketAddr) -> Self {
        let (response, send) = send(client, request(address));
        let response = timeout(PATIENCE, response).await.unwrap().unwrap();
        assert_eq!(response.status(), 200);
        Self {
            send,
            recv: response.into_body(),
            read: Vec::new(),
        }
    }

    fn send(&mut self, bytes: &'static [u8], ends: bool) {
        self.send.send_data(bytes.into(), ends).unwrap();
    }

    /// Reads this number of bytes, and gives their capacity back.
    async fn read(&mut self, len: usize) -> Vec<u8> {
        while self.read.len() < len {
            let data = timeout(PATIENCE, self.recv.data()).await.expect("DATA");
            let data = data.expect("no end").unwrap();
            self.recv
                .flow_control()
                .release_capacity(data.len())
                .unwrap();
            self.read.extend_from_slice(&data);
        }
        self.read.drain(..len).collect()
    }

    async fn reads_end(&mut self) {
        let data = timeout(PATIENCE, self.recv.data()).await.expect("the end");
        assert!(data.is_none_or(|data| data.unwrap().is_empty()));
    }
}

async fn pair() -> (SendRequest<Bytes>, Stream, WebSocket) {
    pair_with(Config::default()).await
}

async fn pair_with(config: Config) -> (SendRequest<Bytes>, Stream, WebSocket) {
    let (address, mut opened) = serve(config).await;
    let mut client = connect(address).await;
    let stream = Stream::open(&mut client, address).await;
    let ws = opened.recv().await.unwrap();
    (client, stream, ws)
}

#[tokio::test]
async fn one_port_serves_both_versions() {
    let (address, mut opened) = serve(Config::default()).await;
    let mut client = connect(address).await;
    let mut stream = Stream::open(&mut client, address).await;
    let mut ws = opened.recv().await.unwrap();
    stream.send(TEXT, false);
    assert_eq!(ws.recv().await.unwrap(), Some("hi".into()));
    ws.send("ho").await.unwrap();
    assert_eq!(stream.read(4).await, b"\x81\x02ho");

    let mut old = ws_tokio::connect(&format!("ws://{address}/"))
        .await
        .unwrap();
    let mut ws = opened.recv().await.unwrap();
    old.send("hello").await.unwrap();
    assert_eq!(ws.recv().await.unwrap(), Some("hello".into()));
}

#[tokio::test]
async fn offers_are_negotiated_as_over_http_1() {
    let (address, mut opened) = serve(Config::default().deflate(DeflateConfig::default())).await;
    let mut client = connect(address).await;
    let mut request = request(address);
    let offer = "permessage-deflate; client_max_window_bits"
        .parse()
        .unwrap();
    request
        .headers_mut()
        .insert("sec-websocket-extensions", offer);
    let (response, _stream) = send(&mut client, request);
    let response = response.await.unwrap();
    let answer = response.headers()["sec-websocket-extensions"]
        .to_str()
        .unwrap();
    assert!(answer.starts_with("permessage-deflate"), "{answer}");
    assert!(!response.headers().contains_key("sec-websocket-accept"));
    let ws = opened.recv().await.unwrap();
    assert_eq!(ws.extensions().len(), 1);
}

#[tokio::test]
async fn requests_are_refused_with_a_status_and_a_text() {
    let (address, _opened) = serve(Config::default()).await;
    let mut client = connect(address).await;
    let mut refused = async |edit: fn(&mut Request<()>)| {
        let mut request = request(address);
        edit(&mut request);
        let (response, _stream) = send(&mut client, request);
        let mut response = timeout(PATIENCE, response).await.unwrap().unwrap();
        assert!(!response.headers().contains_key("connection"));
        let text = response.body_mut().data().await.unwrap().unwrap();
        assert!(!text.is_empty());
        response.status().as_u16()
    };
    let status = refused(|request| {
        let other = Protocol::from_static("webtransport");
        request.extensions_mut().insert(other);
    });
    assert_eq!(status.await, 501);
    let status = refused(|request| {
        let other = "https://elsewhere.example".parse().unwrap();
        request.headers_mut().insert("origin", other);
    });
    assert_eq!(status.await, 403);
    let status = refused(|request| {
        request.headers_mut().remove("sec-websocket-version");
    });
    assert_eq!(status.await, 400);
    let status = refused(|request| {
        request.extensions_mut().clear();
        *request.method_mut() = Method::GET;
    });
    assert_eq!(status.await, 405);
}

#[tokio::test]
async fn both_closes_end_the_stream_from_either_side() {
    let (_client, mut stream, mut ws) = pair().await;
    stream.send(CLOSE, false);
    assert_eq!(ws.recv().await.unwrap(), None);
    assert!(ws.end().unwrap().clean);
    assert_eq!(stream.read(4).await, b"\x88\x02\x03\xe8");
    drop(ws);
    stream.reads_end().await;

    let (_client, mut stream, mut ws) = pair().await;
    let closing = tokio::spawn(async move {
        let closed = ws.close(CloseCode::GOING_AWAY, "").await;
        closed.map(|()| ws.end().unwrap().clean)
    });
    assert_eq!(stream.read(4).await, b"\x88\x02\x03\xe9");
    stream.send(CLOSE, true);
    let closed = timeout(PATIENCE, closing).await.expect("an end").unwrap();
    assert!(closed.unwrap());
    stream.reads_end().await;
}

#[tokio::test]
async fn a_stream_that_ends_without_a_close_is_lost() {
    let (_client, mut stream, mut ws) = pair().await;
    stream.send(TEXT, true);
    assert_eq!(ws.recv().await.unwrap(), Some("hi".into()));
    assert!(matches!(ws.recv().await, Err(Error::Lost)));

    let (_client, mut stream, mut ws) = pair().await;
    stream.send.send_reset(Reason::CANCEL);
    let received = timeout(PATIENCE, ws.recv()).await.unwrap();
    assert!(matches!(received, Err(Error::Lost)), "{received:?}");

    let (_client, mut stream, mut ws) = pair().await;
    stream.send.send_reset(Reason::INTERNAL_ERROR);
    let received = timeout(PATIENCE, ws.recv()).await.unwrap();
    assert!(received.unwrap_err().is_disconnect());
}

#[tokio::test]
async fn the_end_of_the_http_connection_ends_its_streams() {
    let (address, mut opened) = serve(Config::default()).await;
    let tcp = TcpStream::connect(address).await.unwrap();
    let (client, connection) = h2::client::handshake::<_>(tcp).await.unwrap();
    let driving = tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    while !client.is_extended_connect_protocol_enabled() {
        tokio::task::yield_now().await;
    }
    let _stream = Stream::open(&mut client, address).await;
    let mut ws = opened.recv().await.unwrap();
    driving.abort();
    let received = timeout(PATIENCE, ws.recv()).await.expect("an end");
    assert!(received.unwrap_err().is_disconnect());
}

/// A client that does not read stops its own stream, and no other one.
#[tokio::test]
async fn a_stream_that_is_not_read_does_not_stop_others() {
    let (address, mut opened) = serve(Config::default()).await;
    let mut client = connect(address).await;
    let mut unread = Stream::open(&mut client, address).await;
    let mut filled = opened.recv().await.unwrap();
    let filling = tokio::spawn(async move { filled.send(vec![0; 4 << 20]).await.map(|()| filled) });
    let mut stream = Stream::open(&mut client, address).await;
    let mut ws = opened.recv().await.unwrap();
    for _ in 0..100 {
        stream.send(TEXT, false);
        let message = timeout(PATIENCE, ws.recv()).await.unwrap().unwrap();
        ws.send(message.unwrap()).await.unwrap();
        assert_eq!(stream.read(4).await, b"\x81\x02hi");
    }
    assert!(!filling.is_finished(), "4 MiB do not fit into the window");
    assert_eq!(unread.read(10).await[..2], [0x82, 127]);
    for _ in 0..4 {
        unread.read(1 << 20).await;
    }
    filling.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_that_does_not_read_is_given_up() {
    let config = Config::default().write_stall_timeout(Duration::from_millis(300));
    let (_client, _unread, mut ws) = pair_with(config).await;
    let sent = timeout(PATIENCE, ws.send(vec![0; 4 << 20])).await;
    let error = sent.expect("a timeout of the library").unwrap_err();
    let is_stall = matches!(
        error,
        Error::Timeout(Timeout::WriteStall | Timeout::Unreceived)
    );
    assert!(is_stall, "{error:?}");
}
