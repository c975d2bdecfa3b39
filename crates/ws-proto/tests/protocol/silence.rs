//! Keepalive Pings, the idle timeout, and round trips, in virtual time.

use std::time::Duration;

use ws_proto::{
    CloseCode, Config, Connection, ControlPayload, Expired, Initiator, ProtocolError, Role,
    SendError,
};

use crate::support::{
    BINARY, BOTH, CLOSE, FIN, PING, PONG, close_frame, connection, feed, frames_to, output,
};

const SECOND: Duration = Duration::from_secs(1);
const NANO: Duration = Duration::from_nanos(1);

/// Receives one frame from the peer.
fn receive(end: &mut Connection, first: u8, payload: &[u8]) {
    let frame = frames_to(end.send.role(), |w| w.frame(first, payload));
    feed(end, &frame, |_, _| {});
}

fn receive_message(end: &mut Connection) {
    receive(end, FIN | BINARY, b"here");
}

/// Receives a Pong, and passes `now` as its time.
fn receive_pong(end: &mut Connection, payload: &[u8], now: Duration) {
    receive(end, FIN | PONG, payload);
    end.send.date_pongs(now);
}

/// Takes the output, and returns the first byte and the unmasked payload of each frame.
fn sent(end: &mut Connection) -> Vec<(u8, Vec<u8>)> {
    let bytes = output(&mut end.send);
    let mut frames = Vec::new();
    let mut rest = &bytes[..];
    while let [first, second, behind @ ..] = rest {
        let len = usize::from(second & 0x7f);
        assert!(len <= 125, "only short frames are supported here");
        let (key, behind) = if second & 0x80 != 0 {
            behind.split_at(4)
        } else {
            (&[0; 4][..], behind)
        };
        let (payload, behind) = behind.split_at(len);
        let masked = payload.iter().zip(key.iter().cycle());
        frames.push((*first, masked.map(|(byte, key)| byte ^ key).collect()));
        rest = behind;
    }
    frames
}

/// Takes the output, which must be one Ping, and returns its payload.
fn ping(end: &mut Connection) -> Vec<u8> {
    let mut frames = sent(end);
    assert_eq!(frames.len(), 1, "{frames:?}");
    let (first, payload) = frames.remove(0);
    assert_eq!(first, FIN | PING);
    payload
}

#[test]
fn no_timeout_runs_unless_configured() {
    for role in BOTH {
        let mut end = connection(role, &Config::default());
        receive_message(&mut end);
        assert!(!end.send.is_timed() && !end.send.has_undated_pong());
        assert_eq!(end.send.deadline(SECOND), None);
        assert_eq!(end.send.expire(SECOND * 1_000_000), None);
        receive(&mut end, FIN | PONG, b"");
        assert!(!end.send.has_undated_pong());
        assert_eq!(end.send.round_trip(), None);
        assert_eq!(end.send.queued(), 0);
        assert!(end.send.is_open());
    }
}

#[test]
fn a_ping_is_queued_after_the_interval_and_its_pong_is_awaited_from_then_on() {
    for role in BOTH {
        let config = Config::default().keepalive(20 * SECOND, 5 * SECOND);
        let mut end = connection(role, &config);
        assert!(end.send.is_timed());
        assert_eq!(end.send.deadline(3 * SECOND), Some(23 * SECOND));
        assert_eq!(end.send.deadline(9 * SECOND), Some(23 * SECOND));
        assert_eq!(end.send.expire(23 * SECOND - NANO), None);
        assert_eq!(end.send.queued(), 0, "a Ping was queued too early");
        assert_eq!(end.send.expire(23 * SECOND), None);
        let payload = ping(&mut end);
        assert_eq!(end.send.deadline(23 * SECOND), Some(28 * SECOND));
        assert_eq!(end.send.round_trip(), None);
        receive_message(&mut end);
        receive_pong(&mut end, &payload, 23 * SECOND + 7 * NANO);
        assert!(!end.send.has_undated_pong());
        assert_eq!(end.send.round_trip(), Some(7 * NANO));
        assert_eq!(end.send.deadline(24 * SECOND), Some(44 * SECOND));
    }
}

