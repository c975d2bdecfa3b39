//! Sinks that are closed. Closing ends sending only: messages can still be received afterwards.

use futures_util::{SinkExt, StreamExt, stream};
use ws_driver::{CloseCode, Config, Error, Message};

use crate::socket::RawPeer;
use crate::suite::roles::{FAR, ROLES, Signal};
use crate::suite::{Suite, Ws};
use crate::wire::{self, From, TEXT};

/// The way to get a sink and a stream from a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parts {
    /// The connection itself is the sink and the stream.
    Whole,
    /// [`StreamExt::split`], which programs use if they were written for other libraries.
    Futures,
    /// [`WebSocket::split`](ws_driver::WebSocket::split).
    Halves,
}

const ALL_PARTS: [Parts; 3] = [Parts::Whole, Parts::Futures, Parts::Halves];

fn config() -> Config {
    Config::default().close_timeout(FAR)
}

/// Reads a Close with code 1000 and no reason.
fn read_normal_close(peer: &mut RawPeer) {
    let close = peer.read_close(1000);
    assert_eq!(close.payload, wire::close_payload(1000, ""));
}

/// Signals that the two ends exchange outside the connection.
#[derive(Clone, Default)]
struct Signals {
    /// The peer has sent its first messages.
    here: Signal,
    /// The sink was closed.
    closed: Signal,
    /// The peer has read our Close, although the stream was not polled after the sink was closed.
    seen: Signal,
}

impl Signals {
    /// Gives the signal `closed` and waits for the signal `seen`.
    async fn sink_was_closed<S: Suite>(&self) {
        self.closed.give();
        self.seen.wait::<S>().await;
    }
}

/// Feeds a message, closes the sink, and exchanges the signals. Then collects the messages of the
/// stream.
async fn close_and_collect<S, K, T>(mut sink: K, stream: T, signals: Signals) -> Vec<Message>
where
    S: Suite,
    K: futures_util::Sink<Message, Error = Error> + Unpin,
    T: futures_util::Stream<Item = Result<Message, Error>> + Unpin,
{
    // Closing also writes the queue.
    sink.feed("fed".into()).await.expect("room in the queue");
    sink.close().await.expect("the Close is written");
    // A second close succeeds, because wrappers may close a sink twice.
    sink.close().await.expect("the Close is written");
    signals.sink_was_closed::<S>().await;
    collect(stream).await
}

/// Collects messages until the stream ends.
async fn collect(stream: impl futures_util::Stream<Item = Result<Message, Error>>) -> Vec<Message> {
    let messages = stream.map(|next| next.expect("a message"));
    messages.collect().await
}

async fn close_parts<S: Suite>(mut ws: Ws<S>, parts: Parts, signals: Signals) -> Vec<Message> {
    match parts {
        Parts::Whole => {
            SinkExt::<Message>::feed(&mut ws, "fed".into())
                .await
                .expect("room in the queue");
            SinkExt::<Message>::close(&mut ws)
                .await
                .expect("the Close is written");
            SinkExt::<Message>::close(&mut ws)
                .await
                .expect("the Close is written");
            signals.sink_was_closed::<S>().await;
            collect(ws).await
        }
        Parts::Futures => {
            let (sink, stream) = StreamExt::split(ws);
            close_and_collect::<S, _, _>(sink, stream, signals).await
        }
        Parts::Halves => {
            let (sink, stream) = ws.split();
            close_and_collect::<S, _, _>(sink, stream, signals).await
        }
    }
}

/// One message arrives before the sink is closed, one while the sink is being closed, and one
/// afterwards.
pub fn closing_a_sink_keeps_every_message_for_the_stream<S: Suite>() {
    for role in ROLES {
        for parts in ALL_PARTS {
            let case = format!("{role:?}, {parts:?}");
            let signals = Signals::default();
            let theirs = signals.clone();
            let act = move |ws: Ws<S>| async move {
                theirs.here.wait::<S>().await;
                close_parts::<S>(ws, parts, theirs).await
            };
            let (mut peer, running) = role.open::<S, _, _>(config(), act);
            let from = role.peer();
            peer.send(&from.text("before"));
            signals.here.give();
            assert_eq!(peer.read_frame().expect("a message").payload, b"fed");
            peer.send(&from.text("while"));
            read_normal_close(&mut peer);
            // Closing the sink does not wait for the peer's Close.
            signals.closed.await_here();
            signals.seen.give();
            peer.send(&from.text("after"));
            peer.send(&from.close(1000, ""));
            peer.end();
            let received = running.finish();
            assert_eq!(
                received,
                ["before".into(), "while".into(), "after".into()],
                "{case}"
            );
        }
    }
}

/// Forwards three messages to the sink. `forward` then closes the sink. Afterwards, collects the
/// messages of the stream.
async fn forward_and_collect<S, K, T>(sink: K, stream: T, signals: Signals) -> Vec<Message>
where
    S: Suite,
    K: futures_util::Sink<Message, Error = Error> + Unpin,
    T: futures_util::Stream<Item = Result<Message, Error>> + Unpin,
{
    let out = ["a", "b", "c"].map(|text| Ok(Message::from(text)));
    stream::iter(out)
        .forward(sink)
        .await
        .expect("the Close is written");
    signals.sink_was_closed::<S>().await;
    collect(stream).await
}

