//! A shutdown reaches connections in every state, without code in their handlers.

use std::pin::Pin;
use std::task::Poll;

use futures_util::future::join;
use futures_util::{SinkExt, StreamExt};
use ws_driver::{CloseCode, Config, DeflateConfig, Error, Message, MessageKind, Registry, Timeout};
use ws_tests::clock;
use ws_tests::exec::{Order, Tasks};
use ws_tests::scripted::{Manual, Peer, Ws};
use ws_tests::steps::timed;
use ws_tests::wire::{BINARY, From, TEXT};

use super::{TIMEOUT, answer, open_with, shutdown};

/// Defines the states, and the list of all of them.
macro_rules! waits {
    ($($(#[$doc:meta])* $wait:ident,)*) => {
        /// A state in which a handler waits.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Wait {
            $($(#[$doc])* $wait,)*
        }

        impl Wait {
            const ALL: &[Self] = &[$(Self::$wait,)*];
        }
    };
}

waits! {
    Recv,
    RecvRef,
    RecvAny,
    RecvStart,
    /// Inside a message that is received piece by piece.
    RecvPiece,
    /// Inside a message of several frames that is received whole.
    RecvFragments,
    Drive,
    Stream,
    Ping,
    Close,
    ReceiverHalf,
    /// The receiver exists, but no task polls it.
    SenderClosed,
    SenderPing,
    /// The receiver was dropped.
    SenderAlone,
    // The peer takes nothing in the following states.
    Send,
    SendLong,
    SendCompressed,
    Feed,
    Flush,
    Ready,
    /// A message that is sent piece by piece.
    Write,
    OutboxFeed,
    Sink,
    SenderSend,
    BothHalves,
}

use Wait::*;

impl Wait {
    /// Returns `true` if the peer takes nothing in this state.
    fn is_stalled(self) -> bool {
        self as usize >= Send as usize
    }

    /// Makes the peer cause the state.
    fn prepare(self, peer: &Peer) {
        match self {
            RecvPiece => peer.push(From::Client.fragment(TEXT, b"beginning")),
            RecvFragments => peer.push(From::Client.fragment(TEXT, b"beginning")),
            OutboxFeed => peer.push(From::Client.text("question")),
            _ => {}
        }
        if self.is_stalled() {
            peer.window(0);
        }
    }

    /// Handles a connection until its end. Never returns `Ok` before the end.
    async fn handle(self, mut ws: Ws) -> Result<(), Error> {
        let long = vec![b'x'; 300_000];
        match self {
            Recv => receive(&mut ws).await,
            RecvRef => {
                while ws.recv_ref().await?.is_some() {}
                Ok(())
            }
            RecvAny => {
                while ws.recv_any().await?.is_some() {}
                Ok(())
            }
            RecvStart => {
                assert!(ws.recv_stream().await?.is_none());
                Ok(())
            }
            RecvPiece => {
                let mut reader = ws.recv_stream().await?.expect("a message");
                while reader.chunk().await?.is_some() {}
                Ok(())
            }
            RecvFragments => receive(&mut ws).await,
            Drive => {
                while ws.drive().await? {}
                Ok(())
            }
            Stream => {
                while ws.next().await.transpose()?.is_some() {}
                Ok(())
            }
            Ping => {
                assert!(ws.ping().await.is_err());
                receive(&mut ws).await
            }
            Close => ws.close(CloseCode::NORMAL, "").await,
            ReceiverHalf => {
                let (_tx, mut rx) = ws.split();
                while rx.recv().await?.is_some() {}
                Ok(())
            }
            SenderClosed => {
                let (mut tx, _rx) = ws.split();
                tx.closed().await
            }
            SenderPing => {
                let (mut tx, _rx) = ws.split();
                assert!(tx.ping().await.is_err());
                tx.closed().await
            }
            SenderAlone => {
                let (mut tx, _) = ws.split();
                tx.closed().await
            }
            Send => {
                while ws.send("message").await.is_ok() {}
                receive(&mut ws).await
            }
            SendLong | SendCompressed => {
                while ws.send(&long).await.is_ok() {}
                receive(&mut ws).await
            }
            Feed => {
                while ws.feed("message").await.is_ok() {}
                receive(&mut ws).await
            }
            Flush => {
                ws.feed("message").await?;
                ws.flush().await?;
                receive(&mut ws).await
            }
            Ready => {
                ws.feed(&long).await?;
                assert!(ws.ready().await.is_err());
                receive(&mut ws).await
            }
            Write => {
                let mut writer = ws.writer(MessageKind::Binary)?;
                while writer.write(&long).await.is_ok() {}
                receive(&mut ws).await
            }
            OutboxFeed => {
                while let Some((_, out)) = ws.recv_ref().await? {
                    while out.feed(&long).await.is_ok() {}
                }
                Ok(())
            }
            Sink => {
                while SinkExt::send(&mut ws, Message::from("message"))
                    .await
                    .is_ok()
                {}
                receive(&mut ws).await
            }
            SenderSend => {
                let (mut tx, _rx) = ws.split();
                while tx.send("message").await.is_ok() {}
                tx.closed().await
            }
            BothHalves => {
                let (mut tx, mut rx) = ws.split();
                let sending = async { while tx.send("message").await.is_ok() {} };
                let receiving = async {
                    while rx.recv().await?.is_some() {}
                    Ok(())
                };
                join(sending, receiving).await.1
            }
        }
    }

    /// Returns `true` if no task receives, so that the answer of the peer is not found.
    fn is_deaf(self) -> bool {
        matches!(self, SenderClosed | SenderPing | SenderSend)
    }
}

async fn receive(ws: &mut Ws) -> Result<(), Error> {
    while ws.recv().await?.is_some() {}
    Ok(())
}

type Handler = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

fn begin(wait: Wait, registry: &Registry<Manual>) -> (Handler, Peer) {
    let (config, headers) = match wait {
        SendCompressed => (
            Config::default().deflate(DeflateConfig::default()),
            &["Sec-WebSocket-Extensions: permessage-deflate"][..],
        ),
        Write => (Config::default().high_water_mark(1000), &[][..]),
        _ => (Config::default(), &[][..]),
    };
    let (ws, peer) = open_with(registry, &config, headers);
    assert_eq!(ws.extensions().len(), headers.len());
    wait.prepare(&peer);
    (Box::pin(wait.handle(ws)), peer)
}

#[test]
fn a_waiting_connection_sends_its_close_and_ends_with_the_close_of_the_peer() {
    for &wait in Wait::ALL {
        let registry = Registry::new();
        let (handler, peer) = begin(wait, &registry);
        let mut tasks = Tasks::new(Order::Oldest);
        let handling = tasks.spawn(handler);
        tasks.settle();
        assert!(handling.output().is_none(), "{wait:?} does not wait");

        let shutting = tasks.spawn(shutdown(&registry));
        tasks.settle();
        assert!(shutting.output().is_none(), "{wait:?}");
        peer.window(usize::MAX);
        tasks.settle();
        let frames = peer.take_frames();
        let close = frames
            .last()
            .unwrap_or_else(|| panic!("{wait:?}: no Close"));
        let code = if wait == Close { 1000 } else { 1001 };
        assert!(close.is_close(code), "{wait:?}: {close:?}");

        if wait.is_deaf() {
            continue;
        }
        peer.push(answer());
        peer.end();
        tasks.settle();
        let handled = handling.output();
        let report = shutting.output();
        let report = report
            .unwrap_or_else(|| panic!("{wait:?} does not end"))
            .unwrap();
        assert!(report.is_clean(), "{wait:?}: {report:?}");
        assert_eq!(report.clean, 1);
        assert!(handled.is_some(), "{wait:?}");
        assert!(peer.is_dropped(), "{wait:?}");
    }
}

#[test]
fn a_connection_whose_peer_does_not_answer_is_cut_at_the_deadline() {
    for &wait in Wait::ALL {
        let registry = Registry::new();
        let (handler, peer) = begin(wait, &registry);
        let mut tasks = Tasks::new(Order::Newest);
        let handling = tasks.spawn(handler);
        tasks.settle();
        let shutting = tasks.spawn(shutdown(&registry));
        let (all_ended, time) = timed(|| tasks.run());
        assert!(all_ended, "{wait:?} hangs");
        assert_eq!(time, TIMEOUT, "{wait:?}");
        let report = shutting.output().unwrap().unwrap();
        assert_eq!(
            (report.cut, report.remaining),
            (1, 0),
            "{wait:?}: {report:?}"
        );
        assert_eq!(
            report.with_unsent > 0,
            wait.is_stalled(),
            "{wait:?}: {report:?}"
        );
        assert!(handling.output().is_some(), "{wait:?}");
        assert!(peer.is_dropped(), "{wait:?}");
        assert_eq!(clock::timers(), 0);
    }
}

#[test]
fn a_handler_that_receives_is_told_about_the_cut_once() {
    let registry = Registry::new();
    let (mut ws, peer) = super::open(&registry, &Config::default());
    let mut tasks = Tasks::new(Order::Oldest);
    let handling = tasks.spawn(async move {
        let first = ws.recv().await;
        (
            first,
            ws.recv().await,
            ws.close(CloseCode::NORMAL, "").await,
        )
    });
    tasks.settle();
    let _shutting = tasks.spawn(shutdown(&registry));
    assert!(tasks.run());
    let (first, second, close) = handling.output().unwrap();
    assert!(
        matches!(first, Err(Error::Timeout(Timeout::Shutdown))),
        "{first:?}"
    );
    assert!(matches!(second, Ok(None)), "{second:?}");
    assert!(
        matches!(close, Err(Error::Timeout(Timeout::Shutdown))),
        "{close:?}"
    );
    assert!(peer.is_dropped());
}

#[test]
fn messages_that_arrive_before_the_close_of_the_peer_are_received() {
    let registry = Registry::new();
    let (mut ws, peer) = super::open(&registry, &Config::default());
    let mut tasks = Tasks::new(Order::Oldest);
    let handling = tasks.spawn(async move {
        let mut messages = Vec::new();
        while let Some(message) = ws.recv().await? {
            messages.push(message);
        }
        Ok::<_, Error>(messages)
    });
    tasks.settle();
    let shutting = tasks.spawn(shutdown(&registry));
    tasks.settle();
    assert!(peer.take_frames()[0].is_close(1001));
    peer.push(From::Client.text("late"));
    peer.push(answer());
    tasks.settle();
    assert_eq!(handling.output().unwrap().unwrap(), ["late".into()]);
    assert!(shutting.output().unwrap().unwrap().is_clean());
}

/// A peer that never lets the connection wait is reached, too.
#[test]
fn a_connection_with_endless_input_is_reached() {
    for fast_path in [true, false] {
        let registry = Registry::new();
        let (mut ws, peer) = super::open(&registry, &Config::default());
        let opcode = if fast_path {
            BINARY
        } else {
            ws_tests::wire::PING
        };
        peer.push_forever(&From::Client.frame(opcode, b"more"));
        let mut task = ws_tests::exec::Task::new();
        let mut handler = Box::pin(async move { receive(&mut ws).await });
        for _ in 0..3 {
            assert!(task.poll(handler.as_mut()).is_pending());
        }
        let mut shutting = Box::pin(shutdown(&registry));
        assert!(task.poll(shutting.as_mut()).is_pending());
        let is_told = |peer: &Peer| peer.take_frames().iter().any(|frame| frame.is_close(1001));
        let mut told = false;
        for _ in 0..20 {
            assert!(matches!(task.poll(handler.as_mut()), Poll::Pending));
            told |= is_told(&peer);
        }
        assert!(told, "fast_path: {fast_path}");
        clock::advance(TIMEOUT);
        assert!(task.poll(shutting.as_mut()).is_pending());
        let ended = (0..20).find_map(|_| match task.poll(handler.as_mut()) {
            Poll::Ready(result) => Some(result),
            Poll::Pending => None,
        });
        assert!(
            matches!(ended, Some(Err(Error::Timeout(Timeout::Shutdown)))),
            "{ended:?}"
        );
        assert!(task.poll(shutting.as_mut()).is_ready());
    }
}

/// A peer that takes everything at once never lets a sender wait.
#[test]
fn a_connection_that_sends_without_a_wait_is_reached() {
    let registry = Registry::new();
    let (mut ws, peer) = super::open(&registry, &Config::default());
    let mut tasks = Tasks::new(Order::Newest);
    let handling = tasks.spawn(async move {
        loop {
            ws.send("message").await?;
            // Another task runs between two messages.
            let mut is_first = true;
            std::future::poll_fn(|cx| {
                cx.waker().wake_by_ref();
                match std::mem::take(&mut is_first) {
                    true => Poll::Pending,
                    false => Poll::Ready(()),
                }
            })
            .await;
        }
        #[allow(unreachable_code, reason = "the type of the result")]
        Ok::<_, Error>(())
    });
    let shutting = tasks.spawn(shutdown(&registry));
    assert!(tasks.run());
    let error = handling.output().unwrap().unwrap_err();
    assert!(matches!(error, Error::Closed(None)), "{error:?}");
    assert!(peer.output_len() > 0);
    let report = shutting.output().unwrap().unwrap();
    // The handler has dropped the connection without waiting for the Close of the peer.
    assert_eq!((report.failed, report.remaining), (1, 0));
}
