//! Connections and halves as streams and sinks.

use futures_util::{Sink, SinkExt, StreamExt, stream};
use ws_driver::{CloseCode, Error, Message};

use super::{Rx, Tx, messages};
use crate::socket::RawPeer;
use crate::suite::{Suite, Ws, accept, connect, server, start};
use crate::wire::{self, From, TEXT};

/// `send_all`, `feed` and `send` are called on the same sink.
pub fn send_all_and_feed_work_as_for_any_sink<S: Suite>() {
    let (address, running) = server::<S, _, _>(|stream| async {
        let (mut tx, mut rx) = accept::<S>(stream).await.split();
        let receives = start::<S, _>(async move {
            // `count` is a method of `StreamExt`, so this uses the trait `Stream`.
            let count = rx.by_ref().count().await;
            (count, rx.end())
        });
        let mut all = stream::iter(messages(6).map(Ok::<_, Error>));
        SinkExt::send_all(&mut tx, &mut all).await?;
        SinkExt::feed(&mut tx, Message::from("fed")).await?;
        SinkExt::<Message>::flush(&mut tx).await?;
        SinkExt::send(&mut tx, Message::from("sent")).await?;
        SinkExt::<Message>::close(&mut tx).await?;
        Ok::<_, Error>(receives.finish::<S>().await)
    });
    let mut peer = RawPeer::open(address);
    for expected in messages(6) {
        let frame = peer.read_frame().expect("a message");
        assert!(frame.payload == expected.as_bytes());
    }
    for expected in ["fed", "sent"] {
        let frame = peer.read_frame().expect("a message");
        assert_eq!(frame.whole(), (TEXT, expected.as_bytes()));
    }
    let close = peer.read_close(1000);
    assert_eq!(close.payload, wire::close_payload(1000, ""));
    peer.send(&From::Client.text("under way"));
    peer.send(&From::Client.close(1000, ""));
    let _ = peer.read_to_end();
    let (count, ended) = running.finish().expect("a clean end");
    assert_eq!(count, 1);
    assert!(ended.expect("the end").clean);
}

/// Performs the steps of [`by_methods`], but through the traits `Stream` and `Sink`.
async fn by_traits<M>(mut ws: M) -> (Vec<Result<Message, String>>, Vec<String>)
where
    M: futures_util::Stream<Item = Result<Message, Error>> + Sink<Message, Error = Error> + Unpin,
{
    let mut results = Vec::new();
    results.push(shown(SinkExt::send(&mut ws, "a".into()).await));
    results.push(shown(SinkExt::feed(&mut ws, "b".into()).await));
    results.push(shown(SinkExt::flush(&mut ws).await));
    let first = StreamExt::next(&mut ws).await;
    let mut received = vec![first.expect("a message").map_err(|error| error.to_string())];
    results.push(shown(SinkExt::close(&mut ws).await));
    results.push(shown(SinkExt::send(&mut ws, "late".into()).await));
    results.push(shown(SinkExt::feed(&mut ws, "late".into()).await));
    results.push(shown(SinkExt::flush(&mut ws).await));
    results.push(shown(SinkExt::close(&mut ws).await));
    while let Some(next) = StreamExt::next(&mut ws).await {
        received.push(next.map_err(|error| error.to_string()));
    }
    assert!(StreamExt::next(&mut ws).await.is_none());
    (received, results)
}

/// Sends, receives and closes. Returns a list of all received messages and errors, and a list of
/// the results of sending.
async fn by_methods<S: Suite>(mut ws: Ws<S>) -> (Vec<Result<Message, String>>, Vec<String>) {
    let mut results = Vec::new();
    results.push(shown(ws.send(Message::from("a")).await));
    results.push(shown(ws.feed(Message::from("b")).await));
    results.push(shown(ws.flush().await));
    let first = ws.recv().await.transpose();
    let mut received = vec![first.expect("a message").map_err(|error| error.to_string())];
    ws.start_close(CloseCode::NORMAL, "")
        .expect("an open connection");
    results.push(shown(ws.flush().await));
    results.push(shown(ws.send(Message::from("late")).await));
    results.push(shown(ws.feed(Message::from("late")).await));
    results.push(shown(ws.flush().await));
    results.push(shown(ws.flush().await));
    while let Some(next) = ws.recv().await.transpose() {
        received.push(next.map_err(|error| error.to_string()));
    }
    assert!(
        ws.recv()
            .await
            .expect("an error is returned once only")
            .is_none()
    );
    (received, results)
}

fn shown(result: Result<(), Error>) -> String {
    format!("{result:?}")
}

/// The connection is not split. In one case it is closed cleanly, and in the other the peer
/// violates the protocol.
pub fn methods_and_traits_give_equal_results<S: Suite>() {
    let mut outcomes = Vec::new();
    for by in ["methods", "traits"] {
        for violates in [false, true] {
            let (address, running) = server::<S, _, _>(move |stream| async move {
                let ws = accept::<S>(stream).await;
                match by {
                    "methods" => by_methods::<S>(ws).await,
                    _ => by_traits(ws).await,
                }
            });
            let mut peer = RawPeer::open(address);
            for expected in [b"a", b"b"] {
                assert_eq!(peer.read_frame().expect("a message").payload, expected);
            }
            peer.send(&From::Client.text("hi"));
            peer.read_close(1000);
            peer.send(&From::Client.text("under way"));
            peer.send(&if violates {
                From::Client.frame(3, b"")
            } else {
                From::Client.close(1000, "")
            });
            peer.end();
            let _ = peer.read_to_end();
            outcomes.push((violates, running.finish()));
        }
    }
    let (methods, traits) = outcomes.split_at(2);
    assert_eq!(methods, traits);
    assert_ne!(methods[0], methods[1]);
}

/// Asserts at compile time that the halves implement the traits.
#[allow(dead_code)]
fn halves_are_streams_and_sinks<S: Suite>(tx: Tx<S>, rx: Rx<S>) {
    fn is_sink(_: impl Sink<Message, Error = Error> + Unpin + Send) {}
    fn is_stream(stream: impl futures_util::Stream<Item = Result<Message, Error>> + Unpin + Send) {
        let _ = stream.size_hint();
    }
    is_sink(tx);
    is_stream(rx);
}

/// One task forwards all messages from the receiver to the sender. Every message is echoed, and the
/// connection ends cleanly.
pub fn streams_are_forwarded_to_sinks<S: Suite>() {
    let (address, served) = server::<S, _, _>(|stream| async {
        let (tx, rx) = accept::<S>(stream).await.split();
        rx.forward(tx).await
    });
    echo_all_and_close::<S>(&address.to_string());
    served.finish().expect("a clean end");
}

/// One task forwards all messages between the halves that [`StreamExt::split`] returns.
pub fn a_connection_can_be_split_by_futures<S: Suite>() {
    let (address, served) = server::<S, _, _>(|stream| async {
        let (sink, stream) = StreamExt::split(accept::<S>(stream).await);
        stream.forward(sink).await
    });
    echo_all_and_close::<S>(&address.to_string());
    served.finish().expect("a clean end");
}

/// Asserts that a server echoes each message, and then closes the connection cleanly.
fn echo_all_and_close<S: Suite>(address: &str) {
    S::block_on(async {
        let mut ws = connect::<S>(&format!("ws://{address}/")).await;
        for message in messages(5) {
            ws.send(&message).await.expect("the message is sent");
            assert!(ws.recv().await.expect("an open connection") == Some(message));
        }
        ws.close(CloseCode::NORMAL, "").await.expect("a clean end");
    });
}
