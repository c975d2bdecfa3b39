//! Tests of the example programs of ws-tokio about messages, decisions and files.

use std::fs;
use std::future::Future;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::sync::broadcast::Sender;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time;
use ws_tests::socket::TOO_LONG;
use ws_tokio::http::StatusCode;
use ws_tokio::{
    Acceptor, Bytes, CloseCode, Config, ConnectError, Connector, Initiator, Message, MessageKind,
    Prepared, WebSocket,
};

use crate::{echo_server, scratch, soon};

#[expect(dead_code, reason = "no test calls its `main`")]
#[path = "../../../crates/ws-tokio/examples/tokio_accept_decision.rs"]
mod accept_decision;
#[expect(dead_code, reason = "no test calls its `main`")]
#[path = "../../../crates/ws-tokio/examples/tokio_broadcast.rs"]
mod broadcast;
#[expect(dead_code, reason = "no test calls its `main`")]
#[path = "../../../crates/ws-tokio/examples/tokio_client.rs"]
mod client;
#[expect(dead_code, reason = "no test calls its `main`")]
#[path = "../../../crates/ws-tokio/examples/tokio_split.rs"]
mod split;
#[expect(dead_code, reason = "no test calls its `main`")]
#[path = "../../../crates/ws-tokio/examples/tokio_stream_file.rs"]
mod stream_file;

/// Starts a server and returns its URL with `path`.
async fn start<F>(serve: impl FnOnce(TcpListener) -> F, path: &str) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener));
    format!("ws://{address}{path}")
}

