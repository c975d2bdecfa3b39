//! Memory, counted at the allocator: what a peer can make a connection hold.

#![forbid(unsafe_code)]

mod support;

use allocation_counter::measure;
use support::{BINARY, CLOSE, CONTINUATION, FIN, PING, TEXT, Wire, connection};
use ws_proto::{
    BlockReceiver, Config, Control, ControlPayload, Event, Ready, ReceiveSide, Role, SendHalf,
};

const KIB: i64 = 1024;
const MIB: usize = 1 << 20;
const BOTH: [Role; 2] = [Role::Client, Role::Server];

/// What is held because of the calls made through it.
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

/// The most that was held at once while `run` ran, above what was held before. Memory that grows counts twice for
/// a moment, as if it moved.
fn peak(run: impl FnOnce()) -> i64 {
    measure(run).bytes_max.try_into().unwrap()
}

/// How many times `run` allocated.
fn allocations(run: impl FnOnce()) -> u64 {
    measure(run).count_total
}

fn wire(role: Role, script: impl Fn(&mut Wire)) -> Vec<u8> {
    let mut wire = Wire::from(role.peer());
    script(&mut wire);
    wire.octets
}

/// Passes all input; returns the number of events.
fn receive(side: &mut ReceiveSide, mut input: &mut [u8]) -> usize {
    let mut events = 0;
    loop {
        let received = side.receive(input).unwrap();
        let (consumed, event) = (received.consumed, received.event.is_some());
        if !event {
            return events;
        }
        events += 1;
        input = &mut input[consumed..];
    }
}

#[test]
fn an_unfinished_message_of_n_octets_holds_at_most_2n_and_64_kib() {
    for role in BOTH {
        for kind in [TEXT, BINARY] {
            let mut side = ReceiveSide::new(role, &Config::default());
            let mut meter = Meter::default();
            let mut received = 0;
            let mut opcode = kind;
            // Fragments of one octet, in short inputs.
            for _ in 0..1250 {
                let mut octets = wire(role, |w| {
                    for i in 0..100 {
                        w.frame(if i == 0 { opcode } else { CONTINUATION }, b"x");
                    }
                });
                opcode = CONTINUATION;
                meter.run(|| receive(&mut side, &mut octets));
                received += 100;
                let held = meter.held;
                assert!(held <= 2 * received + 64 * KIB, "{held} for {received}");
            }
        }
    }
}

#[test]
fn an_announcement_holds_nothing() {
    for role in BOTH {
        let mut side = ReceiveSide::new(role, &Config::default());
        let mut meter = Meter::default();
        let mut header = wire(role, |w| {
            w.header(BINARY, 127, &(16 * MIB as u64).to_be_bytes());
        });
        meter.run(|| receive(&mut side, &mut header));
        assert_eq!(meter.held, 0);
        let mut sum = 0;
        for len in [1, 10, 1000, 4096, 65536, 100_000] {
            meter.run(|| receive(&mut side, &mut vec![0; len]));
            sum += len as i64;
            let held = meter.held;
            assert!(held <= 2 * sum + 64 * KIB, "{held} for {sum}");
        }
    }
}

#[test]
fn memory_never_exceeds_the_announcement_by_64_kib() {
    let len = 3 * MIB;
    let octets = wire(Role::Server, |w| w.frame(FIN | BINARY, &vec![7; len]));
    let mut input = [0; 4000];
    let mut side = ReceiveSide::new(Role::Server, &Config::default());
    let mut meter = Meter::default();
    let mut last = false;
    for piece in octets.chunks(input.len()) {
        let input = &mut input[..piece.len()];
        input.copy_from_slice(piece);
        let before = meter.held;
        let allocations = allocations(|| {
            let received = meter.run(|| side.receive(input));
            last = matches!(received, Ok(received) if received.event.is_some());
        });
        let held = meter.held;
        assert!(held <= len as i64 + 64 * KIB, "{held}");
        // Within a call there is never more: nothing is allocated but what the message grows by.
        assert_eq!(allocations, u64::from(held > before));
    }
    assert!(last);
}