#[test]
fn only_the_pong_with_the_payload_of_the_last_ping_is_its_answer() {
    for role in BOTH {
        let config = Config::default().keepalive(10 * SECOND, 5 * SECOND);
        let mut end = connection(role, &config);
        assert_eq!(end.send.deadline(Duration::ZERO), Some(10 * SECOND));
        assert_eq!(end.send.expire(10 * SECOND), None);
        let first = ping(&mut end);
        receive_message(&mut end);
        receive_pong(&mut end, &first, 11 * SECOND);
        assert_eq!(end.send.deadline(11 * SECOND), Some(21 * SECOND));
        assert_eq!(end.send.expire(21 * SECOND), None);
        let second = ping(&mut end);
        assert_ne!(first, second);
        assert_eq!(end.send.deadline(21 * SECOND), Some(26 * SECOND));
        let longer = [&second[..], b"!"].concat();
        for foreign in [&first[..], &longer, &second[..3], b""] {
            receive(&mut end, FIN | PONG, foreign);
            assert!(!end.send.has_undated_pong());
        }
        assert_eq!(
            end.send.round_trip(),
            Some(SECOND),
            "the round trip of the first Ping stays"
        );
        assert_eq!(end.send.deadline(22 * SECOND), Some(26 * SECOND));
        assert_eq!(end.send.expire(26 * SECOND - NANO), None);
        assert_eq!(end.send.expire(26 * SECOND), Some(Expired::Pong));
        let result = end.send.end().unwrap();
        assert_eq!((result.code(), result.clean), (CloseCode::ABNORMAL, false));
        assert_eq!(result.initiator, Initiator::Peer);
        assert!(!end.send.is_timed() && !end.send.has_undated_pong());
        assert_eq!(
            end.send.expire(100 * SECOND),
            None,
            "the timeout was reported again"
        );
        assert_eq!(end.send.queued(), 0);
        // A Pong that comes too late changes nothing.
        receive_message(&mut end);
        receive_pong(&mut end, &second, 27 * SECOND);
        assert!(!end.send.is_timed());
        assert_eq!(end.send.round_trip(), Some(SECOND));
    }
}

#[test]
fn at_most_one_ping_is_unanswered() {
    let config = Config::default().keepalive(SECOND, 100 * SECOND);
    let mut end = connection(Role::Server, &config);
    let mut now = Duration::ZERO;
    let mut pings = 0;
    while let Some(deadline) = end.send.deadline(now) {
        assert!(deadline > now, "the deadline stays at {now:?}");
        now = deadline;
        let expired = end.send.expire(now);
        pings += sent(&mut end).len();
        if expired.is_some() {
            assert_eq!(expired, Some(Expired::Pong));
            break;
        }
    }
    assert_eq!((pings, now), (1, 101 * SECOND));
}

/// After `expire` has handled a deadline, the next deadline must be later. Otherwise a caller that
/// waits for deadlines would loop forever without waiting.
#[test]
fn deadlines_advance_even_if_the_interval_is_zero() {
    for (interval, timeout) in [
        (Duration::ZERO, 5 * SECOND),
        (Duration::ZERO, Duration::ZERO),
        (NANO, 5 * SECOND),
        (5 * SECOND, Duration::ZERO),
    ] {
        let config = Config::default().keepalive(interval, timeout);
        let mut end = connection(Role::Server, &config);
        let mut spins = 0;
        while let Some(deadline) = end.send.deadline(SECOND)
            && deadline <= SECOND
        {
            if end.send.expire(SECOND).is_some() {
                break;
            }
            spins += 1;
            assert!(
                spins < 1000,
                "{interval:?}, {timeout:?}: the deadline never advances"
            );
        }
    }
}

#[test]
fn the_idle_timeout_starts_at_the_last_byte() {
    for role in BOTH {
        let config = Config::default().idle_timeout(10 * SECOND);
        let mut end = connection(role, &config);
        assert_eq!(end.send.deadline(SECOND), Some(11 * SECOND));
        receive_message(&mut end);
        assert_eq!(end.send.deadline(5 * SECOND), Some(15 * SECOND));
        receive_message(&mut end);
        receive_message(&mut end);
        assert_eq!(end.send.deadline(6 * SECOND), Some(16 * SECOND));
        assert_eq!(end.send.expire(16 * SECOND - NANO), None);
        assert_eq!(end.send.expire(16 * SECOND), Some(Expired::Idle));
        assert_eq!(end.send.expire(17 * SECOND), None);
        assert_eq!(end.send.end().unwrap().code(), CloseCode::ABNORMAL);
        assert!(!end.send.is_timed());
        assert_eq!(end.send.deadline(17 * SECOND), None);
        receive_message(&mut end);
        assert!(!end.send.is_timed());
    }
}