/// Starts a server for one connection and returns its URL.
async fn start_for_one<F>(serve: impl FnOnce(WebSocket) -> F + Send + 'static) -> String
where
    F: Future<Output = ()> + Send,
{
    let accept = |listener: TcpListener| async move {
        let (tcp, _) = listener.accept().await.unwrap();
        serve(ws_tokio::accept(tcp).await.unwrap()).await;
    };
    start(accept, "/").await
}

async fn next(ws: &mut WebSocket) -> Message {
    soon(ws.recv()).await.unwrap().expect("a message")
}

/// Returns the status and the body of a refusal.
fn refusal(result: Result<WebSocket, ConnectError>) -> (StatusCode, String) {
    let error = result.expect_err("a refusal");
    let response = error.response().expect("a response");
    let body = String::from_utf8(response.body().clone()).unwrap();
    (response.status(), body)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_echo_server_answers_the_client() {
    let url = start(echo_server::serve, "/").await;
    let questions = ["hello".to_owned(), String::new(), "κόσμε".repeat(10_000)];
    let answers = soon(client::ask(&url, &questions)).await.unwrap();
    let answers: Vec<_> = answers.iter().map(|answer| answer.as_text()).collect();
    assert_eq!(answers, questions.each_ref().map(|q| Some(q.as_str())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_echo_server_takes_any_number_of_messages_at_once() {
    let url = start(echo_server::serve, "/").await;
    let mut ws = ws_tokio::connect(&url).await.unwrap();
    for number in 0..1000_u32 {
        ws.feed(&number.to_be_bytes()).await.unwrap();
    }
    for number in 0..1000_u32 {
        assert_eq!(next(&mut ws).await.as_bytes(), number.to_be_bytes());
    }
    soon(ws.close(CloseCode::NORMAL, "")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_ends_when_the_server_closes() {
    let serve = |mut ws: WebSocket| async move {
        ws.recv().await.unwrap();
        ws.send("only this").await.unwrap();
        ws.close(CloseCode::GOING_AWAY, "").await.unwrap();
    };
    let url = start_for_one(serve).await;
    let answers = soon(client::ask(&url, &["a".into(), "b".into()])).await;
    assert_eq!(answers.unwrap(), [Message::from("only this")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_split_connection_sends_lines_and_shows_answers() {
    let url = start(echo_server::serve, "/").await;
    let (typed, lines) = mpsc::channel(1);
    let (shown, mut seen) = mpsc::unbounded_channel();
    let ws = ws_tokio::connect(&url).await.unwrap();
    let talk = split::talk(ws, lines, move |message| {
        shown.send(message.to_message()).unwrap();
    });
    let type_and_look = async {
        for line in ["one", "two", "three"] {
            typed.send(line.to_owned()).await.unwrap();
            assert_eq!(seen.recv().await, Some(Message::from(line)));
        }
        drop(typed);
    };
    let (talked, ()) = soon(async { tokio::join!(talk, type_and_look) }).await;
    talked.unwrap();
    assert_eq!(seen.recv().await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_split_connection_ends_when_the_server_closes() {
    let serve = |mut ws: WebSocket| async move {
        ws.close(CloseCode::GOING_AWAY, "").await.unwrap();
    };
    let url = start_for_one(serve).await;
    let (_typed, lines) = mpsc::channel(1);
    let ws = ws_tokio::connect(&url).await.unwrap();
    soon(split::talk(ws, lines, |_| {})).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_decision_depends_on_path_subprotocol_and_origin() {
    let url = start(accept_decision::serve, "/rooms/garden").await;
    let connector = Connector::new().subprotocol("chat.v1");

    let mut ws = soon(connector.connect(&url)).await.unwrap();
    assert_eq!(ws.protocol(), Some("chat.v1"));
    assert_eq!(ws.response().unwrap().headers()["x-room"], "garden");
    let welcome = Message::from("welcome to the garden, in chat.v1");
    assert_eq!(next(&mut ws).await, welcome);
    ws.send("hello").await.unwrap();
    assert_eq!(next(&mut ws).await, Message::from("hello"));
    soon(ws.close(CloseCode::NORMAL, "")).await.unwrap();

    // The server prefers v2, although the client prefers v1.
    let both = connector.clone().subprotocol("chat.v2");
    let page = both.header("Origin", "https://app.example.com");
    let ws = soon(page.connect(&url)).await.unwrap();
    assert_eq!(ws.protocol(), Some("chat.v2"));

    let elsewhere = url.replace("garden", "cellar");
    let (status, body) = refusal(soon(connector.connect(&elsewhere)).await);
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(body, "there is no such room\n");

    let (status, body) = refusal(soon(ws_tokio::connect(&url)).await);
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(body, "offer chat.v2 or chat.v1\n");

    let foreign = connector.header("Origin", "https://app.example.com.evil.example");
    let (status, _) = refusal(soon(foreign.connect(&url)).await);
    assert_eq!(status, StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_a_complete_http_response() {
    let url = start(accept_decision::serve, "").await;
    let mut tcp = std::net::TcpStream::connect(url.trim_start_matches("ws://")).unwrap();
    tcp.set_read_timeout(Some(TOO_LONG)).unwrap();
    let request = "GET /attic HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
        Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let exchange = tokio::task::spawn_blocking(move || {
        tcp.write_all(request.as_bytes()).unwrap();
        io::read_to_string(&mut tcp).unwrap()
    });
    let response = exchange.await.unwrap();

    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 404 Not Found\r\n"), "{head}");
    let head = head.to_ascii_lowercase();
    let length = format!("content-length: {}", body.len());
    for expected in [length.as_str(), "connection: close"] {
        assert!(head.lines().any(|line| line == expected), "{head}");
    }
    assert_eq!(body, "there is no such room\n");
}

/// Starts a news server. Returns its task, the sender of its news, and `count` subscribers.
async fn subscribed(count: usize) -> (JoinHandle<()>, Sender<Prepared>, Vec<WebSocket>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let news = broadcast::newsroom();
    let serving = tokio::spawn(broadcast::serve(listener, news.clone()));
    let mut subscribers = Vec::new();
    for _ in 0..count {
        subscribers.push(ws_tokio::connect(&url).await.unwrap());
    }
    soon(async {
        while news.receiver_count() < count {
            time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    (serving, news, subscribers)
}

/// Makes a message whose length is `BACKLOG` divided by `part`.
fn page(part: usize, byte: u8) -> Message {
    Message::from(Bytes::from(vec![byte; broadcast::BACKLOG / part]))
}

fn publish<'a>(news: &Sender<Prepared>, message: impl ws_tokio::IntoOutgoing<'a>) {
    news.send(Prepared::new(message)).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_news_reaches_all_subscribers_in_order() {
    // With 64, all 60 messages fit into the queue of a subscriber. With 4, the queue is full after
    // a few messages.
    for part in [64, 4] {
        let (_serving, news, mut subscribers) = subscribed(3).await;
        for number in 0..60 {
            publish(&news, page(part, number));
        }
        for ws in &mut subscribers {
            for number in 0..60 {
                assert!(next(ws).await == page(part, number), "{number}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_slow_subscriber_is_dropped() {
    let (_serving, news, mut quick) = subscribed(6).await;
    let mut slow = quick.pop().unwrap();

    publish(&news, "first");
    for ws in quick.iter_mut().chain([&mut slow]) {
        assert_eq!(next(ws).await, Message::from("first"));
    }

    // The slow subscriber stops reading. The operating system buffers some MiB, and the server
    // queues the backlog. The other subscribers get all news until the slow subscriber is dropped.
    let page = page(4, 7);
    let mut published = 0_u32;
    let stopped = Instant::now();
    while news.receiver_count() == 6 {
        assert!(
            stopped.elapsed() < TOO_LONG,
            "the slow subscriber is not dropped"
        );
        publish(&news, &page);
        published += 1;
        for ws in &mut quick {
            assert!(next(ws).await == page);
        }
        // Without this pause, the loop would publish gigabytes before the slow subscriber is
        // dropped.
        time::sleep(Duration::from_millis(5)).await;
    }
    publish(&news, "last");
    for ws in &mut quick {
        assert_eq!(next(ws).await, Message::from("last"));
    }

    // After the queued messages, the slow subscriber receives a Close with the reason.
    let mut received = 0;
    while let Some(message) = soon(slow.recv()).await.unwrap() {
        assert!(message == page);
        received += 1;
    }
    assert!(received < published);
    let end = slow.end().unwrap();
    assert_eq!(
        (end.code(), end.initiator),
        (CloseCode::TRY_AGAIN_LATER, Initiator::Peer)
    );
    for ws in &mut quick {
        soon(ws.close(CloseCode::NORMAL, "")).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_the_news_closes_the_connections() {
    let (serving, news, mut subscribers) = subscribed(2).await;
    publish(&news, "last");
    drop(news);
    serving.abort();
    for ws in &mut subscribers {
        assert_eq!(next(ws).await, Message::from("last"));
        assert_eq!(soon(ws.recv()).await.unwrap(), None);
        let end = ws.end().unwrap();
        assert_eq!(
            (end.code(), end.reason()),
            (CloseCode::GOING_AWAY, "no more news")
        );
    }
}

/// The length of a test file in bytes: more than the limit on messages, and not a multiple of the
/// length of a buffer.
const FILE_LEN: usize = (16 << 20) + 12_345;

/// Makes the content of a test file of `len` bytes.
fn content(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i / 3 % 251) as u8).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_the_same_after_an_upload_and_a_download() {
    let (original, copy) = (scratch("original.bin"), scratch("copy.bin"));
    let store = scratch("store.bin");
    let content = content(FILE_LEN);
    fs::write(&original, &content).unwrap();
    let url = start(|listener| stream_file::serve(listener, store.clone()), "").await;

    let ws = stream_file::connect(&format!("{url}/upload")).await;
    let sent = soon(stream_file::send_file(ws.unwrap(), &original)).await;
    assert_eq!(sent.unwrap(), FILE_LEN as u64);
    assert!(fs::read(&store).unwrap() == content);

    let ws = stream_file::connect(&format!("{url}/download")).await;
    let received = soon(stream_file::receive_file(ws.unwrap(), &copy)).await;
    assert_eq!(received.unwrap(), FILE_LEN as u64);
    assert!(fs::read(&copy).unwrap() == content);

    let result = ws_tokio::connect(&format!("{url}/elsewhere")).await;
    assert_eq!(refusal(result).0, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_file_is_not_stored() {
    let store = scratch("never.bin");
    let missing = scratch("missing.bin");
    let url = start(|listener| stream_file::serve(listener, store.clone()), "").await;
    let url = format!("{url}/upload");

    let ws = stream_file::connect(&url).await.unwrap();
    let sent = soon(stream_file::send_file(ws, &missing)).await;
    let error = sent.unwrap_err();
    assert!(error.is::<io::Error>(), "{error}");
    assert!(!store.exists());

    // The client closes in the middle of the message.
    let mut ws = ws_tokio::connect(&url).await.unwrap();
    let mut message = ws.writer(MessageKind::Binary).unwrap();
    message.write(content(100_000)).await.unwrap();
    soon(ws.close(CloseCode::INTERNAL_ERROR, "")).await.unwrap();
    assert!(!store.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_stops_when_the_receiver_gives_up() {
    let original = scratch("refused.bin");
    fs::write(&original, content(FILE_LEN)).unwrap();
    let serve = |mut ws: WebSocket| async move {
        let mut message = ws.recv_stream().await.unwrap().unwrap();
        message.chunk().await.unwrap();
        let reason = "the disk is full";
        ws.close(CloseCode::TOO_BIG, reason).await.unwrap();
    };
    let url = start_for_one(serve).await;
    let ws = stream_file::connect(&url).await.unwrap();
    let sent = soon(stream_file::send_file(ws, &original)).await;
    assert_eq!(
        sent.unwrap_err().to_string(),
        "the other end gave up: 1009 the disk is full"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_longer_than_the_limits_of_both_ends() {
    // Each end would exceed its limit if it held the whole file in memory.
    let original = scratch("bounded.bin");
    fs::write(&original, content(1 << 20)).unwrap();
    let serve = |listener: TcpListener| async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let acceptor = Acceptor::new().max_message(1000);
        let ws = acceptor.accept(tcp).await.unwrap();
        let received = stream_file::receive_file(ws, &scratch("bounded-copy.bin")).await;
        assert_eq!(received.unwrap(), 1 << 20);
    };
    let url = start(serve, "/").await;
    let config = Config::default().high_water_mark(1000);
    let ws = Connector::new().config(config).connect(&url).await.unwrap();
    let sent = soon(stream_file::send_file(ws, &original)).await.unwrap();
    assert_eq!(sent, 1 << 20);
}
