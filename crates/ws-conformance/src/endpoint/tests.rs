//! Tests of dialogues in virtual time.

use std::time::Duration;

use super::*;
use crate::cases;
use crate::channel::Ending;
use crate::role::Role;
use crate::script::Payload;
use crate::settings::Settings;

/// A case, its endpoint, and a clock that the test advances.
struct Bench<'a> {
    endpoint: Endpoint<CaseRun<'a>>,
    start: Instant,
    elapsed: Duration,
}

const MS: Duration = Duration::from_millis(1);

fn bench<'a>(id: &str, testee: Role, settings: &'a Settings) -> Bench<'a> {
    let case = cases::find(id.parse().unwrap()).unwrap();
    let start = Instant::now();
    let connection = Connection::new(testee, settings, 1);
    let watchdog = start + settings.scaled(case.time_limit() + settings.watchdog);
    Bench {
        endpoint: Endpoint::new(
            connection,
            CaseRun::new(case.script().unwrap(), settings),
            start,
            watchdog,
        ),
        start,
        elapsed: Duration::ZERO,
    }
}

impl Bench<'_> {
    /// Returns all writes that are due, or that only a previous write delays.
    fn writes(&mut self) -> Vec<Vec<u8>> {
        let mut writes = Vec::new();
        loop {
            let now = self.start + self.elapsed;
            while let Some(bytes) = self.endpoint.next_write(now).map(<[u8]>::to_vec) {
                self.endpoint.wrote(bytes.len(), now);
                writes.push(bytes);
            }
            if self.endpoint.connection.outbox.deadline().is_none() {
                return writes;
            }
            self.next_deadline();
        }
    }

    fn read(&mut self, bytes: &[u8]) {
        self.endpoint.handle_read(bytes, self.start + self.elapsed);
    }

    /// Advances the clock to the next deadline, and returns it.
    fn next_deadline(&mut self) -> Duration {
        self.elapsed = self.endpoint.deadline() - self.start;
        self.endpoint.handle_timeout(self.start + self.elapsed);
        self.elapsed
    }

    fn ending(&self) -> &Ending {
        &self.endpoint.connection.channel.ending
    }
}

#[test]
fn an_expected_echo_is_followed_by_a_close() {
    let settings = Settings::default();
    let mut bench = bench("1.1.2", Role::Client, &settings);
    let echo = [&b"\x81\x7d"[..], &[b'*'; 125]].concat();
    assert_eq!(bench.writes(), [echo]);
    let masked = [&b"\x81\xfd\0\0\0\0"[..], &[b'*'; 125]].concat();
    bench.read(&masked);
    assert_eq!(bench.writes(), [b"\x88\x02\x03\xe8"]);
    bench.read(b"\x88\x82\0\0\0\0\x03\xe8");
    assert_eq!(bench.endpoint.tcp_end(), Some(TcpEnd::Reset));
    assert!(bench.ending().closed_by_me && bench.ending().was_clean);
}

#[test]
fn a_server_has_a_second_to_end_tcp() {
    let settings = Settings::default();
    let mut bench = bench("2.7", Role::Server, &settings);
    bench.read(b"\x88\x02\x03\xe8");
    assert_eq!(bench.endpoint.tcp_end(), None);
    // The time of the case ends at the same moment, which does not change the verdict.
    assert_eq!(bench.next_deadline(), 1000 * MS);
    assert_eq!(bench.endpoint.tcp_end(), Some(TcpEnd::Reset));
    assert!(bench.ending().server_drop_timeout && !bench.ending().was_clean);
}

#[test]
fn a_case_that_fails_late_connections_is_before_the_limit_of_its_server() {
    let settings = Settings::default();
    let mut bench = bench("7.7.1", Role::Server, &settings);
    bench.read(b"\x88\x02\x03\xe8");
    assert_eq!(bench.next_deadline(), 1000 * MS);
    assert_eq!(bench.endpoint.tcp_end(), Some(TcpEnd::AfterWrites));
    assert!(bench.ending().dropped_by_me && bench.ending().was_clean);
}

#[test]
fn a_chopped_frame_goes_out_in_pieces() {
    let settings = Settings::default();
    let mut bench = bench("1.1.8", Role::Client, &settings);
    let sizes: Vec<_> = bench.writes().iter().map(Vec::len).collect();
    let [first, rest @ .., last] = &sizes[..] else {
        panic!("{sizes:?}");
    };
    assert_eq!(*first, 2 * 997);
    assert!(rest.iter().all(|&size| size == 997));
    assert_eq!(first + rest.len() * 997 + last, 65_536 + 10);
}

