//! Halves of connections in tasks of their own, and connections as streams and sinks.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use futures_util::{FutureExt, Sink, SinkExt, StreamExt, stream};
use ws_driver::{CloseCode, Config, Error, Message, Phase, Receiver, Sender};

use super::{Acceptor, Connector, Stream, Suite, Transport, Ws, client, server};
use crate::socket::{RawPeer, TOO_LONG};
use crate::wire::{self, BINARY, From, PING, PONG, TEXT};

type Tx<S> = Sender<Transport<S>>;
type Rx<S> = Receiver<Transport<S>>;

/// What a task came to.
struct Task<R>(mpsc::Receiver<R>);

/// Starts a task.
fn start<S: Suite, R: Send + 'static>(future: impl Future<Output = R> + Send + 'static) -> Task<R> {
    let (done, receiver) = mpsc::channel();
    S::spawn(async move {
        let _ = done.send(future.await);
    });
    Task(receiver)
}

impl<R> Task<R> {
    /// Waits for it on the runtime.
    async fn finish<S: Suite>(self) -> R {
        let start = Instant::now();
        loop {
            match self.0.try_recv() {
                Ok(result) => return result,
                Err(mpsc::TryRecvError::Empty) => {
                    assert!(start.elapsed() < TOO_LONG, "a task hangs");
                    S::sleep(Duration::from_millis(1)).await;
                }
                Err(mpsc::TryRecvError::Disconnected) => panic!("a task panicked"),
            }
        }
    }
}

async fn accept<S: Suite>(stream: Stream<S>) -> Ws<S> {
    let acceptor = Acceptor::<S>::new();
    acceptor.accept(stream).await.expect("the handshake")
}

async fn connect<S: Suite>(url: &str) -> Ws<S> {
    let connector = Connector::<S>::new();
    connector.connect(url).await.expect("the handshake")
}

/// Messages of all sizes and both kinds, others for each seed.
fn messages(seed: u64) -> impl Iterator<Item = Message> + Send {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..120_usize).map(move |turn| {
        let most = [0, 1, 125, 126, 3000, 65_535, 65_536, 1 << 20][turn % 8];
        let len = if turn < 8 {
            most
        } else {
            random.usize(0..=most)
        };
        let mut octets = vec![random.u8(b'a'..=b'z'); len];
        for at in (0..len).step_by(11) {
            octets[at] = random.u8(b'a'..=b'z');
        }
        if random.bool() {
            Message::from(String::from_utf8(octets).expect("letters"))
        } else {
            Message::from(octets)
        }
    })
}

/// Sends all the messages of the seed and closes, or leaves that to the peer.
async fn talk<S: Suite>(mut tx: Tx<S>, seed: u64, closes: bool) -> Result<Tx<S>, Error> {
    for (number, message) in messages(seed).enumerate() {
        match number % 3 {
            0 => tx.send(message).await?,
            1 => tx.send(&message).await?,
            _ => tx.feed(message).await?,
        }
        if number % 10 == 0 {
            tx.send_ping(&[number as u8][..]).await?;
        }
    }
    tx.flush().await?;
    if closes {
        tx.close(CloseCode::NORMAL, "done").await?;
    }
    Ok(tx)
}

/// Receives exactly the messages of the seed, up to the end.
async fn listen<S: Suite>(mut rx: Rx<S>, seed: u64, closes: bool) -> Result<Rx<S>, Error> {
    for (number, expected) in messages(seed).enumerate() {
        if number % 2 == 0 {
            let message = rx.recv().await?.expect("a message");
            assert!(message == expected, "message {number}");
        } else {
            let message = rx.recv_ref().await?.expect("a message");
            assert!(message == expected.as_ref(), "message {number}");
        }
    }
    if closes {
        assert!(rx.recv().await?.is_none());
    }
    Ok(rx)
}

