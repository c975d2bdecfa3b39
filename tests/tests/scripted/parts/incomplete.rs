//! Connections that cannot be taken apart because something is incomplete: `into_parts` returns
//! them unchanged.

use ws_driver::{CloseCode, Config, Error, MessageKind};
use ws_tests::exec;
use ws_tests::scripted::End;
use ws_tests::steps::{Receive, assert_works, driven, is_first, opcodes};
use ws_tests::wire::{BINARY, CONTINUATION, PING, PONG, TEXT};

use super::{rebuild, refused};

#[test]
fn into_parts_is_refused_inside_a_frame_or_message() {
    for end in End::BOTH {
        let from = end.peer();
        let frame = from.frame(BINARY, &[9; 300]);
        let fragments = [
            from.fragment(TEXT, b"abc"),
            from.frame(PING, b""),
            from.frame(CONTINUATION, b"def"),
        ]
        .concat();
        let ping = from.frame(PING, b"payload");
        for (bytes, is_message) in [(frame, true), (fragments, true), (ping, false)] {
            for cut in 1..bytes.len() {
                let (mut ws, peer) = end.open(&Config::default());
                peer.push(&bytes[..cut]);
                // This call waits, so it has consumed the beginning of the frame.
                assert!(exec::attempt(ws.recv()).is_pending());
                let ws = refused(ws, end, &format!("cut at {cut}"));
                let mut ws = refused(ws, end, "again");
                peer.push(&bytes[cut..]);
                if is_message {
                    assert!(exec::run(ws.recv()).unwrap().is_some());
                } else {
                    assert!(exec::attempt(ws.recv()).is_pending());
                }
                assert_works(&mut ws, end, &peer);
                let (mut ws, unread) = rebuild(ws, end);
                assert!(unread.is_empty());
                assert_works(&mut ws, end, &peer);
            }
        }
    }
}

#[test]
fn into_parts_is_refused_inside_a_large_frame() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        let frame = end.peer().frame(BINARY, &[9; 300_000]);
        peer.push([end.peer().text("a"), frame[..20_000].to_vec()].concat());
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("a".into()));
        // No call has parsed the frame yet, so its bytes are unread.
        let (mut ws, unread) = rebuild(ws, end);
        assert!(frame.starts_with(&unread) && !unread.is_empty());
        assert!(exec::attempt(ws.recv()).is_pending());
        let mut ws = refused(ws, end, "a large frame");
        peer.push(&frame[20_000..]);
        assert_eq!(exec::run(ws.recv()).unwrap(), Some(vec![9; 300_000].into()));
        assert_works(&mut ws, end, &peer);
    }
}

#[test]
fn into_parts_is_refused_inside_a_streamed_message() {
    for end in End::BOTH {
        let from = end.peer();
        let (mut ws, peer) = end.open(&Config::default());
        peer.push(
            [
                from.fragment(TEXT, b"ab"),
                from.frame(CONTINUATION, b"c"),
                from.text("next"),
            ]
            .concat(),
        );
        assert!(exec::run(ws.recv_stream()).unwrap().is_some());
        let mut ws = refused(ws, end, "a reader dropped at the start");
        // The next reader skips the rest of the message.
        let mut reader = exec::run(ws.recv_stream()).unwrap().unwrap();
        assert_eq!(exec::run(reader.chunk()).unwrap(), Some(&b"next"[..]));
        let mut ws = refused(ws, end, "the end of the message was not read");
        assert!(exec::attempt(async { ws.recv_stream().await.map(|_| ()) }).is_pending());
        let (mut ws, unread) = rebuild(ws, end);
        assert!(unread.is_empty());
        assert_works(&mut ws, end, &peer);
        peer.push([from.text("whole"), from.text("behind")].concat());
        let whole = exec::run(Receive::Stream.next(&mut ws)).unwrap();
        assert_eq!(whole, Some(b"whole".to_vec()));
        let (mut ws, unread) = rebuild(ws, end);
        assert_eq!(unread, from.text("behind"));
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("behind".into()));
        assert_works(&mut ws, end, &peer);
    }
}