#[test]
fn the_earlier_of_idle_timeout_and_keepalive_ends_the_connection() {
    // Each row has the idle timeout, the interval and the Pong timeout in seconds. `expected` has
    // the timeout that expires, its time in seconds, and the number of Pings before it.
    for (idle, interval, timeout, expected) in [
        (10, 20, 5, (Expired::Idle, 10, 0)),
        (10, 4, 3, (Expired::Pong, 7, 1)),
        (10, 4, 30, (Expired::Idle, 10, 1)),
        (10, 10, 5, (Expired::Idle, 10, 0)),
        (10, 8, 2, (Expired::Pong, 10, 1)),
    ] {
        let config = Config::default()
            .idle_timeout(idle * SECOND)
            .keepalive(interval * SECOND, timeout * SECOND);
        let mut end = connection(Role::Client, &config);
        let mut now = Duration::ZERO;
        let mut pings = 0;
        let expired = loop {
            let deadline = end.send.deadline(now).unwrap();
            assert!(deadline > now);
            now = deadline;
            let expired = end.send.expire(now);
            pings += sent(&mut end).len();
            if let Some(expired) = expired {
                break expired;
            }
        };
        assert_eq!((expired, now.as_secs() as u32, pings), expected);
    }
}

#[test]
fn keepalive_and_the_idle_timeout_stop_when_the_connection_closes() {
    type Act = fn(&mut Connection);
    let acts: [(&str, Act); 3] = [
        ("our Close", |end| {
            end.send.start_close(close_frame(1000, "")).unwrap()
        }),
        ("the peer's Close", |end| {
            receive(end, FIN | CLOSE, b"\x03\xe8");
        }),
        ("a violation", |end| {
            receive(end, FIN | 0x70 | BINARY, b"");
            assert_eq!(end.send.failure(), Some(ProtocolError::ReservedBits.into()));
        }),
    ];
    let config = Config::default()
        .keepalive(2 * SECOND, SECOND)
        .idle_timeout(3 * SECOND)
        .close_timeout(50 * SECOND)
        .failure_timeout(50 * SECOND);
    for role in BOTH {
        for pinged in [false, true] {
            for (what, act) in acts {
                let mut end = connection(role, &config);
                assert!(end.send.deadline(Duration::ZERO).is_some());
                let mut payload = Vec::new();
                if pinged {
                    assert_eq!(end.send.expire(2 * SECOND), None);
                    payload = ping(&mut end);
                }
                act(&mut end);
                assert_eq!(sent(&mut end).len(), 1, "{what}");
                receive_message(&mut end);
                receive_pong(&mut end, &payload, 2 * SECOND);
                assert_eq!(end.send.round_trip(), None);
                assert_eq!(end.send.deadline(2 * SECOND), Some(52 * SECOND), "{what}");
                assert_eq!(end.send.expire(51 * SECOND), None, "{what}");
                assert_eq!(end.send.queued(), 0, "{what}");
                assert!(matches!(
                    end.send.expire(52 * SECOND),
                    Some(Expired::Close | Expired::Failure)
                ));
            }
        }
    }
}

#[test]
fn no_ping_is_queued_after_the_output_is_lost() {
    for role in BOTH {
        let config = Config::default().keepalive(SECOND, 5 * SECOND);
        let mut end = connection(role, &config);
        assert!(end.send.deadline(Duration::ZERO).is_some());
        end.send.output_lost();
        assert_eq!(
            end.send.ping(&ControlPayload::EMPTY),
            Err(SendError::Closing)
        );
        assert_eq!(end.send.expire(SECOND), None);
        assert_eq!(end.send.queued(), 0);
    }
}

