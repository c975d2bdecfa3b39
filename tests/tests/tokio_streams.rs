//! What the tokio adapter alone promises: any tokio stream, and the clock of the runtime also where it is paused.

#![forbid(unsafe_code)]

use std::time::Duration;

use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;
use ws_tests::http;
use ws_tests::wire::From;
use ws_tokio::{
    Acceptor, CloseCode, Connector, Error, Message, Phase, Receiver, Sender, TokioReadHalf,
    WebSocket,
};

/// Both ends over a pipe of this size.
async fn pair(size: usize) -> (WebSocket<DuplexStream>, WebSocket<DuplexStream>) {
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
    assert!(
        matches!(result, Err(Error::Timeout(Phase::Handshake))),
        "{result:?}"
    );
    assert!(start.elapsed() >= Duration::from_secs(10));
    assert!(start.elapsed() < Duration::from_secs(11));

    let (near, mut far) = duplex(1 << 20);
    far.write_all(&http::request()).await.unwrap();
    let mut ws = Acceptor::new().accept(near).await.unwrap();
    let start = Instant::now();
    let result = ws.close(CloseCode::NORMAL, "").await;
    assert!(
        matches!(result, Err(Error::Timeout(Phase::Close))),
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
        matches!(result, Err(Error::Timeout(Phase::Close))),
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

async fn talk(mut tx: Sender<DuplexStream>) -> Result<Sender<DuplexStream>, Error> {
    for message in messages() {
        tx.send(message).await?;
        tx.send_ping("ping").await?;
    }
    Ok(tx)
}

async fn listen(mut rx: Receiver<DuplexStream>) -> Result<Receiver<DuplexStream>, Error> {
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
        let ws = tx.reunite(rx).unwrap();
        assert!(ws.end().unwrap().clean);
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
async fn only_tcp_is_taken_apart() {
    use ws_driver::{Split, Wrap};
    let (stream, _far) = duplex(10);
    let (read, write) = ws_tokio::Tokio::wrap(stream).split();
    assert!(matches!(read, TokioReadHalf::Locked(_)));
    let (stream, _far) = duplex(10);
    let (other, _) = ws_tokio::Tokio::wrap(stream).split();
    assert!(ws_tokio::TokioIo::reunite(other, write).is_none());

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tcp = tokio::net::TcpStream::connect(listener.local_addr().unwrap());
    let near = tcp.await.unwrap();
    let (read, write) = ws_tokio::Tokio::wrap(near).split();
    assert!(matches!(read, TokioReadHalf::Tcp(_)));
    let near = ws_tokio::TokioIo::reunite(read, write).unwrap();
    assert!(near.nodelay().unwrap(), "the stream itself");
}

#[tokio::test(start_paused = true)]
async fn time_limits_of_halves_follow_a_paused_clock() {
    let (near, mut far) = duplex(1 << 20);
    far.write_all(&http::request()).await.unwrap();
    let (mut tx, mut rx) = Acceptor::new().accept(near).await.unwrap().split();
    let start = Instant::now();
    let receives = tokio::spawn(async move { rx.recv().await });
    let closed = tx.close(CloseCode::NORMAL, "").await;
    assert!(
        matches!(closed, Err(Error::Timeout(Phase::Close))),
        "{closed:?}"
    );
    let received = receives.await.unwrap();
    assert!(
        matches!(received, Err(Error::Timeout(Phase::Close))),
        "{received:?}"
    );
    assert!(start.elapsed() >= Duration::from_secs(5));
    assert!(start.elapsed() < Duration::from_secs(6));
}
