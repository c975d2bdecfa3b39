//! Wake-ups and flushes below the session.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use ws_driver::transport::{ReadHalf, Split, Transport, WriteHalf};
use ws_driver::{Acceptor, Config, Message, WebSocket};
use ws_tests::clock::ManualTimer;
use ws_tests::exec::{self, Task, Wakes, expect_ready};
use ws_tests::http;
use ws_tests::scripted::{self, End, Manual, Peer, Scripted};
use ws_tests::tls::{self, TlsPeer, VERSIONS, client_config, server_config};
use ws_tls::{TlsAcceptor, TlsConnector, TlsTransport};

/// A transport that has room again directly after a write was pending.
struct Sudden {
    below: Scripted,
    peer: Peer,
    /// The number of pending writes until there is room. 0 for never.
    writes_left: Arc<AtomicUsize>,
}

impl ReadHalf for Sudden {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.below.poll_read(cx, buffer)
    }
}

impl WriteHalf for Sudden {
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.below.poll_write_vectored(cx, slices);
        let left = self.writes_left.load(Ordering::Relaxed);
        if written.is_pending() && left > 0 {
            self.writes_left.store(left - 1, Ordering::Relaxed);
            if left == 1 {
                self.peer.delay_wakes();
                self.peer.window(usize::MAX);
            }
        }
        written
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.below.poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.below.poll_shutdown(cx)
    }
}

impl Transport for Sudden {
    type Timer = ManualTimer;
}

/// A transport that holds back all output until it is flushed.
struct Buffered {
    below: Scripted,
    buffer: Vec<u8>,
}

impl ReadHalf for Buffered {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.below.poll_read(cx, buffer)
    }
}

impl WriteHalf for Buffered {
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.buffer.len() >= 16_384 {
            std::task::ready!(self.poll_flush(cx))?;
        }
        let len: usize = slices.iter().map(|slice| slice.len()).sum();
        slices
            .iter()
            .for_each(|slice| self.buffer.extend_from_slice(slice));
        Poll::Ready(Ok(len))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.buffer.is_empty() {
            let slices = [IoSlice::new(&self.buffer)];
            let len = std::task::ready!(self.below.poll_write_vectored(cx, &slices))?;
            self.buffer.drain(..len);
        }
        self.below.poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        std::task::ready!(self.poll_flush(cx))?;
        self.below.poll_shutdown(cx)
    }
}

impl Transport for Buffered {
    type Timer = ManualTimer;
}

async fn secure<T: Transport>(end: End, transport: T) -> io::Result<TlsTransport<T>> {
    match end {
        End::Client => {
            let connector = TlsConnector::from(client_config(&VERSIONS));
            connector.connect("localhost", transport).await
        }
        End::Server => {
            let acceptor = TlsAcceptor::from(server_config(&VERSIONS));
            acceptor.accept(transport).await
        }
    }
}

/// Returns a server over a [`Sudden`] transport.
fn sudden() -> (WebSocket<TlsTransport<Sudden>>, TlsPeer, Arc<AtomicUsize>) {
    let (below, peer) = scripted::pair();
    let writes_left = Arc::default();
    let transport = Sudden {
        below,
        peer: peer.clone(),
        writes_left: Arc::clone(&writes_left),
    };
    let mut peer = TlsPeer::new(End::Server, peer, &VERSIONS);
    peer.process();
    let session = peer.serve(secure(End::Server, transport), |_| ());
    peer.push(&http::request());
    let acceptor = Acceptor::<Manual>::new().config(Config::default());
    let ws = peer
        .serve(acceptor.accept_on(session.unwrap()), |_| ())
        .unwrap();
    let _ = peer.take_output();
    (ws, peer, writes_left)
}

#[test]
fn output_goes_on_if_a_read_writes_the_rest_of_a_record() {
    let (mut ws, mut peer, writes_left) = sudden();
    exec::run(ws.feed(Message::from(vec![7; 40_000]))).unwrap();
    peer.below.window(0);
    writes_left.store(2, Ordering::Relaxed);
    let mut task = Task::new();
    {
        let mut recv = std::pin::pin!(ws.recv());
        assert!(exec::settle(&mut task, recv.as_mut()).is_pending());
        peer.below.deliver_wakes();
        if task.is_woken() {
            assert!(exec::settle(&mut task, recv.as_mut()).is_pending());
        }
    }
    let output = peer.take_output();
    assert!(output.len() > 40_000, "{} bytes were written", output.len());
}

#[test]
fn a_sender_is_woken_if_a_read_writes_the_rest_of_its_record() {
    let (ws, mut peer, writes_left) = sudden();
    let (mut tx, mut rx) = ws.split();
    peer.below.window(0);
    let mut task = Task::new();
    let mut send = std::pin::pin!(tx.send("text"));
    // The record is kept, and its flush is pending.
    assert!(exec::settle(&mut task, send.as_mut()).is_pending());
    writes_left.store(1, Ordering::Relaxed);
    assert!(exec::attempt(rx.recv()).is_pending());
    peer.below.deliver_wakes();
    assert!(task.is_woken(), "send waits forever");
    assert!(!peer.take_output().is_empty());
    assert!(exec::settle(&mut task, send.as_mut()).is_ready());
}

#[test]
fn each_half_of_a_session_is_woken_for_its_own_direction() {
    for end in End::BOTH {
        let (session, peer) = tls::session(end, &VERSIONS);
        let (mut read, mut write) = session.split();
        let (reads, reader) = Wakes::counter();
        let (writes, writer) = Wakes::counter();
        peer.below.window(0);
        let mut cx = Context::from_waker(&writer);
        let slices = [IoSlice::new(b"text")];
        assert!(write.poll_write_vectored(&mut cx, &slices).is_pending());
        let mut buffer = [0; 100];
        assert!(
            read.poll_read(&mut Context::from_waker(&reader), &mut buffer)
                .is_pending()
        );
        peer.below.window(usize::MAX);
        assert!(
            writes.count() > 0,
            "{end:?}: {} wakes of the reader",
            reads.count()
        );
    }
}

#[test]
fn a_transport_that_holds_output_back_is_flushed() {
    for end in End::BOTH {
        for version in VERSIONS {
            let (below, peer) = scripted::pair();
            let transport = Buffered {
                below,
                buffer: Vec::new(),
            };
            let mut peer = TlsPeer::new(end, peer, &[version]);
            peer.process();
            let session = peer.try_serve(secure(end, transport), |_| ());
            let session = session.unwrap_or_else(|| panic!("{end:?} {version:?} hangs"));
            session.unwrap();
        }
    }
}

#[test]
fn an_alert_is_flushed() {
    for end in End::BOTH {
        let (below, peer) = scripted::pair();
        let transport = Buffered {
            below,
            buffer: Vec::new(),
        };
        let mut peer = TlsPeer::new(end, peer, &VERSIONS);
        peer.process();
        let mut session = peer.serve(secure(end, transport), |_| ()).unwrap();
        peer.process();
        let mut damaged = peer.encrypt(b"damaged");
        *damaged.last_mut().unwrap() ^= 1;
        peer.below.push(damaged);
        let mut buffer = [0; 100];
        let read = std::future::poll_fn(|cx| session.poll_read(cx, &mut buffer));
        expect_ready(exec::attempt(read)).unwrap_err();
        peer.process();
        assert!(peer.failure.is_some(), "{end:?}");
    }
}
