//! What the examples of an adapter do. Written once: each of the programs that tests an adapter's examples says what
//! stands for `adapter`, for its examples, and for what they take from their runtime.

use std::future::Future;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_lite::future;
use ws_tests::socket::TOO_LONG;
use ws_tests::suite::Suite;

use crate::adapter::http::StatusCode;
use crate::adapter::{
    self, Bytes, CloseCode, Config, ConnectError, Connector, Initiator, Message, Prepared,
    WebSocket,
};
use crate::{
    Listener, On, Publisher, accept_decision, broadcast, client, echo_server, lines, newsroom,
    publish, split, stream_file,
};

/// Starts a server and returns the URL of `path` at it.
async fn start<F>(serve: impl FnOnce(Listener) -> F, path: &str) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = Listener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    On::spawn(serve(listener));
    format!("ws://{address}{path}")
}

/// Starts a server for one connection and returns its URL.
async fn start_for_one<F>(serve: impl FnOnce(WebSocket) -> F + Send + 'static) -> String
where
    F: Future<Output = ()> + Send,
{
    let accept = |listener: Listener| async move {
        let (tcp, _) = listener.accept().await.unwrap();
        serve(adapter::accept(tcp).await.unwrap()).await;
    };
    start(accept, "/").await
}

/// Nothing here takes long: a test that hangs says so.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    let late = async {
        On::sleep(TOO_LONG).await;
        panic!("not in time")
    };
    future::or(future, late).await
}

async fn next(ws: &mut WebSocket) -> Message {
    soon(ws.recv()).await.unwrap().expect("a message")
}

/// The status and body of the refusal.
fn refusal(result: Result<WebSocket, ConnectError>) -> (StatusCode, String) {
    match result {
        Err(error) => {
            let response = error.response().expect("a refusal");
            let body = String::from_utf8(response.body().clone()).unwrap();
            (response.status(), body)
        }
        Ok(_) => panic!("it was accepted"),
    }
}

#[test]
fn the_echo_server_answers_the_client() {
    On::block_on(async {
        let url = start(echo_server::serve, "/").await;
        let questions = ["hello".to_owned(), String::new(), "κόσμε".repeat(10_000)];
        let answers = soon(client::ask(&url, &questions)).await.unwrap();
        let answers: Vec<_> = answers.iter().map(|answer| answer.as_text()).collect();
        assert_eq!(answers, questions.each_ref().map(|q| Some(q.as_str())));
    });
}

#[test]
fn the_echo_server_takes_any_number_of_messages_at_once() {
    On::block_on(async {
        let url = start(echo_server::serve, "/").await;
        let mut ws = adapter::connect(&url).await.unwrap();
        for number in 0..1000_u32 {
            ws.feed(&number.to_be_bytes()).await.unwrap();
        }
        for number in 0..1000_u32 {
            assert_eq!(next(&mut ws).await.as_bytes(), number.to_be_bytes());
        }
        soon(ws.close(CloseCode::NORMAL, "")).await.unwrap();
    });
}

#[test]
fn the_client_ends_when_the_server_does() {
    On::block_on(async {
        let serve = |mut ws: WebSocket| async move {
            ws.recv().await.unwrap();
            ws.send("only this").await.unwrap();
            ws.close(CloseCode::GOING_AWAY, "").await.unwrap();
        };
        let url = start_for_one(serve).await;
        let answers = soon(client::ask(&url, &["a".into(), "b".into()])).await;
        assert_eq!(answers.unwrap(), [Message::from("only this")]);
    });
}

#[test]
fn the_split_connection_sends_and_shows_at_its_own_pace() {
    On::block_on(async {
        let url = start(echo_server::serve, "/").await;
        let (typed, lines) = lines();
        let (shown, seen) = smol::channel::unbounded();
        let ws = adapter::connect(&url).await.unwrap();
        let talk = split::talk(ws, lines, move |message| {
            shown.try_send(message.to_message()).unwrap();
        });
        let type_and_look = async {
            for line in ["one", "two", "three"] {
                typed.send(line.to_owned()).await.unwrap();
                assert_eq!(seen.recv().await, Ok(Message::from(line)));
            }
            drop(typed);
        };
        let (talked, ()) = soon(future::zip(talk, type_and_look)).await;
        talked.unwrap();
        assert!(seen.recv().await.is_err());
    });
}

