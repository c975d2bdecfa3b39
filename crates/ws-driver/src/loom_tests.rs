//! Tests with Loom. Loom runs each model in every order of the events of both halves and the peer.
//!
//! A lost wake-up leaves a thread parked forever. Loom reports that as a deadlock.

mod budget;
mod registry;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loom::future::block_on;
use loom::thread::{self, JoinHandle};
use ws_handshake::Agreed;
use ws_proto::{CloseCode, Config};

use crate::error::Error;
use crate::locked_halves;
use crate::never::Never;
use crate::split::{Half, Wakers};
use crate::split::{Receiver, Sender};
use crate::sync::{Mutex, lock};
use crate::transport::{ReadHalf, Split, Transport, WriteHalf};
use crate::websocket::{Side, WebSocket};

/// Runs `model` in every order of events with at most this number of preemptions.
fn explore(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(builder.preemption_bound.unwrap_or(preemptions));
    builder.check(model);
}

/// An event that happens once.
#[derive(Default)]
struct Event(Mutex<bool>);

impl Event {
    fn happen(&self) {
        *lock(&self.0) = true;
    }

    /// Waits for the event in the same way as a half waits.
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

/// Closes the connection and waits until the receiver has reached the end.
fn close_and_wait<T: Split>(sender: &mut Sender<T>) -> Result<(), Error> {
    block_on(async {
        sender.close(CloseCode::NORMAL, "").await?;
        sender.closed().await
    })
}

#[test]
fn a_half_that_registers_before_it_checks_is_woken() {
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
fn waking_one_half_keeps_the_waker_of_the_other() {
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

/// One direction of a stream. It stores only the waker of the last call, and drops this waker when
/// a call succeeds. The contract of [`ReadHalf`] and [`WriteHalf`] allows both.
/// [`testing::duplex`](crate::testing::duplex) keeps the waker, and the additional wake-ups could
/// hide a lost wake-up.
#[derive(Default)]
struct Line {
    input: VecDeque<u8>,
    ended: bool,
    waiting: Option<Waker>,
}

/// The reaction of the peer to our output.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// Sends the message `hi`.
    Hi,
    /// Sends a Close and ends its direction of the stream.
    Close,
    /// Ends its direction of the stream.
    End,
    /// Sends nothing, and ends its direction of the stream once we have ended ours.
    EndAfterUs,
}

struct Peer {
    answer: Answer,
    to_us: Mutex<Line>,
    /// `true` if the peer takes our output, and the waker of a write that waits until the peer
    /// does.
    takes: Mutex<(bool, Option<Waker>)>,
}

impl Peer {
    fn send(&self, bytes: &[u8], ends: bool) {
        let mut line = lock(&self.to_us);
        line.input.extend(bytes);
        line.ended |= ends;
        let waiting = line.waiting.take();
        drop(line);
        if let Some(waker) = waiting {
            waker.wake();
        }
    }

    fn answer(&self) {
        match self.answer {
            Answer::Hi => self.send(b"\x81\x82\0\0\0\0hi", false),
            Answer::Close => self.send(b"\x88\x82\0\0\0\0\x03\xe8", true),
            Answer::End => self.send(b"", true),
            Answer::EndAfterUs => {}
        }
    }

    /// Takes all output from now on. As with real streams, a waiting write is woken a moment after
    /// the change.
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
        for (slot, byte) in buffer.iter_mut().zip(line.input.drain(..len)) {
            *slot = byte;
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
        self.0.answer();
        Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.0.answer == Answer::EndAfterUs {
            self.0.send(b"", true);
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

/// A boxed stream cannot be split, so its halves share the stream and lock it.
impl Split for Box<Near> {
    locked_halves!();
}

fn peer(answer: Answer, takes: bool) -> Arc<Peer> {
    Arc::new(Peer {
        answer,
        to_us: Mutex::default(),
        takes: Mutex::new((takes, None)),
    })
}

/// Makes the server's end of a connection.
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

/// Starts a thread that receives. The thread returns the receiver, because dropping the receiver
/// would cause a wake-up.
fn receiving<T: Split>(
    mut receiver: Receiver<T>,
    receive: impl FnOnce(&mut Receiver<T>) + Send + 'static,
) -> JoinHandle<Receiver<T>>
where
    Receiver<T>: Send + 'static,
{
    thread::spawn(move || {
        receive(&mut receiver);
        receiver
    })
}

fn expect<T: Split>(receiver: &mut Receiver<T>, text: &str) {
    let message = block_on(receiver.recv()).unwrap().unwrap();
    assert_eq!(message.as_text(), Some(text));
}

fn drain<T: Split>(receiver: &mut Receiver<T>) -> Result<(), Error> {
    while block_on(receiver.recv())?.is_some() {}
    Ok(())
}

fn expect_lost<T: Split>(receiver: &mut Receiver<T>) {
    assert!(matches!(drain(receiver), Err(Error::Lost)));
}

/// Polls once.
fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    let mut future = pin!(future);
    block_on(poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))))
}

/// The sender queues a message while the receiver waits. Only the wake-up makes the receiver write
/// the message: the sender exists until the receiver is done.
fn feed_to_a_waiting_receiver<T>((mut sender, receiver): (Sender<T>, Receiver<T>))
where
    T: Split,
    Receiver<T>: Send + 'static,
{
    let receives = receiving(receiver, |receiver| expect(receiver, "hi"));
    block_on(sender.feed("x")).unwrap();
    let _ = (receives.join().unwrap(), sender);
}

#[test]
fn a_waiting_receiver_writes_a_message_that_was_fed_to_an_empty_queue() {
    explore(3, || {
        feed_to_a_waiting_receiver(halves(&peer(Answer::Hi, true)))
    });
}

#[test]
fn a_waiting_receiver_writes_over_a_locked_transport() {
    explore(2, || {
        let near = Box::new(Near(peer(Answer::Hi, true)));
        feed_to_a_waiting_receiver(open(near).split());
    });
}

#[test]
fn a_send_and_a_receive_end_in_either_order() {
    explore(3, || {
        let (mut sender, receiver) = halves(&peer(Answer::Hi, true));
        let receives = receiving(receiver, |receiver| expect(receiver, "hi"));
        block_on(sender.send("x")).unwrap();
        let _ = (receives.join().unwrap(), sender);
    });
}

#[test]
fn closed_returns_when_the_receiver_has_reached_the_end() {
    explore(3, || {
        let (mut sender, receiver) = halves(&peer(Answer::Close, true));
        let receives = receiving(receiver, |receiver| drain(receiver).unwrap());
        close_and_wait(&mut sender).unwrap();
        let receiver = receives.join().unwrap();
        assert!(sender.end().unwrap().clean && receiver.end().unwrap().clean);
    });
}

#[test]
fn closed_returns_when_the_peer_ends_without_a_close() {
    explore(2, || {
        let (mut sender, receiver) = halves(&peer(Answer::End, true));
        let receives = receiving(receiver, expect_lost);
        let closed = close_and_wait(&mut sender);
        assert!(matches!(closed, Err(Error::Lost)));
        let _ = receives.join().unwrap();
    });
}

#[test]
fn closed_returns_if_the_receiver_is_dropped_in_the_meantime() {
    for polled in [false, true] {
        explore(3, move || {
            let (mut sender, mut receiver) = halves(&peer(Answer::Close, true));
            let drops = thread::spawn(move || {
                if polled {
                    let _ = poll_once(receiver.recv());
                }
                drop(receiver);
            });
            close_and_wait(&mut sender).unwrap();
            drops.join().unwrap();
        });
    }
}

#[test]
fn a_waiting_send_returns_if_the_receiver_writes_the_message() {
    explore(3, || {
        let peer = peer(Answer::Hi, false);
        let (mut sender, receiver) = halves(&peer);
        // Because of this message, the receiver polls the transport only once.
        peer.send(b"\x81\x82\0\0\0\0yo", false);
        let receives = receiving(receiver, |receiver| expect(receiver, "yo"));
        let reads = thread::spawn(move || peer.reads_again());
        block_on(sender.send("x")).unwrap();
        reads.join().unwrap();
        let _ = receives.join().unwrap();
    });
}

#[test]
fn a_violation_is_reported_if_the_sender_writes_the_close() {
    explore(2, || {
        let peer = peer(Answer::EndAfterUs, false);
        let (mut sender, receiver) = halves(&peer);
        // A reserved opcode.
        peer.send(b"\x83\x80\0\0\0\0", false);
        let receives = receiving(receiver, |receiver| {
            assert!(matches!(drain(receiver), Err(Error::Receive(_))));
        });
        let reads = thread::spawn(move || peer.reads_again());
        let closed = close_and_wait(&mut sender);
        assert!(matches!(closed, Err(Error::Receive(_))));
        reads.join().unwrap();
        let _ = receives.join().unwrap();
    });
}

#[test]
fn a_waiting_sender_returns_when_the_connection_is_lost() {
    explore(3, || {
        let peer = peer(Answer::Hi, false);
        let (mut sender, receiver) = halves(&peer);
        let receives = receiving(receiver, expect_lost);
        let ends = thread::spawn(move || peer.send(b"", true));
        let sent = block_on(sender.send("x"));
        assert!(matches!(sent, Err(Error::Closed(_))));
        ends.join().unwrap();
        let _ = receives.join().unwrap();
    });
}

#[test]
fn halves_of_two_threads_are_reunited() {
    explore(2, || {
        let (mut sender, mut receiver) = halves(&peer(Answer::Hi, true));
        let receives = thread::spawn(move || {
            let early = poll_once(receiver.recv());
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
