//! Programs that send much data without receiving at the same time.

use std::io::Write;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use ws_driver::{CloseCode, Config, Error, Message, MessageKind, Timeout};

use super::roles::{FAR, FrameReader, ROLES, Role};
use super::{Running, Suite, Ws, accept_with, connect, start};
use crate::socket::{self, RawPeer};
use crate::wire::{self, PING, PONG};

/// The size of socket buffers in tests of write stalls. Small buffers are soon full.
const SMALL: Option<usize> = Some(64 << 10);

/// The length of an upload in bytes.
const TOTAL: usize = 32 << 20;

/// The least number of bytes of the upload between two Pings.
const PER_PING: usize = 4 << 20;

/// The maximum number of bytes of the upload between a Ping and its Pong.
///
/// With a wide margin, this number covers one message, the socket buffers, and the data that our
/// end writes before it looks at the input again. As long as the peer reads, the number also bounds
/// the time until the Pong.
pub(super) const PONG_WITHIN: usize = 12 << 20;

/// A way to upload.
#[derive(Clone, Copy, Debug)]
enum Means {
    /// Messages of 1 MiB that are sent one by one.
    Send,
    /// Small messages that are flushed after each 100 messages.
    FeedAndFlush,
    /// Small messages that are flushed at the end. The queue is never empty before the end.
    Feed,
    /// One message that is written piece by piece.
    Writer,
    /// One message that `send` cuts into fragments.
    HugeMessage,
}

async fn upload<S: Suite>(ws: &mut Ws<S>, means: Means) -> Result<(), Error> {
    match means {
        Means::Send => {
            let message = vec![7; 1 << 20];
            for _ in 0..TOTAL >> 20 {
                ws.send(&message).await?;
            }
        }
        Means::FeedAndFlush | Means::Feed => {
            let message = vec![7; 16 << 10];
            for turn in 0..TOTAL >> 14 {
                ws.feed(&message).await?;
                if turn % 100 == 99 && matches!(means, Means::FeedAndFlush) {
                    ws.flush().await?;
                }
            }
            ws.flush().await?;
        }
        Means::Writer => {
            let piece = vec![7; 100 << 10];
            let mut writer = ws.writer(MessageKind::Binary)?;
            let mut left = TOTAL;
            while left > 0 {
                let len = left.min(piece.len());
                writer.write(&piece[..len]).await?;
                left -= len;
            }
            writer.finish().await?;
        }
        Means::HugeMessage => ws.send(vec![7; TOTAL]).await?,
    }
    Ok(())
}

/// Asserts that Pings are answered during an upload. The peer reads the upload and sends Pings. The
/// first three Pings are sent before, between and after two messages of the peer. More Pings follow
/// during the whole upload.
///
/// At most [`PONG_WITHIN`] bytes of the upload may arrive between a Ping and its Pong.
fn ping_and_read(peer: &RawPeer, role: Role, case: &str) -> FrameReader {
    let from = role.peer();
    let mut writer = peer.writer();
    let mut reader = FrameReader::new(peer);
    let ping = |number: u32| from.frame(PING, &number.to_be_bytes());
    let first = [
        ping(1),
        from.text("one"),
        ping(2),
        from.text("two"),
        ping(3),
    ]
    .concat();
    writer.write_all(&first).expect("our end reads");
    let (mut pinged, mut answered) = (3, 0);
    let (mut read, mut read_at_ping, mut pongs) = (0, 0, 0);
    while read < TOTAL {
        let seen = reader
            .next()
            .unwrap_or_else(|error| panic!("{case}: after {read} bytes: {error}"));
        match seen.opcode {
            PONG => {
                let number = seen.control.try_into().expect("the payload of a Ping");
                let number = u32::from_be_bytes(number);
                assert!(number > answered && number <= pinged, "{case}: {number}");
                answered = number;
                pongs += 1;
            }
            _ => read += seen.len,
        }
        if answered < pinged {
            let since = read - read_at_ping;
            assert!(
                since <= PONG_WITHIN,
                "{case}: {since} bytes without Pong {pinged}, {pongs} Pongs up to {answered}"
            );
        } else if read - read_at_ping >= PER_PING && read < TOTAL {
            pinged += 1;
            read_at_ping = read;
            writer.write_all(&ping(pinged)).expect("our end reads");
        }
    }
    assert!(pongs >= 2, "{case}: {pongs} Pongs");
    reader
}

