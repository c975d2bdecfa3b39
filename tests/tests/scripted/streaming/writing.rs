//! Sending piece by piece. Other messages are refused while a message is unfinished.

use std::pin::pin;

use ws_driver::{CloseCode, Config, Error, Message, MessageKind, SendError, TryFeedError};
use ws_tests::exec::{self, Task};
use ws_tests::scripted::{End, Peer, Ws, queued};
use ws_tests::steps::is_closing;
use ws_tests::wire::{BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT};

use super::{FIN, shape};

#[test]
fn each_piece_is_a_frame_and_a_client_masks_each_with_a_new_key() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        exec::run(async {
            ws.feed("before").await?;
            let mut writer = ws.writer(MessageKind::Text)?;
            writer.write("a").await?;
            writer.write(b"\xce").await?;
            writer.write("").await?;
            writer.write(vec![0xba]).await?;
            writer.finish().await
        })
        .unwrap();
        // `finish` returns when everything has been written, including the message fed before.
        assert_eq!(queued(&ws), 0);
        let frames = peer.take_frames();
        let expected = [
            (FIN | TEXT, &b"before"[..]),
            (TEXT, b"a"),
            (CONTINUATION, b"\xce"),
            (CONTINUATION, b"\xba"),
            (FIN | CONTINUATION, b""),
        ];
        assert_eq!(shape(&frames), expected);
        let mut keys: Vec<_> = frames.iter().filter_map(|frame| frame.key).collect();
        assert_eq!(keys.len(), if end == End::Client { 5 } else { 0 });
        keys.sort_unstable();
        keys.dedup();
        assert!(keys.len() >= if end == End::Client { 4 } else { 0 });
    }
}

#[test]
fn pings_are_answered_between_pieces_and_never_inside_a_frame() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default().high_water_mark(10));
        for number in 0..20_u8 {
            // The transport takes no more than 7 bytes, so it stops inside each frame.
            peer.window(7);
            if number == 0 {
                let mut writer = ws.writer(MessageKind::Binary).unwrap();
                exec::expect_ready(exec::attempt(writer.write([number; 50]))).unwrap();
            } else {
                let mut writer = ws.resume_writer().unwrap();
                exec::expect_ready(exec::attempt(writer.write([number; 50]))).unwrap();
            }
            assert!(exec::attempt(ws.flush()).is_pending());
            peer.push(end.peer().frame(PING, &[number]));
            assert!(exec::attempt(ws.recv()).is_pending());
            peer.window(usize::MAX);
            assert!(exec::attempt(ws.recv()).is_pending());
        }
        exec::run(ws.resume_writer().unwrap().finish()).unwrap();
        let frames = peer.take_frames();
        let data: Vec<_> = frames.iter().filter(|frame| frame.opcode() < 8).collect();
        assert_eq!(data.len(), 21);
        for (number, frame) in data[..20].iter().enumerate() {
            assert_eq!(frame.payload, [number as u8; 50]);
        }
        assert_eq!((data[20].first, data[20].payload.len()), (FIN, 0));
        let pongs: Vec<u8> = frames
            .iter()
            .filter(|frame| frame.first == FIN | PONG)
            .map(|frame| frame.payload[0])
            .collect();
        assert_eq!(pongs, (0..20).collect::<Vec<u8>>());
    }
}

#[test]
fn a_writer_dropped_before_its_first_piece_leaves_no_trace() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        ws.writer(MessageKind::Text).unwrap();
        assert!(ws.resume_writer().is_none());
        let mut writer = ws.writer(MessageKind::Text).unwrap();
        exec::run(writer.write("")).unwrap();
        assert!(matches!(
            exec::run(writer.write(b"\xff")),
            Err(Error::Send(SendError::NotUtf8))
        ));
        assert!(ws.resume_writer().is_none());
        ws.try_feed("whole").unwrap();
        exec::run(ws.writer(MessageKind::Binary).unwrap().finish()).unwrap();
        let frames = peer.take_frames();
        assert_eq!(
            shape(&frames),
            [(FIN | TEXT, &b"whole"[..]), (FIN | BINARY, b"")]
        );
    }
}