#[test]
fn the_split_connection_ends_when_the_server_closes() {
    On::block_on(async {
        let serve = |mut ws: WebSocket| async move {
            ws.close(CloseCode::GOING_AWAY, "").await.unwrap();
        };
        let url = start_for_one(serve).await;
        let (_typed, lines) = lines();
        let ws = adapter::connect(&url).await.unwrap();
        soon(split::talk(ws, lines, |_| {})).await.unwrap();
    });
}

#[test]
fn the_decision_chooses_by_path_subprotocol_and_origin() {
    On::block_on(async {
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

        // The server's preference counts.
        let both = connector.clone().subprotocol("chat.v2");
        let page = both.header("Origin", "https://app.example.com");
        let ws = soon(page.connect(&url)).await.unwrap();
        assert_eq!(ws.protocol(), Some("chat.v2"));

        let elsewhere = url.replace("garden", "cellar");
        let (status, body) = refusal(soon(connector.connect(&elsewhere)).await);
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert_eq!(body, "there is no such room\n");

        let (status, body) = refusal(soon(adapter::connect(&url)).await);
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert_eq!(body, "offer chat.v2 or chat.v1\n");

        let foreign = connector.header("Origin", "https://app.example.com.evil.example");
        let (status, _) = refusal(soon(foreign.connect(&url)).await);
        assert_eq!(status, StatusCode::FORBIDDEN);
    });
}

#[test]
fn a_refusal_is_a_complete_http_response() {
    On::block_on(async {
        let url = start(accept_decision::serve, "").await;
        let mut tcp = TcpStream::connect(url.trim_start_matches("ws://")).unwrap();
        tcp.set_read_timeout(Some(TOO_LONG)).unwrap();
        let request = "GET /attic HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
            Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        tcp.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        tcp.read_to_string(&mut response).unwrap();

        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 404 Not Found\r\n"), "{head}");
        let head = head.to_ascii_lowercase();
        let length = format!("content-length: {}", body.len());
        assert!(head.lines().any(|line| line == length), "{head}");
        assert!(
            head.lines().any(|line| line == "connection: close"),
            "{head}"
        );
        assert_eq!(body, "there is no such room\n");
    });
}

/// The publisher, and so many subscribers.
async fn subscribed(count: usize) -> (Publisher, Vec<WebSocket>) {
    let (publisher, news) = newsroom();
    let url = start(move |listener| broadcast::serve(listener, news), "/").await;
    let mut subscribers = Vec::new();
    for _ in 0..count {
        subscribers.push(adapter::connect(&url).await.unwrap());
    }
    soon(async {
        while publisher.receiver_count() < count {
            On::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    (publisher, subscribers)
}

#[test]
fn news_that_comes_together_reaches_all_subscribers_in_order() {
    On::block_on(async {
        let (publisher, mut subscribers) = subscribed(3).await;
        // As much as a subscriber may be behind, whoever is served first.
        let page = |number: u8| Message::from(Bytes::from(vec![number; broadcast::BACKLOG / 64]));
        for number in 0..60 {
            publish(&publisher, Prepared::new(page(number)));
        }
        for ws in &mut subscribers {
            for number in 0..60 {
                assert!(next(ws).await == page(number), "{number}");
            }
        }
    });
}

#[test]
fn news_reaches_all_subscribers_and_drops_the_slow_one_alone() {
    On::block_on(async {
        let (publisher, mut quick) = subscribed(6).await;
        let mut slow = quick.pop().unwrap();

        publish(&publisher, Prepared::new("first"));
        for ws in quick.iter_mut().chain([&mut slow]) {
            assert_eq!(next(ws).await, Message::from("first"));
        }

        // The slow one stops reading. The others go on until it is dropped: what it does not take is in the buffers of
        // the operating system, some MiB, and in the backlog.
        let page = Message::from(Bytes::from(vec![7; broadcast::BACKLOG / 4]));
        let mut published = 0_u32;
        while publisher.receiver_count() == 6 {
            assert!(published < 1000, "the slow subscriber is not dropped");
            publish(&publisher, Prepared::new(&page));
            published += 1;
            for ws in &mut quick {
                assert!(next(ws).await == page);
            }
        }
        publish(&publisher, Prepared::new("last"));
        for ws in &mut quick {
            assert_eq!(next(ws).await, Message::from("last"));
        }

        // It hears why, behind what was queued.
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

        drop(publisher);
        for ws in &mut quick {
            soon(ws.close(CloseCode::NORMAL, "")).await.unwrap();
        }
    });
}

/// Longer than a message may be, and of no round length.
const FILE_LEN: usize = (16 << 20) + 12_345;

/// A file of this program.
fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", env!("CARGO_CRATE_NAME")))
}

/// What a file of this test holds.
fn octets(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i / 3 % 251) as u8).collect()
}

