//! A peer that does not read for a while. Records of TLS are longer than the buffers of the
//! sockets, so they are written in parts.

use std::thread;
use std::time::{Duration, Instant};

use rustls::version::TLS13;
use ws_driver::{CloseCode, Config, Error, Timeout};

use super::{Setup, open};
use crate::socket::Ending;
use crate::suite::roles::{FAR, ROLES, Signal};
use crate::suite::{Suite, Ws, start};

/// The size of socket buffers. A record of TLS has up to 16 KiB.
const SMALL: Option<usize> = Some(4 << 10);

/// A way to send.
#[derive(Clone, Copy, Debug)]
enum Sends {
    /// Messages of several records.
    Long,
    /// Messages of a part of a record. At the end, the queue is empty and a record is kept back.
    Short,
    /// A message that is written by receiving.
    Fed,
    /// By the sender of a split connection whose receiver waits in another task.
    InHalf,
}

/// Sends until an error.
async fn send_for_ever<S: Suite>(mut ws: Ws<S>, sends: Sends) -> Error {
    let message = match sends {
        Sends::Long | Sends::InHalf => vec![7; 50_000],
        Sends::Short => vec![7; 1000],
        Sends::Fed => vec![7; 1 << 20],
    };
    match sends {
        Sends::Long | Sends::Short => loop {
            if let Err(error) = ws.send(&message).await {
                return error;
            }
        },
        Sends::Fed => {
            ws.feed(&message).await.expect("room in the queue");
            ws.recv().await.expect_err("a timeout")
        }
        Sends::InHalf => {
            let (mut tx, mut rx) = ws.split();
            let receives = start::<S, _>(async move { while let Ok(Some(_)) = rx.recv().await {} });
            while tx.send(&message).await.is_ok() {}
            receives.finish::<S>().await;
            // Either half may have reported the timeout first. `closed` returns it in both cases.
            tx.closed().await.expect_err("a timeout")
        }
    }
}

/// The error is the timeout, and the peer can detect that the session was cut.
pub fn a_write_over_tls_that_stalls_times_out<S: Suite>() {
    for role in ROLES {
        for sends in [Sends::Long, Sends::Short, Sends::Fed, Sends::InHalf] {
            let case = format!("{role:?}, {sends:?}");
            let limit = Duration::from_millis(match sends {
                Sends::Long | Sends::Short | Sends::Fed => 300,
                // The task of the receiver must begin to wait within this time. Otherwise the
                // timeout is reported as `Unreceived`.
                Sends::InHalf => 1200,
            });
            let mut setup = Setup::new(&TLS13);
            setup.config = Config::default().write_stall_timeout(limit);
            setup.buffers = SMALL;
            let (mut peer, running) = open::<S, _, _>(role, setup, move |ws| async move {
                let start = Instant::now();
                (send_for_ever::<S>(ws, sends).await, start.elapsed())
            });
            let (error, time) = running.finish();
            assert!(
                matches!(error, Error::Timeout(Timeout::WriteStall)),
                "{case}: {error:?}"
            );
            assert!(time >= limit / 2, "{case}: {time:?}");
            let (_, ending) = peer.read_to_end();
            assert!(matches!(ending, Ending::Broken(_)), "{case}: {ending:?}");
        }
    }
}

/// The peer pauses three times, for longer than the timeout in total.
pub fn a_peer_that_reads_again_in_time_gets_every_record<S: Suite>() {
    const MESSAGES: u8 = 20;
    let (limit, pause) = (Duration::from_millis(1500), Duration::from_millis(600));
    for role in ROLES {
        let mut setup = Setup::new(&TLS13);
        setup.config = Config::default()
            .write_stall_timeout(limit)
            .close_timeout(FAR);
        setup.buffers = SMALL;
        let arrived = Signal::default();
        let is_arrived = arrived.clone();
        let (mut peer, running) = open::<S, _, _>(role, setup, |mut ws| async move {
            for number in 0..MESSAGES {
                ws.send(vec![number; 50_000]).await?;
            }
            // Nothing is left that only a later operation would write.
            is_arrived.wait::<S>().await;
            ws.close(CloseCode::NORMAL, "").await
        });
        for number in 0..MESSAGES {
            if number % 7 == 0 {
                thread::sleep(pause);
            }
            let frame = peer.read_frame().expect("a message");
            assert!(frame.payload == [number; 50_000], "{role:?}: {number}");
        }
        arrived.give();
        peer.read_close(1000);
        peer.send(&role.peer().close(1000, ""));
        peer.end();
        running.finish().expect("a clean end");
    }
}