#[test]
fn a_writer_dropped_inside_its_message_blocks_others_until_it_is_resumed() {
    let is_refused = |result: Result<(), Error>| {
        matches!(result, Err(Error::Send(SendError::UnfinishedMessage)))
    };
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        exec::run(ws.writer(MessageKind::Text).unwrap().write("a\u{3ba}")).unwrap();
        assert!(is_refused(exec::run(ws.send("other"))));
        assert!(is_refused(exec::run(ws.send(vec![1; 100_000]))));
        assert!(is_refused(exec::run(ws.feed("other"))));
        assert!(is_refused(ws.writer(MessageKind::Binary).map(drop)));
        match ws.try_feed(Message::from("other")) {
            Err(TryFeedError::Unfinished(message)) => assert_eq!(message, "other".into()),
            result => panic!("{result:?}"),
        }
        // An echo is refused as well, but a Ping is not.
        peer.push(end.peer().text("echo me"));
        let (message, out) = exec::run(ws.recv_ref()).unwrap().unwrap();
        assert!(is_refused(exec::run(out.feed(message))));
        exec::run(ws.send_ping("p")).unwrap();
        let mut writer = ws.resume_writer().unwrap();
        // The unfinished message is still text, so this byte is refused.
        assert!(exec::run(writer.write(b"\x80")).is_err());
        exec::run(writer.write(b"\xce")).unwrap();
        let result = exec::run(writer.finish());
        assert!(matches!(result, Err(Error::Send(SendError::NotUtf8))));
        let mut writer = ws.resume_writer().unwrap();
        exec::run(writer.write(b"\xba")).unwrap();
        exec::run(writer.finish()).unwrap();
        assert!(ws.resume_writer().is_none());
        exec::run(ws.send("other")).unwrap();
        let frames = peer.take_frames();
        let expected = [
            (TEXT, "aκ".as_bytes()),
            (FIN | PING, b"p"),
            (CONTINUATION, b"\xce"),
            (CONTINUATION, b"\xba"),
            (FIN, b""),
            (FIN | TEXT, b"other"),
        ];
        assert_eq!(shape(&frames), expected);
    }
}

#[test]
fn an_unfinished_message_can_be_given_up_by_a_close() {
    for end in End::BOTH {
        for by_peer in [false, true] {
            let (mut ws, peer) = end.open(&Config::default());
            exec::run(ws.writer(MessageKind::Binary).unwrap().write("begun")).unwrap();
            peer.push(end.peer().close(1000, ""));
            peer.end();
            if by_peer {
                assert_eq!(exec::run(ws.recv()).unwrap(), None);
            } else {
                ws.start_close(CloseCode::NORMAL, "").unwrap();
                exec::run(ws.close(CloseCode::NORMAL, "")).unwrap();
            }
            assert!(ws.end().unwrap().clean);
            let frames = peer.take_frames();
            let close = 1000_u16.to_be_bytes();
            assert_eq!(
                shape(&frames),
                [(BINARY, &b"begun"[..]), (FIN | CLOSE, &close)]
            );
            assert!(is_closing(&exec::run(ws.send("x"))));
            assert!(is_closing(&ws.writer(MessageKind::Text).map(drop)));
            assert!(matches!(ws.try_feed("x"), Err(TryFeedError::Closed("x"))));
            if let Some(mut writer) = ws.resume_writer() {
                assert!(is_closing(&exec::run(writer.write("x"))));
                assert!(is_closing(&exec::run(writer.finish())));
            }
        }
    }
}

