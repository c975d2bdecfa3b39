//! Random operations on connections, beside a model that counts bytes.

use ws_driver::Budget;
use ws_tests::exec::{Job, Order, Tasks};
use ws_tests::scripted::{Manual, Peer};
use ws_tests::wire::From;

use super::{KIB, beginning, echo, open_default, server};

/// The numbers of a linear congruential generator.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % end
    }
}

/// A connection that echoes, and what it must hold.
struct Modeled {
    handling: Job<Result<(), ws_driver::Error>>,
    peer: Peer,
    /// The bytes of the incomplete message.
    message: usize,
    is_open: bool,
    /// The bytes of echoes that the peer has not taken, with their headers.
    queued: usize,
    window: usize,
}

/// Returns the length of a frame with this payload from a server.
fn framed(len: usize) -> usize {
    len + match len {
        0..126 => 2,
        126..65_536 => 4,
        _ => 10,
    }
}

impl Modeled {
    fn open(registry: &ws_driver::Registry<Manual>, tasks: &mut Tasks<'_>) -> Self {
        let (ws, peer) = open_default(registry);
        peer.window(0);
        Self {
            handling: tasks.spawn(echo(ws)),
            peer,
            message: 0,
            is_open: false,
            queued: 0,
            window: 0,
        }
    }

    /// Lets the peer take this number of bytes from now on.
    fn open_window(&mut self, len: usize) {
        self.peer.window(len);
        self.window = len;
        self.write();
    }

    fn write(&mut self) {
        let taken = self.window.min(self.queued);
        self.window -= taken;
        self.queued -= taken;
    }

    /// Returns `true` if the connection reads: nothing waits for room.
    fn reads(&self) -> bool {
        self.queued == 0
    }
}

#[test]
fn the_count_follows_a_model() {
    for seed in 0..40 {
        let mut random = Random(seed);
        let budget = Budget::new(1 << 30);
        let registry = server(&budget);
        let mut tasks = Tasks::new(Order::Oldest);
        let mut all: Vec<Modeled> = (0..4)
            .map(|_| Modeled::open(&registry, &mut tasks))
            .collect();
        let mut peak = 0;
        for _ in 0..200 {
            let at = random.below(all.len());
            let it = &mut all[at];
            let len = random.below(40 * KIB);
            match random.below(5) {
                0 | 1 if it.reads() => {
                    it.peer.push(match it.is_open {
                        true => From::Client.fragment(0, &vec![0; len]),
                        false => beginning(len),
                    });
                    it.is_open = true;
                    it.message += len;
                }
                2 if it.reads() && it.is_open => {
                    it.peer.push(From::Client.frame(0, b""));
                    it.queued += framed(it.message);
                    (it.message, it.is_open) = (0, false);
                    it.write();
                }
                3 => it.open_window(len),
                4 if random.below(10) == 0 => {
                    tasks.abort(&it.handling);
                    *it = Modeled::open(&registry, &mut tasks);
                }
                _ => {}
            }
            tasks.settle();
            let held: Vec<usize> = all.iter().map(|it| it.message + it.queued).collect();
            let least: usize = held.iter().sum();
            // Memory grows by doubling, and a queue has a buffer of 64 KiB for headers.
            let most: usize = all
                .iter()
                .map(|it| {
                    let buffer = if it.queued > 0 { 65 * KIB } else { 0 };
                    2 * it.message + it.queued + buffer + 16
                })
                .sum();
            let used = budget.used();
            assert!(used >= least, "seed {seed}: {used} of {least}, {held:?}");
            assert!(used <= most, "seed {seed}: {used} of {most}, {held:?}");
            peak = peak.max(used);
            assert!(budget.peak() >= peak);
        }
        drop(tasks);
        assert_eq!(budget.used(), 0);
        assert_eq!(budget.ended(), 0);
    }
}
