//! What the tokio adapter alone promises: any tokio stream, and the clock of the runtime also where it is paused.

#![forbid(unsafe_code)]

use std::time::Duration;

use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;
use ws_tests::http;
use ws_tests::wire::From;
use ws_tokio::transport::{AnyTransport, Split, StreamTransport, TcpTransport, Wrap};
use ws_tokio::{
    AcceptError, Acceptor, CloseCode, Connector, Error, Message, Receiver, Sender, Timeout, Tokio,
    WebSocket,
};

/// Both ends over a pipe of this size.
async fn pair(size: usize) -> (WebSocket, WebSocket) {
    let (near, far) = duplex(size);
    let connector = Connector::new();
    let (client, server) = tokio::join!(
        connector.handshake("ws://server.example.com/", near),
        ws_tokio::accept(far),
    );
    (client.unwrap(), server.unwrap())
}

#[tokio::test]
async fn both_ends_talk_over_any_stream_in_one_task() {
    for size in [1, 7, 100, 100_000] {
        let (mut client, mut server) = pair(size).await;
        let large = vec![3; 3000];
        let talk = async {
            client.send("hello").await?;
            client.send(&large).await?;
            assert_eq!(client.recv().await?.unwrap().as_text(), Some("hello"));
            assert!(client.recv().await?.unwrap().as_bytes() == large);
            client.close(CloseCode::NORMAL, "bye").await?;
            assert!(client.end().unwrap().clean);
            Ok::<(), Error>(())
        };
        let echo = async {
            while let Some((message, out)) = server.recv_ref().await? {
                out.feed(message).await?;
            }
            Ok::<(), Error>(())
        };
        let (talked, echoed) = tokio::join!(talk, echo);
        talked.unwrap();
        echoed.unwrap();
        assert!(server.end().unwrap().clean);
    }
}

#[tokio::test(start_paused = true)]
async fn time_limits_follow_a_paused_clock() {
    let start = Instant::now();
    let (near, _far) = duplex(100);
    let result = ws_tokio::accept(near).await;
    assert!(matches!(result, Err(AcceptError::Timeout)), "{result:?}");
    assert!(start.elapsed() >= Duration::from_secs(10));
    assert!(start.elapsed() < Duration::from_secs(11));

    let (near, mut far) = duplex(1 << 20);
    far.write_all(&http::request()).await.unwrap();
    let mut ws = Acceptor::new().accept(near).await.unwrap();
    let start = Instant::now();
    let result = ws.close(CloseCode::NORMAL, "").await;
    assert!(
        matches!(result, Err(Error::Timeout(Timeout::Close))),
        "{result:?}"
    );
    assert!(start.elapsed() >= Duration::from_secs(5));
    assert!(start.elapsed() < Duration::from_secs(6));
}

