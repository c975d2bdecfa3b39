//! Payloads that are lent to the transport: the same bytes in the same order as copied ones, whatever it takes at once.

#![forbid(unsafe_code)]
#![cfg(feature = "std")]

mod support;

use std::io::IoSlice;
use std::num::NonZeroUsize;

use allocation_counter::measure;
use bytes::Bytes;
use support::{CLOSE, FIN, PING, PONG, Rng, TEXT, Wire, drain, halves, output, receive_all};
use ws_proto::{CloseFrame, Config, Message, Outgoing, RecvHalf, Role, SendError, SendHalf};

/// The shortest payload that is lent.
const LARGE: usize = 8 * 1024;
const KIB: u64 = 1024;
const MIB: usize = 1 << 20;
const NEWEST: &[u8] = b"newest";

fn side(role: Role, config: &Config) -> SendHalf {
    halves(role, config).1
}

fn server() -> SendHalf {
    side(Role::Server, &Config::default())
}

/// Octets that differ from their neighbours, and from those with another seed.
fn octets(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|i| (i % 251 + seed) as u8).collect()
}

/// A frame of the peer arrives, and is answered.
fn hear(recv: &mut RecvHalf, send: &mut SendHalf, first: u8, payload: &[u8]) {
    let mut wire = Wire::from(send.role().peer());
    wire.frame(first, payload);
    receive_all(recv, send, &wire.octets).unwrap();
}