/// Without the Pongs, a peer with keepalive would end the connection. The messages between the
/// Pings can be received after the upload.
pub fn pings_are_answered_by_an_end_that_only_sends<S: Suite>() {
    for (role, means) in [
        (Role::Client, Means::Send),
        (Role::Server, Means::Send),
        (Role::Client, Means::FeedAndFlush),
        (Role::Server, Means::FeedAndFlush),
        (Role::Client, Means::Feed),
        (Role::Server, Means::Feed),
        (Role::Client, Means::Writer),
        (Role::Server, Means::Writer),
        (Role::Client, Means::HugeMessage),
        (Role::Server, Means::HugeMessage),
    ] {
        let case = format!("{role:?}, {means:?}");
        let mut config = Config::default()
            .write_stall_timeout(FAR)
            .close_timeout(FAR);
        if let Means::HugeMessage = means {
            // A Pong cannot be sent within a frame.
            config =
                config.fragment_len(NonZeroUsize::new(128 << 10).expect("a length above zero"));
        }
        let act = move |mut ws: Ws<S>| async move {
            // The program does not receive before the upload, although the first frame of the peer
            // is a Ping.
            upload::<S>(&mut ws, means).await?;
            let received = [ws.recv().await?, ws.recv().await?];
            ws.close(CloseCode::NORMAL, "").await?;
            Ok::<_, Error>(received)
        };
        let (mut peer, running) = role.open_with::<S, _, _>(config, Some(16 << 10), act);
        let code = ping_and_read(&peer, role, &case).close_code();
        assert_eq!(code, 1000, "{case}");
        peer.send(&role.peer().close(1000, ""));
        peer.end();
        let received = running
            .finish()
            .unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(received, [Some("one".into()), Some("two".into())], "{case}");
    }
}

/// Both ends use this library. The server sends Pings. The client sends for about three times the
/// Pong timeout of the server, without receiving.
pub fn a_keepalive_does_not_end_an_upload<S: Suite>() {
    let (interval, timeout) = (Duration::from_millis(50), Duration::from_millis(1500));
    let (listener, address) = socket::listen();
    let uploading = Running::start(move || {
        S::block_on(async move {
            let mut ws = connect::<S>(&format!("ws://{address}/")).await;
            let message = vec![7; 256 << 10];
            for _ in 0..64 {
                ws.send(&message).await?;
                // The pause is longer than the keepalive interval, so the server sends a Ping. The
                // next sends must answer this Ping.
                S::sleep(Duration::from_millis(70)).await;
            }
            ws.close(CloseCode::NORMAL, "").await
        })
    });
    let served = Running::start(move || {
        let (stream, _) = listener.accept().expect("a client");
        S::block_on(async move {
            let config = Config::default().keepalive(interval, timeout);
            let mut ws = accept_with::<S>(S::adopt(stream), config).await;
            let start = Instant::now();
            let mut count = 0;
            while ws.recv().await?.is_some() {
                count += 1;
            }
            Ok::<_, Error>((count, start.elapsed(), ws.round_trip()))
        })
    });
    let (count, time, round_trip) = served.finish().expect("a clean end");
    uploading.finish().expect("a clean end");
    assert_eq!(count, 64);
    assert!(time > 2 * timeout, "{time:?}");
    // A measured round trip shows that the server sent a Ping and received its Pong.
    assert!(round_trip.expect("a Pong") <= timeout);
}

/// Sends every message back until reading or writing fails.
fn echo_while_it_works(peer: &RawPeer, role: Role) {
    let mut writer = peer.writer();
    let mut reader = FrameReader::new(peer);
    while let Ok(seen) = reader.next() {
        let echo = role.peer().frame(seen.opcode, &vec![7; seen.len]);
        if writer.write_all(&echo).is_err() {
            return;
        }
    }
}

/// A way to send without receiving.
#[derive(Clone, Copy, Debug)]
enum Sends {
    Whole,
    FedWhole,
    /// By the sender of a split connection whose receiver no task polls.
    AloneInHalf,
    /// By the sender of a split connection whose receiver is polled in another task.
    InHalf,
}