#[tokio::test(start_paused = true)]
async fn close_against_a_flood_returns_at_its_deadline_on_tokio() {
    let (near, mut far) = duplex(1 << 16);
    far.write_all(&http::request()).await.unwrap();
    let mut ws = Acceptor::new().accept(near).await.unwrap();
    let flood = async move {
        let message = From::Client.text("more").repeat(100);
        while far.write_all(&message).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let start = Instant::now();
    let (result, ()) = tokio::join!(
        async move {
            let result = ws.close(CloseCode::NORMAL, "").await;
            drop(ws);
            result
        },
        flood
    );
    assert!(
        matches!(result, Err(Error::Timeout(Timeout::Close))),
        "{result:?}"
    );
    assert!(start.elapsed() < Duration::from_secs(6));
}

/// Numbered messages, some of them large.
fn messages() -> impl Iterator<Item = Message> + Send {
    (0..60_u8).map(|number| match number % 3 {
        0 => Message::from(format!("message {number}")),
        1 => Message::from(vec![number; 20_000]),
        _ => Message::from(vec![number; 100]),
    })
}

async fn talk(mut tx: Sender) -> Result<Sender, Error> {
    for message in messages() {
        tx.send(message).await?;
        tx.send_ping("ping").await?;
    }
    Ok(tx)
}

async fn listen(mut rx: Receiver) -> Result<Receiver, Error> {
    for expected in messages() {
        assert!(rx.recv().await? == Some(expected));
    }
    Ok(rx)
}

async fn halves_of_any_stream_in_four_tasks(size: usize) {
    let (client, server) = pair(size).await;
    let mut talks = Vec::new();
    let mut listens = Vec::new();
    for ws in [client, server] {
        let (tx, rx) = ws.split();
        talks.push(tokio::spawn(talk(tx)));
        listens.push(tokio::spawn(listen(rx)));
    }
    // Each listener is done when everything has come, and goes on for the Pongs that are still due.
    let mut drains = Vec::new();
    for listen in listens {
        let mut rx = listen.await.unwrap().unwrap();
        drains.push(tokio::spawn(async move {
            while rx.recv().await?.is_some() {}
            Ok::<_, Error>(rx)
        }));
    }
    let mut txs = Vec::new();
    for talk in talks {
        txs.push(talk.await.unwrap().unwrap());
    }
    txs[0].close(CloseCode::NORMAL, "bye").await.unwrap();
    for (tx, drain) in txs.into_iter().zip(drains) {
        let rx = drain.await.unwrap().unwrap();
        assert!(tx.end().unwrap().clean);
        let mut ws = tx.reunite(rx).unwrap();
        assert!(ws.end().unwrap().clean);
        ws.close(CloseCode::NORMAL, "").await.unwrap();
        assert!(ws.get_ref().is_none());
    }
}

#[tokio::test]
async fn halves_of_any_stream_work_in_tasks_of_one_thread() {
    for size in [1, 7, 100, 100_000] {
        halves_of_any_stream_in_four_tasks(size).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn halves_of_any_stream_work_in_tasks_of_several_threads() {
    for size in [3, 100, 100_000] {
        halves_of_any_stream_in_four_tasks(size).await;
    }
}

#[tokio::test]
async fn halves_of_any_stream_are_joined_and_go_on() {
    let (mut client, mut server) = pair(100_000).await;
    for turn in 0..20_u8 {
        let (tx, rx) = client.split();
        client = tx.reunite(rx).unwrap();
        let (mut tx, mut rx) = server.split();
        client.send(vec![turn; 1000]).await.unwrap();
        let message = rx.recv().await.unwrap().unwrap();
        tx.send(message).await.unwrap();
        server = rx.reunite(tx).unwrap();
        let echoed = client.recv().await.unwrap().unwrap();
        assert_eq!(echoed.as_bytes(), vec![turn; 1000]);
    }
    assert!(server.get_ref().is_some() && client.get_ref().is_some());
}

#[tokio::test]
async fn a_connection_over_tcp_and_one_over_a_pipe_are_of_one_type() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connecting =
        tokio::spawn(async move { ws_tokio::connect(&format!("ws://{address}/")).await });
    let (tcp, peer) = listener.accept().await.unwrap();
    let over_tcp: WebSocket = ws_tokio::accept(tcp).await.unwrap();
    let _client: WebSocket = connecting.await.unwrap().unwrap();
    let (_client, over_pipe) = pair(100).await;
    for (mut ws, is_tcp) in [(over_tcp, true), (over_pipe, false)] {
        let tcp = ws.get_ref().unwrap().tcp();
        assert_eq!(tcp.is_some(), is_tcp);
        assert!(tcp.is_none_or(|tcp| tcp.nodelay().unwrap()));
        assert_eq!(ws.peer_addr(), is_tcp.then_some(peer));
        let proxied = "203.0.113.7:4711".parse().unwrap();
        ws.set_peer_addr(proxied);
        assert_eq!(ws.peer_addr(), Some(proxied));
        let (tx, rx) = ws.split();
        assert_eq!(
            (tx.peer_addr(), rx.peer_addr()),
            (Some(proxied), Some(proxied))
        );
        let ws = tx.reunite(rx).unwrap();
        assert_eq!(ws.peer_addr(), Some(proxied));

        // What it was made of comes back.
        let (transport, unread) = ws.into_parts().unwrap();
        assert!(unread.is_empty());
        let stream = transport.downcast::<StreamTransport<DuplexStream>>();
        assert_eq!(stream.is_err(), is_tcp);
        if let Err(transport) = stream {
            assert!(
                transport
                    .downcast::<TcpTransport>()
                    .unwrap()
                    .into_inner()
                    .nodelay()
                    .unwrap()
            );
        }
    }
}

#[tokio::test]
async fn a_transport_that_is_any_already_is_not_put_into_another_box() {
    let (stream, _far) = duplex(10);
    let any = AnyTransport::new(Tokio::wrap(stream));
    assert!(any.downcast::<StreamTransport<DuplexStream>>().is_ok());
}

#[tokio::test]
async fn halves_of_two_transports_are_not_joined() {
    let wrapped = || Tokio::wrap(duplex(10).0);
    let (read, write) = wrapped().split();
    assert!(AnyTransport::reunite(wrapped().split().0, write).is_none());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tcp = tokio::net::TcpStream::connect(listener.local_addr().unwrap());
    let (tcp_read, tcp_write) = AnyTransport::from(TcpTransport::new(tcp.await.unwrap())).split();
    assert!(AnyTransport::reunite(read, tcp_write).is_none());
    drop(tcp_read);
}

/// The observer need not be `Sync`, nor the stream.
#[tokio::test]
async fn connections_are_sync_though_their_parts_are_not() {
    fn is_sync<T: Send + Sync>(_: &T) {}
    let (_client, mut server) = pair(100).await;
    let seen = std::cell::Cell::new(0);
    server.observe(move |_| seen.set(seen.get() + 1));
    is_sync(&server);
}

#[tokio::test(start_paused = true)]
async fn time_limits_of_halves_follow_a_paused_clock() {
    let (near, mut far) = duplex(1 << 20);
    far.write_all(&http::request()).await.unwrap();
    let (mut tx, mut rx) = Acceptor::new().accept(near).await.unwrap().split();
    let start = Instant::now();
    let receives = tokio::spawn(async move { rx.recv().await });
    let closed = ws_tests::close_and_wait(&mut tx, CloseCode::NORMAL, "").await;
    assert!(
        matches!(closed, Err(Error::Timeout(Timeout::Close))),
        "{closed:?}"
    );
    let received = receives.await.unwrap();
    assert!(
        matches!(received, Err(Error::Timeout(Timeout::Close))),
        "{received:?}"
    );
    assert!(start.elapsed() >= Duration::from_secs(5));
    assert!(start.elapsed() < Duration::from_secs(6));
}