/// Neither direction waits for the other, however much is under way in both.
pub fn two_tasks_move_large_traffic_in_both_directions_at_once<S: Suite>() {
    let (address, served) = server::<S, _, _>(|stream| async {
        let (tx, rx) = accept::<S>(stream).await.split();
        let talks = start::<S, _>(talk::<S>(tx, 1, false));
        let listens = start::<S, _>(listen::<S>(rx, 2, true));
        let tx = talks.finish::<S>().await.expect("sent");
        let rx = listens.finish::<S>().await.expect("received");
        let ended = tx.end().expect("the end");
        assert_eq!(rx.end(), Some(ended.clone()));
        ended
    });
    let ended = S::block_on(async {
        let (tx, rx) = connect::<S>(&format!("ws://{address}/")).await.split();
        let listens = start::<S, _>(listen::<S>(rx, 1, false));
        let talks = start::<S, _>(talk::<S>(tx, 2, false));
        let mut tx = talks.finish::<S>().await.expect("sent");
        let rx = listens.finish::<S>().await.expect("received");
        let listens = start::<S, _>(async move {
            let mut rx = rx;
            rx.recv().await
        });
        tx.close(CloseCode::NORMAL, "done")
            .await
            .expect("a clean end");
        assert!(listens.finish::<S>().await.expect("a clean end").is_none());
        tx.end().expect("the end")
    });
    assert!(ended.clean && served.finish().clean);
}

/// Without a flush of the sender.
pub fn what_is_fed_is_sent_by_a_receiver_that_waits_in_another_task<S: Suite>() {
    let (address, running) = server::<S, _, _>(|stream| async {
        let (mut tx, mut rx) = accept::<S>(stream).await.split();
        let receives = start::<S, _>(async move {
            while rx.recv().await?.is_some() {}
            Ok::<(), Error>(())
        });
        for number in 0..20 {
            // The receiver has come to wait.
            S::sleep(Duration::from_millis(2)).await;
            tx.feed(&format!("message {number}")).await?;
        }
        receives.finish::<S>().await
    });
    let mut peer = RawPeer::open(address);
    for number in 0..20 {
        let frame = peer.read_frame().expect("it is sent");
        assert_eq!(
            frame.whole(),
            (TEXT, format!("message {number}").as_bytes())
        );
    }
    peer.send(&From::Client.close(1000, ""));
    peer.expect_close(1000);
    drop(peer);
    running.finish().expect("a clean end");
}

/// The sender in a thread and runtime of its own for every message.
pub fn halves_that_moved_between_threads_work<S: Suite>() {
    let (address, running) = server::<S, _, _>(|stream| async {
        let (tx, mut rx) = accept::<S>(stream).await.split();
        let mut tx = Some(tx);
        let mut echoed = 0;
        while let Some(message) = rx.recv().await? {
            let mut moved = tx.take().expect("it came back");
            let sends = thread::spawn(move || {
                // It needs no runtime unless it has to wait, which so few octets do not.
                let sent = moved.send(message).now_or_never();
                sent.expect("room").map(|()| moved)
            });
            tx = Some(sends.join().expect("no panic")?);
            echoed += 1;
        }
        Ok::<_, Error>(echoed)
    });
    let mut peer = RawPeer::open(address);
    for number in 0..50 {
        let text = format!("message {number}");
        peer.send(&From::Client.text(&text));
        let frame = peer.read_frame().expect("the echo");
        assert_eq!(frame.whole(), (TEXT, text.as_bytes()));
    }
    peer.send(&From::Client.close(1000, ""));
    peer.expect_close(1000);
    drop(peer);
    assert_eq!(running.finish().expect("a clean end"), 50);
}

