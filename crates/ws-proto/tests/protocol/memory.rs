//! The memory that a peer can make a connection hold, counted at the allocator.

use allocation_counter::measure;
use ws_proto::{Config, RecvHalf, Role, SendHalf, Step};

use crate::support::{
    BINARY, BOTH, CLOSE, CONTINUATION, FIN, PING, TEXT, connection, fill, frames_to, halves,
};

const KIB: i64 = 1024;
const MIB: usize = 1 << 20;

/// A counter of the bytes that calls of [`run`](Self::run) allocated and did not free.
#[derive(Default)]
struct Meter {
    held: i64,
}

impl Meter {
    fn run<T>(&mut self, run: impl FnOnce() -> T) -> T {
        let mut value = None;
        self.held += measure(|| value = Some(run())).bytes_current;
        value.unwrap()
    }
}

/// Returns the maximum number of bytes that `run` held in addition to those held before. While
/// memory grows, both its old and its new length are counted, as if the memory moved.
fn peak(run: impl FnOnce()) -> i64 {
    measure(run).bytes_max.try_into().unwrap()
}

/// Returns the number of allocations that `run` made.
fn allocations(run: impl FnOnce()) -> u64 {
    measure(run).count_total
}

const BLOCK: usize = 64 << 10;

/// An end with memory that its driver lent: a block to read into and a buffer to encode replies
/// into.
struct End {
    recv: RecvHalf,
    send: SendHalf,
}

impl End {
    fn new(role: Role) -> Self {
        let (mut recv, mut send) = halves(role, &Config::default());
        recv.lending().lend(vec![0; BLOCK].into());
        send.lending().lend(Vec::with_capacity(BLOCK));
        Self { recv, send }
    }

    /// Reads until a message or control frame is found. Returns `false` if the input ends first.
    fn find(&mut self, input: &mut &[u8]) -> bool {
        loop {
            match self.recv.next_message(&mut self.send) {
                Step::Found(()) | Step::Control(_) => return true,
                Step::NeedInput if !input.is_empty() => fill(&mut self.recv, input, BLOCK),
                Step::NeedInput | Step::Ended => return false,
                Step::Busy => {}
            }
        }
    }

    /// Reads all input and returns the number of events.
    fn receive(&mut self, mut input: &[u8]) -> usize {
        std::iter::from_fn(|| self.find(&mut input).then_some(())).count()
    }

    /// Parks and drops the block, as a driver does before a wait for input.
    fn park(&mut self) {
        drop(self.recv.lending().park(&mut self.send));
    }
}

#[test]
fn an_unfinished_message_of_n_bytes_holds_at_most_2n_and_64_kib() {
    for role in BOTH {
        for kind in [TEXT, BINARY] {
            let mut end = End::new(role);
            let mut meter = Meter::default();
            let mut received = 0;
            let mut opcode = kind;
            // Each input has 100 fragments of one byte.
            for _ in 0..1250 {
                let bytes = frames_to(role, |w| {
                    for i in 0..100 {
                        w.frame(if i == 0 { opcode } else { CONTINUATION }, b"x");
                    }
                });
                opcode = CONTINUATION;
                meter.run(|| end.receive(&bytes));
                received += 100;
                let held = meter.held;
                assert!(held <= 2 * received + 64 * KIB, "{held} for {received}");
            }
        }
    }
}

#[test]
fn an_announced_length_allocates_nothing() {
    for role in BOTH {
        let mut end = End::new(role);
        let mut meter = Meter::default();
        let header = frames_to(role, |w| {
            w.header(BINARY, 127, &(16 * MIB as u64).to_be_bytes());
        });
        meter.run(|| end.receive(&header));
        assert_eq!(meter.held, 0);
        let mut sum = 0;
        for len in [1, 10, 1000, 4096, 65536, 100_000] {
            let payload = vec![0; len];
            meter.run(|| end.receive(&payload));
            sum += len as i64;
            let held = meter.held;
            assert!(held <= 2 * sum + 64 * KIB, "{held} for {sum}");
        }
    }
}

