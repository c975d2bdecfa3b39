//! The traits `Stream` and `Sink`: they behave like the methods of the halves.

use std::pin::Pin;

use futures_util::{Sink, SinkExt, StreamExt};
use ws_driver::{CloseCode, Config, Error, Message};
use ws_tests::exec::{self, Order, Tasks};
use ws_tests::scripted::{self, End, Peer, Scripted, Shape};
use ws_tests::wire::{Frame, PING};

ws_tests::both_shapes! {
    the_sink_of_a_sender_behaves_like_its_methods,
    the_stream_of_a_receiver_behaves_like_recv,
}

fn shown<R: std::fmt::Debug>(result: Result<R, Error>) -> String {
    format!("{result:?}")
}

/// The reaction of the peer to our Close.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ending {
    Closes,
    Violates,
    Ends,
    IsSilent,
}

const ENDINGS: [Ending; 4] = [
    Ending::Closes,
    Ending::Violates,
    Ending::Ends,
    Ending::IsSilent,
];

fn react(peer: &Peer, from: End, ending: Ending) {
    peer.push(from.peer().text("under way"));
    match ending {
        Ending::Closes => peer.push(from.peer().close(1000, "")),
        Ending::Violates => peer.push(from.peer().frame(3, b"")),
        Ending::Ends => {}
        Ending::IsSilent => return,
    }
    peer.end();
}

/// Runs `work` and `receive` in two tasks. The peer reacts to the Close. Returns both results, and
/// the frames that were written.
fn beside<R>(
    peer: &Peer,
    from: End,
    ending: Ending,
    work: impl Future<Output = R>,
    receive: impl Future<Output = Option<String>>,
) -> (R, Option<String>, Vec<Frame>) {
    let mut tasks = Tasks::new(Order::Oldest);
    let receives = tasks.spawn(receive);
    let works = tasks.spawn(work);
    tasks.settle();
    react(peer, from, ending);
    assert!(tasks.run());
    let mut frames = peer.take_frames();
    // The masking keys are random, so they are not compared.
    frames.iter_mut().for_each(|frame| frame.key = None);
    (works.output().unwrap(), receives.output().unwrap(), frames)
}

fn the_sink_of_a_sender_behaves_like_its_methods<T: Shape>() {
    for from in End::BOTH {
        for ending in ENDINGS {
            let (mut tx, mut rx, peer) = scripted::halves::<T>(from, &Config::default());
            let methods = async move {
                let mut results = Vec::new();
                results.push(shown(tx.send(Message::from("a")).await));
                results.push(shown(tx.feed(Message::from("b")).await));
                results.push(shown(tx.flush().await));
                results.push(shown(tx.close(CloseCode::NORMAL, "").await));
                results.push(shown(tx.send(Message::from("late")).await));
                results.push(shown(tx.feed(Message::from("late")).await));
                results.push(shown(tx.flush().await));
                results.push(shown(tx.close(CloseCode::NORMAL, "").await));
                results
            };
            let receive = async move {
                loop {
                    match rx.recv().await {
                        Ok(Some(_)) => {}
                        other => return Some(shown(other)),
                    }
                }
            };
            let by_methods = beside(&peer, from, ending, methods, receive);

            let (mut tx, mut rx, peer) = scripted::halves::<T>(from, &Config::default());
            let traits = async move {
                let mut results = Vec::new();
                results.push(shown(SinkExt::send(&mut tx, "a".into()).await));
                results.push(shown(SinkExt::feed(&mut tx, "b".into()).await));
                results.push(shown(SinkExt::flush(&mut tx).await));
                results.push(shown(SinkExt::close(&mut tx).await));
                results.push(shown(SinkExt::send(&mut tx, "late".into()).await));
                results.push(shown(SinkExt::feed(&mut tx, "late".into()).await));
                results.push(shown(SinkExt::flush(&mut tx).await));
                results.push(shown(SinkExt::close(&mut tx).await));
                results
            };
            let receive = async move {
                loop {
                    match StreamExt::next(&mut rx).await.transpose() {
                        Ok(Some(_)) => {}
                        other => return Some(shown(other)),
                    }
                }
            };
            let by_traits = beside(&peer, from, ending, traits, receive);
            assert_eq!(by_methods, by_traits, "{from:?} {ending:?}");
            assert_eq!(by_traits.0[3], "Ok(())", "the Close was not written");
        }
    }
}

fn the_stream_of_a_receiver_behaves_like_recv<T: Shape>() {
    for from in End::BOTH {
        for ending in ENDINGS {
            let mut outcomes = Vec::new();
            for by_trait in [false, true] {
                let (mut tx, mut rx, peer) = scripted::halves::<T>(from, &Config::default());
                let mut tasks = Tasks::new(Order::Oldest);
                let receives = tasks.spawn(async move {
                    let mut results = Vec::new();
                    for _ in 0..4 {
                        let received = match by_trait {
                            true => StreamExt::next(&mut rx).await,
                            false => rx.recv().await.transpose(),
                        };
                        results.push(received.map(shown));
                    }
                    results
                });
                tasks.settle();
                tx.start_close(CloseCode::NORMAL, "").unwrap();
                tasks.settle();
                react(&peer, from, ending);
                assert!(tasks.run());
                outcomes.push(receives.output().unwrap());
            }
            assert_eq!(outcomes[0], outcomes[1], "{from:?} {ending:?}");
            let clean = ending == Ending::Closes;
            assert_eq!(outcomes[0][1].is_none(), clean);
            assert!(outcomes[0][0].is_some() && outcomes[0][2].is_none());
        }
    }
}

#[test]
fn a_ready_sink_takes_a_message_even_if_pongs_took_the_room() {
    // A sink cannot return the message, so it takes the message without room.
    let config = Config::default().high_water_mark(100);
    let (mut tx, mut rx, peer) = scripted::halves::<Scripted>(End::Server, &config);
    exec::run(tx.feed(&[0; 90])).unwrap();
    let ready = std::future::poll_fn(|cx| Sink::<Message>::poll_ready(Pin::new(&mut tx), cx));
    exec::run(ready).unwrap();
    peer.window(0);
    let from = End::Server.peer();
    peer.push([from.frame(PING, &[0; 125]), from.text("x")].concat());
    assert_eq!(exec::run(rx.recv()).unwrap(), Some("x".into()));
    Sink::start_send(Pin::new(&mut tx), Message::from("taken")).unwrap();
    peer.window(usize::MAX);
    exec::run(SinkExt::<Message>::flush(&mut tx)).unwrap();
    let taken = |frame: &Frame| frame.payload == b"taken";
    assert!(peer.take_frames().iter().any(taken));
}
