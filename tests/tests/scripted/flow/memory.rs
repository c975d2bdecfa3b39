//! The memory that an echo holds for messages larger than a block, measured at the allocator.

use std::io::{self, IoSlice};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use allocation_counter::measure;
use ws_driver::transport::{ReadHalf, Transport, WriteHalf};
use ws_driver::{Config, WebSocket};
use ws_tests::clock::ManualTimer;
use ws_tests::exec::{self, Task};
use ws_tests::scripted::End;
use ws_tests::steps::{echo, take_over};
use ws_tests::wire::{BINARY, CONTINUATION, TEXT};

const MESSAGE: usize = 1 << 20;

/// The memory in bytes in addition to a message and its answer: a block of 64 KiB, a block of 256
/// KiB, headers and a timer.
const BESIDE: i64 = 352 * 1024;

/// A transport that allocates nothing. It returns `input`, and takes as many bytes as the window
/// allows.
struct Frugal {
    input: Vec<u8>,
    read: usize,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// The number of bytes that the peer takes before it stops reading. A change of the window
    /// wakes no task.
    window: AtomicUsize,
    taken: AtomicUsize,
    read: AtomicUsize,
}

impl Transport for Frugal {
    type Timer = ManualTimer;
}

impl ReadHalf for Frugal {
    fn poll_read(&mut self, _cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let left = &self.input[self.read..];
        let len = left.len().min(buffer.len());
        if len == 0 {
            return Poll::Pending;
        }
        buffer[..len].copy_from_slice(&left[..len]);
        self.read += len;
        self.shared.read.store(self.read, Ordering::Relaxed);
        Poll::Ready(Ok(len))
    }
}

impl WriteHalf for Frugal {
    fn poll_write_vectored(
        &mut self,
        _cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let offered: usize = slices.iter().map(|slice| slice.len()).sum();
        let window = self.shared.window.load(Ordering::Relaxed);
        let len = offered.min(window);
        if len == 0 {
            return Poll::Pending;
        }
        self.shared.window.fetch_sub(len, Ordering::Relaxed);
        self.shared.taken.fetch_add(len, Ordering::Relaxed);
        Poll::Ready(Ok(len))
    }

    fn poll_flush(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Makes input for `end`: `count` messages of [`MESSAGE`] bytes each, in fragments of `piece`
/// bytes.
fn messages(end: End, opcode: u8, piece: usize, count: usize) -> Vec<u8> {
    let from = end.peer();
    let payload = vec![b'x'; piece];
    let pieces = MESSAGE / piece;
    let mut one = Vec::new();
    for at in 0..pieces {
        let opcode = if at == 0 { opcode } else { CONTINUATION };
        if at + 1 == pieces {
            one.extend(from.frame(opcode, &payload));
        } else {
            one.extend(from.fragment(opcode, &payload));
        }
    }
    one.repeat(count)
}

fn connection(end: End, input: Vec<u8>) -> (WebSocket<Frugal>, Arc<Shared>) {
    let shared = Arc::new(Shared::default());
    let transport = Frugal {
        input,
        read: 0,
        shared: Arc::clone(&shared),
    };
    (take_over(end, &Config::default(), transport, []), shared)
}

/// Echoes `COUNT` messages to a slow peer: whenever the echo waits, the peer takes at most about
/// one more answer. Returns the bytes that are allocated at each wait, and the peak.
fn held_at_waits(end: End, opcode: u8, piece: usize) -> (Vec<i64>, i64) {
    const COUNT: usize = 5;
    let (mut ws, shared) = connection(end, messages(end, opcode, piece, COUNT));
    let mut echoing = pin!(echo(&mut ws));
    let mut task = Task::new();
    let (mut held, mut waits, mut most) = (0, Vec::new(), 0);
    for window in [0, MESSAGE / 2, MESSAGE / 2, MESSAGE + 1000, 1, MESSAGE] {
        shared.window.store(window, Ordering::Relaxed);
        let counted = measure(|| assert!(exec::settle(&mut task, echoing.as_mut()).is_pending()));
        let before: i64 = held;
        held += counted.bytes_current;
        waits.push(held);
        most = most.max(before + i64::try_from(counted.bytes_max).unwrap());
    }
    // The peer reads more slowly than it sends. The echo reads input only as fast as the peer takes
    // the answers.
    assert!(shared.read.load(Ordering::Relaxed) <= 4 * MESSAGE + MESSAGE / 2);
    shared.window.store(usize::MAX, Ordering::Relaxed);
    let counted = measure(|| assert!(exec::settle(&mut task, echoing.as_mut()).is_pending()));
    assert!(shared.taken.load(Ordering::Relaxed) >= COUNT * MESSAGE);
    held += counted.bytes_current;
    assert!(held < BESIDE, "{held} bytes are held without a message");
    (waits, most)
}

#[test]
fn an_echo_that_waits_for_room_holds_the_answer_but_not_the_message() {
    for end in End::BOTH {
        for opcode in [TEXT, BINARY] {
            for piece in [1 << 10, 1 << 16, 1 << 18] {
                let (waits, most) = held_at_waits(end, opcode, piece);
                let context = format!("{end:?} {opcode} {piece}: {waits:?}, {most}");
                let message = MESSAGE as i64;
                assert!(waits[0] >= message, "no answer is queued: {context}");
                assert!(
                    waits.iter().all(|held| *held <= message + BESIDE),
                    "{context}"
                );
                // A message and its answer are both held only between the feed and the next
                // receive.
                assert!(most <= 2 * message + 2 * BESIDE, "{context}");
            }
        }
    }
}

/// After the dropped feed, three futures of `recv_ref` that wait for room are dropped, too.
#[test]
fn the_messages_after_a_dropped_feed_are_received_whole() {
    for end in End::BOTH {
        for drives in [false, true] {
            let (mut ws, shared) = connection(end, messages(end, BINARY, 1 << 16, 3));
            let (message, out) = exec::expect_ready(exec::attempt(ws.recv_ref()))
                .unwrap()
                .unwrap();
            assert_eq!(message.as_bytes().len(), MESSAGE);
            // On a server, `feed` waits for the transport. When its future is dropped, the rest of
            // the answer is queued.
            let fed = exec::attempt(out.feed(message));
            assert_eq!(fed.is_pending(), end == End::Server);
            if drives {
                // The message that `drive` finds is kept until it is received.
                assert!(exec::expect_ready(exec::attempt(ws.drive())).unwrap());
            }
            for _ in 0..3 {
                assert!(exec::attempt(ws.recv_ref()).is_pending());
            }
            shared.window.store(usize::MAX, Ordering::Relaxed);
            for _ in 1..3 {
                let next = exec::expect_ready(exec::attempt(ws.recv_ref())).unwrap();
                let (message, out) = next.expect("a message");
                assert_eq!(message.as_bytes(), vec![b'x'; MESSAGE], "{end:?} {drives}");
                exec::run(out.feed(message)).unwrap();
            }
            exec::run(ws.flush()).unwrap();
            assert!(exec::attempt(ws.recv_ref()).is_pending());
            assert!(shared.taken.load(Ordering::Relaxed) > 3 * MESSAGE);
        }
    }
}
