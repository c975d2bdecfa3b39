//! Much data in both directions, between tasks that use one half each.

use std::thread;
use std::time::Duration;

use futures_util::FutureExt;
use ws_driver::{CloseCode, Error};

use super::{Rx, Tx, messages};
use crate::socket::RawPeer;
use crate::suite::{Suite, accept, connect, server, start};
use crate::wire::{BINARY, From, PING, PONG, TEXT};

/// Sends all messages that [`messages`] makes from the seed, and Pings between them.
async fn talk<S: Suite>(mut tx: Tx<S>, seed: u64) -> Result<Tx<S>, Error> {
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
    Ok(tx)
}

/// Asserts that all messages that [`messages`] makes from the seed arrive. If `peer_closes`, the
/// end of the connection must follow.
async fn listen<S: Suite>(mut rx: Rx<S>, seed: u64, peer_closes: bool) -> Result<Rx<S>, Error> {
    for (number, expected) in messages(seed).enumerate() {
        if number % 2 == 0 {
            let message = rx.recv().await?.expect("a message");
            assert!(message == expected, "message {number}");
        } else {
            let message = rx.recv_ref().await?.expect("a message");
            assert!(message == expected.as_ref(), "message {number}");
        }
    }
    if peer_closes {
        assert!(rx.recv().await?.is_none());
    }
    Ok(rx)
}

/// Neither direction waits for the other.
pub fn two_tasks_move_large_traffic_in_both_directions_at_once<S: Suite>() {
    let (address, served) = server::<S, _, _>(|stream| async {
        let (tx, rx) = accept::<S>(stream).await.split();
        let talks = start::<S, _>(talk::<S>(tx, 1));
        let listens = start::<S, _>(listen::<S>(rx, 2, true));
        let tx = talks.finish::<S>().await.expect("all messages are sent");
        let rx = listens
            .finish::<S>()
            .await
            .expect("all messages are received");
        let ended = tx.end().expect("the end");
        assert_eq!(rx.end(), Some(ended.clone()));
        ended
    });
    let ended = S::block_on(async {
        let (tx, rx) = connect::<S>(&format!("ws://{address}/")).await.split();
        let listens = start::<S, _>(listen::<S>(rx, 1, false));
        let talks = start::<S, _>(talk::<S>(tx, 2));
        let mut tx = talks.finish::<S>().await.expect("all messages are sent");
        let rx = listens
            .finish::<S>()
            .await
            .expect("all messages are received");
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

/// The sender does not flush. The receiver writes the messages while it waits.
pub fn fed_messages_are_sent_by_a_receiver_that_waits_in_another_task<S: Suite>() {
    let (address, running) = server::<S, _, _>(|stream| async {
        let (mut tx, mut rx) = accept::<S>(stream).await.split();
        let receives = start::<S, _>(async move {
            while rx.recv().await?.is_some() {}
            Ok::<(), Error>(())
        });
        for number in 0..20 {
            // Give the receiver time to wait.
            S::sleep(Duration::from_millis(2)).await;
            tx.feed(&format!("message {number}")).await?;
        }
        receives.finish::<S>().await
    });
    let mut peer = RawPeer::open(address);
    for number in 0..20 {
        let frame = peer.read_frame().expect("the fed message");
        assert_eq!(
            frame.whole(),
            (TEXT, format!("message {number}").as_bytes())
        );
    }
    peer.close();
    running.finish().expect("a clean end");
}

/// The sender moves to a new thread for every message.
pub fn halves_that_moved_between_threads_work<S: Suite>() {
    let (address, running) = server::<S, _, _>(|stream| async {
        let (tx, mut rx) = accept::<S>(stream).await.split();
        let mut tx = Some(tx);
        let mut echoed = 0;
        while let Some(message) = rx.recv().await? {
            let mut moved = tx.take().expect("the sender came back");
            let sends = thread::spawn(move || {
                // So few bytes are sent without waiting, and a `send` that does not wait needs no
                // runtime.
                let sent = moved.send(message).now_or_never();
                sent.expect("room in the queue").map(|()| moved)
            });
            tx = Some(sends.join().expect("the thread does not panic")?);
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
    peer.close();
    assert_eq!(running.finish().expect("a clean end"), 50);
}

/// The halves are joined many times, also while a message is incomplete.
pub fn joined_halves_continue_the_connection<S: Suite>() {
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
                // Usually no byte or only a part of the next message has arrived.
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
    peer.close();
    let (turns, ended) = running.finish().expect("a clean end");
    assert_eq!(turns, 40);
    assert!(ended.expect("the end").clean);
}

/// The sender waits until the peer reads a long message. The Pongs are queued after this message.
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
    peer.close();
    assert_eq!(running.finish().expect("a clean end"), 200);
}
