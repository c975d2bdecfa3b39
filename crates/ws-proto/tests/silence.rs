//! Keepalive Pings and the idle time limit as data: dates in, frames and verdicts out.

#![forbid(unsafe_code)]

mod support;

use std::time::Duration;

use support::{FIN, PING, drain, sides};
use ws_proto::{
    CloseCode, CloseFrame, CloseReason, Config, Connection, Control, ControlPayload, Expired,
    Initiator, ProtocolError, Role, SendError, SendHalf,
};

const BOTH: [Role; 2] = [Role::Client, Role::Server];
const SECOND: Duration = Duration::from_secs(1);
const NANO: Duration = Duration::from_nanos(1);

fn side(role: Role, config: &Config) -> SendHalf {
    sides(role, config).1
}

/// What is queued, as frames without their masks: first octet and payload.
fn sent(send: &mut SendHalf) -> Vec<(u8, Vec<u8>)> {
    let mut octets = Vec::new();
    drain(send, &mut octets);
    let mut frames = Vec::new();
    let mut rest = &octets[..];
    while let [first, second, behind @ ..] = rest {
        let len = usize::from(second & 0x7f);
        assert!(len <= 125, "only short frames here");
        let (key, behind) = if second & 0x80 != 0 {
            behind.split_at(4)
        } else {
            (&[0; 4][..], behind)
        };
        let (payload, behind) = behind.split_at(len);
        let masked = payload.iter().zip(key.iter().cycle());
        frames.push((*first, masked.map(|(octet, key)| octet ^ key).collect()));
        rest = behind;
    }
    frames
}

/// Fetches one keepalive Ping.
fn ping(send: &mut SendHalf) -> ControlPayload {
    let frames = sent(send);
    assert_eq!(frames.len(), 1, "{frames:?}");
    assert_eq!(frames[0].0, FIN | PING);
    ControlPayload::new(&frames[0].1).unwrap()
}

fn close() -> Option<CloseFrame> {
    Some(CloseFrame::new(CloseCode::NORMAL, CloseReason::default()))
}

#[test]
fn nothing_runs_unless_configured() {
    for role in BOTH {
        let mut send = side(role, &Config::default());
        send.heard();
        assert!(!send.is_timed() && !send.awaits_pong());
        assert_eq!(send.deadline(SECOND), None);
        assert_eq!(send.expire(SECOND * 1_000_000), None);
        send.pong_arrived(&ControlPayload::EMPTY, SECOND);
        assert_eq!(send.round_trip(), None);
        assert_eq!(send.queued(), 0);
        assert!(send.is_open());
    }
}

#[test]
fn a_ping_is_queued_at_its_date_and_its_pong_is_awaited_from_then_on() {
    for role in BOTH {
        let config = Config::default().keepalive(20 * SECOND, 5 * SECOND);
        let mut send = side(role, &config);
        assert!(send.is_timed());
        assert_eq!(send.deadline(3 * SECOND), Some(23 * SECOND));
        assert_eq!(send.deadline(9 * SECOND), Some(23 * SECOND));
        assert_eq!(send.expire(23 * SECOND - NANO), None);
        assert_eq!(send.queued(), 0, "too early");
        assert_eq!(send.expire(23 * SECOND), None);
        assert!(send.awaits_pong());
        let payload = ping(&mut send);
        assert_eq!(send.deadline(23 * SECOND), Some(28 * SECOND));
        assert_eq!(send.round_trip(), None);
        send.heard();
        send.pong_arrived(&payload, 23 * SECOND + 7 * NANO);
        assert!(!send.awaits_pong());
        assert_eq!(send.round_trip(), Some(7 * NANO));
        assert_eq!(send.deadline(24 * SECOND), Some(44 * SECOND));
    }
}

