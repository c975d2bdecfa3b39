//! What the tokio adapter alone promises: any tokio stream, and the clock of the runtime also where it is paused.

#![forbid(unsafe_code)]

use std::time::Duration;

use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;
use ws_tests::http;
use ws_tests::wire::From;
use ws_tokio::{Acceptor, CloseCode, Connector, Error, Phase, WebSocket};

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
                out.feed(message)?;
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
