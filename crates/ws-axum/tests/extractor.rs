//! The extractor under `axum::serve`, and without a connection.

#![forbid(unsafe_code)]

use std::future::{IntoFuture, ready};
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::{Request, StatusCode, Version};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tower::ServiceExt;
use ws_axum::ws_tokio::{self, Connector};
use ws_axum::{
    CloseCode, Config, DeflateConfig, Error, OriginPolicy, Registry, Rejection, Upgrade, WebSocket,
};

async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, app).into_future());
    address
}

async fn echo(mut ws: WebSocket) -> Result<(), Error> {
    let has_tcp = ws
        .get_ref()
        .is_some_and(|transport| transport.tcp().is_some());
    assert!(has_tcp, "the TCP stream is taken back");
    while let Some((message, out)) = ws.recv_ref().await? {
        out.feed(message).await?;
    }
    Ok(())
}

/// Returns a request without a connection, as tests of axum send it.
fn request(
    edit: impl FnOnce(axum::http::request::Builder) -> axum::http::request::Builder,
) -> Request<Body> {
    let builder = Request::get("/")
        .header("host", "h")
        .header("upgrade", "websocket")
        .header("connection", "upgrade")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("sec-websocket-version", "13");
    edit(builder).body(Body::empty()).unwrap()
}

async fn answer(app: Router, request: Request<Body>) -> (StatusCode, String) {
    let response = app.oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 16).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn messages_are_compressed_if_both_want_it() {
    let handler = async |upgrade: Upgrade| upgrade.deflate(DeflateConfig::default()).accept(echo);
    let address = serve(Router::new().route("/", any(handler))).await;
    let config = Config::default().deflate(DeflateConfig::default());
    let connector = Connector::new().config(config);
    let mut ws = connector
        .connect(&format!("ws://{address}/"))
        .await
        .unwrap();
    assert!(
        ws.extensions()
            .iter()
            .any(|one| one.name() == "permessage-deflate")
    );
    let text = "again and again ".repeat(1000);
    ws.send(&text).await.unwrap();
    assert_eq!(ws.recv().await.unwrap().unwrap().as_text(), Some(&*text));

    let plain = ws_tokio::connect(&format!("ws://{address}/"))
        .await
        .unwrap();
    assert!(plain.extensions().is_empty());
}

#[tokio::test]
async fn other_extractors_stand_beside_it() {
    async fn room(State(node): State<u32>, Path(room): Path<String>, upgrade: Upgrade) -> Response {
        upgrade
            .protocols(["v3", "v2", "v1"])
            .header("x-node", "7")
            .accept(async move |mut ws| ws.send(format!("{room} on {node}")).await)
    }
    let app = Router::new()
        .route("/rooms/{room}", any(room))
        .with_state(7);
    let url = format!("ws://{}/rooms/lobby", serve(app).await);
    let connector = Connector::new().subprotocol("v1").subprotocol("v2");
    let mut ws = connector.connect(&url).await.unwrap();
    assert_eq!(ws.protocol(), Some("v2"));
    assert_eq!(ws.recv().await.unwrap(), Some("lobby on 7".into()));
}

#[tokio::test]
async fn one_route_serves_pages_and_web_sockets() {
    async fn handler(upgrade: Option<Upgrade>) -> Response {
        match upgrade {
            Some(upgrade) => upgrade.accept(echo),
            None => "a page".into_response(),
        }
    }
    let app = Router::new().route("/", any(handler));
    let page = Request::get("/").body(Body::empty()).unwrap();
    let answered = answer(app.clone(), page).await;
    assert_eq!(answered, (StatusCode::OK, "a page".into()));
    // RFC 9110 §7.8: the header means nothing in HTTP/1.0.
    let old = request(|builder| builder.version(Version::HTTP_10));
    assert_eq!(answer(app.clone(), old).await.0, StatusCode::OK);
    // A request that asks for a WebSocket has to be valid.
    let invalid = request(|builder| builder.header("sec-websocket-version", "12"));
    assert_eq!(
        answer(app.clone(), invalid).await.0,
        StatusCode::UPGRADE_REQUIRED
    );
    let mut ws = ws_tokio::connect(&format!("ws://{}/", serve(app).await))
        .await
        .unwrap();
    ws.send("hello").await.unwrap();
    assert_eq!(ws.recv().await.unwrap(), Some("hello".into()));
}

#[tokio::test]
async fn a_test_without_a_connection_gets_a_status() {
    let app = Router::new().route("/", any(async |upgrade: Upgrade| upgrade.accept(echo)));
    let (status, body) = answer(app.clone(), request(|builder| builder)).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(body, "the server failed\n");
    let page = Request::get("/")
        .header("host", "h")
        .body(Body::empty())
        .unwrap();
    let (status, body) = answer(app, page).await;
    assert_eq!(status, StatusCode::UPGRADE_REQUIRED);
    assert!(body.contains("Upgrade"), "{body}");
}