#[test]
fn into_parts_is_refused_with_queued_output_or_an_unfinished_message() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        exec::run(ws.feed("queued")).unwrap();
        let mut ws = refused(ws, end, "a queued message");
        peer.window(3);
        assert!(exec::glance(ws.flush()).is_pending());
        let mut ws = refused(ws, end, "half a message written");
        peer.window(usize::MAX);
        exec::run(ws.flush()).unwrap();
        assert_eq!(opcodes(&peer.take_frames()), [TEXT]);
        // A Pong is queued.
        peer.push([end.peer().frame(PING, b"p"), end.peer().text("m")].concat());
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("m".into()));
        let mut ws = refused(ws, end, "a Pong");
        exec::run(ws.flush()).unwrap();
        assert_eq!(opcodes(&peer.take_frames()), [PONG]);
        // One Pong is queued. The Pong for a newer Ping waits after it.
        peer.window(0);
        peer.push(end.peer().frame(PING, b"p"));
        assert!(exec::attempt(ws.recv()).is_pending());
        peer.push(end.peer().frame(PING, b"q"));
        assert!(exec::attempt(ws.recv()).is_pending());
        let mut ws = refused(ws, end, "two Pongs");
        peer.window(usize::MAX);
        exec::run(ws.flush()).unwrap();
        assert_eq!(opcodes(&peer.take_frames()), [PONG, PONG]);
        // A writer was dropped inside its message.
        let mut writer = ws.writer(MessageKind::Text).unwrap();
        exec::run(writer.write("piece")).unwrap();
        exec::run(ws.flush()).unwrap();
        let mut ws = refused(ws, end, "an unfinished message");
        exec::run(ws.resume_writer().unwrap().finish()).unwrap();
        let sent = peer.take_frames();
        assert_eq!(sent[0].payload, b"piece");
        let (mut ws, unread) = rebuild(ws, end);
        assert!(unread.is_empty());
        assert_works(&mut ws, end, &peer);
    }
}

#[test]
fn a_writer_without_a_piece_is_no_unfinished_message() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        assert!(ws.writer(MessageKind::Text).is_ok());
        let (mut ws, unread) = rebuild(ws, end);
        assert!(unread.is_empty());
        assert_works(&mut ws, end, &peer);
    }
}

#[test]
fn into_parts_is_refused_while_closing_and_after_the_end() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        ws.start_close(CloseCode::NORMAL, "").unwrap();
        let mut ws = refused(ws, end, "our Close is queued");
        exec::run(ws.flush()).unwrap();
        let mut ws = refused(ws, end, "our Close is sent");
        peer.push(end.peer().close(1000, ""));
        let pending = exec::attempt(ws.recv());
        let mut ws = refused(ws, end, "both Closes");
        peer.end();
        if pending.is_pending() {
            assert!(exec::run(ws.recv()).unwrap().is_none());
        }
        let ws = refused(ws, end, "the connection has ended");
        assert!(ws.end().unwrap().clean);

        let (mut ws, peer) = end.open(&Config::default());
        peer.end();
        assert!(matches!(exec::run(ws.recv()), Err(Error::Lost)));
        refused(ws, end, "the connection was lost");

        let (mut ws, peer) = end.open(&Config::default());
        peer.push(end.peer().frame(3, b""));
        assert!(exec::attempt(ws.recv()).is_pending());
        let mut ws = refused(ws, end, "a violation");
        peer.end();
        assert!(matches!(exec::run(ws.recv()), Err(Error::Receive(_))));
        refused(ws, end, "a violation reported");

        let (mut ws, peer) = end.open(&Config::default());
        peer.break_writes();
        assert!(exec::run(ws.send("x")).is_err());
        let mut ws = refused(ws, end, "a broken transport");
        assert!(matches!(exec::run(ws.recv()), Err(Error::Io(_))));
    }
}

#[test]
fn into_parts_is_refused_while_a_message_that_drive_found_waits() {
    for end in End::BOTH {
        for how in 0..3 {
            let (ws, peer) = driven(end, how);
            let mut ws = refused(ws, end, "drive found a message");
            assert!(is_first(exec::run(ws.recv()).unwrap().unwrap().as_bytes()));
            if how == 1 {
                exec::run(ws.flush()).unwrap();
            }
            let (mut ws, unread) = rebuild(ws, end);
            if how < 2 {
                assert_eq!(unread, end.peer().text("second"));
            }
            assert_eq!(exec::run(ws.recv()).unwrap(), Some("second".into()));
            assert_works(&mut ws, end, &peer);
        }
    }
}
