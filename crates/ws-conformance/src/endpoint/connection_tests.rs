//! Tests of closing and violations, message by message.

use super::*;

fn connection(testee: Role) -> Connection {
    Connection::new(testee, &Settings::default(), 1)
}

fn read(connection: &mut Connection, mut bytes: &[u8]) -> Vec<Event> {
    let now = Instant::now();
    std::iter::from_fn(|| connection.receive(&mut bytes, now)).collect()
}

fn sent(connection: &mut Connection) -> Vec<u8> {
    let mut sent = Vec::new();
    while let Some(bytes) = connection.next_write(Instant::now()).map(<[u8]>::to_vec) {
        connection.wrote(bytes.len(), Instant::now());
        sent.extend(bytes);
    }
    sent
}

#[test]
fn a_ping_is_answered_only_while_open() {
    let mut open = connection(Role::Client);
    assert_eq!(read(&mut open, b"\x89\x81\0\0\0\0a"), []);
    assert_eq!(sent(&mut open), b"\x8a\x01a");
    open.close(Some(1000), &Payload::EMPTY, Instant::now());
    read(&mut open, b"\x89\x81\0\0\0\0a");
    assert_eq!(sent(&mut open), b"\x88\x02\x03\xe8");
}

#[test]
fn a_testee_that_pings_without_reading_is_answered_up_to_a_limit() {
    let mut testee = connection(Role::Server);
    let pings = [&b"\x89\x7d"[..], &[b'a'; 125]].concat().repeat(1000);
    while !testee.is_congested() {
        read(&mut testee, &pings);
    }
    let held = testee.outbox.held();
    read(&mut testee, &pings);
    assert_eq!(testee.outbox.held(), held);
    sent(&mut testee);
    read(&mut testee, b"\x89\x01a");
    assert_eq!(sent(&mut testee).len(), 7, "it reads again");
}

#[test]
fn a_close_of_the_testee_is_answered() {
    let mut testee = connection(Role::Client);
    read(&mut testee, b"\x88\x84\0\0\0\0\x03\xe9by");
    assert_eq!(sent(&mut testee), b"\x88\x02\x03\xe8");
    assert_eq!(testee.tcp_end(), Some(TcpEnd::AfterWrites));
    let ending = &testee.channel.ending;
    assert!(ending.was_clean && !ending.closed_by_me);
    assert_eq!(ending.remote_code, Some(1001));
    assert_eq!(ending.remote_reason.as_deref(), Some("by"));
}

#[test]
fn a_violation_is_answered_with_its_code_and_a_second_ends_tcp() {
    let mut testee = connection(Role::Client);
    read(&mut testee, b"\x83\x80\0\0\0\0");
    assert_eq!(sent(&mut testee)[2..4], [0x03, 0xea]);
    assert_eq!(testee.state(), State::Closing);
    read(&mut testee, b"\x83\x80\0\0\0\0");
    assert_eq!(testee.tcp_end(), Some(TcpEnd::AfterWrites));
    assert_eq!(testee.channel.ending.violations.len(), 2);
    assert!(testee.channel.ending.failure.is_some() && testee.channel.ending.dropped_by_me);
}

#[test]
fn messages_of_a_failed_connection_are_no_events() {
    let mut testee = connection(Role::Client);
    let text = b"\x81\x81\0\0\0\0a";
    assert_eq!(read(&mut testee, text).len(), 1);
    read(&mut testee, b"\x83\x80\0\0\0\0");
    assert_eq!(read(&mut testee, b"\x80\x80\0\0\0\0"), []);
}

#[test]
fn an_illegal_close_code_is_a_violation_and_still_a_close() {
    let mut testee = connection(Role::Server);
    read(&mut testee, b"\x88\x02\x03\xf4");
    let ending = &testee.channel.ending;
    assert!(ending.was_clean && ending.closed_by_me && ending.failure.is_some());
    assert_eq!(ending.remote_code, Some(1012));
    assert_eq!(ending.violations, ["the close code 1012 must not be sent"]);
}

/// As in case 7.3.6 with a testee that sends the long Close back.
#[test]
fn a_close_that_is_too_long_ends_tcp_while_closing() {
    let mut testee = connection(Role::Server);
    testee.raw_close(Payload::repeated(b"*", 126), Instant::now());
    let long = [&b"\x88\x7e\x00\x7e\x03\xe8"[..], &[b'*'; 124]].concat();
    read(&mut testee, &long);
    assert_eq!(testee.tcp_end(), Some(TcpEnd::AfterWrites));
    assert_eq!(testee.channel.ending.remote_code, None);
    assert_eq!(testee.channel.ending.violations.len(), 1);
}

#[test]
fn the_end_of_tcp_is_clean_only_after_a_close() {
    let mut testee = connection(Role::Server);
    testee.handle_end();
    assert!(!testee.channel.ending.was_clean && !testee.channel.ending.dropped_by_me);
    assert!(testee.channel.ending.not_clean_reason.is_some());
    let mut testee = connection(Role::Server);
    read(&mut testee, b"\x88\x00");
    testee.handle_end();
    assert!(testee.channel.ending.was_clean && testee.channel.ending.not_clean_reason.is_none());
}