#[test]
fn what_arrives_between_two_pieces_is_handled_before_the_second() {
    let settings = Settings::default();
    let mut bench = bench("2.6", Role::Client, &settings);
    assert_eq!(
        bench.endpoint.next_write(bench.start),
        Some(&b"\x89\x7d"[..])
    );
    bench.endpoint.wrote(2, bench.start);
    assert_eq!(bench.endpoint.next_write(bench.start), None);
    bench.read(b"\x89\x81\0\0\0\0a\x88\x82\0\0\0\0\x03\xe8");
    assert_eq!(bench.endpoint.tcp_end(), Some(TcpEnd::AfterWrites));
    assert_eq!(bench.writes(), [] as [Vec<u8>; 0]);
}

#[test]
fn pieces_are_due_before_the_time_of_the_case_is_over() {
    let settings = Settings::default();
    let mut bench = bench("9.5.1", Role::Client, &settings);
    assert_eq!(bench.writes().len(), (1_048_576 + 10) / 64);
    assert!(bench.elapsed < 1000 * MS);
}

#[test]
fn frames_with_writes_of_their_own_have_them() {
    let settings = Settings::default();
    let mut bench = bench("5.7", Role::Client, &settings);
    // As with the original, the first two share a write.
    let expected = [
        &b"\x01\x09fragment1\x89\x0cping payload"[..],
        b"\x80\x09fragment2",
    ];
    assert_eq!(bench.writes(), expected);
}

#[test]
fn clients_frames_are_masked_by_the_seed() {
    let settings = Settings::default();
    let sent = || bench("2.2", Role::Server, &settings).writes();
    let [frame]: [Vec<u8>; 1] = sent().try_into().unwrap();
    assert_eq!(frame[..2], [0x89, 0x80 | 13]);
    assert_ne!(&frame[6..], b"Hello, world!");
    assert_eq!(sent(), [frame]);
}

#[test]
fn a_wait_ends_and_the_case_goes_on() {
    let settings = Settings::default();
    let mut bench = bench("6.4.3", Role::Client, &settings);
    let kosme = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";
    let expected = [&b"\x01\x15"[..], kosme].concat();
    assert_eq!(bench.writes(), [expected]);
    assert_eq!(bench.next_deadline(), 1000 * MS);
    assert_eq!(bench.writes(), [b"\xf4\x90\x80\x80"]);
    assert_eq!(bench.next_deadline(), 2000 * MS);
    assert_eq!(bench.writes(), [b"edited\x80\x00"]);
    let events = [Event::WaitOver("A"), Event::WaitOver("B")];
    assert_eq!(bench.endpoint.handler.received, events);
}

#[test]
fn a_tagged_wait_is_no_event_once_the_testee_has_closed() {
    let settings = Settings::default();
    let mut bench = bench("6.4.1", Role::Server, &settings);
    bench.read(b"\x88\x02\x03\xef");
    assert_eq!(bench.next_deadline(), 1000 * MS);
    assert_eq!(bench.endpoint.handler.received, []);
}

#[test]
fn a_silent_testee_is_failed_and_then_dropped() {
    let settings = Settings::default();
    let mut bench = bench("3.1", Role::Client, &settings);
    bench.writes();
    assert_eq!(bench.next_deadline(), 1000 * MS);
    assert_eq!(bench.writes(), [b"\x88\x0c\x03\xe9Going Away"]);
    assert_eq!(bench.next_deadline(), 2000 * MS);
    assert_eq!(bench.endpoint.tcp_end(), Some(TcpEnd::Reset));
    let ending = bench.ending();
    assert!(ending.failure.is_some() && ending.closed_by_me && ending.close_handshake_timeout);
}

#[test]
fn a_case_that_is_to_close_closes_without_code() {
    let settings = Settings::default();
    let mut bench = bench("2.1", Role::Client, &settings);
    bench.writes();
    assert_eq!(bench.next_deadline(), 1000 * MS);
    assert_eq!(bench.writes(), [b"\x88\x00"]);
    assert!(bench.ending().failure.is_none());
}

#[test]
fn the_watchdog_ends_what_the_original_waits_for_for_ever() {
    let settings = Settings::default();
    let mut bench = bench("2.1", Role::Server, &settings);
    bench.read(b"\x88\x02\x03\xe8");
    while bench.endpoint.tcp_end().is_none() {
        assert!(bench.next_deadline() <= 4000 * MS);
    }
    assert!(bench.ending().dropped_by_me && !bench.ending().closed_by_me);
}