/// Also in the middle of a message, and more than once.
pub fn halves_are_joined_and_the_connection_goes_on<S: Suite>() {
    let (address, running) = server::<S, _, _>(|stream| async {
        let mut ws = accept::<S>(stream).await;
        let mut turns = 0;
        loop {
            let (mut tx, mut rx) = ws.split();
            let Some(message) = rx.recv().await? else {
                return Ok::<_, Error>((turns, tx.end()));
            };
            let sends = start::<S, _>(async move { tx.send(message).await.map(|()| tx) });
            let receives = start::<S, _>(async move {
                // Mostly nothing has come, or half of a message.
                let early = rx.recv().now_or_never().transpose();
                early.map(|early| (early, rx))
            });
            let tx = sends.finish::<S>().await?;
            let (early, rx) = receives.finish::<S>().await?;
            ws = match turns % 2 {
                0 => tx.reunite(rx).expect("halves of one connection"),
                _ => rx.reunite(tx).expect("halves of one connection"),
            };
            turns += 1;
            match early {
                Some(Some(message)) => {
                    ws.send(message).await?;
                    turns += 1;
                }
                Some(None) => return Ok((turns, ws.end())),
                None => {}
            }
        }
    });
    let mut peer = RawPeer::open(address);
    for number in 0..40 {
        let payload = vec![number; 10_000];
        let frame = From::Client.frame(BINARY, &payload);
        let (first, last) = frame.split_at(usize::from(number) * 100);
        peer.send(first);
        thread::sleep(Duration::from_millis(1));
        peer.send(last);
        assert!(peer.read_frame().expect("the echo").payload == payload);
    }
    peer.send(&From::Client.close(1000, ""));
    peer.expect_close(1000);
    drop(peer);
    let (turns, ended) = running.finish().expect("a clean end");
    assert_eq!(turns, 40);
    assert!(ended.expect("the end").clean);
}

/// And the receiver delivers what the peer had under way.
pub fn a_close_of_the_sender_waits_for_the_receiver<S: Suite>() {
    let (mut peer, running) = client::<S, _, _>(|url| async move {
        let (mut tx, mut rx) = connect::<S>(&url).await.split();
        let receives = start::<S, _>(async move {
            let mut count = 0;
            while rx.recv().await?.is_some() {
                count += 1;
            }
            Ok::<_, Error>(count)
        });
        tx.feed("before").await?;
        tx.close(CloseCode::GOING_AWAY, "bye").await?;
        assert!(tx.end().expect("the end").clean);
        receives.finish::<S>().await
    });
    peer.answer();
    assert_eq!(peer.read_frame().expect("the message").payload, b"before");
    assert_eq!(peer.read_frame().expect("the Close").close_code(), 1001);
    for _ in 0..10 {
        peer.send(&From::Server.frame(BINARY, &[1; 10_000]));
    }
    peer.send(&From::Server.close(1001, ""));
    peer.end();
    assert_eq!(peer.read_to_end().0, b"");
    drop(peer);
    assert_eq!(running.finish().expect("a clean end"), 10);
}

/// The dropped receiver's direction is read by the sender.
pub fn a_close_of_the_sender_needs_no_receiver<S: Suite>() {
    for late in [false, true] {
        let (address, running) = server::<S, _, _>(move |stream| async move {
            let (mut tx, mut rx) = accept::<S>(stream).await.split();
            assert!(rx.recv().await?.is_some());
            if late {
                let receives = start::<S, _>(async move {
                    S::sleep(Duration::from_millis(20)).await;
                    drop(rx);
                });
                tx.close(CloseCode::NORMAL, "").await?;
                receives.finish::<S>().await;
            } else {
                drop(rx);
                tx.close(CloseCode::NORMAL, "").await?;
            }
            Ok::<_, Error>(tx.end())
        });
        let mut peer = RawPeer::open(address);
        for _ in 0..100 {
            peer.send(&From::Client.frame(BINARY, &[1; 50_000]));
        }
        assert_eq!(peer.read_frame().expect("the Close").close_code(), 1000);
        peer.send(&From::Client.close(1000, ""));
        let (rest, _) = peer.read_to_end();
        assert!(rest.is_empty());
        drop(peer);
        let ended = running.finish().expect("a clean end");
        assert!(ended.expect("the end").clean);
    }
}

/// In the time that was configured, whatever the receiver does not do.
pub fn a_close_that_the_receiver_does_not_see_times_out<S: Suite>() {
    let config = Config::default().close_timeout(Duration::from_millis(200));
    let (address, running) = server::<S, _, _>(|stream| async move {
        let acceptor = Acceptor::<S>::new().config(config);
        let ws = acceptor.accept(stream).await.expect("the handshake");
        let (mut tx, mut rx) = ws.split();
        let start = Instant::now();
        let closed = tx.close(CloseCode::NORMAL, "").await;
        (closed, start.elapsed(), rx.recv().await, rx.recv().await)
    });
    let mut peer = RawPeer::open(address);
    peer.send(&From::Client.close(1000, ""));
    let (closed, time, first, second) = running.finish();
    assert!(
        matches!(closed, Err(Error::Timeout(Phase::Close))),
        "{closed:?}"
    );
    assert!(time >= Duration::from_millis(150), "{time:?}");
    assert!(
        matches!(first, Err(Error::Timeout(Phase::Close))),
        "{first:?}"
    );
    assert!(matches!(second, Ok(None)), "{second:?}");
}