#[test]
fn memory_never_exceeds_the_announced_length_by_64_kib() {
    let len = 3 * MIB;
    let bytes = frames_to(Role::Server, |w| w.frame(FIN | BINARY, &vec![7; len]));
    let mut end = End::new(Role::Server);
    let mut meter = Meter::default();
    let mut messages = 0;
    for piece in bytes.chunks(4000) {
        let before = meter.held;
        let mut input = piece;
        let allocations = allocations(|| {
            messages += usize::from(meter.run(|| end.find(&mut input)));
        });
        let held = meter.held;
        assert!(held <= len as i64 + 64 * KIB, "{held}");
        // A call allocates at most once, to make room for more of the message. So the call holds
        // nothing that it frees before it returns.
        assert_eq!(allocations, u64::from(held > before));
    }
    assert_eq!(messages, 1);
}

#[test]
fn a_length_over_the_limit_allocates_nothing() {
    for len in [(16 * MIB + 1) as u64, 1 << 40, 1 << 62, (1 << 63) - 1] {
        for role in BOTH {
            let mut bytes = frames_to(role, |w| w.header(TEXT, 127, &len.to_be_bytes()));
            bytes.extend_from_slice(&[0; 100]);
            let mut end = End::new(role);
            // The Close that reports the violation is kept. Nothing else is allocated.
            let peak = peak(|| assert_eq!(end.receive(&bytes), 0));
            assert!(end.send.failure().is_some() && peak <= 125, "{peak}");
        }
    }
}

#[test]
fn empty_continuations_allocate_nothing() {
    let bytes = frames_to(Role::Server, |w| {
        w.frame(TEXT, b"");
        for _ in 0..100_000 {
            w.frame(CONTINUATION, b"");
        }
    });
    let mut end = End::new(Role::Server);
    assert_eq!(allocations(|| assert_eq!(end.receive(&bytes), 0)), 0);
    assert_eq!(end.send.failure(), None);
}

#[test]
fn a_message_that_fits_the_block_allocates_nothing() {
    let bytes = frames_to(Role::Server, |w| {
        w.text("hello");
        w.frame(FIN | BINARY, &[1; 5000]);
        w.frame(FIN | PING, b"payload");
    });
    let mut end = End::new(Role::Server);
    assert_eq!(allocations(|| assert_eq!(end.receive(&bytes), 3)), 0);
}

/// The maximum memory for the Closes of both ends, which are kept after the connection has ended,
/// and for the timeout of the end.
const ENDING: i64 = 96;

#[test]
fn memory_is_freed_after_a_wait_a_close_and_a_failure() {
    let big = frames_to(Role::Server, |w| w.frame(FIN | BINARY, &vec![7; MIB]));
    let open = frames_to(Role::Server, |w| w.frame(BINARY, &vec![7; MIB]));
    let close = frames_to(Role::Server, |w| w.frame(FIN | CLOSE, b""));
    let config = Config::default();
    assert_eq!(
        allocations(|| drop(RecvHalf::new(Role::Server, &config))),
        0
    );

    let mut end = End::new(Role::Server);
    let mut meter = Meter::default();
    for piece in big.chunks(1000) {
        meter.run(|| end.receive(piece));
    }
    assert!(meter.held >= MIB as i64);
    meter.run(|| end.park());
    assert_eq!(meter.held, -(BLOCK as i64), "before a wait");

    for last in [&close[..], &[0xff]] {
        let mut end = End::new(Role::Server);
        let mut meter = Meter::default();
        meter.run(|| end.receive(&open));
        assert!(meter.held >= MIB as i64);
        meter.run(|| end.receive(last));
        assert!(meter.held <= ENDING, "{} after the last frame", meter.held);
    }
}

#[test]
fn a_short_message_does_not_keep_the_memory_of_a_long_one() {
    for kind in [TEXT, BINARY] {
        let long = frames_to(Role::Server, |w| {
            w.fragments(kind, &vec![b'x'; MIB], 60_000);
        });
        let short = frames_to(Role::Server, |w| w.fragments(kind, b"short", 2));
        let mut meter = Meter::default();
        // A message that was taken keeps little memory.
        let message = meter.run(|| {
            let mut end = End::new(Role::Server);
            end.receive(&long);
            assert!(end.find(&mut &short[..]));
            end.recv.take_message().unwrap()
        });
        assert!(meter.held <= 5 * KIB, "{} taken", meter.held);
        meter.run(|| drop(message));
        // A waiting connection keeps little memory for an incomplete message.
        let mut end = End::new(Role::Server);
        meter.run(|| {
            end.receive(&long);
            end.receive(&short[..3]);
            end.park();
        });
        let held = meter.held + BLOCK as i64;
        assert!(held <= 5 * KIB, "{held} waiting");
        assert_eq!(end.receive(&short[3..]), 1);
    }
}