#[test]
fn only_the_pong_to_the_last_ping_counts() {
    for role in BOTH {
        let config = Config::default().keepalive(10 * SECOND, 5 * SECOND);
        let mut send = side(role, &config);
        assert_eq!(send.deadline(Duration::ZERO), Some(10 * SECOND));
        assert_eq!(send.expire(10 * SECOND), None);
        let first = ping(&mut send);
        send.heard();
        send.pong_arrived(&first, 11 * SECOND);
        assert_eq!(send.deadline(11 * SECOND), Some(21 * SECOND));
        assert_eq!(send.expire(21 * SECOND), None);
        let second = ping(&mut send);
        assert_ne!(first, second);
        assert_eq!(send.deadline(21 * SECOND), Some(26 * SECOND));
        let longer = ControlPayload::new(&[&second[..], b"!"].concat()).unwrap();
        let shorter = ControlPayload::new(&second[..3]).unwrap();
        for foreign in [first, longer, shorter, ControlPayload::EMPTY] {
            send.heard();
            send.pong_arrived(&foreign, 22 * SECOND);
            assert!(send.awaits_pong());
        }
        assert_eq!(send.round_trip(), Some(SECOND), "of the first");
        assert_eq!(send.deadline(22 * SECOND), Some(26 * SECOND));
        assert_eq!(send.expire(26 * SECOND - NANO), None);
        assert_eq!(send.expire(26 * SECOND), Some(Expired::Pong));
        let end = send.end().unwrap();
        assert_eq!((end.code, end.clean), (CloseCode::ABNORMAL, false));
        assert_eq!(end.initiator, Initiator::Peer);
        assert!(!send.is_timed() && !send.awaits_pong());
        assert_eq!(send.expire(100 * SECOND), None, "said once");
        assert_eq!(send.queued(), 0);
        // A Pong that comes too late changes nothing.
        send.heard();
        send.pong_arrived(&second, 27 * SECOND);
        assert!(!send.is_timed());
        assert_eq!(send.round_trip(), Some(SECOND));
    }
}

#[test]
fn one_ping_is_under_way_at_most() {
    let config = Config::default().keepalive(SECOND, 100 * SECOND);
    let mut send = side(Role::Server, &config);
    let mut now = Duration::ZERO;
    let mut pings = 0;
    while let Some(deadline) = send.deadline(now) {
        assert!(deadline > now, "time stands still at {now:?}");
        now = deadline;
        let expired = send.expire(now);
        pings += sent(&mut send).len();
        if expired.is_some() {
            assert_eq!(expired, Some(Expired::Pong));
            break;
        }
    }
    assert_eq!((pings, now), (1, 101 * SECOND));
}

/// Whoever waits until the deadline and acts on it has to come to a later one, or waits for ever without waiting.
#[test]
fn dates_move_on_also_without_an_interval() {
    for (interval, timeout) in [
        (Duration::ZERO, 5 * SECOND),
        (Duration::ZERO, Duration::ZERO),
        (NANO, 5 * SECOND),
        (5 * SECOND, Duration::ZERO),
    ] {
        let config = Config::default().keepalive(interval, timeout);
        let mut send = side(Role::Server, &config);
        let mut spins = 0;
        while let Some(deadline) = send.deadline(SECOND)
            && deadline <= SECOND
        {
            if send.expire(SECOND).is_some() {
                break;
            }
            spins += 1;
            assert!(
                spins < 1000,
                "{interval:?}, {timeout:?}: the deadline stays at the present for ever"
            );
        }
    }
}

#[test]
fn the_idle_limit_counts_from_the_last_octet() {
    for role in BOTH {
        let config = Config::default().idle_timeout(10 * SECOND);
        let mut send = side(role, &config);
        assert_eq!(send.deadline(SECOND), Some(11 * SECOND));
        send.heard();
        assert_eq!(send.deadline(5 * SECOND), Some(15 * SECOND));
        send.heard();
        send.heard();
        assert_eq!(send.deadline(6 * SECOND), Some(16 * SECOND));
        assert_eq!(send.expire(16 * SECOND - NANO), None);
        assert_eq!(send.expire(16 * SECOND), Some(Expired::Idle));
        assert_eq!(send.expire(17 * SECOND), None);
        assert_eq!(send.end().unwrap().code, CloseCode::ABNORMAL);
        assert!(!send.is_timed());
        assert_eq!(send.deadline(17 * SECOND), None);
        send.heard();
        assert!(!send.is_timed());
    }
}

#[test]
fn the_earlier_of_idle_limit_and_keepalive_wins() {
    // Idle limit, interval, timeout: which ends it, when, and after how many Pings.
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
        let mut send = side(Role::Client, &config);
        let mut now = Duration::ZERO;
        let mut pings = 0;
        let expired = loop {
            let deadline = send.deadline(now).unwrap();
            assert!(deadline > now);
            now = deadline;
            let expired = send.expire(now);
            pings += sent(&mut send).len();
            if let Some(expired) = expired {
                break expired;
            }
        };
        assert_eq!((expired, now.as_secs() as u32, pings), expected);
    }
}