/// Queues a message; if its payload is lent, `write` gets all that is queued with it, once, and returns how many bytes
/// the transport took. What is left of the payload is copied.
fn write_once<'m>(
    side: &mut SendHalf,
    message: impl Into<Outgoing<'m>>,
    write: impl FnOnce(&[IoSlice<'_>]) -> usize,
) -> Result<(), SendError> {
    let mut rest = side.lending().lend_payload(message)?;
    if !rest.is_empty() {
        let taken = write(&side.lending().io_slices(rest));
        side.lending().advance(&mut rest, taken);
        side.lending().keep_payload(rest);
    }
    Ok(())
}

/// A transport that takes `most` bytes of the slices.
fn take(slices: &[IoSlice<'_>], most: usize) -> Vec<u8> {
    let mut taken = Vec::new();
    for slice in slices {
        let left = most - taken.len();
        taken.extend_from_slice(&slice[..left.min(slice.len())]);
    }
    taken
}

fn sum(slices: &[IoSlice<'_>]) -> usize {
    slices.iter().map(|slice| slice.len()).sum()
}

/// A server that has queued something before.
#[derive(Clone, Default)]
struct Queued {
    messages: Vec<Message>,
    /// Octets of that which have gone out.
    sent: usize,
    /// The transport is congested, and the newest Ping unanswered.
    owes_pong: bool,
}

impl Queued {
    /// Small messages, which are copied, then large ones, which are not: each of those is two slices to write.
    fn new(small: usize, large: usize) -> Self {
        let small = (1..=small).map(|i| octets(100 * i, i));
        let large = (1..=large).map(|i| octets(LARGE + i, 10 * i));
        Self {
            messages: small.chain(large).map(Message::from).collect(),
            ..Self::default()
        }
    }

    fn sent(self, sent: usize) -> Self {
        Self { sent, ..self }
    }

    fn owes_pong(self) -> Self {
        Self {
            owes_pong: true,
            ..self
        }
    }

    fn server(&self) -> SendHalf {
        let (mut recv, mut server) = halves(Role::Server, &Config::default());
        for message in &self.messages {
            server.message(message).unwrap();
        }
        server.advance(self.sent);
        if self.owes_pong {
            server.stalled();
            for payload in [b"older", NEWEST] {
                hear(&mut recv, &mut server, FIN | PING, payload);
            }
        }
        server
    }

    /// What goes out with `payload` behind it, and then the Pong.
    fn expected(&self, payload: &[u8]) -> Vec<u8> {
        let mut server = self.server();
        server.message(payload).unwrap();
        let before_pong = server.queued();
        let sent = output(&mut server);
        let mut pong = Wire::from(Role::Server);
        if self.owes_pong {
            pong.frame(FIN | PONG, NEWEST);
        }
        assert_eq!(sent[before_pong..], pong.octets);
        sent
    }

    /// The lengths of the slices that the transport gets with `payload`.
    fn slices(&self, payload: &[u8]) -> Vec<usize> {
        let mut lens = Vec::new();
        let take_nothing = |slices: &[IoSlice<'_>]| {
            lens.extend(slices.iter().map(|slice| slice.len()));
            0
        };
        write_once(&mut self.server(), payload, take_nothing).unwrap();
        lens
    }

    /// Lends `payload` to a transport that takes `taken` bytes at once, and the rest later.
    fn check(&self, payload: &[u8], taken: usize, expected: &[u8]) {
        let mut server = self.server();
        let mut sent = Vec::new();
        let write = |slices: &[IoSlice<'_>]| {
            sent = take(slices, taken);
            taken
        };
        write_once(&mut server, payload, write).unwrap();
        assert_eq!(sent.len(), taken);
        drain(&mut server, &mut sent);
        assert!(sent == expected, "{taken} octets taken at once");
    }

    fn check_every_number(&self, payload: &[u8]) {
        let expected = self.expected(payload);
        for taken in 0..=self.slices(payload).iter().sum() {
            self.check(payload, taken, &expected);
        }
    }

    /// At and next to the ends of slices, and here and there between.
    fn check_many_numbers(&self, payload: &[u8]) {
        let expected = self.expected(payload);
        let slices = self.slices(payload);
        let all = slices.iter().sum();
        let mut end = 0;
        let ends = slices.iter().flat_map(|len| {
            end += len;
            [end - 1, end, end + 1]
        });
        let between = (0..=all).step_by(997);
        for taken in ends.chain(between).filter(|&taken| taken <= all) {
            self.check(payload, taken, &expected);
        }
    }
}

#[test]
fn any_number_of_bytes_may_be_taken_at_once() {
    let payload = octets(LARGE, 5);
    for queued in [
        Queued::default(),
        Queued::new(3, 0),
        Queued::new(3, 0).sent(250),
        Queued::new(0, 1),
        Queued::new(2, 2).sent(5000),
    ] {
        let whole = queued.expected(&payload).len();
        assert_eq!(queued.slices(&payload).iter().sum::<usize>(), whole);
        queued.check_every_number(&payload);
    }
}

#[test]
fn any_number_of_writes_may_take_it_while_more_is_queued_behind() {
    for seed in 0..300 {
        let mut rng = Rng::new(seed);
        let queued = Queued::new(rng.below(3), rng.below(9));
        let [mut lending, mut copying] = [(); 2].map(|()| queued.server());
        let payload = octets(LARGE + rng.below(LARGE), 5);
        assert!(lending.lending().lends(&(&payload).into()));
        let mut rest = lending.lending().lend_payload(&payload).unwrap();
        copying.message(&payload).unwrap();
        let mut sent = Vec::new();
        while !rest.is_empty() {
            match rng.below(20) {
                // There is one at a time: this one is copied.
                0 => {
                    let behind = octets(rng.below(2 * LARGE), 7);
                    assert!(!lending.lending().lends(&(&behind).into()));
                    let none = lending.lending().lend_payload(&behind).unwrap();
                    assert!(none.is_empty());
                    copying.message(behind).unwrap();
                }
                1 => {
                    let behind = octets(rng.below(2 * LARGE), 9);
                    lending.message(behind.clone()).unwrap();
                    copying.message(behind).unwrap();
                }
                2 if seed % 2 == 0 => {
                    lending.lending().keep_payload(rest);
                    rest = &[];
                }
                3 => drop(lending.lending().reclaim()),
                _ => {
                    let slices = lending.lending().io_slices(rest);
                    let taken = take(&slices, rng.below(LARGE).min(sum(&slices)));
                    lending.lending().advance(&mut rest, taken.len());
                    sent.extend(taken);
                }
            }
            assert_eq!(sent.len() + lending.queued(), copying.queued());
        }
        drain(&mut lending, &mut sent);
        assert!(sent == output(&mut copying), "{seed}");
    }
}

#[test]
fn a_payload_beyond_sixteen_slices_waits_for_its_turn() {
    let payload = octets(LARGE, 5);
    for (queued, reaches) in [
        (Queued::new(1, 5), true),
        // A header and a payload each, and a header: one slice is left.
        (Queued::new(0, 7), true),
        // The first header has gone out. The last slice is the header of what is lent.
        (Queued::new(0, 8).sent(4), false),
        (Queued::new(0, 8), false),
        (Queued::new(2, 20), false),
    ] {
        let slices = queued.slices(&payload);
        assert!(slices.len() <= 16);
        assert_eq!(slices.last() == Some(&LARGE), reaches);
        queued.check_many_numbers(&payload);
    }
}

#[test]
fn every_length_of_header_is_right() {
    for len in [LARGE, 65_535, 65_536, 200_000] {
        Queued::new(1, 1).check_many_numbers(&octets(len, 5));
    }
}

#[test]
fn a_pong_that_waits_goes_behind_the_frame() {
    let payload = octets(LARGE, 5);
    for queued in [Queued::new(1, 0), Queued::new(2, 0).sent(3)] {
        queued.owes_pong().check_every_number(&payload);
    }
    for queued in [Queued::new(1, 2), Queued::new(0, 7), Queued::new(0, 8)] {
        queued.owes_pong().check_many_numbers(&payload);
    }
}

#[test]
fn the_transport_gets_the_payload_itself() {
    let text = "x".repeat(LARGE);
    let mut server = server();
    server.message("before").unwrap();
    let take_all = |slices: &[IoSlice<'_>]| {
        assert_eq!(slices.len(), 2);
        assert_eq!(&*slices[0], b"\x81\x06before\x81\x7e\x20\x00");
        assert_eq!(slices[1].as_ptr(), text.as_ptr());
        assert_eq!(slices[1].len(), LARGE);
        sum(slices)
    };
    write_once(&mut server, &text, take_all).unwrap();
    assert_eq!(server.queued(), 0);
    let mut expected = Wire::from(Role::Server);
    expected.frame(FIN | TEXT, b"behind");
    server.message("behind").unwrap();
    assert_eq!(output(&mut server), expected.octets);
}

#[test]
fn nothing_is_copied_that_the_transport_takes() {
    let payload = vec![7; MIB];
    for queued in [Queued::default(), Queued::new(0, 1), Queued::new(0, 7)] {
        let mut server = queued.server();
        let cost = measure(|| write_once(&mut server, &payload, sum).unwrap());
        assert!(cost.bytes_max <= KIB, "{cost:?}");
        assert_eq!(server.queued(), 0);

        let mut server = queued.server();
        let all_but_1000 = |slices: &[IoSlice<'_>]| sum(slices) - 1000;
        let cost = measure(|| write_once(&mut server, &payload, all_but_1000).unwrap());
        assert!(cost.bytes_max <= 2 * KIB, "{cost:?}");
        assert_eq!(server.queued(), 1000);
    }
    // In memory that was lent, not even the header costs any.
    let mut server = server();
    server.lending().lend(Vec::with_capacity(100));
    let cost = measure(|| write_once(&mut server, &payload, sum).unwrap());
    assert_eq!(cost.count_total, 0);
}

#[test]
fn what_saves_nothing_is_queued_without_a_write() {
    fn check(role: Role, config: &Config, message: Outgoing<'_>) {
        let [mut lent, mut queued] = [(); 2].map(|()| side(role, config));
        for side in [&mut lent, &mut queued] {
            side.message("before").unwrap();
        }
        assert!(!lent.lending().lends(&message));
        let never = |_: &[IoSlice<'_>]| panic!("there is nothing to save");
        write_once(&mut lent, message.clone(), never).unwrap();
        queued.message(message).unwrap();
        assert!(output(&mut lent) == output(&mut queued));
    }

    let config = Config::default();
    let large = octets(LARGE, 5);
    let text = "x".repeat(LARGE);
    // Masked: that takes a copy.
    check(Role::Client, &config, (&large).into());
    check(Role::Client, &config, (&text).into());
    // Too small.
    for len in [0, 1, 125, 126, LARGE - 1] {
        check(Role::Server, &config, (&large[..len]).into());
        check(Role::Server, &config, (&text[..len]).into());
    }
    // Owned: queued without a copy anyway.
    check(Role::Server, &config, large.clone().into());
    check(Role::Server, &config, (&Bytes::from(large.clone())).into());
    check(Role::Server, &config, text.clone().into());
    check(Role::Server, &config, Message::from(text.as_str()).into());
    // In fragments, whose headers stand between.
    for len in [1000, LARGE - 1] {
        let config = config.clone().fragment_len(NonZeroUsize::new(len).unwrap());
        check(Role::Server, &config, (&large).into());
    }
}

#[test]
fn a_closing_connection_refuses() {
    for (role, len) in [(Role::Server, LARGE), (Role::Server, 1), (Role::Client, 1)] {
        let payload = octets(len, 5);
        let mut closing = side(role, &Config::default());
        closing.start_close(CloseFrame::without_code()).unwrap();
        let (mut recv, mut closed) = halves(role, &Config::default());
        hear(&mut recv, &mut closed, FIN | CLOSE, &[]);
        let mut lost = side(role, &Config::default());
        lost.transport_ended();
        for mut side in [closing, closed, lost] {
            let before = side.queued();
            let never = |_: &[IoSlice<'_>]| panic!("nothing follows a Close");
            let refused = write_once(&mut side, &payload, never);
            assert_eq!(refused, Err(SendError::Closing));
            assert_eq!(side.queued(), before);
        }
    }
}

#[test]
fn only_what_is_taken_is_progress() {
    let payload = octets(LARGE, 5);
    let mut server = server();
    server.message("waiting").unwrap();
    server.stalled();
    write_once(&mut server, &payload, |_| 0).unwrap();
    assert!(server.is_timed());
    write_once(&mut server, &payload, |_| 1).unwrap();
    assert!(!server.is_timed());
}
