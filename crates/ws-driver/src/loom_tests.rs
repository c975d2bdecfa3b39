//! The orders in which halves, their peer and wake-ups can meet, each tried by Loom.
//!
//! A wake-up that is lost leaves a thread parked for ever, which Loom reports as a deadlock.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use loom::future::block_on;
use loom::thread;
use ws_handshake::Agreed;
use ws_proto::{CloseCode, Config};

use crate::error::Error;
use crate::locked::Locked;
use crate::split::wakers::{Half, Wakers};
use crate::split::{Receiver, Sender};
use crate::sync::{Mutex, lock};
use crate::transport::{ReadHalf, Split, Timer, Transport, WriteHalf};
use crate::websocket::{Side, WebSocket};

/// Tries the orders with at most so many preemptions.
fn explore(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(builder.preemption_bound.unwrap_or(preemptions));
    builder.check(model);
}

/// Something that happens once.
#[derive(Default)]
struct Event(Mutex<bool>);

impl Event {
    fn happen(&self) {
        *lock(&self.0) = true;
    }

    /// Waits for it as a half does.
    fn wait(&self, half: Half, wakers: &Wakers) {
        block_on(poll_fn(|cx| {
            wakers.register(half, cx.waker());
            if *lock(&self.0) {
                wakers.forget(half);
                return Poll::Ready(());
            }
            Poll::Pending
        }));
    }
}

/// Closes, and waits for the end that the receiver sees.
fn close_and_wait<T: Split>(sender: &mut Sender<T>) -> Result<(), Error> {
    block_on(async {
        sender.close(CloseCode::NORMAL, "").await?;
        sender.closed().await
    })
}

#[test]
fn a_half_that_registers_before_it_looks_is_woken() {
    for half in [Half::Receiver, Half::Sender] {
        explore(5, move || {
            let shared = Arc::new((Event::default(), Wakers::default()));
            let other = Arc::clone(&shared);
            let waits = thread::spawn(move || other.0.wait(half, &other.1));
            shared.0.happen();
            shared.1.wake_half(half);
            waits.join().unwrap();
        });
    }
}

#[test]
fn one_event_wakes_both_halves() {
    explore(3, || {
        let shared = Arc::new((Event::default(), Wakers::default()));
        let waits = [Half::Receiver, Half::Sender].map(|half| {
            let other = Arc::clone(&shared);
            thread::spawn(move || other.0.wait(half, &other.1))
        });
        shared.0.happen();
        shared.1.wake_all();
        for wait in waits {
            wait.join().unwrap();
        }
    });
}

#[test]
fn waking_one_half_takes_nothing_from_the_other() {
    explore(3, || {
        let shared = Arc::new((Event::default(), Event::default(), Wakers::default()));
        let other = Arc::clone(&shared);
        let sender = thread::spawn(move || other.0.wait(Half::Sender, &other.2));
        let other = Arc::clone(&shared);
        let receiver = thread::spawn(move || other.1.wait(Half::Receiver, &other.2));
        shared.0.happen();
        shared.2.wake_half(Half::Sender);
        shared.1.happen();
        shared.2.wake_all();
        sender.join().unwrap();
        receiver.join().unwrap();
    });
}

/// A timer that never goes off, so that nothing but a wake-up ends a wait.
struct Never;

impl Timer for Never {
    fn now() -> Instant {
        Instant::now()
    }

    fn at(_: Instant) -> Self {
        Never
    }

    fn reset(&mut self, _: Instant) {}

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

/// One direction of a stream. As the contract of the halves allows, it knows only who called last, and forgets whoever
/// waited once a call succeeds.
#[derive(Default)]
struct Line {
    input: VecDeque<u8>,
    ended: bool,
    waiting: Option<Waker>,
}

/// What the peer does with what we write.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// It says `hi`.
    Hi,
    /// It closes and ends the stream.
    Close,
    /// It ends the stream.
    End,
    /// It says nothing, and ends the stream once we have ended our direction.
    EndBehindUs,
}

struct Peer {
    answer: Answer,
    to_us: Mutex<Line>,
    /// Whether it takes what we write, and who waits for that.
    takes: Mutex<(bool, Option<Waker>)>,
}

impl Peer {
    fn says(&self, octets: &[u8], ends: bool) {
        let mut line = lock(&self.to_us);
        line.input.extend(octets);
        line.ended |= ends;
        let waiting = line.waiting.take();
        drop(line);
        if let Some(waker) = waiting {
            waker.wake();
        }
    }