#[tokio::test]
async fn a_handler_can_see_the_rejection() {
    async fn handler(upgrade: Result<Upgrade, Rejection>) -> Response {
        match upgrade {
            Ok(upgrade) => upgrade.accept(echo),
            Err(rejection) => {
                (rejection.status(), format!("own page: {rejection}")).into_response()
            }
        }
    }
    let app = Router::new().route("/", any(handler));
    let post = Request::post("/")
        .header("host", "h")
        .body(Body::empty())
        .unwrap();
    let (status, body) = answer(app, post).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(body.starts_with("own page: "), "{body}");
}

#[tokio::test]
async fn origins_are_checked_against_the_host_or_a_list() {
    async fn own(upgrade: Upgrade) -> Response {
        upgrade.accept(echo)
    }
    async fn listed(upgrade: Upgrade) -> Response {
        upgrade
            .origins(OriginPolicy::allow_list(["https://app.example.com"]))
            .accept(echo)
    }
    let app = Router::new()
        .route("/own", any(own))
        .route("/listed", any(listed));
    let address = serve(app).await;
    let status = async |path: &str, origin: &str| {
        let connector = Connector::new().header("origin", origin);
        match connector.connect(&format!("ws://{address}{path}")).await {
            Ok(_) => StatusCode::SWITCHING_PROTOCOLS,
            Err(error) => error.response().expect("a refusal").status(),
        }
    };
    let own_origin = format!("http://{address}");
    assert_eq!(
        status("/own", &own_origin).await,
        StatusCode::SWITCHING_PROTOCOLS
    );
    assert_eq!(
        status("/own", "https://app.example.com").await,
        StatusCode::FORBIDDEN
    );
    assert_eq!(status("/listed", &own_origin).await, StatusCode::FORBIDDEN);
    assert_eq!(
        status("/listed", "https://app.example.com").await,
        StatusCode::SWITCHING_PROTOCOLS
    );
}

#[tokio::test]
async fn an_error_of_the_handler_is_reported() {
    let (sender, mut errors) = mpsc::unbounded_channel();
    let handler = async move |upgrade: Upgrade| {
        let sender = sender.clone();
        upgrade
            .max_message(4)
            .on_error(move |error| sender.send(error.to_string()).unwrap())
            .accept(echo)
    };
    let address = serve(Router::new().route("/", any(handler))).await;
    let mut ws = ws_tokio::connect(&format!("ws://{address}/"))
        .await
        .unwrap();
    ws.send("too long").await.unwrap();
    let error = errors.recv().await.unwrap();
    assert!(error.contains('4'), "{error}");
}

#[tokio::test]
async fn a_layer_that_refuses_keeps_the_handler_from_running() {
    let (sender, mut errors) = mpsc::unbounded_channel();
    let handler = async move |upgrade: Upgrade| {
        let sender = sender.clone();
        upgrade
            .on_error(move |error| sender.send(error.to_string()).unwrap())
            .accept(|_| ready(Ok::<_, Error>(())))
    };
    let refuse = middleware::map_response(|_: Response| ready(StatusCode::FORBIDDEN));
    let app = Router::new().route("/", any(handler)).layer(refuse);
    let error = ws_tokio::connect(&format!("ws://{}/", serve(app).await))
        .await
        .unwrap_err();
    assert_eq!(error.response().unwrap().status(), StatusCode::FORBIDDEN);
    let error = errors.recv().await.unwrap();
    assert!(error.contains("another response"), "{error}");
}

/// A layer that does not pass on that the body is empty.
fn wrap_body(response: Response) -> std::future::Ready<Response> {
    ready(response.map(|body| Body::from_stream(body.into_data_stream())))
}

#[tokio::test]
async fn a_layer_may_wrap_the_body_if_the_handler_allows_it() {
    let (sender, mut errors) = mpsc::unbounded_channel();
    let strict = async move |upgrade: Upgrade| {
        let sender = sender.clone();
        upgrade
            .on_error(move |error| sender.send(error.to_string()).unwrap())
            .accept(echo)
    };
    let lenient = async |upgrade: Upgrade| upgrade.allow_wrapped_body().accept(echo);
    let app = Router::new()
        .route("/strict", any(strict))
        .route("/lenient", any(lenient))
        .layer(middleware::map_response(wrap_body));
    let address = serve(app).await;
    let mut ws = ws_tokio::connect(&format!("ws://{address}/lenient"))
        .await
        .unwrap();
    ws.send("hello").await.unwrap();
    assert_eq!(ws.recv().await.unwrap(), Some("hello".into()));

    let mut ws = ws_tokio::connect(&format!("ws://{address}/strict"))
        .await
        .unwrap();
    assert!(ws.recv().await.is_err());
    let error = errors.recv().await.unwrap();
    assert!(error.contains("wrapped the body"), "{error}");
}

