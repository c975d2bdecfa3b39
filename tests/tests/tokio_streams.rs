//! Behavior that only the tokio adapter has: connections over any tokio stream, and timeouts that
//! follow a paused clock.

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

/// Returns both ends of a connection over a pipe that holds `size` bytes.
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
async fn both_ends_exchange_messages_over_any_stream_in_one_task() {
    for size in [1, 7, 100, 100_000] {
        let (mut client, mut server) = pair(size).await;
        let large = vec![3; 3000];
        let exchange = async {
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
        let (exchanged, echoed) = tokio::join!(exchange, echo);
        exchanged.unwrap();
        echoed.unwrap();
        assert!(server.end().unwrap().clean);
    }
}

#[tokio::test(start_paused = true)]
async fn timeouts_follow_a_paused_clock() {
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
async fn close_against_endless_input_returns_at_its_deadline() {
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

/// Returns numbered messages. Some of them are large.
fn messages() -> impl Iterator<Item = Message> + Send {
    (0..60_u8).map(|number| match number % 3 {
        0 => Message::from(format!("message {number}")),
        1 => Message::from(vec![number; 20_000]),
        _ => Message::from(vec![number; 100]),
    })
}

async fn send_all(mut tx: Sender) -> Result<Sender, Error> {
    for message in messages() {
        tx.send(message).await?;
        tx.send_ping("ping").await?;
    }
    Ok(tx)
}

async fn receive_all(mut rx: Receiver) -> Result<Receiver, Error> {
    for expected in messages() {
        assert!(rx.recv().await? == Some(expected));
    }
    Ok(rx)
}

async fn halves_of_any_stream_in_four_tasks(size: usize) {
    let (client, server) = pair(size).await;
    let mut senders = Vec::new();
    let mut receivers = Vec::new();
    for ws in [client, server] {
        let (tx, rx) = ws.split();
        senders.push(tokio::spawn(send_all(tx)));
        receivers.push(tokio::spawn(receive_all(rx)));
    }
    // Each receiver has received every message. It continues to receive, because not all Pings have
    // been answered.
    let mut drains = Vec::new();
    for receiver in receivers {
        let mut rx = receiver.await.unwrap().unwrap();
        drains.push(tokio::spawn(async move {
            while rx.recv().await?.is_some() {}
            Ok::<_, Error>(rx)
        }));
    }
    let mut txs = Vec::new();
    for sender in senders {
        txs.push(sender.await.unwrap().unwrap());
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
async fn halves_of_any_stream_can_be_reunited() {
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
async fn a_connection_over_tcp_and_one_over_a_pipe_have_one_type() {
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

        // The stream can be taken out of the connection.
        let (transport, unread) = ws.into_parts().unwrap();
        assert!(unread.is_empty());
        let stream = transport.downcast::<StreamTransport<DuplexStream>>();
        assert_eq!(stream.is_err(), is_tcp);
        if let Err(transport) = stream {
            let tcp = transport.downcast::<TcpTransport>().unwrap().into_inner();
            assert!(tcp.nodelay().unwrap());
        }
    }
}

#[tokio::test]
async fn an_any_transport_is_not_boxed_again() {
    let (stream, _far) = duplex(10);
    let any = AnyTransport::new(Tokio::wrap(stream));
    assert!(any.downcast::<StreamTransport<DuplexStream>>().is_ok());
}

#[tokio::test]
async fn halves_of_two_transports_are_not_reunited() {
    let wrapped = || Tokio::wrap(duplex(10).0);
    let (read, write) = wrapped().split();
    assert!(AnyTransport::reunite(wrapped().split().0, write).is_none());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tcp = tokio::net::TcpStream::connect(listener.local_addr().unwrap());
    let (tcp_read, tcp_write) = AnyTransport::from(TcpTransport::new(tcp.await.unwrap())).split();
    assert!(AnyTransport::reunite(read, tcp_write).is_none());
    drop(tcp_read);
}

/// Neither the observer nor the stream has to be `Sync`.
#[tokio::test]
async fn connections_are_sync_even_if_their_parts_are_not() {
    fn is_sync<T: Send + Sync>(_: &T) {}
    let (_client, mut server) = pair(100).await;
    let seen = std::cell::Cell::new(0);
    server.observe(move |_| seen.set(seen.get() + 1));
    is_sync(&server);
}

#[tokio::test(start_paused = true)]
async fn timeouts_of_halves_follow_a_paused_clock() {
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