    fn hears(&self) {
        match self.answer {
            Answer::Hi => self.says(b"\x81\x82\0\0\0\0hi", false),
            Answer::Close => self.says(b"\x88\x82\0\0\0\0\x03\xe8", true),
            Answer::End => self.says(b"", true),
            Answer::EndBehindUs => {}
        }
    }

    /// From now on it takes everything. As with real streams, those who wait hear of it a moment later.
    fn reads_again(&self) {
        lock(&self.takes).0 = true;
        let waiting = lock(&self.takes).1.take();
        if let Some(waker) = waiting {
            waker.wake();
        }
    }
}

struct Near(Arc<Peer>);

impl ReadHalf for Near {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut line = lock(&self.0.to_us);
        if line.input.is_empty() && !line.ended {
            line.waiting = Some(cx.waker().clone());
            return Poll::Pending;
        }
        line.waiting = None;
        let len = line.input.len().min(buffer.len());
        for (slot, octet) in buffer.iter_mut().zip(line.input.drain(..len)) {
            *slot = octet;
        }
        Poll::Ready(Ok(len))
    }
}

impl WriteHalf for Near {
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut takes = lock(&self.0.takes);
        if !takes.0 {
            takes.1 = Some(cx.waker().clone());
            return Poll::Pending;
        }
        takes.1 = None;
        drop(takes);
        self.0.hears();
        Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.0.answer == Answer::EndBehindUs {
            self.0.says(b"", true);
        }
        Poll::Ready(Ok(()))
    }
}

impl Transport for Near {
    type Timer = Never;
}

impl Split for Near {
    type ReadHalf = Near;
    type WriteHalf = Near;

    fn split(self) -> (Near, Near) {
        let write = Near(Arc::clone(&self.0));
        (self, write)
    }

    fn reunite(read: Near, write: Near) -> Option<Near> {
        Arc::ptr_eq(&read.0, &write.0).then_some(read)
    }
}

/// The same stream under a lock.
struct Shared(Near);

impl ReadHalf for Shared {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.0.poll_read(cx, buffer)
    }
}

impl WriteHalf for Shared {
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_write_vectored(cx, slices)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_shutdown(cx)
    }
}

impl Transport for Shared {
    type Timer = Never;
}

impl Split for Shared {
    type ReadHalf = Locked<Shared>;
    type WriteHalf = Locked<Shared>;

    fn split(self) -> (Locked<Shared>, Locked<Shared>) {
        Locked::pair(self)
    }

    fn reunite(read: Locked<Shared>, write: Locked<Shared>) -> Option<Shared> {
        read.join(write)
    }
}

fn peer(answer: Answer, takes: bool) -> Arc<Peer> {
    Arc::new(Peer {
        answer,
        to_us: Mutex::default(),
        takes: Mutex::new((takes, None)),
    })
}

/// A server's end.
fn open<T: Transport>(transport: T) -> WebSocket<T> {
    WebSocket::open(
        transport,
        Side::Server,
        &Config::default(),
        Agreed::default(),
        Vec::new(),
    )
}

fn halves(peer: &Arc<Peer>) -> (Sender<Near>, Receiver<Near>) {
    open(Near(Arc::clone(peer))).split()
}

fn expect_hi<T: Split>(receiver: &mut Receiver<T>) {
    let message = block_on(receiver.recv()).unwrap().unwrap();
    assert_eq!(message.as_text(), Some("hi"));
}

fn drain<T: Split>(receiver: &mut Receiver<T>) -> Result<(), Error> {
    while block_on(receiver.recv())?.is_some() {}
    Ok(())
}

fn is_closing(result: &Result<(), Error>) -> bool {
    matches!(result, Err(Error::Closed(_)))
}

/// Polls once.
fn glance<F: Future>(future: F) -> Poll<F::Output> {
    let mut future = pin!(future);
    block_on(poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))))
}

#[test]
fn what_is_fed_to_an_empty_queue_is_sent_by_a_receiver_that_waits() {
    explore(3, || {
        let (mut sender, mut receiver) = halves(&peer(Answer::Hi, true));
        let receives = thread::spawn(move || {
            expect_hi(&mut receiver);
            receiver
        });
        block_on(sender.feed("x")).unwrap();
        // Kept: nothing but the wake-up is to make the receiver send it.
        let _ = (receives.join().unwrap(), sender);
    });
}

#[test]
fn the_same_over_a_stream_that_cannot_be_taken_apart() {
    explore(2, || {
        let (mut sender, mut receiver) = open(Shared(Near(peer(Answer::Hi, true)))).split();
        let receives = thread::spawn(move || {
            expect_hi(&mut receiver);
            receiver
        });
        block_on(sender.feed("x")).unwrap();
        let _ = (receives.join().unwrap(), sender);
    });
}

