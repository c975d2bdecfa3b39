//! Large payloads are written without a copy.

use ws_driver::{Bytes, Config};
use ws_tests::exec;
use ws_tests::scripted::{self, Op};
use ws_tests::steps::opcodes;
use ws_tests::wire::{self, BINARY, PING, PONG};

use super::writes;

#[test]
fn a_large_owned_message_is_written_from_its_own_memory_with_its_header() {
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

/// Asserts that a server sends a borrowed payload unchanged if the transport takes only `window`
/// bytes in the first poll. With `drop_it`, the future is dropped after this poll. Returns the
/// frames that were written.
fn sent_after_a_partial_write(
    before: &[u8],
    len: usize,
    window: usize,
    drop_it: bool,
) -> Vec<wire::Frame> {
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
    let sent = &frames[usize::from(!before.is_empty())];
    assert!(sent.payload == payload, "window {window} of {len}");
    frames
}

#[test]
fn a_large_borrowed_payload_is_sent_once_however_little_the_transport_takes_at_first() {
    for len in [8191, 8192, 70_000] {
        let windows = [0, 1, 2, 4, 5, 9, 10, 11, 12, 13, 14, 15, 100, 8000];
        for window in windows.into_iter().chain([len - 1, len, len + 4, len + 10]) {
            for drop_it in [false, true] {
                assert_eq!(
                    sent_after_a_partial_write(b"", len, window, drop_it).len(),
                    2
                );
                assert_eq!(
                    sent_after_a_partial_write(b"before", len, window, drop_it).len(),
                    3
                );
            }
        }
    }
}

#[test]
fn a_large_borrowed_payload_and_the_queue_before_it_are_one_write() {
    let (mut ws, peer) = scripted::server(&Config::default());
    exec::run(ws.feed("before")).unwrap();
    exec::run(ws.send(&[7; 100_000][..])).unwrap();
    assert_eq!(writes(&peer.take_log()), [8 + 10 + 100_000]);
    assert_eq!(peer.take_frames().len(), 2);
}

#[test]
fn a_pong_is_never_written_inside_a_payload() {
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
    let opcodes = opcodes(&frames);
    assert!(
        opcodes == [BINARY, PONG, BINARY] || opcodes == [BINARY, BINARY, PONG],
        "{opcodes:?}"
    );
    let pong = frames.iter().find(|frame| frame.opcode() == PONG).unwrap();
    assert_eq!(pong.payload, b"b");
}