#[test]
fn times_scale() {
    let settings = Settings::default().with_time_scale(3.0);
    let mut bench = bench("2.1", Role::Client, &settings);
    assert_eq!(bench.next_deadline(), 3000 * MS);
    assert_eq!(bench.next_deadline(), 6000 * MS);
    assert!(bench.ending().close_handshake_timeout);
}

#[test]
fn round_trips_follow_each_other_and_other_content_is_noted() {
    let settings = Settings::default();
    let mut bench = bench("9.7.2", Role::Client, &settings);
    let echo = |byte: u8| [&b"\x81\x90\0\0\0\0"[..], &[byte; 16]].concat();
    for round in 1..=1000 {
        assert_eq!(bench.writes().len(), 1, "round {round}");
        assert_eq!(bench.endpoint.handler.echoes, Echoes::Arrived(round - 1));
        bench.read(&echo(if round == 7 { b'+' } else { b'*' }));
    }
    assert_eq!(bench.endpoint.handler.echoes, Echoes::Complete);
    assert_eq!(bench.writes(), [b"\x88\x02\x03\xe8"]);
    let noted = [
        "echo 7 differs from what was sent: both have 16 bytes; the first difference is at byte \
         0, counted from 0: received `+++++++++`..., expected `*********`...",
    ];
    assert_eq!(bench.ending().violations, noted);
}

#[test]
fn a_wrong_echo_ends_a_measurement() {
    let settings = Settings::default();
    let mut bench = bench("9.7.2", Role::Client, &settings);
    bench.writes();
    bench.read(b"\x82\x80\0\0\0\0");
    let wrong = "Echo 1 differs from what was sent: received binary, expected text; received 0 \
                 bytes, expected 16; the shorter one is the beginning of the longer one.";
    assert_eq!(bench.endpoint.handler.echoes, Echoes::Wrong(wrong.into()));
    assert_eq!(bench.writes(), [b"\x88\x02\x03\xe8"]);
}

#[test]
fn an_exact_multiple_of_the_fragment_ends_with_an_empty_frame() {
    let settings = Settings::default();
    let mut bench = bench("9.3.7", Role::Client, &settings);
    let bytes = bench.writes().concat();
    assert_eq!(bytes.len(), 4 * 1024 * 1024 + 16 * 10 + 2);
    assert_eq!(bytes[bytes.len() - 2..], [0x80, 0]);
    let log = &bench.endpoint.connection.channel.log;
    assert_eq!(log.tx_frames, [(0, 16), (1, 1)].into());
}

#[test]
fn events_without_end_do_not_fill_the_memory() {
    let settings = Settings::default();
    let mut pongs = bench("9.1.1", Role::Server, &settings);
    pongs.read(&b"\x8a\x00".repeat(5000));
    assert_eq!(pongs.endpoint.handler.received.len(), 1000);
    let mut messages = bench("1.1.1", Role::Server, &settings);
    let mebibyte = [&b"\x82\x7f\0\0\0\0\0\x10\0\0"[..], &[0; 1 << 20]].concat();
    for _ in 0..8 {
        messages.read(&mebibyte);
    }
    assert_eq!(messages.endpoint.handler.received.len(), 5);
}

#[test]
fn a_greeting_before_the_only_echo_is_forgiven() {
    let settings = Settings::default();
    let mut bench = bench("9.1.1", Role::Server, &settings);
    bench.read(b"\x81\x02hi");
    assert!(matches!(bench.endpoint.handler.echoes, Echoes::Wrong(_)));
    let echo = Payload::repeated(b"BAsd7&jh23", 65_536).to_vec();
    bench.read(&[&b"\x81\x7f\0\0\0\0\0\x01\0\0"[..], &echo].concat());
    assert_eq!(bench.endpoint.handler.echoes, Echoes::Complete);
    assert!(bench.ending().closed_by_me && bench.ending().violations.is_empty());
}

#[test]
fn a_wrong_message_after_the_last_of_many_echoes_counts() {
    let settings = Settings::default();
    let mut bench = bench("9.8.1", Role::Server, &settings);
    bench.read(&b"\x82\x00".repeat(1000));
    assert_eq!(bench.endpoint.handler.echoes, Echoes::Complete);
    bench.read(b"\x82\x01a");
    assert!(matches!(bench.endpoint.handler.echoes, Echoes::Wrong(_)));
}
