//! The end of a connection as both halves report it.

use std::time::{Duration, Instant};

use ws_driver::{CloseCode, Config, Error, Timeout};

use crate::socket::RawPeer;
use crate::suite::{Suite, accept, accept_with, client, connect, server, start};
use crate::wire::{self, BINARY, From};

/// While the sender waits, the receiver returns the messages that arrive before the peer's Close.
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
        crate::close_and_wait(&mut tx, CloseCode::GOING_AWAY, "bye").await?;
        assert!(tx.end().expect("the end").clean);
        receives.finish::<S>().await
    });
    peer.answer();
    assert_eq!(peer.read_frame().expect("the message").payload, b"before");
    peer.read_close(1001);
    for _ in 0..10 {
        peer.send(&From::Server.frame(BINARY, &[1; 10_000]));
    }
    peer.send(&From::Server.close(1001, ""));
    peer.end();
    assert_eq!(peer.read_to_end().0, b"");
    drop(peer);
    assert_eq!(running.finish().expect("a clean end"), 10);
}

/// After the receiver has been dropped, the sender reads up to the peer's Close.
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
                tx.closed().await?;
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
        peer.read_close(1000);
        peer.send(&From::Client.close(1000, ""));
        let (rest, _) = peer.read_to_end();
        assert!(rest.is_empty());
        drop(peer);
        let ended = running.finish().expect("a clean end");
        assert!(ended.expect("the end").clean);
    }
}

/// `closed` fails after the configured timeout, although the peer's Close has arrived, because no
/// task has read that Close.
pub fn a_close_of_the_sender_times_out_while_no_task_receives<S: Suite>() {
    let config = Config::default().close_timeout(Duration::from_millis(200));
    let (address, running) = server::<S, _, _>(|stream| async move {
        let (mut tx, mut rx) = accept_with::<S>(stream, config).await.split();
        let start = Instant::now();
        let closed = crate::close_and_wait(&mut tx, CloseCode::NORMAL, "").await;
        (closed, start.elapsed(), rx.recv().await, rx.recv().await)
    });
    let mut peer = RawPeer::open(address);
    peer.send(&From::Client.close(1000, ""));
    let (closed, time, first, second) = running.finish();
    assert!(
        matches!(closed, Err(Error::Timeout(Timeout::Close))),
        "{closed:?}"
    );
    assert!(time >= Duration::from_millis(150), "{time:?}");
    // The receiver still reads the Close that has arrived.
    assert!(matches!(first, Ok(None)), "{first:?}");
    assert!(matches!(second, Ok(None)), "{second:?}");
}

/// The receiver returns the violation once. `closed` of the sender also returns the violation.
pub fn both_halves_report_a_violation<S: Suite>() {
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
        // Send until sending fails.
        let sent = loop {
            if let Err(error) = tx.send("x").await {
                break error;
            }
            S::sleep(Duration::from_millis(1)).await;
        };
        let closed = crate::close_and_wait(&mut tx, CloseCode::NORMAL, "").await;
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
    assert!(sent.is_disconnect(), "{sent:?}");
    assert!(matches!(closed, Err(Error::Receive(_))), "{closed:?}");
    assert!(matches!(first, Err(Error::Receive(_))), "{first:?}");
    assert!(matches!(second, Ok(None)), "{second:?}");
}