#[test]
fn a_length_over_the_limit_allocates_nothing() {
    for len in [(16 * MIB + 1) as u64, 1 << 40, 1 << 62, (1 << 63) - 1] {
        for role in BOTH {
            let mut octets = wire(role, |w| w.header(TEXT, 127, &len.to_be_bytes()));
            octets.extend_from_slice(&[0; 100]);
            let mut side = ReceiveSide::new(role, &Config::default());
            assert_eq!(
                allocations(|| assert!(side.receive(&mut octets).is_err())),
                0
            );
        }
    }
}

#[test]
fn empty_continuations_cost_nothing() {
    let mut octets = wire(Role::Server, |w| {
        w.frame(TEXT, b"");
        for _ in 0..100_000 {
            w.frame(CONTINUATION, b"");
        }
    });
    let mut side = ReceiveSide::new(Role::Server, &Config::default());
    assert_eq!(
        allocations(|| assert_eq!(receive(&mut side, &mut octets), 0)),
        0
    );
}

#[test]
fn a_message_in_the_input_allocates_nothing() {
    let mut octets = wire(Role::Server, |w| {
        w.text("hello");
        w.frame(FIN | BINARY, &[1; 5000]);
        w.frame(FIN | PING, b"payload");
    });
    let mut side = ReceiveSide::new(Role::Server, &Config::default());
    assert_eq!(
        allocations(|| assert_eq!(receive(&mut side, &mut octets), 3)),
        0
    );
}

#[test]
fn nothing_stays_after_release_close_or_failure() {
    let big = wire(Role::Server, |w| w.frame(FIN | BINARY, &vec![7; MIB]));
    let open = wire(Role::Server, |w| w.frame(BINARY, &vec![7; MIB]));
    let close = wire(Role::Server, |w| w.frame(FIN | CLOSE, b""));
    let mut meter = Meter::default();
    let mut side = meter.run(|| ReceiveSide::new(Role::Server, &Config::default()));
    assert_eq!(meter.held, 0);
    for piece in big.chunks(1000) {
        meter.run(|| receive(&mut side, &mut piece.to_vec()));
    }
    assert!(meter.held >= MIB as i64);
    meter.run(|| side.release());
    assert_eq!(meter.held, 0, "after release");

    for last in [close, vec![0xff]] {
        let mut side = ReceiveSide::new(Role::Server, &Config::default());
        let mut meter = Meter::default();
        meter.run(|| receive(&mut side, &mut open.clone()));
        assert!(meter.held >= MIB as i64);
        meter.run(|| side.receive(&mut last.clone()).is_ok());
        assert_eq!(meter.held, 0, "after the last frame");
    }
}

#[test]
fn memory_of_a_long_message_does_not_stay_with_a_short_one() {
    let config = Config::default();
    for kind in [TEXT, BINARY] {
        let long = wire(Role::Server, |w| {
            w.fragments(kind, &vec![b'x'; MIB], 60_000);
        });
        let short = wire(Role::Server, |w| w.fragments(kind, b"short", 2));
        let mut meter = Meter::default();
        // Taken: it goes to whoever keeps the message.
        let message = meter.run(|| {
            let mut side = ReceiveSide::new(Role::Server, &config);
            receive(&mut side, &mut long.clone());
            let mut input = short.clone();
            assert!(side.receive(&mut input).unwrap().event.is_some());
            side.take_assembled().unwrap()
        });
        assert!(meter.held <= 5 * KIB, "{} taken", meter.held);
        meter.run(|| drop(message));
        // Unfinished: it stays with a connection that waits.
        let mut side = meter.run(|| {
            let mut side = ReceiveSide::new(Role::Server, &config);
            receive(&mut side, &mut long.clone());
            receive(&mut side, &mut short[..3].to_vec());
            side.release();
            side
        });
        assert!(meter.held <= 5 * KIB, "{} waiting", meter.held);
        assert_eq!(receive(&mut side, &mut short[3..].to_vec()), 1);
    }
}

