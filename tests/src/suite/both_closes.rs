//! The report of both Closes at the end of a connection. The report is complete even if the
//! transport failed before the end.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use ws_driver::{CloseCode, Config, End, Error, Initiator, Message};

use super::roles::{FAR, ROLES, Signal, reset};
use super::{Suite, Ws};
use crate::socket::RawPeer;
use crate::wire::{self, From, TEXT};

/// The way in which the peer ends the transport after its Close.
#[derive(Clone, Copy, Debug)]
enum Leave {
    /// The peer resets the connection. Writing fails at once.
    Reset,
    /// The peer closes its socket. The first write succeeds, and a later write fails.
    Gone,
}

/// A way to send until sending fails, and to receive afterwards.
#[derive(Clone, Copy, Debug)]
enum Means {
    Methods,
    Borrowing,
    Traits,
    Driving,
    Halves,
    HalvesAsTraits,
}

/// The results of a [`Means`].
#[derive(Debug)]
struct Outcome {
    /// The error of the first send that failed.
    first: Error,
    received: Vec<String>,
    /// The error of a send after all messages were received.
    late: Error,
    end: Option<End>,
}

/// Repeats `$send` until sending fails. Returns the error.
macro_rules! until_it_fails {
    ($suite:ty, $send:expr) => {{
        let mut turns = 0;
        loop {
            if let Err(error) = $send.await {
                break error;
            }
            turns += 1;
            assert!(turns < 2000, "the peer is gone, but writing does not fail");
            <$suite>::sleep(Duration::from_millis(2)).await;
        }
    }};
}

fn shown(next: Result<Option<Message>, Error>) -> String {
    match next {
        Ok(Some(message)) => message.as_text().expect("a text message").into(),
        Ok(None) => "the end".into(),
        Err(error) => format!("{error:?}"),
    }
}

async fn outcome<S: Suite>(mut ws: Ws<S>, means: Means) -> Outcome {
    let x = || Message::from("x");
    let (first, received, late, end) = match means {
        Means::Methods => {
            let first = until_it_fails!(S, ws.send("x"));
            let received = vec![shown(ws.recv().await), shown(ws.recv().await)];
            let late = ws.send("late").await.expect_err("a closed connection");
            (first, received, late, ws.end())
        }
        Means::Borrowing => {
            let first = until_it_fails!(S, async {
                ws.feed("x").await?;
                ws.flush().await
            });
            let mut received = Vec::new();
            for _ in 0..2 {
                let next = ws.recv_ref().await;
                received.push(shown(
                    next.map(|next| next.map(|(message, _)| message.to_message())),
                ));
            }
            let late = ws.flush().await.expect_err("a closed connection");
            (first, received, late, ws.end())
        }
        Means::Traits => {
            let first = until_it_fails!(S, SinkExt::send(&mut ws, x()));
            let mut received = Vec::new();
            for _ in 0..2 {
                received.push(shown(StreamExt::next(&mut ws).await.transpose()));
            }
            let late = SinkExt::feed(&mut ws, x())
                .await
                .expect_err("a closed connection");
            (first, received, late, ws.end())
        }
        Means::Driving => {
            let first = until_it_fails!(S, ws.send("x"));
            assert!(ws.drive().await.expect("the message before the Close"));
            let received = vec![shown(ws.recv().await), shown(ws.recv().await)];
            assert!(!ws.drive().await.expect("the end"));
            let late = ws.ready().await.expect_err("a closed connection");
            (first, received, late, ws.end())
        }
        Means::Halves => {
            let (mut tx, mut rx) = ws.split();
            let first = until_it_fails!(S, tx.send("x"));
            let received = vec![shown(rx.recv().await), shown(rx.recv().await)];
            let late = tx.send("late").await.expect_err("a closed connection");
            assert_eq!(tx.end(), rx.end());
            (first, received, late, tx.end())
        }
        Means::HalvesAsTraits => {
            let (mut tx, mut rx) = ws.split();
            let first = until_it_fails!(S, SinkExt::send(&mut tx, x()));
            let mut received = Vec::new();
            for _ in 0..2 {
                received.push(shown(StreamExt::next(&mut rx).await.transpose()));
            }
            let late = SinkExt::send(&mut tx, x())
                .await
                .expect_err("a closed connection");
            (first, received, late, rx.end())
        }
    };
    Outcome {
        first,
        received,
        late,
        end,
    }
}

/// Answers the first frame with a message and a Close, and then ends the transport. Gives the
/// signal `gone` after all of this has arrived.
fn answer_and_leave(mut peer: RawPeer, from: From, leave: Leave, gone: &Signal) {
    let first = peer.read_frame().expect("the first frame");
    assert_eq!(first.whole(), (TEXT, &b"hello"[..]));
    peer.send(&[from.text("ok"), from.close(4001, "bye")].concat());
    // The data must arrive before the reset, because a reset does not discard data in the receive
    // buffer of our end.
    std::thread::sleep(Duration::from_millis(50));
    match leave {
        Leave::Reset => reset(peer),
        Leave::Gone => drop(peer),
    }
    std::thread::sleep(Duration::from_millis(50));
    gone.give();
}

/// Returns `true` if `close` is the Close that [`answer_and_leave`] sends.
fn is_the_peers(close: Option<&ws_driver::CloseFrame>) -> bool {
    close.is_some_and(|close| close.code.number() == 4001 && &*close.reason == "bye")
}