#[test]
fn a_file_comes_back_as_it_went() {
    On::block_on(async {
        let (original, copy) = (scratch("original.bin"), scratch("copy.bin"));
        let store = scratch("store.bin");
        let content = octets(FILE_LEN);
        std::fs::write(&original, &content).unwrap();
        let url = start(|listener| stream_file::serve(listener, store.clone()), "").await;

        let ws = stream_file::connect(&format!("{url}/upload")).await;
        let sent = soon(stream_file::send_file(ws.unwrap(), &original)).await;
        assert_eq!(sent.unwrap(), FILE_LEN as u64);
        assert!(std::fs::read(&store).unwrap() == content);

        let ws = stream_file::connect(&format!("{url}/download")).await;
        let received = soon(stream_file::receive_file(ws.unwrap(), &copy)).await;
        assert_eq!(received.unwrap(), FILE_LEN as u64);
        assert!(std::fs::read(&copy).unwrap() == content);

        let result = adapter::connect(&format!("{url}/elsewhere")).await;
        assert_eq!(refusal(result).0, StatusCode::NOT_FOUND);
    });
}

#[test]
fn half_a_file_is_not_stored() {
    On::block_on(async {
        let store = scratch("never.bin");
        let missing = scratch("missing.bin");
        let url = start(|listener| stream_file::serve(listener, store.clone()), "").await;
        let url = format!("{url}/upload");

        // Nothing to send at all.
        let ws = stream_file::connect(&url).await.unwrap();
        let error = soon(stream_file::send_file(ws, &missing))
            .await
            .unwrap_err();
        assert!(error.is::<std::io::Error>(), "{error}");

        // An end in the middle.
        let mut ws = adapter::connect(&url).await.unwrap();
        let mut message = ws.writer(adapter::MessageKind::Binary).unwrap();
        message.write(octets(100_000)).await.unwrap();
        soon(ws.close(CloseCode::INTERNAL_ERROR, "")).await.unwrap();
        assert!(!store.exists());
    });
}

#[test]
fn a_receiver_that_gives_up_is_heard_in_the_middle_of_a_file() {
    On::block_on(async {
        let original = scratch("refused.bin");
        std::fs::write(&original, octets(FILE_LEN)).unwrap();
        let serve = |mut ws: WebSocket| async move {
            let mut message = ws.recv_stream().await.unwrap().unwrap();
            message.chunk().await.unwrap();
            ws.close(CloseCode::TOO_BIG, "the disk is full")
                .await
                .unwrap();
        };
        let url = start_for_one(serve).await;
        let ws = stream_file::connect(&url).await.unwrap();
        let error = soon(stream_file::send_file(ws, &original))
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the other end gave up: 1009 the disk is full"
        );
    });
}

#[test]
fn memory_does_not_grow_with_the_message() {
    On::block_on(async {
        // Whoever put the file together would go over this limit.
        let original = scratch("bounded.bin");
        std::fs::write(&original, octets(1 << 20)).unwrap();
        let serve = |listener: Listener| async move {
            let (tcp, _) = listener.accept().await.unwrap();
            let acceptor = adapter::Acceptor::new().max_message(1000);
            let ws = acceptor.accept(tcp).await.unwrap();
            let received = stream_file::receive_file(ws, &scratch("bounded-copy.bin")).await;
            assert_eq!(received.unwrap(), 1 << 20);
        };
        let url = start(serve, "/").await;
        let config = Config::default().high_water_mark(1000);
        let ws = Connector::new().config(config).connect(&url).await.unwrap();
        let sent = soon(stream_file::send_file(ws, &original)).await.unwrap();
        assert_eq!(sent, 1 << 20);
    });
}