/// `forward` closes the sink at the end of the forwarded stream.
pub fn forwarding_to_the_end_keeps_every_received_message<S: Suite>() {
    for role in ROLES {
        for parts in [Parts::Futures, Parts::Halves] {
            let case = format!("{role:?}, {parts:?}");
            let signals = Signals::default();
            let theirs = signals.clone();
            let act = move |ws: Ws<S>| async move {
                theirs.here.wait::<S>().await;
                match parts {
                    Parts::Halves => {
                        let (sink, stream) = ws.split();
                        forward_and_collect::<S, _, _>(sink, stream, theirs).await
                    }
                    _ => {
                        let (sink, stream) = StreamExt::split(ws);
                        forward_and_collect::<S, _, _>(sink, stream, theirs).await
                    }
                }
            };
            let (mut peer, running) = role.open::<S, _, _>(config(), act);
            let from = role.peer();
            peer.send(&[from.text("1"), from.text("2")].concat());
            signals.here.give();
            for expected in ["a", "b", "c"] {
                let frame = peer.read_frame().expect("a message");
                assert_eq!(frame.whole(), (TEXT, expected.as_bytes()), "{case}");
            }
            read_normal_close(&mut peer);
            signals.closed.await_here();
            signals.seen.give();
            peer.send(&[from.text("3"), from.close(1000, "")].concat());
            peer.end();
            assert_eq!(
                running.finish(),
                ["1".into(), "2".into(), "3".into()],
                "{case}"
            );
        }
    }
}

/// Answers each message, all in one task. Uses `forward` if the sink and the stream are separate.
/// Many programs begin like this.
async fn answer_all<S: Suite>(mut ws: Ws<S>, parts: Parts, times: usize) -> Result<(), Error> {
    let repeated = |message: Message| -> Message {
        let text = message.as_text().expect("a text message");
        text.repeat(times).into()
    };
    match parts {
        Parts::Futures => {
            let (sink, stream) = StreamExt::split(ws);
            stream.map(|next| next.map(repeated)).forward(sink).await
        }
        Parts::Halves => {
            let (sink, stream) = ws.split();
            stream.map(|next| next.map(repeated)).forward(sink).await
        }
        Parts::Whole => {
            while let Some(next) = ws.next().await {
                SinkExt::send(&mut ws, repeated(next?)).await?;
            }
            SinkExt::<Message>::close(&mut ws).await
        }
    }
}

/// The cases differ in the number of messages and in the length of the answers.
pub fn a_program_that_answers_loses_no_message<S: Suite>() {
    for role in ROLES {
        for parts in ALL_PARTS {
            for (count, times) in [(3, 1), (500, 2), (100, 5000)] {
                let case = format!("{role:?}, {parts:?}, {count}, {times}");
                let act = move |ws: Ws<S>| answer_all::<S>(ws, parts, times);
                let (mut peer, running) = role.open::<S, _, _>(config(), act);
                let from = role.peer();
                peer.send(&burst(from, count));
                // With the halves of this library, the peer sends its Close directly after its
                // messages. With `StreamExt::split`, such a Close would lose an answer: that sink
                // holds back one answer, and nothing can be sent after our Close.
                let close_at_once = parts == Parts::Halves;
                if close_at_once {
                    peer.send(&from.close(1001, "that is all"));
                }
                for number in 0..count {
                    let frame = peer
                        .read_frame()
                        .unwrap_or_else(|| panic!("{case}: {number}"));
                    let expected = format!("{number};").repeat(times);
                    assert_eq!(frame.opcode(), TEXT, "{case}: no answer to {number}");
                    assert!(frame.payload == expected.as_bytes(), "{case}: {number}");
                }
                if !close_at_once {
                    peer.send(&from.close(1001, "that is all"));
                }
                let close = peer.read_close(1001);
                assert_eq!(close.payload, wire::close_payload(1001, ""), "{case}");
                peer.end();
                running
                    .finish()
                    .unwrap_or_else(|error| panic!("{case}: {error}"));
            }
        }
    }
}

/// Returns `count` messages, one after the other.
fn burst(from: From, count: usize) -> Vec<u8> {
    (0..count)
        .flat_map(|number| from.text(&format!("{number};")))
        .collect()
}

/// The method `close` of a connection discards messages, unlike closing a sink.
pub fn close_of_a_connection_discards_messages<S: Suite>() {
    for role in ROLES {
        let here = Signal::default();
        let is_here = here.clone();
        let (mut peer, running) = role.open::<S, _, _>(config(), move |mut ws| async move {
            is_here.wait::<S>().await;
            ws.close(CloseCode::NORMAL, "").await?;
            ws.recv().await
        });
        peer.send(&role.peer().text("before"));
        here.give();
        read_normal_close(&mut peer);
        peer.send(&[role.peer().text("while"), role.peer().close(1000, "")].concat());
        peer.end();
        assert_eq!(running.finish().expect("a clean end"), None);
    }
}
