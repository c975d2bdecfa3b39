//! The timeouts of a close, of a failure and of a stalled write.

use std::time::Duration;

use ws_proto::{CloseFrame, Config, Expired, Initiator, Role};

use super::{NONE, end, ended, input, new, output, seconds};
use crate::support::{
    BOTH, FIN, PING, close_frame, connection, fragmenting, frames_to, peek_output,
};

#[test]
fn the_closing_handshake_times_out_after_five_seconds() {
    for role in BOTH {
        let mut connection = new(role);
        assert_eq!(connection.send.deadline(seconds(1)), None);
        connection
            .send
            .start_close(close_frame(1001, "away"))
            .unwrap();
        assert!(connection.send.is_timed());
        // The timeout starts at the first call of `deadline`.
        assert_eq!(connection.send.expire(seconds(1000)), None);
        assert_eq!(connection.send.deadline(seconds(10)), Some(seconds(15)));
        assert_eq!(connection.send.deadline(seconds(12)), Some(seconds(15)));
        let early = seconds(15) - Duration::from_nanos(1);
        assert_eq!(connection.send.expire(early), None);
        assert_eq!(connection.send.expire(seconds(15)), Some(Expired::Close));
        assert_eq!(connection.send.expire(seconds(16)), None);
        assert_eq!(
            end(&connection),
            ended(Initiator::Local, (1001, "away"), NONE, false)
        );
        assert!(connection.send.ends_transport() && output(&mut connection).is_empty());
        assert_eq!(connection.send.deadline(seconds(17)), None);
    }
}

#[test]
fn the_peers_close_does_not_stop_the_timeout() {
    let mut client = new(Role::Client);
    client.send.start_close(CloseFrame::without_code()).unwrap();
    output(&mut client);
    assert_eq!(client.send.deadline(seconds(0)), Some(seconds(5)));
    input(&mut client, b"\x88\x00");
    assert_eq!(client.send.deadline(seconds(3)), Some(seconds(5)));
    assert_eq!(client.send.expire(seconds(5)), Some(Expired::Close));
    assert_eq!(
        end(&client),
        ended(Initiator::Local, (1005, ""), (1005, ""), true)
    );

    // The end that answers has the same timeout.
    let mut server = new(Role::Server);
    input(
        &mut server,
        &frames_to(Role::Server, |w| w.close(1000, b"")),
    );
    assert_eq!(server.send.deadline(seconds(0)), Some(seconds(5)));
    assert_eq!(server.send.expire(seconds(5)), Some(Expired::Close));
    assert_eq!(
        end(&server),
        ended(Initiator::Peer, (1000, ""), (1000, ""), true)
    );
}

#[test]
fn a_failure_times_out_after_one_second() {
    let mut server = new(Role::Server);
    server.send.start_close(CloseFrame::without_code()).unwrap();
    assert_eq!(server.send.deadline(seconds(0)), Some(seconds(5)));
    input(&mut server, &[0xff]);
    assert_eq!(server.send.deadline(seconds(2)), Some(seconds(3)));
    assert_eq!(server.send.expire(seconds(3)), Some(Expired::Failure));
    assert_eq!(
        end(&server),
        ended(Initiator::Local, (1005, ""), NONE, false)
    );
    assert!(server.send.ends_transport());
}

#[test]
fn a_stalled_write_times_out_thirty_seconds_after_the_last_progress() {
    let mut server = new(Role::Server);
    server.send.message("0123456789").unwrap();
    assert_eq!(server.send.deadline(seconds(0)), None);
    server.send.stalled();
    assert_eq!(server.send.deadline(seconds(1)), Some(seconds(31)));
    server.send.stalled();
    server.send.advance(0);
    assert_eq!(server.send.deadline(seconds(20)), Some(seconds(31)));
    // One byte is progress.
    server.send.advance(1);
    assert_eq!(server.send.deadline(seconds(21)), None);
    server.send.stalled();
    assert_eq!(server.send.deadline(seconds(22)), Some(seconds(52)));
    // `deadline` returns the earlier of two deadlines.
    server.send.start_close(CloseFrame::without_code()).unwrap();
    assert_eq!(server.send.deadline(seconds(50)), Some(seconds(52)));
    assert_eq!(server.send.expire(seconds(52)), Some(Expired::WriteStall));
    assert_eq!(
        end(&server),
        ended(Initiator::Local, (1005, ""), NONE, false)
    );

    let mut open = new(Role::Client);
    open.send.message("x").unwrap();
    open.send.stalled();
    assert_eq!(open.send.deadline(seconds(0)), Some(seconds(30)));
    assert_eq!(open.send.expire(seconds(30)), Some(Expired::WriteStall));
    assert_eq!(end(&open), ended(Initiator::Peer, NONE, NONE, false));
}

