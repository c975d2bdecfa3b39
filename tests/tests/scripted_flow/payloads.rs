//! Large payloads are offered to the transport where they lie.

use ws_driver::{Bytes, Config};
use ws_tests::exec;
use ws_tests::scripted::{self, Op};
use ws_tests::wire::{self, BINARY, PING, PONG};

use super::writes;

#[test]
fn a_large_owned_message_leaves_without_a_copy_beside_its_header() {
    let (mut ws, peer) = scripted::server(&Config::default());
    exec::run(ws.send(Bytes::from(vec![7; 1 << 20]))).unwrap();
    let log = peer.take_log();
    assert_eq!(
        log,
        [
            Op::Write {
                len: (1 << 20) + 10,
                slices: 2
            },
            Op::Flush
        ]
    );
    assert_eq!(peer.take_frames()[0].payload, vec![7; 1 << 20]);
}

/// What a server has sent after a send of a borrowed payload whose first poll met this window.
fn after_a_cut_offer(before: &[u8], len: usize, window: usize, drop_it: bool) -> Vec<wire::Frame> {
    let payload: Vec<u8> = (0..len).map(|at| (at * 7) as u8).collect();
    let (mut ws, peer) = scripted::server(&Config::default());
    if !before.is_empty() {
        exec::run(ws.feed(before)).unwrap();
    }
    peer.window(window);
    {
        let mut send = std::pin::pin!(ws.send(&payload[..]));
        let polled = exec::Task::new().poll(send.as_mut());
        peer.window(usize::MAX);
        if polled.is_pending() && !drop_it {
            exec::run(send).unwrap();
        }
    }
    exec::run(ws.flush()).unwrap();
    exec::run(ws.send("behind")).unwrap();
    let frames = peer.take_frames();
    let offered = &frames[usize::from(!before.is_empty())];
    assert!(offered.payload == payload, "window {window} of {len}");
    frames
}

#[test]
fn a_large_borrowed_payload_is_sent_once_however_little_the_transport_takes_at_first() {
    for len in [8191, 8192, 70_000] {
        let windows = [0, 1, 2, 4, 5, 9, 10, 11, 12, 13, 14, 15, 100, 8000];
        for window in windows.into_iter().chain([len - 1, len, len + 4, len + 10]) {
            for drop_it in [false, true] {
                assert_eq!(after_a_cut_offer(b"", len, window, drop_it).len(), 2);
                assert_eq!(after_a_cut_offer(b"before", len, window, drop_it).len(), 3);
            }
        }
    }
}

#[test]
fn a_large_borrowed_payload_leaves_in_one_write_with_what_was_queued_before() {
    let (mut ws, peer) = scripted::server(&Config::default());
    exec::run(ws.feed("before")).unwrap();
    exec::run(ws.send(&[7; 100_000][..])).unwrap();
    assert_eq!(writes(&peer.take_log()), [8 + 10 + 100_000]);
    assert_eq!(peer.take_frames().len(), 2);
}

#[test]
fn a_pong_never_lands_inside_a_payload_that_was_offered() {
    let (mut ws, peer) = scripted::server(&Config::default());
    peer.window(5);
    assert!(exec::glance(ws.send(&[1; 20_000][..])).is_pending());
    peer.push(wire::From::Client.frame(PING, b"a"));
    peer.push(wire::From::Client.frame(PING, b"b"));
    assert!(exec::attempt(ws.recv()).is_pending());
    peer.window(usize::MAX);
    exec::run(ws.send(&[2; 20_000][..])).unwrap();
    assert!(exec::attempt(ws.recv()).is_pending());
    let frames = peer.take_frames();
    let opcodes: Vec<u8> = frames.iter().map(wire::Frame::opcode).collect();
    assert!(
        opcodes == [BINARY, PONG, BINARY] || opcodes == [BINARY, BINARY, PONG],
        "{opcodes:?}"
    );
    let pong = frames.iter().find(|frame| frame.opcode() == PONG).unwrap();
    assert_eq!(pong.payload, b"b");
}