async fn send_for_ever<S: Suite>(mut ws: Ws<S>, sends: Sends) -> Error {
    let message = Message::from(vec![7; 16 << 10]);
    let sent: Result<(), Error> = match sends {
        Sends::Whole => loop {
            if let Err(error) = ws.send(&message).await {
                break Err(error);
            }
        },
        Sends::FedWhole => loop {
            if let Err(error) = ws.feed(&message).await {
                break Err(error);
            }
        },
        Sends::AloneInHalf | Sends::InHalf => {
            let (mut tx, rx) = ws.split();
            let mut kept = Some(rx);
            if let Sends::InHalf = sends {
                let mut rx = kept.take().expect("the receiver");
                S::spawn(async move { while let Ok(Some(_)) = rx.recv().await {} });
            }
            loop {
                match (tx.send(&message).await, &mut kept) {
                    (Ok(()), _) => {}
                    (Err(error), Some(_)) => break Err(error),
                    // Either half may have reported the timeout first. `closed` returns the timeout
                    // in both cases.
                    (Err(_), None) => break tx.closed().await,
                }
            }
        }
    };
    sent.expect_err("only an error ends the loop")
}

/// A write stall has two possible causes, with different errors: our end does not receive, or the
/// peer does not receive.
pub fn a_write_stall_reports_which_end_does_not_receive<S: Suite>() {
    let limit = Duration::from_millis(300);
    for role in ROLES {
        for (sends, echoes, expected) in [
            (Sends::Whole, true, Timeout::Unreceived),
            (Sends::FedWhole, true, Timeout::Unreceived),
            (Sends::AloneInHalf, true, Timeout::Unreceived),
            (Sends::Whole, false, Timeout::WriteStall),
            (Sends::FedWhole, false, Timeout::WriteStall),
            (Sends::InHalf, false, Timeout::WriteStall),
        ] {
            let case = format!("{role:?}, {sends:?}, {echoes}");
            let config = Config::default().write_stall_timeout(limit);
            let act = move |ws: Ws<S>| async move {
                let start = Instant::now();
                (send_for_ever::<S>(ws, sends).await, start.elapsed())
            };
            let (peer, running) = role.open_with::<S, _, _>(config, SMALL, act);
            if echoes {
                echo_while_it_works(&peer, role);
            }
            let (error, time) = running.finish();
            match error {
                Error::Timeout(timeout) => assert_eq!(timeout, expected, "{case}"),
                error => panic!("{case}: {error:?}"),
            }
            assert!(time >= limit / 2, "{case}: {time:?}");
            drop(peer);
        }
    }
}

/// The peer reads the next message only after it has written the echo of the previous message. So
/// our end must receive to be able to send.
pub fn an_end_that_receives_in_time_does_not_stall<S: Suite>() {
    for role in ROLES {
        let config = Config::default().write_stall_timeout(Duration::from_secs(10));
        let act = |ws: Ws<S>| async move {
            let (mut tx, mut rx) = ws.split();
            let receives = start::<S, _>(async move {
                let mut count = 0;
                while let Ok(Some(_)) = rx.recv().await {
                    count += 1;
                }
                count
            });
            for _ in 0..1000 {
                tx.send(vec![7; 16 << 10]).await?;
            }
            tx.close(CloseCode::NORMAL, "").await?;
            tx.closed().await?;
            Ok::<usize, Error>(receives.finish::<S>().await)
        };
        let (mut peer, running) = role.open_with::<S, _, _>(config, SMALL, act);
        let mut writer = peer.writer();
        let mut reader = FrameReader::new(&peer);
        loop {
            let seen = reader.next().expect("the Close before the end");
            if seen.opcode == wire::CLOSE {
                break;
            }
            let echo = role.peer().frame(seen.opcode, &vec![7; seen.len]);
            if writer.write_all(&echo).is_err() {
                panic!("{role:?}: {:?}", running.finish());
            }
        }
        peer.send(&role.peer().close(1000, ""));
        peer.end();
        assert_eq!(running.finish().expect("a clean end"), 1000);
    }
}