#[test]
fn a_stalled_output_queues_one_ping_and_expires_before_the_pong_timeout() {
    let config = Config::default()
        .keepalive(SECOND, 1000 * SECOND)
        .write_stall_timeout(30 * SECOND);
    let mut end = connection(Role::Server, &config);
    end.send.message("queued").unwrap();
    end.send.stalled();
    let before = end.send.queued();
    let mut now = Duration::ZERO;
    let expired = loop {
        now = end.send.deadline(now).unwrap();
        if let Some(expired) = end.send.expire(now) {
            break expired;
        }
        assert!(end.send.queued() <= before + 2 + 4);
    };
    assert_eq!((expired, now), (Expired::WriteStall, 30 * SECOND));
}

#[test]
fn the_longest_durations_never_expire() {
    let config = Config::default()
        .keepalive(Duration::MAX, Duration::MAX)
        .idle_timeout(Duration::MAX);
    let mut end = connection(Role::Server, &config);
    assert_eq!(end.send.deadline(SECOND), Some(Duration::MAX));
    assert_eq!(end.send.expire(1_000_000 * SECOND), None);
    assert_eq!(end.send.queued(), 0);
}

#[test]
fn the_next_call_of_deadline_records_the_time_of_a_pong() {
    let config = Config::default().keepalive(SECOND, SECOND);
    let mut server = Connection::server(&config);
    assert_eq!(server.send.deadline(Duration::ZERO), Some(SECOND));
    assert_eq!(server.send.expire(SECOND), None);
    let payload = ping(&mut server);
    receive(&mut server, FIN | PONG, &payload);
    assert!(server.send.has_undated_pong());
    // The next call of `deadline` records the time of the Pong.
    assert_eq!(server.send.round_trip(), None);
    assert_eq!(
        server.send.deadline(SECOND + SECOND / 2),
        Some(SECOND * 5 / 2)
    );
    assert_eq!(server.send.round_trip(), Some(SECOND / 2));
}

/// A caller of `Connection` makes no call that reports input to the sending half. `Connection`
/// reports the input itself.
#[test]
fn input_restarts_the_keepalive_interval_of_a_connection() {
    let config = Config::default().keepalive(SECOND, SECOND);
    let mut server = Connection::server(&config);
    assert_eq!(server.send.deadline(Duration::ZERO), Some(SECOND));
    receive_message(&mut server);
    assert_eq!(server.send.deadline(SECOND / 2), Some(SECOND + SECOND / 2));
}

#[test]
fn deadline_or_date_pongs_records_the_time_of_a_pong_once() {
    let config = Config::default().keepalive(SECOND, SECOND);
    for by_deadline in [false, true] {
        let mut end = connection(Role::Server, &config);
        assert_eq!(end.send.deadline(Duration::ZERO), Some(SECOND));
        assert_eq!(end.send.expire(SECOND), None);
        let payload = ping(&mut end);
        let number = end.send.start_probe(SECOND).unwrap();
        let probe = ping(&mut end);
        for payload in [payload, probe] {
            receive(&mut end, FIN | PONG, &payload);
            assert!(end.send.has_undated_pong());
            // A second Pong with the same payload changes nothing.
            receive(&mut end, FIN | PONG, &payload);
        }
        assert_eq!(end.send.round_trip(), None);
        assert_eq!(end.send.probe_answer(number), None);
        if by_deadline {
            let _ = end.send.deadline(SECOND + 7 * NANO);
        } else {
            end.send.date_pongs(SECOND + 7 * NANO);
        }
        for later in 2..4 {
            assert!(!end.send.has_undated_pong());
            assert_eq!(end.send.round_trip(), Some(7 * NANO));
            assert_eq!(end.send.probe_answer(number), Some(7 * NANO));
            end.send.date_pongs(later * SECOND);
        }
    }
}

#[test]
fn only_its_own_pong_answers_a_probe() {
    for role in BOTH {
        let mut end = connection(role, &Config::default());
        let number = end.send.start_probe(SECOND).unwrap();
        let payload = ping(&mut end);
        // A probe has no timeout.
        assert!(!end.send.is_timed());
        assert_eq!(end.send.deadline(2 * SECOND), None);
        let longer = [&payload[..], b"!"].concat();
        let mut other = payload.clone();
        *other.last_mut().unwrap() ^= 1;
        for foreign in [&longer[..], &other, &payload[1..], b""] {
            receive_pong(&mut end, foreign, 3 * SECOND);
            assert_eq!(end.send.probe_answer(number), None);
        }
        receive_pong(&mut end, &payload, 4 * SECOND);
        receive_pong(&mut end, &payload, 5 * SECOND);
        assert_eq!(end.send.probe_answer(number), Some(3 * SECOND));
        assert_eq!(end.send.probe_answer(number.wrapping_add(1)), None);
        assert_eq!(
            end.send.round_trip(),
            None,
            "no keepalive Ping was answered"
        );
    }
}