/// The peer sends a Close and ends the transport. Our end only sends until it gets an error. Then
/// it receives the peer's Close.
pub fn the_close_of_the_peer_is_reported_after_a_failed_write<S: Suite>() {
    let all_means = [
        Means::Methods,
        Means::Borrowing,
        Means::Traits,
        Means::Driving,
        Means::Halves,
        Means::HalvesAsTraits,
    ];
    for (role, leave) in ROLES
        .into_iter()
        .flat_map(|role| [(role, Leave::Reset), (role, Leave::Gone)])
    {
        for means in all_means {
            let case = format!("{role:?}, {leave:?}, {means:?}");
            let gone = Signal::default();
            let is_gone = gone.clone();
            let (peer, running) =
                role.open::<S, _, _>(Config::default(), move |mut ws| async move {
                    ws.send("hello").await.expect("the message is sent");
                    is_gone.wait::<S>().await;
                    outcome::<S>(ws, means).await
                });
            answer_and_leave(peer, role.peer(), leave, &gone);
            let outcome = running.finish();
            assert_eq!(outcome.received, ["ok", "the end"], "{case}");
            let peer = outcome.end.and_then(|end| end.peer);
            assert!(is_the_peers(peer.as_ref()), "{case}: {peer:?}");
            match &outcome.first {
                Error::Io(_) => {}
                error => assert!(is_the_peers(error.peer_close()), "{case}: {error:?}"),
            }
            // After the peer's Close was received, every send returns an error that contains this
            // Close.
            let late = outcome.late;
            assert!(is_the_peers(late.peer_close()), "{case}: {late:?}");
            assert!(late.is_disconnect(), "{case}: {late:?}");
        }
    }
}

/// The peer sent its Close first, so the result of our `close` is not checked.
pub fn the_close_of_the_peer_is_reported_after_a_failed_close<S: Suite>() {
    for role in ROLES {
        for leave in [Leave::Reset, Leave::Gone] {
            for split in [false, true] {
                for fails_before in [false, true] {
                    let case = format!("{role:?}, {leave:?}, {split}, {fails_before}");
                    let gone = Signal::default();
                    let is_gone = gone.clone();
                    let act = move |mut ws: Ws<S>| async move {
                        ws.send("hello").await.expect("the message is sent");
                        is_gone.wait::<S>().await;
                        if fails_before {
                            let _ = until_it_fails!(S, ws.send("x"));
                        }
                        if !split {
                            let _ = ws.close(CloseCode::NORMAL, "").await;
                            return ws.end();
                        }
                        let (mut tx, mut rx) = ws.split();
                        let _ = tx.close(CloseCode::NORMAL, "").await;
                        let received = [shown(rx.recv().await), shown(rx.recv().await)];
                        assert_eq!(received, ["ok", "the end"]);
                        tx.end()
                    };
                    let (peer, running) = role.open::<S, _, _>(Config::default(), act);
                    answer_and_leave(peer, role.peer(), leave, &gone);
                    let end = running.finish().expect("the end");
                    assert!(is_the_peers(end.peer.as_ref()), "{case}: {end:?}");
                    assert_eq!(end.code().number(), 4001, "{case}");
                }
            }
        }
    }
}

/// The peer's Close is reported even if our end closed first, because the peer's Close may have the
/// more important code.
pub fn our_close_does_not_hide_the_close_of_the_peer<S: Suite>() {
    for role in ROLES {
        for (code, reason) in [(1011, ""), (4001, "bye"), (1000, "too")] {
            for lies_unread in [false, true] {
                for by in ["close", "recv", "halves"] {
                    let case = format!("{role:?}, {code}, {lies_unread}, {by}");
                    let here = Signal::default();
                    let is_here = here.clone();
                    let act = move |mut ws: Ws<S>| async move {
                        is_here.wait::<S>().await;
                        match by {
                            "close" => ws.close(CloseCode::NORMAL, "done").await?,
                            "recv" => {
                                ws.start_close(CloseCode::NORMAL, "done")?;
                                while ws.recv().await?.is_some() {}
                            }
                            _ => {
                                let (mut tx, mut rx) = ws.split();
                                tx.close(CloseCode::NORMAL, "done").await?;
                                while rx.recv().await?.is_some() {}
                                assert_eq!(rx.end(), tx.end());
                                return Ok(tx.end());
                            }
                        }
                        Ok::<_, Error>(ws.end())
                    };
                    let config = Config::default().close_timeout(FAR);
                    let (mut peer, running) = role.open::<S, _, _>(config, act);
                    let close = role.peer().close(code, reason);
                    if lies_unread {
                        peer.send(&close);
                        std::thread::sleep(Duration::from_millis(20));
                    }
                    here.give();
                    let ours = peer.read_close(1000);
                    assert_eq!(ours.payload, wire::close_payload(1000, "done"));
                    if !lies_unread {
                        peer.send(&close);
                    }
                    peer.end();
                    let end = running
                        .finish()
                        .unwrap_or_else(|error| panic!("{case}: {error}"));
                    let end = end.expect("the end");
                    let local = end.local.as_ref().expect("our Close");
                    assert_eq!(
                        (local.code.number(), &*local.reason),
                        (1000, "done"),
                        "{case}"
                    );
                    assert_eq!(
                        (end.code().number(), end.reason()),
                        (code, reason),
                        "{case}"
                    );
                    assert_eq!(end.initiator, Initiator::Local, "{case}");
                    assert!(end.clean, "{case}");
                }
            }
        }
    }
}