/// Returns a connection with an unfinished message of one piece. The queue exceeds the high-water
/// mark, and the transport is slow.
fn congested(end: End) -> (Ws, Peer) {
    let (mut ws, peer) = end.open(&Config::default().high_water_mark(100));
    peer.window(0);
    exec::run(ws.writer(MessageKind::Binary).unwrap().write([1; 200])).unwrap();
    peer.hesitate();
    peer.pieces(3, 3);
    (ws, peer)
}

#[test]
fn a_write_dropped_before_it_returns_sends_nothing_of_its_piece() {
    for end in End::BOTH {
        let mut polls = 1;
        loop {
            let (mut ws, peer) = congested(end);
            peer.window(usize::MAX);
            let mut done = false;
            {
                let mut writer = ws.resume_writer().unwrap();
                let mut write = pin!(writer.write([2; 50]));
                for _ in 0..polls {
                    done = done || Task::new().poll(write.as_mut()).is_ready();
                    if done {
                        break;
                    }
                }
            }
            exec::run(ws.resume_writer().unwrap().finish()).unwrap();
            let frames = peer.take_frames();
            assert_eq!(frames.len(), if done { 3 } else { 2 }, "{polls} polls");
            assert_eq!(frames.last().unwrap().first, FIN);
            if done {
                break;
            }
            polls += 1;
        }
        assert!(polls > 10, "the write was never dropped half way");
    }
}

#[test]
fn a_finish_dropped_anywhere_has_ended_the_message_or_left_it_unfinished() {
    for end in End::BOTH {
        let mut outcomes = [0, 0];
        for polls in 1.. {
            let (mut ws, peer) = congested(end);
            peer.window(usize::MAX);
            let mut done = false;
            {
                let writer = ws.resume_writer().unwrap();
                let mut finish = pin!(writer.finish());
                for _ in 0..polls {
                    done = done || Task::new().poll(finish.as_mut()).is_ready();
                    if done {
                        break;
                    }
                }
            }
            let resumed = match ws.resume_writer() {
                Some(writer) => {
                    assert!(!done);
                    exec::run(writer.finish()).unwrap();
                    true
                }
                None => false,
            };
            exec::run(ws.send("next")).unwrap();
            outcomes[usize::from(resumed)] += 1;
            let frames = peer.take_frames();
            let expected = [(BINARY, &[1; 200][..]), (FIN, b""), (FIN | TEXT, b"next")];
            assert_eq!(shape(&frames), expected, "{polls} polls");
            if done {
                break;
            }
        }
        assert!(outcomes.iter().all(|count| *count > 2), "{outcomes:?}");
    }
}

#[test]
fn write_and_finish_wait_while_the_queue_exceeds_the_high_water_mark() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default().high_water_mark(1000));
        peer.window(0);
        let mut writer = ws.writer(MessageKind::Binary).unwrap();
        exec::expect_ready(exec::attempt(writer.write([1; 600]))).unwrap();
        exec::expect_ready(exec::attempt(writer.write([2; 600]))).unwrap();
        for _ in 0..3 {
            assert!(exec::attempt(writer.write([3; 600])).is_pending());
        }
        assert!((1200..1220).contains(&queued(&ws)));
        let mut writer = ws.resume_writer().unwrap();
        {
            let mut task = Task::new();
            let mut write = pin!(writer.write([3; 600]));
            assert!(exec::settle(&mut task, write.as_mut()).is_pending());
            peer.window(500);
            assert!(task.is_woken());
            exec::expect_ready(exec::settle(&mut task, write.as_mut())).unwrap();
        }
        let mut task = Task::new();
        let mut finish = pin!(writer.finish());
        assert!(exec::settle(&mut task, finish.as_mut()).is_pending());
        peer.window(usize::MAX);
        assert!(task.is_woken());
        exec::expect_ready(exec::settle(&mut task, finish.as_mut())).unwrap();
        let lens: Vec<usize> = peer.take_frames().iter().map(|f| f.payload.len()).collect();
        assert_eq!(lens, [600, 600, 600, 0]);
    }
}