/// As what it is, and as the end.
pub fn a_violation_reaches_both_halves<S: Suite>() {
    let (address, running) = server::<S, _, _>(|stream| async {
        let (mut tx, mut rx) = accept::<S>(stream).await.split();
        let receives = start::<S, _>(async move {
            loop {
                match rx.recv().await {
                    Ok(Some(_)) => {}
                    other => return (other, rx.recv().await),
                }
            }
        });
        // Until it is refused.
        let sent = loop {
            if let Err(error) = tx.send("x").await {
                break error;
            }
            S::sleep(Duration::from_millis(1)).await;
        };
        let closed = tx.close(CloseCode::NORMAL, "").await;
        (sent, closed, receives.finish::<S>().await)
    });
    let mut peer = RawPeer::open(address);
    peer.send(&From::Client.text("good"));
    peer.send(&From::Client.frame(3, b"bad"));
    let code = loop {
        let frame = peer.read_frame().expect("a Close");
        if frame.opcode() == wire::CLOSE {
            break frame.close_code();
        }
    };
    assert_eq!(code, 1002);
    peer.end();
    let (sent, closed, (first, second)) = running.finish();
    assert!(sent.is_closed(), "{sent:?}");
    assert!(matches!(closed, Err(Error::Receive(_))), "{closed:?}");
    assert!(matches!(first, Err(Error::Receive(_))), "{first:?}");
    assert!(matches!(second, Ok(None)), "{second:?}");
}

/// The sender waits all the time, and pongs wait with it.
pub fn a_peer_that_never_reads_does_not_keep_the_receiver_from_receiving<S: Suite>() {
    const LEN: usize = 32 << 20;
    let (address, running) = server::<S, _, _>(|stream| async {
        let (mut tx, mut rx) = accept::<S>(stream).await.split();
        let sends = start::<S, _>(async move { tx.send(vec![7; LEN]).await.map(|()| tx) });
        let mut count = 0;
        while rx.recv().await?.is_some() {
            count += 1;
        }
        let _tx = sends.finish::<S>().await?;
        Ok::<_, Error>(count)
    });
    let mut peer = RawPeer::open(address);
    for number in 0..200_u8 {
        peer.send(&From::Client.frame(BINARY, &[1; 50_000]));
        peer.send(&From::Client.frame(PING, &[number]));
    }
    let (mut pongs, mut sent) = (Vec::new(), 0);
    while sent < LEN || pongs.last() != Some(&199) {
        let frame = peer.read_frame().expect("the message and the newest Pong");
        if frame.opcode() == PONG {
            pongs.extend(frame.payload);
        } else {
            assert!(frame.payload == vec![7; LEN]);
            sent += LEN;
        }
    }
    assert_eq!(sent, LEN);
    assert!(pongs.is_sorted());
    peer.send(&From::Client.close(1000, ""));
    peer.expect_close(1000);
    drop(peer);
    assert_eq!(running.finish().expect("a clean end"), 200);
}

