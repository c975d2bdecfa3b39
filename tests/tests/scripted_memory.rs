//! Memory, counted at the allocator: what an echo holds of messages larger than a block.

#![forbid(unsafe_code)]

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

/// Beside the message and its answer: a block of 64 KiB and one of 256 KiB, headers, a timer.
const BESIDE: i64 = 352 * 1024;

/// A transport that allocates nothing: gives `input` and takes what the peer has room for.
struct Frugal {
    input: Vec<u8>,
    read: usize,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Octets that the peer takes before it stops reading. Nobody is woken for more.
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

/// `count` messages of [`MESSAGE`] octets each, in fragments of `piece` octets, to our end.
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

/// Runs an echo of `COUNT` messages to a peer that takes one answer at a time, a little more and a little less.
/// What was held at each wait, and the most that was held at once.
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
    // The peer does not read as fast as it sends, and neither do we then.
    assert!(shared.read.load(Ordering::Relaxed) <= 4 * MESSAGE + MESSAGE / 2);
    shared.window.store(usize::MAX, Ordering::Relaxed);
    let counted = measure(|| assert!(exec::settle(&mut task, echoing.as_mut()).is_pending()));
    assert!(shared.taken.load(Ordering::Relaxed) >= COUNT * MESSAGE);
    held += counted.bytes_current;
    assert!(held < BESIDE, "{held} when nothing is under way");
    (waits, most)
}

#[test]
fn an_echo_that_waits_for_room_holds_the_answer_and_not_the_message_as_well() {
    for end in End::BOTH {
        for opcode in [TEXT, BINARY] {
            for piece in [1 << 10, 1 << 16, 1 << 18] {
                let (waits, most) = held_at_waits(end, opcode, piece);
                let context = format!("{end:?} {opcode} {piece}: {waits:?}, {most}");
                let message = MESSAGE as i64;
                assert!(waits[0] >= message, "nothing is queued: {context}");
                assert!(
                    waits.iter().all(|held| *held <= message + BESIDE),
                    "{context}"
                );
                // Only between the answer and the next call are there both.
                assert!(most <= 2 * message + 2 * BESIDE, "{context}");
            }
        }
    }
}

/// Whatever happens to the future that waits for room.
#[test]
fn the_message_after_one_that_was_given_up_while_waiting_comes_whole() {
    for end in End::BOTH {
        for drives in [false, true] {
            let (mut ws, shared) = connection(end, messages(end, BINARY, 1 << 16, 3));
            let (message, out) = exec::expect_ready(exec::attempt(ws.recv_ref()))
                .unwrap()
                .unwrap();
            assert_eq!(message.as_bytes().len(), MESSAGE);
            // Where it waits for the peer, it is given up: what has not left is kept.
            let fed = exec::attempt(out.feed(message));
            assert_eq!(fed.is_pending(), end == End::Server);
            if drives {
                // A message that was found and not looked at is not given up.
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