#[test]
fn silence_does_not_matter_once_the_connection_closes() {
    type Act = fn(&mut SendHalf);
    let acts: [(&str, Act); 3] = [
        ("our Close", |send| send.start_close(close()).unwrap()),
        ("the peer's Close", |send| {
            send.respond(&Control::Close(close()));
        }),
        ("a violation", |send| {
            send.fail(ProtocolError::UnmaskedFrame.into());
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
                let mut send = side(role, &config);
                assert!(send.deadline(Duration::ZERO).is_some());
                let mut payload = ControlPayload::EMPTY;
                if pinged {
                    assert_eq!(send.expire(2 * SECOND), None);
                    payload = ping(&mut send);
                }
                act(&mut send);
                assert_eq!(sent(&mut send).len(), 1, "{what}");
                send.heard();
                assert!(!send.awaits_pong(), "{what}");
                send.pong_arrived(&payload, 2 * SECOND);
                assert_eq!(send.round_trip(), None);
                assert_eq!(send.deadline(2 * SECOND), Some(52 * SECOND), "{what}");
                assert_eq!(send.expire(51 * SECOND), None, "{what}");
                assert_eq!(send.queued(), 0, "{what}");
                assert!(matches!(
                    send.expire(52 * SECOND),
                    Some(Expired::Close | Expired::Failure)
                ));
            }
        }
    }
}

#[test]
fn nothing_is_queued_when_the_transport_takes_nothing_any_more() {
    for role in BOTH {
        let config = Config::default().keepalive(SECOND, 5 * SECOND);
        let mut send = side(role, &config);
        assert!(send.deadline(Duration::ZERO).is_some());
        send.output_lost();
        assert_eq!(
            send.ping(&ControlPayload::EMPTY),
            Err(SendError::Closing),
            "nothing can be sent from here on"
        );
        assert_eq!(send.expire(SECOND), None);
        assert_eq!(send.queued(), 0, "a Ping for nobody");
    }
}

#[test]
fn a_stalled_output_holds_one_ping_and_outranks_the_silence() {
    let config = Config::default()
        .keepalive(SECOND, 1000 * SECOND)
        .write_stall_timeout(30 * SECOND);
    let mut send = side(Role::Server, &config);
    send.message("queued").unwrap();
    send.stalled();
    let before = send.queued();
    let mut now = Duration::ZERO;
    let expired = loop {
        now = send.deadline(now).unwrap();
        if let Some(expired) = send.expire(now) {
            break expired;
        }
        assert!(send.queued() <= before + 2 + 4);
    };
    assert_eq!((expired, now), (Expired::WriteStall, 30 * SECOND));
}

#[test]
fn the_longest_times_are_for_ever() {
    let config = Config::default()
        .keepalive(Duration::MAX, Duration::MAX)
        .idle_timeout(Duration::MAX);
    let mut send = side(Role::Server, &config);
    assert_eq!(send.deadline(SECOND), Some(Duration::MAX));
    assert_eq!(send.expire(1_000_000 * SECOND), None);
    assert_eq!(send.queued(), 0);
}

#[test]
fn a_joined_connection_takes_the_pong_for_an_answer() {
    let config = Config::default().keepalive(SECOND, SECOND);
    let mut server = Connection::server(&config);
    assert_eq!(server.deadline(Duration::ZERO), Some(SECOND));
    assert_eq!(server.expire(SECOND), None);
    let payload = ping(server.send_side());
    let mut pong = support::Wire::from(Role::Client);
    pong.frame(FIN | support::PONG, &payload);
    server.receive(&mut pong.octets).unwrap();
    assert!(!server.send_side().awaits_pong());
    // It is dated by the next question for a time limit.
    assert_eq!(server.send_side().round_trip(), None);
    assert_eq!(server.deadline(SECOND + SECOND / 2), Some(SECOND * 5 / 2));
    assert_eq!(server.send_side().round_trip(), Some(SECOND / 2));
}

/// The crate documentation names the duties of whoever runs the loop, and reporting what was received is not among
/// them.
#[test]
fn a_joined_connection_hears_its_peer() {
    let config = Config::default().keepalive(SECOND, SECOND);
    let mut server = Connection::server(&config);
    assert_eq!(server.deadline(Duration::ZERO), Some(SECOND));
    let mut text = support::Wire::from(Role::Client);
    text.text("still here");
    server.receive(&mut text.octets).unwrap();
    assert_eq!(
        server.deadline(SECOND / 2),
        Some(SECOND + SECOND / 2),
        "the peer spoke"
    );
}