#[test]
fn a_send_and_a_receive_end_in_either_order() {
    explore(3, || {
        let (mut sender, mut receiver) = halves(&peer(Answer::Hi, true));
        let receives = thread::spawn(move || {
            expect_hi(&mut receiver);
            receiver
        });
        block_on(sender.send("x")).unwrap();
        let _ = (receives.join().unwrap(), sender);
    });
}

#[test]
fn close_returns_when_the_receiver_has_seen_the_end() {
    explore(3, || {
        let (mut sender, mut receiver) = halves(&peer(Answer::Close, true));
        let receives = thread::spawn(move || {
            drain(&mut receiver).unwrap();
            receiver
        });
        close_and_wait(&mut sender).unwrap();
        let receiver = receives.join().unwrap();
        assert!(sender.end().unwrap().clean && receiver.end().unwrap().clean);
    });
}

#[test]
fn close_returns_when_the_peer_ends_without_a_close() {
    explore(2, || {
        let (mut sender, mut receiver) = halves(&peer(Answer::End, true));
        let receives = thread::spawn(move || {
            assert!(matches!(drain(&mut receiver), Err(Error::Lost)));
            receiver
        });
        let closed = close_and_wait(&mut sender);
        assert!(matches!(closed, Err(Error::Lost)));
        let _ = receives.join().unwrap();
    });
}

#[test]
fn close_returns_also_if_the_receiver_is_dropped_meanwhile() {
    for polled in [false, true] {
        explore(3, move || {
            let (mut sender, mut receiver) = halves(&peer(Answer::Close, true));
            let drops = thread::spawn(move || {
                if polled {
                    let _ = glance(receiver.recv());
                }
                drop(receiver);
            });
            close_and_wait(&mut sender).unwrap();
            drops.join().unwrap();
        });
    }
}

#[test]
fn a_flush_that_waits_ends_also_if_the_receiver_writes_for_it() {
    explore(3, || {
        let peer = peer(Answer::Hi, false);
        let (mut sender, mut receiver) = halves(&peer);
        // Its answer lets the receiver look at the transport just once.
        peer.says(b"\x81\x82\0\0\0\0yo", false);
        let receives = thread::spawn(move || {
            let message = block_on(receiver.recv()).unwrap().unwrap();
            assert_eq!(message.as_text(), Some("yo"));
            receiver
        });
        let reads = thread::spawn(move || peer.reads_again());
        block_on(sender.send("x")).unwrap();
        reads.join().unwrap();
        let _ = receives.join().unwrap();
    });
}

#[test]
fn a_violation_is_reported_also_if_the_sender_writes_the_close() {
    explore(2, || {
        let peer = peer(Answer::EndBehindUs, false);
        let (mut sender, mut receiver) = halves(&peer);
        // A reserved opcode.
        peer.says(b"\x83\x80\0\0\0\0", false);
        let receives = thread::spawn(move || {
            assert!(matches!(drain(&mut receiver), Err(Error::Receive(_))));
            receiver
        });
        let reads = thread::spawn(move || peer.reads_again());
        let closed = close_and_wait(&mut sender);
        assert!(matches!(closed, Err(Error::Receive(_))));
        reads.join().unwrap();
        let _ = receives.join().unwrap();
    });
}

#[test]
fn a_sender_that_waits_learns_that_the_connection_was_lost() {
    explore(3, || {
        let peer = peer(Answer::Hi, false);
        let (mut sender, mut receiver) = halves(&peer);
        let receives = thread::spawn(move || {
            assert!(matches!(drain(&mut receiver), Err(Error::Lost)));
            receiver
        });
        let ends = thread::spawn(move || peer.says(b"", true));
        let sent = block_on(sender.send("x"));
        assert!(is_closing(&sent));
        ends.join().unwrap();
        let _ = receives.join().unwrap();
    });
}

#[test]
fn halves_of_two_threads_are_joined_again() {
    explore(2, || {
        let (mut sender, mut receiver) = halves(&peer(Answer::Hi, true));
        let receives = thread::spawn(move || {
            let early = glance(receiver.recv());
            (receiver, early)
        });
        block_on(sender.feed("x")).unwrap();
        let (receiver, early) = receives.join().unwrap();
        let mut ws = sender.reunite(receiver).unwrap();
        let received = match early {
            Poll::Ready(received) => received,
            Poll::Pending => block_on(ws.recv()),
        };
        assert_eq!(received.unwrap(), Some("hi".into()));
    });
}