/// From a stream, from several, and one by one.
pub fn send_all_and_feed_mean_what_they_do_for_any_sink<S: Suite>() {
    let (address, running) = server::<S, _, _>(|stream| async {
        let (mut tx, mut rx) = accept::<S>(stream).await.split();
        let receives = start::<S, _>(async move {
            // Through the trait.
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
    let frame = peer.read_frame().expect("the Close");
    assert_eq!(frame.whole(), (wire::CLOSE, &1000_u16.to_be_bytes()[..]));
    peer.send(&From::Client.text("under way"));
    peer.send(&From::Client.close(1000, ""));
    let _ = peer.read_to_end();
    let (count, ended) = running.finish().expect("a clean end");
    assert_eq!(count, 1);
    assert!(ended.expect("the end").clean);
}

/// Through a trait, whatever the type.
async fn by_traits<M>(mut ws: M) -> (Vec<Result<Message, String>>, Vec<String>)
where
    M: futures_util::Stream<Item = Result<Message, Error>> + Sink<Message, Error = Error> + Unpin,
{
    let mut results = Vec::new();
    results.push(said(SinkExt::send(&mut ws, "a".into()).await));
    results.push(said(SinkExt::feed(&mut ws, "b".into()).await));
    results.push(said(SinkExt::flush(&mut ws).await));
    let first = StreamExt::next(&mut ws).await;
    let mut received = vec![first.expect("a message").map_err(|error| error.to_string())];
    results.push(said(SinkExt::close(&mut ws).await));
    results.push(said(SinkExt::send(&mut ws, "late".into()).await));
    results.push(said(SinkExt::feed(&mut ws, "late".into()).await));
    results.push(said(SinkExt::flush(&mut ws).await));
    results.push(said(SinkExt::close(&mut ws).await));
    while let Some(next) = StreamExt::next(&mut ws).await {
        received.push(next.map_err(|error| error.to_string()));
    }
    assert!(StreamExt::next(&mut ws).await.is_none());
    (received, results)
}

async fn by_methods<S: Suite>(mut ws: Ws<S>) -> (Vec<Result<Message, String>>, Vec<String>) {
    let mut results = Vec::new();
    results.push(said(ws.send(Message::from("a")).await));
    results.push(said(ws.feed(Message::from("b")).await));
    results.push(said(ws.flush().await));
    let first = ws.recv().await.transpose();
    let mut received = vec![first.expect("a message").map_err(|error| error.to_string())];
    results.push(said(ws.close(CloseCode::NORMAL, "").await));
    results.push(said(ws.send(Message::from("late")).await));
    results.push(said(ws.feed(Message::from("late")).await));
    results.push(said(ws.flush().await));
    results.push(said(ws.close(CloseCode::NORMAL, "").await));
    while let Some(next) = ws.recv().await.transpose() {
        received.push(next.map_err(|error| error.to_string()));
    }
    assert!(ws.recv().await.expect("once only").is_none());
    (received, results)
}

fn said(result: Result<(), Error>) -> String {
    format!("{result:?}")
}

/// Of a whole connection, with an end that is clean and one that is not.
pub fn methods_and_traits_mean_the_same<S: Suite>() {
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
            let close = peer.read_frame().expect("the Close");
            assert_eq!(close.close_code(), 1000);
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

/// The types of the traits, without a call.
#[allow(dead_code)]
fn halves_are_streams_and_sinks<S: Suite>(tx: Tx<S>, rx: Rx<S>) {
    fn is_sink(_: impl Sink<Message, Error = Error> + Unpin + Send) {}
    fn is_stream(stream: impl futures_util::Stream<Item = Result<Message, Error>> + Unpin + Send) {
        let _ = stream.size_hint();
    }
    is_sink(tx);
    is_stream(rx);
}

/// One task, no loop of its own: every message goes back, and the connection ends in order.
pub fn streams_are_forwarded_to_sinks<S: Suite>() {
    let (address, served) = server::<S, _, _>(|stream| async {
        let (tx, rx) = accept::<S>(stream).await.split();
        rx.forward(tx).await
    });
    echo_all_and_close::<S>(&address.to_string());
    served.finish().expect("a clean end");
}

/// As those who know no other halves do it.
pub fn a_connection_is_split_by_futures_as_well<S: Suite>() {
    let (address, served) = server::<S, _, _>(|stream| async {
        let (sink, stream) = StreamExt::split(accept::<S>(stream).await);
        stream.forward(sink).await
    });
    echo_all_and_close::<S>(&address.to_string());
    served.finish().expect("a clean end");
}

/// Sends all messages of a seed and has them back, one by one; then closes.
fn echo_all_and_close<S: Suite>(address: &str) {
    S::block_on(async {
        let mut ws = connect::<S>(&format!("ws://{address}/")).await;
        for message in messages(5) {
            ws.send(&message).await.expect("sent");
            assert!(ws.recv().await.expect("open") == Some(message));
        }
        ws.close(CloseCode::NORMAL, "").await.expect("a clean end");
    });
}
