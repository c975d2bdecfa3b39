//! Closing a sink says that nothing more is sent. It takes nothing away from those who receive.

use futures_util::{SinkExt, StreamExt, stream};
use ws_driver::{CloseCode, Config, Error, Message};

use crate::socket::RawPeer;
use crate::suite::roles::{FAR, ROLES, Role, Signal};
use crate::suite::{Suite, Ws};
use crate::wire::{self, CLOSE, From, TEXT};

/// The origin of the sink and the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parts {
    /// Nobody: it is both.
    Whole,
    /// [`StreamExt::split`], as programs do that come from elsewhere.
    Futures,
    /// [`WebSocket::split`](ws_driver::WebSocket::split).
    Halves,
}

const ALL_PARTS: [Parts; 3] = [Parts::Whole, Parts::Futures, Parts::Halves];

fn config() -> Config {
    Config::default().close_timeout(FAR)
}

/// Reads a Close with code 1000.
fn expect_normal_close(peer: &mut RawPeer) {
    let close = peer.read_frame().expect("the Close");
    assert_eq!(close.whole(), (CLOSE, &1000_u16.to_be_bytes()[..]));
}

/// Signals between the two ends beside the connection.
#[derive(Clone, Default)]
struct Signals {
    /// A message of the peer is there.
    here: Signal,
    /// The sink was closed.
    closed: Signal,
    /// The peer has seen the Close, though nobody has polled the stream since.
    seen: Signal,
}

impl Signals {
    async fn sink_was_closed<S: Suite>(&self) {
        self.closed.give();
        self.seen.wait::<S>().await;
    }
}

/// Closes, tells that, and collects what comes.
async fn close_and_collect<S, K, T>(mut sink: K, stream: T, signals: Signals) -> Vec<Message>
where
    S: Suite,
    K: futures_util::Sink<Message, Error = Error> + Unpin,
    T: futures_util::Stream<Item = Result<Message, Error>> + Unpin,
{
    // What is in the queue goes along.
    sink.feed("fed".into()).await.expect("room");
    sink.close().await.expect("written");
    // And once more, as wrappers do.
    sink.close().await.expect("written");
    signals.sink_was_closed::<S>().await;
    let messages: Vec<_> = stream.collect().await;
    messages
        .into_iter()
        .map(|next| next.expect("a message"))
        .collect()
}

async fn close_parts<S: Suite>(mut ws: Ws<S>, parts: Parts, signals: Signals) -> Vec<Message> {
    match parts {
        Parts::Whole => {
            SinkExt::<Message>::feed(&mut ws, "fed".into())
                .await
                .expect("room");
            SinkExt::<Message>::close(&mut ws).await.expect("written");
            SinkExt::<Message>::close(&mut ws).await.expect("written");
            signals.sink_was_closed::<S>().await;
            ws.map(|next| next.expect("a message")).collect().await
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

/// Before it was closed, while it was, and after: three of three.
pub fn a_closed_sink_leaves_every_message_to_the_stream<S: Suite>() {
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
            expect_normal_close(&mut peer);
            // It waits for nothing that the peer may say.
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

/// A stream that ends closes the sink that it is forwarded to.
pub fn forwarding_a_stream_to_its_end_leaves_every_message_to_receive<S: Suite>() {
    for role in ROLES {
        for parts in [Parts::Futures, Parts::Halves] {
            let case = format!("{role:?}, {parts:?}");
            let signals = Signals::default();
            let theirs = signals.clone();
            let act = move |ws: Ws<S>| async move {
                theirs.here.wait::<S>().await;
                let out = ["a", "b", "c"].map(|text| Ok::<_, Error>(Message::from(text)));
                let received: Vec<_> = match parts {
                    Parts::Halves => {
                        let (sink, stream) = ws.split();
                        stream::iter(out).forward(sink).await.expect("written");
                        theirs.sink_was_closed::<S>().await;
                        stream.collect().await
                    }
                    _ => {
                        let (sink, stream) = StreamExt::split(ws);
                        stream::iter(out).forward(sink).await.expect("written");
                        theirs.sink_was_closed::<S>().await;
                        stream.collect().await
                    }
                };
                received
                    .into_iter()
                    .map(|next| next.expect("a message"))
                    .collect::<Vec<_>>()
            };
            let (mut peer, running) = role.open::<S, _, _>(config(), act);
            let from = role.peer();
            peer.send(&[from.text("1"), from.text("2")].concat());
            signals.here.give();
            for expected in ["a", "b", "c"] {
                let frame = peer.read_frame().expect("a message");
                assert_eq!(frame.whole(), (TEXT, expected.as_bytes()), "{case}");
            }
            expect_normal_close(&mut peer);
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

/// The program that everybody writes first, whatever the library: in one task, without a loop of its own.
async fn answer_all<S: Suite>(mut ws: Ws<S>, parts: Parts, times: usize) -> Result<(), Error> {
    let repeated = |message: Message| -> Message {
        let text = message.as_text().expect("text");
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

/// For short and long answers, and for each kind of sink.
pub fn a_program_that_answers_loses_no_message<S: Suite>() {
    for role in ROLES {
        for parts in ALL_PARTS {
            for (count, times) in [(3, 1), (500, 2), (100, 5000)] {
                let case = format!("{role:?}, {parts:?}, {count}, {times}");
                let act = move |ws: Ws<S>| answer_all::<S>(ws, parts, times);
                let (mut peer, running) = role.open::<S, _, _>(config(), act);
                let from = role.peer();
                peer.send(&burst(from, count));
                // Halves receive and send on their own: the Close may lie behind the messages when the first is
                // answered. Elsewhere it would be seen ahead of them, and nothing can be sent behind the answer to it.
                let is_ahead = parts == Parts::Halves;
                if is_ahead {
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
                if !is_ahead {
                    peer.send(&from.close(1001, "that is all"));
                }
                let close = peer.read_frame().expect("the Close");
                assert_eq!(
                    close.whole(),
                    (CLOSE, &1001_u16.to_be_bytes()[..]),
                    "{case}"
                );
                peer.end();
                running
                    .finish()
                    .unwrap_or_else(|error| panic!("{case}: {error}"));
            }
        }
    }
}

/// Many messages at once.
fn burst(from: From, count: usize) -> Vec<u8> {
    (0..count)
        .flat_map(|number| from.text(&format!("{number};")))
        .collect()
}

/// `close` is for those who want nothing more: it is the one that discards.
pub fn the_method_close_of_a_connection_discards<S: Suite>() {
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
        expect_normal_close(&mut peer);
        peer.send(&[role.peer().text("while"), wire_close(role)].concat());
        peer.end();
        assert_eq!(running.finish().expect("a clean end"), None);
    }
}

fn wire_close(role: Role) -> Vec<u8> {
    role.peer().frame(CLOSE, &wire::close_payload(1000, ""))
}