fn settled_after_two_messages(mut input: &[u8]) -> BlockReceiver {
    const BLOCK: usize = 64 << 10;
    let side = ReceiveSide::new(Role::Server, &Config::default());
    let mut receiver = BlockReceiver::new(side, Box::default(), BLOCK);
    let mut messages = 0;
    while messages < 2 {
        if let Some(ready) = receiver.poll().unwrap() {
            messages += usize::from(ready == Ready::Message);
            continue;
        }
        if receiver.wants_block() {
            receiver.lend(vec![0; BLOCK].into());
        }
        let spare = receiver.spare();
        let taken = spare.len().min(input.len());
        spare[..taken].copy_from_slice(&input[..taken]);
        receiver.filled(taken);
        input = &input[taken..];
    }
    drop(receiver.settle());
    receiver
}

#[test]
fn a_settled_receiver_holds_at_most_16u_and_4_kib() {
    let long = wire(Role::Server, |w| {
        w.fragments(TEXT, &vec![b'x'; 100_000], 30_000);
    });
    for len in [0, 1, 20, 125, 1000, 4000, 30_000, 60_000, 150_000] {
        for behind in [0, 1, 500, 4000] {
            for fragmented in [false, true] {
                let input = wire(Role::Server, |w| {
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
                let receiver = meter.run(|| settled_after_two_messages(&input));
                let used = (len + receiver.unread().len()) as i64;
                let held = meter.held;
                assert!(held <= 16 * used + 4 * KIB, "{held} held for {used} octets");
                let message = receiver.message().unwrap();
                assert_eq!(message.as_text().map(str::len), Some(len));
            }
        }
    }
}

#[test]
fn a_block_comes_back_when_nothing_is_incomplete() {
    let side = ReceiveSide::new(Role::Server, &Config::default());
    let inputs = [
        wire(Role::Server, |w| w.text("hello")),
        wire(Role::Server, |w| w.frame(FIN | PING, b"p")),
        Vec::new(),
    ];
    let mut meter = Meter::default();
    let mut receiver = meter.run(|| BlockReceiver::new(side, Box::default(), 64 << 10));
    for octets in &inputs {
        meter.run(|| {
            receiver.lend(vec![0; 64 << 10].into());
            receiver.spare()[..octets.len()].copy_from_slice(octets);
            receiver.filled(octets.len());
            while receiver.poll().unwrap().is_some() {}
            assert_eq!(receiver.rest().unwrap().len(), 64 << 10);
        });
        assert_eq!(meter.held, 0);
    }
}

#[test]
fn a_million_pings_to_an_end_that_cannot_write_hold_one_pong() {
    let mut send = SendHalf::server(&Config::default());
    send.message("waiting").unwrap();
    send.stalled();
    let ping = Control::Ping(ControlPayload::new(&[7; 125]).unwrap());
    let peak = peak(|| (0..1_000_000).for_each(|_| send.respond(&ping)));
    assert!(peak <= KIB, "{peak}");
}

#[test]
fn a_queue_that_never_drains_does_not_grow() {
    for role in BOTH {
        let mut connection = connection(role, &Config::default());
        for _ in 0..64 {
            connection.send(&[7; 1000]).unwrap();
        }
        let mut all = 0;
        let peak = peak(|| {
            for _ in 0..20_000 {
                connection.send(&[7; 1000]).unwrap();
                let queued = connection.send_side().queued();
                connection.advance(1000 + if role == Role::Client { 8 } else { 4 });
                all += queued - connection.send_side().queued();
            }
        });
        assert!(all > 19 * MIB && peak <= 256 * KIB, "{peak}");
    }
}

#[test]
fn peers_that_reuse_a_connection_cost_no_allocation_per_message() {
    let octets = wire(Role::Server, |w| w.fragments(BINARY, &[7; 300], 100));
    let mut side = ReceiveSide::new(Role::Server, &Config::default());
    receive(&mut side, &mut octets.clone());
    let mut input = octets.clone();
    let used = allocations(|| {
        for _ in 0..100 {
            input.copy_from_slice(&octets);
            let received = side.receive(&mut input).unwrap();
            assert!(matches!(received.event, Some(Event::Message(_))));
        }
    });
    assert_eq!(used, 0);
}