#[test]
fn a_transport_that_does_not_flush_is_stalled_and_pongs_are_still_queued() {
    let mut server = new(Role::Server);
    server.send.stalled();
    assert_eq!(server.send.deadline(seconds(0)), Some(seconds(30)));
    server.send.flushed();
    assert_eq!(server.send.deadline(seconds(0)), None);
    server.send.stalled();
    input(
        &mut server,
        &frames_to(Role::Server, |w| w.frame(FIN | PING, b"p")),
    );
    assert_eq!(output(&mut server), b"\x8a\x01p");
}

#[test]
fn timeouts_are_configurable() {
    let config = Config::default()
        .close_timeout(seconds(50))
        .failure_timeout(seconds(60))
        .write_stall_timeout(seconds(10));
    let mut server = connection(Role::Server, &config);
    server.send.start_close(CloseFrame::without_code()).unwrap();
    assert_eq!(server.send.deadline(seconds(0)), Some(seconds(50)));
    server.send.stalled();
    assert_eq!(server.send.deadline(seconds(0)), Some(seconds(10)));
    output(&mut server);
    input(&mut server, &[0xff]);
    assert_eq!(server.send.deadline(seconds(0)), Some(seconds(60)));
    let mut far = connection(
        Role::Server,
        &Config::default().close_timeout(Duration::MAX),
    );
    far.send.start_close(CloseFrame::without_code()).unwrap();
    assert_eq!(far.send.deadline(seconds(9)), Some(Duration::MAX));
}

#[test]
fn until_our_close_is_written_the_peer_must_take_64_kib_per_timeout() {
    const LEN: usize = 200_000;
    for role in BOTH {
        let mut connection = new(role);
        connection.send.message(vec![7; LEN]).unwrap();
        connection.send.start_close(close_frame(1000, "")).unwrap();
        assert_eq!(connection.send.deadline(seconds(0)), Some(seconds(5)));
        // 65,535 bytes in several steps are one byte too few.
        connection.send.advance(65_000);
        connection.send.advance(535);
        assert_eq!(connection.send.deadline(seconds(4)), Some(seconds(5)));
        connection.send.advance(1);
        assert_eq!(connection.send.deadline(seconds(4)), Some(seconds(9)));
        connection.send.advance(65_536);
        assert_eq!(connection.send.deadline(seconds(9)), Some(seconds(14)));
        // The peer may take less than 64 KiB if no more is queued. After that, the timeout restarts
        // and covers the peer's Close.
        let rest = connection.send.queued();
        assert!(rest > 65_536 && rest < 2 * 65_536);
        connection.send.advance(65_536);
        assert_eq!(connection.send.deadline(seconds(13)), Some(seconds(18)));
        connection.send.advance(connection.send.queued());
        assert_eq!(connection.send.deadline(seconds(17)), Some(seconds(22)));
        assert_eq!(connection.send.expire(seconds(22)), Some(Expired::Close));
    }
}

#[test]
fn a_peer_that_takes_too_little_before_our_close_is_given_up() {
    let mut server = new(Role::Server);
    server.send.message(vec![7; 200_000]).unwrap();
    server.send.start_close(close_frame(1000, "")).unwrap();
    assert_eq!(server.send.deadline(seconds(0)), Some(seconds(5)));
    for second in 1..5 {
        server.send.advance(10_000);
        assert_eq!(server.send.deadline(seconds(second)), Some(seconds(5)));
    }
    assert_eq!(server.send.expire(seconds(5)), Some(Expired::Close));
}

/// The close timeout restarts after each 64 KiB that the peer takes, not after each frame.
#[test]
fn fragments_do_not_prolong_the_close_timeout() {
    for fragment_len in [None, Some(1000), Some(20_000), Some(70_000)] {
        let config = fragmenting(Config::default().close_timeout(seconds(5)), fragment_len);
        let mut server = connection(Role::Server, &config);
        server.send.message(vec![0; 300_000]).unwrap();
        server.send.start_close(close_frame(1000, "")).unwrap();
        let mut now = seconds(0);
        let mut taken = 0;
        while server.send.queued() > 0 {
            server.send.deadline(now);
            now += seconds(1);
            if let Some(expired) = server.send.expire(now) {
                assert_eq!(expired, Expired::Close);
                break;
            }
            let len = peek_output(&server.send, 16).len().min(10_000);
            taken += len;
            server.send.advance(len);
        }
        assert_eq!(now, seconds(5), "{fragment_len:?}, {taken} bytes taken");
        assert!(taken <= 40_000);
    }
}

#[test]
fn progress_does_not_prolong_a_failure() {
    let mut server = new(Role::Server);
    server.send.message(vec![7; 1 << 20]).unwrap();
    input(&mut server, &[0xff]);
    assert_eq!(server.send.deadline(seconds(0)), Some(seconds(1)));
    server.send.advance(1 << 19);
    assert_eq!(server.send.deadline(seconds(0)), Some(seconds(1)));
    assert_eq!(server.send.expire(seconds(1)), Some(Expired::Failure));
}