#[test]
fn a_probe_replaces_the_previous_probe() {
    for answered in [false, true] {
        let mut end = connection(Role::Client, &Config::default());
        let first = end.send.start_probe(SECOND).unwrap();
        let late = ping(&mut end);
        if answered {
            receive_pong(&mut end, &late, 2 * SECOND);
            assert_eq!(end.send.probe_answer(first), Some(SECOND));
        }
        let second = end.send.start_probe(3 * SECOND).unwrap();
        assert_ne!(first, second);
        let payload = ping(&mut end);
        receive_pong(&mut end, &late, 4 * SECOND);
        assert_eq!(end.send.probe_answer(first), None);
        assert_eq!(end.send.probe_answer(second), None);
        receive_pong(&mut end, &payload, 5 * SECOND);
        assert_eq!(end.send.probe_answer(first), None);
        assert_eq!(end.send.probe_answer(second), Some(2 * SECOND));
    }
}

#[test]
fn probes_and_keepalive_pings_are_answered_independently() {
    let config = Config::default().keepalive(SECOND, 100 * SECOND);
    for probe_first in [false, true] {
        let mut end = connection(Role::Server, &config);
        assert_eq!(end.send.deadline(Duration::ZERO), Some(SECOND));
        assert_eq!(end.send.expire(SECOND), None);
        let keepalive = ping(&mut end);
        let number = end.send.start_probe(2 * SECOND).unwrap();
        let probe = ping(&mut end);
        assert_ne!(keepalive, probe);
        let answers = |end: &mut Connection| (end.send.round_trip(), end.send.probe_answer(number));
        if probe_first {
            receive_pong(&mut end, &probe, 4 * SECOND);
            assert_eq!(answers(&mut end), (None, Some(2 * SECOND)));
            receive_pong(&mut end, &keepalive, 8 * SECOND);
            assert_eq!(answers(&mut end), (Some(7 * SECOND), Some(2 * SECOND)));
        } else {
            receive_pong(&mut end, &keepalive, 4 * SECOND);
            assert_eq!(answers(&mut end), (Some(3 * SECOND), None));
            receive_pong(&mut end, &probe, 8 * SECOND);
            assert_eq!(answers(&mut end), (Some(3 * SECOND), Some(6 * SECOND)));
        }
    }
}

#[test]
fn a_closing_connection_starts_no_probe_and_still_accepts_an_answer() {
    for role in BOTH {
        let mut end = connection(role, &Config::default());
        let number = end.send.start_probe(SECOND).unwrap();
        let payload = ping(&mut end);
        end.send.start_close(close_frame(1000, "")).unwrap();
        let queued = end.send.queued();
        let refused = end.send.start_probe(SECOND);
        assert_eq!(refused, Err(SendError::Closing));
        assert_eq!(end.send.queued(), queued);
        receive_pong(&mut end, &payload, 2 * SECOND);
        assert_eq!(end.send.probe_answer(number), Some(SECOND));
    }
}

#[test]
fn keepalive_and_the_idle_timeout_pause_while_the_caller_does_not_read() {
    let config = Config::default()
        .keepalive(2 * SECOND, SECOND)
        .idle_timeout(9 * SECOND);
    for pinged in [false, true] {
        let mut end = connection(Role::Client, &config);
        assert_eq!(end.send.deadline(Duration::ZERO), Some(2 * SECOND));
        if pinged {
            assert_eq!(end.send.expire(2 * SECOND), None);
            ping(&mut end);
        }
        let due = end.send.deadline(2 * SECOND);
        end.send.pause_listening();
        assert!(!end.send.is_timed());
        assert_eq!(end.send.deadline(2 * SECOND), None);
        assert_eq!(end.send.expire(100 * SECOND), None);
        assert_eq!(end.send.queued(), 0, "a Ping was queued during the pause");
        assert!(end.send.is_open());
        end.send.resume_listening();
        assert!(end.send.is_timed());
        assert_eq!(end.send.deadline(2 * SECOND), due);
    }
}
