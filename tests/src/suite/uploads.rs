//! Programs that send for long and do not receive meanwhile.

use std::io::Write;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use ws_driver::{CloseCode, Config, Error, Message, MessageKind, Timeout};

use super::roles::{FAR, FrameReader, ROLES, Role};
use super::{Suite, Ws};
use crate::socket::RawPeer;
use crate::wire::{self, PING, PONG};

/// So that a Pong waits behind little that is in the hands of the system.
const SMALL: Option<usize> = Some(64 << 10);

/// The length of an upload.
const TOTAL: usize = 32 << 20;

/// Bytes of the upload from one Ping to the next.
const PER_PING: usize = 4 << 20;

/// Bytes of the upload that may come between a Ping and its Pong: one message, what the system holds, and what is written
/// between two looks at the input, with much to spare. As long as the peer reads, this keeps every time limit on Pongs.
const PONG_WITHIN: usize = 12 << 20;

/// How a program uploads.
#[derive(Clone, Copy, Debug)]
enum Means {
    /// Messages of 1 MiB, one by one.
    Send,
    /// Small messages, flushed now and then.
    FeedAndFlush,
    /// Small messages, flushed at the end: the queue is never empty before.
    Feed,
    /// One message, whose length is not known before.
    Writer,
    /// One message in fragments.
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

/// A peer with a keepalive: it pings in front of, between and behind two messages of its own and then all the time, reads
/// everything, and gives up whoever does not answer in time.
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
    writer.write_all(&first).expect("it is read");
    let (mut pinged, mut answered) = (3, 0);
    let (mut read, mut read_at_ping, mut pongs) = (0, 0, 0);
    while read < TOTAL {
        let seen = reader
            .next()
            .unwrap_or_else(|error| panic!("{case}: after {read}: {error}"));
        match seen.opcode {
            PONG => {
                let number = seen.control.try_into().expect("our payload");
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
                "{case}: no Pong to {pinged} in {since} bytes, {pongs} Pongs, the last to {answered}"
            );
        } else if read - read_at_ping >= PER_PING && read < TOTAL {
            pinged += 1;
            read_at_ping = read;
            writer.write_all(&ping(pinged)).expect("it is read");
        }
    }
    assert!(pongs >= 2, "{case}: {pongs} Pongs");
    reader
}

/// A peer that pings would give them up. Messages among the Pings wait.
pub fn pings_are_answered_by_who_only_sends<S: Suite>() {
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
            // No Pong can pass within a frame.
            config = config.fragment_len(NonZeroUsize::new(128 << 10).expect("a length"));
        }
        let act = move |mut ws: Ws<S>| async move {
            // The peer's first word is a Ping, which nobody sees here.
            upload::<S>(&mut ws, means).await?;
            let received = [ws.recv().await?, ws.recv().await?];
            ws.close(CloseCode::NORMAL, "").await?;
            Ok::<_, Error>(received)
        };
        let (mut peer, running) = role.open_with::<S, _, _>(config, Some(16 << 10), act);
        let mut reader = ping_and_read(&peer, role, &case);
        let code = reader.close_code();
        assert_eq!(code, 1000, "{case}");
        peer.send(&role.peer().close(1000, ""));
        peer.end();
        let received = running
            .finish()
            .unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(received, [Some("one".into()), Some("two".into())], "{case}");
    }
}

/// Our own ends do the same to each other: one pings and reads slowly, the other sends for several times the limit.
pub fn a_keepalive_lets_an_upload_live<S: Suite>() {
    let (interval, timeout) = (Duration::from_millis(50), Duration::from_millis(1500));
    let (listener, address) = crate::socket::listen();
    let uploading = super::Running::start(move || {
        S::block_on(async move {
            let connector = super::Connector::<S>::new();
            let url = format!("ws://{address}/");
            let mut ws = connector.connect(&url).await.expect("the handshake");
            let message = vec![7; 256 << 10];
            for _ in 0..64 {
                ws.send(&message).await?;
                // Longer than the interval now and then, so that the other end has a reason to ping; then the next sends
                // have to see the Ping.
                S::sleep(Duration::from_millis(70)).await;
            }
            ws.close(CloseCode::NORMAL, "").await
        })
    });
    let served = super::Running::start(move || {
        let (stream, _) = listener.accept().expect("a client");
        S::block_on(async move {
            let config = Config::default().keepalive(interval, timeout);
            let acceptor = super::Acceptor::<S>::new().config(config);
            let ws = acceptor.accept(S::adopt(stream)).await;
            let mut ws = ws.expect("the handshake");
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
    // It did ping, and had Pongs.
    assert!(round_trip.expect("a Pong") <= timeout);
}

/// Answers every message with itself until that fails.
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

/// How a program sends that never receives.
#[derive(Clone, Copy, Debug)]
enum Sends {
    Whole,
    FedWhole,
    /// Of a connection that was split, whose receiver nobody polls.
    AloneInHalf,
    /// Of a connection that was split, whose receiver is polled in another task.
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
                    // Whichever half looked at the clock first, the connection has ended by the one fault.
                    (Err(_), None) => break tx.closed().await,
                }
            }
        }
    };
    sent.expect_err("it does not end otherwise")
}

/// The two faults are told apart, since only one of them is the peer's.
pub fn who_never_receives_is_told_so<S: Suite>() {
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

/// Reading once more is enough for such a peer: who receives in time is not told off.
pub fn who_receives_in_time_goes_on<S: Suite>() {
    for role in ROLES {
        let config = Config::default().write_stall_timeout(Duration::from_secs(10));
        let act = |ws: Ws<S>| async move {
            let (mut tx, mut rx) = ws.split();
            let (done, is_done) = std::sync::mpsc::channel();
            S::spawn(async move {
                let mut count = 0;
                while let Ok(Some(_)) = rx.recv().await {
                    count += 1;
                }
                let _ = done.send(count);
            });
            for _ in 0..1000 {
                tx.send(vec![7; 16 << 10]).await?;
            }
            tx.close(CloseCode::NORMAL, "").await?;
            tx.closed().await?;
            loop {
                match is_done.try_recv() {
                    Ok(count) => return Ok::<usize, Error>(count),
                    Err(_) => S::sleep(Duration::from_millis(2)).await,
                }
            }
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
