//! Lent payloads. The transport takes them without a copy. The output is the same as with copied
//! payloads, however many bytes the transport takes at once.

use std::io::IoSlice;

use allocation_counter::measure;
use bytes::Bytes;
use ws_proto::{CloseFrame, Config, Message, Outgoing, Role, SendError, SendHalf};

use crate::support::{
    CLOSE, FIN, PING, PONG, Rng, drain, fragmenting, frames_from, halves, output, receive_frame,
    sender,
};

/// The length of the shortest payload that is lent.
const LARGE: usize = 8 * 1024;
const KIB: u64 = 1024;
const MIB: usize = 1 << 20;
const NEWEST: &[u8] = b"newest";

/// Returns bytes in which neighbors differ. Another seed gives other bytes.
fn pattern(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|i| (i % 251 + seed) as u8).collect()
}

/// Queues a message. If the payload is lent, calls `write` once with the slices of the output.
/// `write` returns the number of bytes that the transport takes. The rest of the payload is copied.
fn write_once<'m>(
    send: &mut SendHalf,
    message: impl Into<Outgoing<'m>>,
    write: impl FnOnce(&[IoSlice<'_>]) -> usize,
) -> Result<(), SendError> {
    let mut rest = send.lending().lend_payload(message)?;
    if !rest.is_empty() {
        let taken = write(&send.lending().io_slices(rest));
        send.lending().advance(&mut rest, taken);
        send.lending().keep_payload(rest);
    }
    Ok(())
}

/// Returns the first `most` bytes of the slices, or all bytes if there are fewer.
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

/// The state of a server before a payload is lent.
#[derive(Clone, Default)]
struct Queued {
    messages: Vec<Message>,
    /// The number of bytes of the queue that the transport has already taken.
    sent: usize,
    /// `true` if the output is stalled and the newest Ping is unanswered.
    owes_pong: bool,
}

impl Queued {
    /// Returns a state with `small` messages, which are copied, and `large` messages after them,
    /// which are not copied. A large message takes two slices: its header and its payload.
    fn new(small: usize, large: usize) -> Self {
        let small = (1..=small).map(|i| pattern(100 * i, i));
        let large = (1..=large).map(|i| pattern(LARGE + i, 10 * i));
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
                receive_frame(&mut recv, &mut server, FIN | PING, payload).unwrap();
            }
        }
        server
    }

    /// Returns the expected output: the queued messages, then `payload`, then the Pong that is
    /// owed.
    fn expected(&self, payload: &[u8]) -> Vec<u8> {
        let mut server = self.server();
        server.message(payload).unwrap();
        let before_pong = server.queued();
        let sent = output(&mut server);
        let pong = frames_from(Role::Server, |w| {
            if self.owes_pong {
                w.frame(FIN | PONG, NEWEST);
            }
        });
        assert_eq!(sent[before_pong..], pong);
        sent
    }

    /// Lends `payload`, and returns the lengths of the slices that the transport is offered.
    fn slices(&self, payload: &[u8]) -> Vec<usize> {
        let mut lens = Vec::new();
        let take_nothing = |slices: &[IoSlice<'_>]| {
            lens.extend(slices.iter().map(|slice| slice.len()));
            0
        };
        write_once(&mut self.server(), payload, take_nothing).unwrap();
        lens
    }

    /// Lends `payload` to a transport that takes `taken` bytes first and the rest later. Asserts
    /// that the output is `expected`.
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
        assert!(sent == expected, "{taken} bytes taken first");
    }

    fn check_every_number(&self, payload: &[u8]) {
        let expected = self.expected(payload);
        for taken in 0..=self.slices(payload).iter().sum() {
            self.check(payload, taken, &expected);
        }
    }

    /// Calls `check` for first writes that end at the end of a slice, one byte before or after the
    /// end, and at some other positions.
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
fn the_transport_may_take_any_number_of_bytes() {
    let payload = pattern(LARGE, 5);
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
fn the_transport_may_take_any_number_of_writes_while_more_is_queued() {
    for seed in 0..300 {
        let mut rng = Rng::new(seed);
        let queued = Queued::new(rng.below(3), rng.below(9));
        let [mut lending, mut copying] = [(); 2].map(|()| queued.server());
        let payload = pattern(LARGE + rng.below(LARGE), 5);
        assert!(lending.lending().lends(&(&payload).into()));
        let mut rest = lending.lending().lend_payload(&payload).unwrap();
        copying.message(&payload).unwrap();
        let mut sent = Vec::new();
        while !rest.is_empty() {
            match rng.below(20) {
                // Only one payload can be lent at a time, so the second payload is copied.
                0 => {
                    let behind = pattern(rng.below(2 * LARGE), 7);
                    assert!(!lending.lending().lends(&(&behind).into()));
                    let none = lending.lending().lend_payload(&behind).unwrap();
                    assert!(none.is_empty());
                    copying.message(behind).unwrap();
                }
                1 => {
                    let behind = pattern(rng.below(2 * LARGE), 9);
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
fn a_payload_beyond_sixteen_slices_is_not_offered() {
    let payload = pattern(LARGE, 5);
    for (queued, is_offered) in [
        (Queued::new(1, 5), true),
        // Seven messages take 14 slices. The header of the lent payload takes the 15th slice, and
        // the payload the 16th.
        (Queued::new(0, 7), true),
        // The first header has been sent, so eight messages take 15 slices. The 16th slice is the
        // header of the lent payload.
        (Queued::new(0, 8).sent(4), false),
        (Queued::new(0, 8), false),
        (Queued::new(2, 20), false),
    ] {
        let slices = queued.slices(&payload);
        assert!(slices.len() <= 16);
        assert_eq!(slices.last() == Some(&LARGE), is_offered);
        queued.check_many_numbers(&payload);
    }
}

#[test]
fn payloads_of_all_header_lengths_can_be_lent() {
    for len in [LARGE, 65_535, 65_536, 200_000] {
        Queued::new(1, 1).check_many_numbers(&pattern(len, 5));
    }
}

#[test]
fn a_delayed_pong_is_sent_after_the_lent_payload() {
    let payload = pattern(LARGE, 5);
    for queued in [Queued::new(1, 0), Queued::new(2, 0).sent(3)] {
        queued.owes_pong().check_every_number(&payload);
    }
    for queued in [Queued::new(1, 2), Queued::new(0, 7), Queued::new(0, 8)] {
        queued.owes_pong().check_many_numbers(&payload);
    }
}

#[test]
fn the_transport_reads_the_payload_in_place() {
    let text = "x".repeat(LARGE);
    let mut server = sender(Role::Server);
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
    server.message("behind").unwrap();
    assert_eq!(output(&mut server), b"\x81\x06behind");
}

#[test]
fn bytes_that_the_transport_takes_are_not_copied() {
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
    // The header is encoded in the lent buffer, so nothing is allocated.
    let mut server = sender(Role::Server);
    server.lending().lend(Vec::with_capacity(100));
    let cost = measure(|| write_once(&mut server, &payload, sum).unwrap());
    assert_eq!(cost.count_total, 0);
}

#[test]
fn payloads_that_must_be_copied_or_are_owned_are_not_lent() {
    fn check(role: Role, config: &Config, message: Outgoing<'_>) {
        let [mut lent, mut queued] = [(); 2].map(|()| halves(role, config).1);
        for send in [&mut lent, &mut queued] {
            send.message("before").unwrap();
        }
        assert!(!lent.lending().lends(&message));
        let never = |_: &[IoSlice<'_>]| panic!("the payload was lent");
        write_once(&mut lent, message.clone(), never).unwrap();
        queued.message(message).unwrap();
        assert!(output(&mut lent) == output(&mut queued));
    }

    let config = Config::default();
    let large = pattern(LARGE, 5);
    let text = "x".repeat(LARGE);
    // Masking requires a copy.
    check(Role::Client, &config, (&large).into());
    check(Role::Client, &config, (&text).into());
    // These payloads are too short.
    for len in [0, 1, 125, 126, LARGE - 1] {
        check(Role::Server, &config, (&large[..len]).into());
        check(Role::Server, &config, (&text[..len]).into());
    }
    // An owned payload is queued without a copy anyway.
    check(Role::Server, &config, large.clone().into());
    check(Role::Server, &config, (&Bytes::from(large.clone())).into());
    check(Role::Server, &config, text.clone().into());
    check(Role::Server, &config, Message::from(text.as_str()).into());
    // In a message in fragments, headers divide the payload.
    for len in [1000, LARGE - 1] {
        let config = fragmenting(config.clone(), len);
        check(Role::Server, &config, (&large).into());
    }
}

#[test]
fn a_closing_connection_refuses_a_payload() {
    for (role, len) in [(Role::Server, LARGE), (Role::Server, 1), (Role::Client, 1)] {
        let payload = pattern(len, 5);
        let mut closing = sender(role);
        closing.start_close(CloseFrame::without_code()).unwrap();
        let (mut recv, mut closed) = halves(role, &Config::default());
        receive_frame(&mut recv, &mut closed, FIN | CLOSE, &[]).unwrap();
        let mut lost = sender(role);
        lost.transport_ended();
        for mut send in [closing, closed, lost] {
            let before = send.queued();
            let never = |_: &[IoSlice<'_>]| panic!("nothing follows a Close");
            let refused = write_once(&mut send, &payload, never);
            assert_eq!(refused, Err(SendError::Closing));
            assert_eq!(send.queued(), before);
        }
    }
}

#[test]
fn only_bytes_that_were_taken_are_progress() {
    let payload = pattern(LARGE, 5);
    let mut server = sender(Role::Server);
    server.message("waiting").unwrap();
    server.stalled();
    write_once(&mut server, &payload, |_| 0).unwrap();
    assert!(server.is_timed());
    write_once(&mut server, &payload, |_| 1).unwrap();
    assert!(!server.is_timed());
}