#[tokio::test]
async fn a_handler_can_see_that_the_answer_is_refused() {
    async fn handler(upgrade: Upgrade) -> Result<Response, String> {
        let accepted = upgrade.try_accept(echo);
        accepted.map_err(|rejection| format!("own page: {rejection}"))
    }
    let app = Router::new().route("/", any(handler));
    let connector = Connector::new().header("origin", "https://elsewhere.example");
    let url = format!("ws://{}/", serve(app).await);
    let error = connector.connect(&url).await.unwrap_err();
    let body = String::from_utf8_lossy(error.response().unwrap().body()).into_owned();
    assert!(body.starts_with("own page: "), "{body}");
}

#[tokio::test]
async fn the_same_handler_serves_http_2() {
    async fn handler(upgrade: Option<Upgrade>) -> Response {
        let Some(upgrade) = upgrade else {
            return "a page".into_response();
        };
        upgrade.protocols(["chat"]).accept(async |mut ws| {
            while let Some(message) = ws.recv().await? {
                ws.send(message).await?;
            }
            Ok::<_, Error>(())
        })
    }
    let address = serve(Router::new().route("/", any(handler))).await;
    let tcp = TcpStream::connect(address).await.unwrap();
    let (client, connection) = h2::client::handshake(tcp).await.unwrap();
    tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let uri = format!("http://{address}/");
    let page = Request::get(&uri).body(()).unwrap();
    let (response, _) = client.send_request(page, true).unwrap();
    let mut response = response.await.unwrap();
    let page = response.body_mut().data().await.unwrap().unwrap();
    assert_eq!(&page[..], b"a page");

    assert!(client.is_extended_connect_protocol_enabled());
    let connect = Request::connect(&uri)
        .extension(h2::ext::Protocol::from_static("websocket"))
        .header("sec-websocket-version", "13")
        .header("sec-websocket-protocol", "chat")
        .body(());
    let (response, mut send) = client.send_request(connect.unwrap(), false).unwrap();
    let mut response = response.await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["sec-websocket-protocol"], "chat");
    // A masked text, with the key 0.
    let text: &[u8] = b"\x81\x82\0\0\0\0hi";
    send.send_data(text.into(), false).unwrap();
    let echo = response.body_mut().data().await.unwrap().unwrap();
    assert_eq!(&echo[..], b"\x81\x02hi");
}

#[tokio::test]
async fn a_graceful_shutdown_leaves_connections_open() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let app = Router::new().route("/", any(async |upgrade: Upgrade| upgrade.accept(echo)));
    let server = axum::serve(listener, app).with_graceful_shutdown(async { drop(stopped.await) });
    let server = tokio::spawn(server.into_future());
    let mut ws = ws_tokio::connect(&url).await.unwrap();
    stop.send(()).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(5), server).await;
    ended.expect("the server has ended").unwrap().unwrap();
    ws.send("hello").await.unwrap();
    assert_eq!(ws.recv().await.unwrap(), Some("hello".into()));
    assert!(
        ws_tokio::connect(&url).await.is_err(),
        "new connections are refused"
    );
}

#[tokio::test]
async fn a_registry_limits_connections_and_closes_them() {
    async fn handler(State(registry): State<Registry>, upgrade: Upgrade) -> Response {
        upgrade.registry(&registry).accept(echo)
    }
    let registry = Registry::new().max_connections(1);
    let app = Router::new()
        .route("/", any(handler))
        .with_state(registry.clone());
    let url = format!("ws://{}/", serve(app).await);
    let mut ws = ws_tokio::connect(&url).await.unwrap();
    ws.send("hello").await.unwrap();
    assert_eq!(ws.recv().await.unwrap(), Some("hello".into()));
    assert_eq!(registry.counts().open, 1);

    let refused = ws_tokio::connect(&url).await.unwrap_err();
    let response = refused.response().unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "5");

    let timeout = Duration::from_secs(25);
    let shutdown = registry.shutdown(CloseCode::GOING_AWAY, "restart", timeout);
    let (report, received) = tokio::join!(shutdown, ws.recv());
    assert!(report.unwrap().is_clean());
    assert_eq!(received.unwrap(), None);
    assert_eq!(ws.end().unwrap().reason(), "restart");
    let refused = ws_tokio::connect(&url).await.unwrap_err();
    let response = refused.response().unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(registry.counts().refused, 2);
}