fn settled_after_two_messages(mut input: &[u8]) -> RecvHalf {
    let (recv, send) = halves(Role::Server, &Config::default());
    let mut end = End { recv, send };
    for _ in 0..2 {
        assert!(end.find(&mut input));
    }
    if !input.is_empty() {
        fill(&mut end.recv, &mut input, BLOCK);
    }
    drop(end.recv.lending().settle());
    end.recv
}

#[test]
fn a_settled_receiver_holds_at_most_16_times_the_bytes_in_use_and_4_kib() {
    let long = frames_to(Role::Server, |w| {
        w.fragments(TEXT, &vec![b'x'; 100_000], 30_000);
    });
    for len in [0, 1, 20, 125, 1000, 4000, 30_000, 60_000, 150_000] {
        for behind in [0, 1, 500, 4000] {
            for fragmented in [false, true] {
                let input = frames_to(Role::Server, |w| {
                    w.raw(&long);
                    let text = "y".repeat(len);
                    if fragmented {
                        w.fragments(TEXT, text.as_bytes(), len / 2 + 1);
                    } else {
                        w.text(&text);
                    }
                    w.raw(&vec![0x89; behind]);
                });
                let mut meter = Meter::default();
                let recv = meter.run(|| settled_after_two_messages(&input));
                let used = (len + recv.unread().len()) as i64;
                let held = meter.held;
                assert!(held <= 16 * used + 4 * KIB, "{held} held for {used} bytes");
                let message = recv.message().unwrap();
                assert_eq!(message.as_text().map(str::len), Some(len));
            }
        }
    }
}

#[test]
fn parking_returns_the_block_if_no_frame_is_incomplete() {
    let inputs = [
        frames_to(Role::Server, |w| w.text("hello")),
        frames_to(Role::Server, |w| w.frame(FIN | PING, b"p")),
        Vec::new(),
    ];
    let mut end = End::new(Role::Server);
    assert_eq!(end.receive(&[]), 0);
    end.recv.lending().park(&mut end.send);
    let mut meter = Meter::default();
    for bytes in &inputs {
        meter.run(|| {
            end.recv.lending().lend(vec![0; BLOCK].into());
            end.receive(bytes);
            assert_eq!(end.recv.lending().park(&mut end.send).len(), BLOCK);
        });
        assert_eq!(meter.held, 0);
    }
}

#[test]
fn a_million_pings_to_a_stalled_end_queue_one_pong() {
    let mut end = End::new(Role::Server);
    end.send.message("waiting").unwrap();
    end.send.stalled();
    let ping = frames_to(Role::Server, |w| w.frame(FIN | PING, &[7; 125]));
    let peak = peak(|| {
        let pings = (0..1_000_000).map(|_| end.receive(&ping)).sum::<usize>();
        assert_eq!(pings, 1_000_000);
    });
    assert!(peak <= KIB, "{peak}");
}

#[test]
fn a_queue_that_never_drains_does_not_grow() {
    for role in BOTH {
        let mut connection = connection(role, &Config::default());
        for _ in 0..64 {
            connection.send.message(&[7; 1000][..]).unwrap();
        }
        let mut all = 0;
        let peak = peak(|| {
            for _ in 0..20_000 {
                connection.send.message(&[7; 1000][..]).unwrap();
                let queued = connection.send.queued();
                connection
                    .send
                    .advance(1000 + if role == Role::Client { 8 } else { 4 });
                all += queued - connection.send.queued();
            }
        });
        assert!(all > 19 * MIB && peak <= 256 * KIB, "{peak}");
    }
}

#[test]
fn a_fragmented_message_reuses_the_memory_of_the_previous_message() {
    let bytes = frames_to(Role::Server, |w| w.fragments(BINARY, &[7; 300], 100));
    let mut end = End::new(Role::Server);
    end.receive(&bytes);
    let used = allocations(|| {
        for _ in 0..100 {
            assert_eq!(end.receive(&bytes), 1);
        }
    });
    assert_eq!(used, 0);
}
