//! Messages piece by piece through the driver: in step with the transport, with bounded memory, whatever is dropped.

#![forbid(unsafe_code)]

use std::pin::pin;
use std::task::Poll;

use ws_driver::{
    CloseCode, Config, Error, Message, MessageKind, MessageReader, SendError, TrySendError,
};
use ws_tests::exec::{self, Task};
use ws_tests::scripted::{self, End, Fault, Peer, Scripted, Ws, queued};
use ws_tests::wire::{self, BINARY, CLOSE, CONTINUATION, Frame, PING, PONG, TEXT};

type Reader<'a> = MessageReader<'a, Ws>;

/// The next piece, in memory of its own.
async fn piece(reader: &mut Reader<'_>) -> Result<Option<Vec<u8>>, Error> {
    let piece = reader.chunk().await?.map(<[u8]>::to_vec);
    assert!(piece.as_ref().is_none_or(|piece| !piece.is_empty()));
    Ok(piece)
}

/// All pieces, joined.
async fn join(reader: &mut Reader<'_>) -> Result<Vec<u8>, Error> {
    let mut octets = Vec::new();
    while let Some(piece) = piece(reader).await? {
        octets.extend(piece);
    }
    Ok(octets)
}

/// The next message, joined.
async fn joined(ws: &mut Ws) -> Result<Option<(MessageKind, Vec<u8>)>, Error> {
    let Some(mut reader) = ws.recv_stream().await? else {
        return Ok(None);
    };
    Ok(Some((reader.kind(), join(&mut reader).await?)))
}

/// First octets and payloads.
fn shape(frames: &[Frame]) -> Vec<(u8, &[u8])> {
    let shape = |frame: &'_ Frame| frame.first;
    frames
        .iter()
        .map(|frame| (shape(frame), &frame.payload[..]))
        .collect()
}

const FIN: u8 = 0x80;

#[test]
fn pieces_come_as_they_arrive_and_pings_between_them_are_answered_in_order() {
    for end in End::BOTH {
        let from = end.peer();
        let (mut ws, peer) = end.open(&Config::default());
        peer.push(from.frame(PING, b"0"));
        peer.push(&from.fragment(TEXT, "aκ€".as_bytes())[..from_header(end) + 2]);
        let mut reader = exec::run(ws.recv_stream()).unwrap().unwrap();
        assert_eq!(reader.kind(), MessageKind::Text);
        // Half a character is there already.
        assert_eq!(exec::run(reader.chunk()).unwrap(), Some(&b"a\xce"[..]));
        assert!(exec::attempt(reader.chunk()).is_pending());
        assert_eq!(shape(&peer.take_frames()), [(FIN | PONG, &b"0"[..])]);
        peer.push(&from.fragment(TEXT, "aκ€".as_bytes())[from_header(end) + 2..]);
        assert_eq!(
            exec::run(reader.chunk()).unwrap().unwrap(),
            &"κ€".as_bytes()[1..]
        );
        peer.push([from.frame(PING, b"1"), from.frame(PING, b"2")].concat());
        peer.push(from.fragment(CONTINUATION, b""));
        assert!(exec::attempt(reader.chunk()).is_pending());
        let frames = peer.take_frames();
        assert_eq!(
            shape(&frames),
            [(FIN | PONG, &b"1"[..]), (FIN | PONG, b"2")]
        );
        peer.push([from.frame(CONTINUATION, b"end"), from.text("next")].concat());
        assert_eq!(exec::run(reader.chunk()).unwrap(), Some(&b"end"[..]));
        for _ in 0..3 {
            assert_eq!(exec::run(reader.chunk()).unwrap(), None);
        }
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("next".into()));
    }
}

/// Octets in the header of a short frame to this end.
fn from_header(end: End) -> usize {
    match end {
        End::Client => 2,
        End::Server => 6,
    }
}

#[test]
fn messages_over_the_limits_are_streamed_and_the_next_one_put_together_fails() {
    for end in End::BOTH {
        let config = Config::default().max_message_len(1000).max_frame_len(500);
        let (mut ws, peer) = end.open(&config);
        peer.pieces(999, 999);
        peer.push(end.peer().frame(BINARY, &[7; 300_000]));
        peer.push(end.peer().frame(BINARY, &[7; 501]));
        peer.end();
        let message = exec::run(joined(&mut ws)).unwrap().unwrap();
        assert!(message == (MessageKind::Binary, vec![7; 300_000]));
        let error = exec::run(ws.recv()).unwrap_err();
        assert_eq!(error.close_code(), Some(CloseCode::TOO_BIG));
        assert_eq!(peer.take_frames()[0].close_code(), 1009);
        assert!(exec::run(ws.recv_stream()).unwrap().is_none());
    }
}

#[test]
fn a_message_whose_recv_was_dropped_goes_on_in_pieces_from_its_first_octet() {
    let text = "κόσμε 😀".repeat(3);
    for end in End::BOTH {
        let from = end.peer();
        let (first, last) = text.as_bytes().split_at(21);
        let octets = [
            from.fragment(TEXT, first),
            from.frame(PING, b"between"),
            from.fragment(CONTINUATION, b""),
            from.frame(CONTINUATION, last),
        ]
        .concat();
        for at in 0..octets.len() {
            for looks in [1, 2] {
                let (mut ws, peer) = end.open(&Config::default());
                peer.push(&octets[..at]);
                for _ in 0..looks {
                    assert!(exec::attempt(ws.recv()).is_pending());
                    assert!(exec::attempt(ws.recv_ref()).is_pending());
                }
                peer.push([&octets[at..], &from.text("next")].concat());
                let message = exec::run(joined(&mut ws)).unwrap().unwrap();
                assert_eq!(
                    message,
                    (MessageKind::Text, text.clone().into_bytes()),
                    "{at}"
                );
                assert_eq!(exec::run(ws.recv()).unwrap(), Some("next".into()));
                exec::run(ws.flush()).unwrap();
                assert_eq!(shape(&peer.take_frames()), [(FIN | PONG, &b"between"[..])]);
            }
        }
    }
}

#[test]
fn a_large_message_half_put_together_goes_on_in_pieces() {
    for end in End::BOTH {
        let payload: Vec<u8> = (0..200_000_u32).map(|n| (n * 7) as u8).collect();
        let octets = end.peer().frame(BINARY, &payload);
        for at in [5, 1000, 65_536, 70_000, 150_000] {
            let (mut ws, peer) = end.open(&Config::default());
            peer.push(&octets[..at]);
            assert!(exec::attempt(ws.recv()).is_pending());
            peer.push(&octets[at..]);
            let (_, joined) = exec::run(joined(&mut ws)).unwrap().unwrap();
            assert!(joined == payload, "{end:?} at {at}");
        }
    }
}

#[test]
fn a_reader_dropped_anywhere_lets_the_next_receive_skip_the_rest() {
    for end in End::BOTH {
        for chunks in 0..8 {
            for streamed in [false, true] {
                let from = end.peer();
                let (mut ws, peer) = end.open(&Config::default());
                for number in 0..6_u8 {
                    let opcode = if number == 0 { BINARY } else { CONTINUATION };
                    peer.push(from.fragment(opcode, &[number; 3]));
                    peer.push(from.frame(PING, &[number]));
                }
                peer.push(from.frame(CONTINUATION, b"last"));
                peer.push(from.text("next"));
                {
                    let mut reader = exec::run(ws.recv_stream()).unwrap().unwrap();
                    for _ in 0..chunks {
                        exec::run(reader.chunk()).unwrap();
                    }
                }
                if streamed {
                    let next = exec::run(joined(&mut ws)).unwrap().unwrap();
                    assert_eq!(next, (MessageKind::Text, b"next".to_vec()));
                } else {
                    assert_eq!(exec::run(ws.recv()).unwrap(), Some("next".into()));
                }
                assert!(exec::attempt(ws.recv()).is_pending());
                let pongs = peer.take_frames();
                let numbers: Vec<u8> = pongs.iter().map(|frame| frame.payload[0]).collect();
                assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
            }
        }
    }
}

#[test]
fn a_message_that_drive_found_is_the_next_to_be_streamed() {
    for end in End::BOTH {
        for fragmented in [false, true] {
            let from = end.peer();
            let (mut ws, peer) = end.open(&Config::default());
            if fragmented {
                peer.push([from.fragment(TEXT, b"fi"), from.frame(CONTINUATION, b"rst")].concat());
            } else {
                peer.push(from.text("first"));
            }
            peer.push([from.text("second"), from.text("third")].concat());
            assert!(exec::run(ws.drive()).unwrap());
            let first = exec::run(joined(&mut ws)).unwrap().unwrap();
            assert_eq!(first, (MessageKind::Text, b"first".to_vec()));
            assert_eq!(exec::run(ws.recv()).unwrap(), Some("second".into()));
            assert_eq!(exec::run(ws.recv()).unwrap(), Some("third".into()));
        }
    }
}

#[test]
fn drive_inside_a_message_skips_its_rest_or_keeps_its_beginning() {
    for end in End::BOTH {
        let from = end.peer();
        let (mut ws, peer) = end.open(&Config::default());
        peer.push(from.fragment(TEXT, b"begun "));
        assert!(exec::attempt(ws.drive()).is_pending());
        peer.push(from.fragment(CONTINUATION, b"by drive"));
        assert!(exec::attempt(ws.drive()).is_pending());
        peer.push(from.frame(CONTINUATION, b""));
        let message = exec::run(joined(&mut ws)).unwrap().unwrap();
        assert_eq!(message, (MessageKind::Text, b"begun by drive".to_vec()));
        // A reader that was dropped has given its message up.
        peer.push(from.fragment(TEXT, b"dropped"));
        exec::run(ws.recv_stream()).unwrap().unwrap();
        assert!(exec::attempt(ws.drive()).is_pending());
        peer.push([from.frame(CONTINUATION, b""), from.text("next")].concat());
        assert!(exec::run(ws.drive()).unwrap());
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("next".into()));
    }
}

#[test]
fn a_connection_inside_a_streamed_message_is_not_taken_apart() {
    for end in End::BOTH {
        let from = end.peer();
        let (mut ws, peer) = end.open(&Config::default());
        peer.push(from.fragment(TEXT, b"begun"));
        {
            let mut reader = exec::run(ws.recv_stream()).unwrap().unwrap();
            exec::run(reader.chunk()).unwrap();
        }
        let Err(mut ws) = ws.into_parts() else {
            panic!("taken apart inside a message")
        };
        peer.push([from.frame(CONTINUATION, b""), from.text("next")].concat());
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("next".into()));
        assert!(ws.into_parts().is_ok());
    }
}

#[test]
fn a_violation_in_the_skipped_rest_comes_before_later_messages() {
    for end in End::BOTH {
        for streamed in [false, true] {
            let from = end.peer();
            let (mut ws, peer) = end.open(&Config::default());
            peer.push(from.fragment(TEXT, b"good"));
            exec::run(ws.recv_stream()).unwrap().unwrap();
            peer.push(
                [
                    from.fragment(CONTINUATION, b"\xc2"),
                    from.frame(CONTINUATION, b""),
                ]
                .concat(),
            );
            peer.push(from.text("later"));
            peer.end();
            let error = if streamed {
                exec::run(ws.recv_stream()).map(drop).unwrap_err()
            } else {
                exec::run(ws.recv()).unwrap_err()
            };
            assert_eq!(error.close_code(), Some(CloseCode::INVALID_PAYLOAD));
            assert_eq!(peer.take_frames()[0].close_code(), 1007);
            assert_eq!(exec::run(ws.recv()).unwrap(), None);
        }
    }
}

#[test]
fn text_that_becomes_invalid_mid_frame_fails_at_once() {
    for end in End::BOTH {
        let from = end.peer();
        let octets = from.frame(TEXT, b"\xce\xba\xf4\x90 and much that never arrives");
        let (mut ws, peer) = end.open(&Config::default());
        peer.push(&octets[..from_header(end) + 3]);
        let mut reader = exec::run(ws.recv_stream()).unwrap().unwrap();
        assert_eq!(
            exec::run(reader.chunk()).unwrap(),
            Some(&b"\xce\xba\xf4"[..])
        );
        peer.push(&octets[from_header(end) + 3..from_header(end) + 4]);
        assert!(exec::attempt(reader.chunk()).is_pending());
        assert_eq!(peer.take_frames()[0].close_code(), 1007);
        peer.end();
        let error = exec::run(reader.chunk()).unwrap_err();
        assert_eq!(error.close_code(), Some(CloseCode::INVALID_PAYLOAD));
        assert_eq!(exec::run(ws.recv()).unwrap(), None);
    }
}

#[test]
fn every_end_inside_a_message_is_an_error_that_says_which() {
    type Ending = fn(&Peer, wire::From);
    let closed: Ending = |peer, from| {
        peer.push(from.close(1000, "bye"));
        peer.end();
    };
    let lost: Ending = |peer, _| peer.end();
    let reset: Ending = |peer, _| peer.reset();
    for end in End::BOTH {
        for (ending, matches) in [
            (
                closed,
                (|e| matches!(e, Error::Unfinished)) as fn(&Error) -> bool,
            ),
            (lost, |e| matches!(e, Error::Lost)),
            (reset, |e| matches!(e, Error::Io(_))),
        ] {
            for dropped in [false, true] {
                let (mut ws, peer) = end.open(&Config::default());
                peer.push(end.peer().fragment(TEXT, b"begun"));
                let mut reader = exec::run(ws.recv_stream()).unwrap().unwrap();
                assert_eq!(exec::run(reader.chunk()).unwrap(), Some(&b"begun"[..]));
                ending(&peer, end.peer());
                let is_closed = matches(&Error::Unfinished);
                if dropped {
                    let result = exec::run(ws.recv());
                    match result {
                        Ok(message) => assert!(is_closed && message.is_none()),
                        Err(error) => assert!(matches(&error), "{error:?}"),
                    }
                } else {
                    let error = exec::run(reader.chunk()).unwrap_err();
                    assert!(matches(&error), "{error:?}");
                    // It never looks whole.
                    assert!(exec::run(reader.chunk()).is_err());
                }
                assert_eq!(ws.end().unwrap().clean, is_closed);
                assert_eq!(exec::run(ws.recv()).unwrap(), None);
                assert!(exec::run(ws.recv_stream()).unwrap().is_none());
                if is_closed {
                    assert_eq!(peer.take_frames()[0].close_code(), 1000);
                }
            }
        }
    }
}

#[test]
fn futures_of_a_reader_dropped_at_every_await_lose_nothing() {
    for end in End::BOTH {
        for size in [1, 2, 7, 4096] {
            for glances in [0, 1, 3, 10] {
                let from = end.peer();
                let text = "κόσμε ".repeat(30);
                let (first, last) = text.as_bytes().split_at(101);
                let (mut ws, peer) = end.open(&Config::default());
                peer.hesitate();
                peer.pieces(size, size);
                peer.push(
                    [
                        from.fragment(TEXT, first),
                        from.frame(PING, b"between"),
                        from.frame(CONTINUATION, last),
                        from.text("next"),
                        from.close(1000, ""),
                    ]
                    .concat(),
                );
                peer.end();
                // What is begun like this goes on in pieces. A read of 4096 octets would bring all of it.
                for _ in 0..if size < 100 { glances } else { glances.min(1) } {
                    assert!(exec::glance(ws.recv()).is_pending());
                    if size < 100 {
                        assert!(exec::glance(ws.recv_ref()).is_pending());
                    }
                }
                let mut reader = exec::run(ws.recv_stream()).unwrap().unwrap();
                let mut octets = Vec::new();
                while let Some(piece) =
                    exec::run_dropping(&mut reader, async |reader| piece(reader).await).unwrap()
                {
                    octets.extend(piece);
                }
                assert_eq!(octets, text.as_bytes(), "{end:?} by {size}");
                let next = exec::run_dropping(&mut ws, async |ws| ws.recv().await).unwrap();
                assert_eq!(next, Some("next".into()));
                let end = exec::run_dropping(&mut ws, async |ws| ws.recv().await).unwrap();
                assert_eq!(end, None);
                assert!(ws.end().unwrap().clean);
                let frames = peer.take_frames();
                assert_eq!(frames.len(), 2);
                assert_eq!(frames[0].whole(), (PONG, &b"between"[..]));
            }
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Sending.

#[test]
fn pieces_are_frames_and_each_of_a_clients_has_a_key_of_its_own() {
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
        // Everything has left when it returns, also what was fed before.
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
            // The transport stops inside each frame.
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
        ws.try_send("whole").unwrap();
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
        match ws.try_send(Message::from("other")) {
            Err(TrySendError::Unfinished(message)) => assert_eq!(message, "other".into()),
            result => panic!("{result:?}"),
        }
        // An echo of what arrives is refused as well; a Ping is not.
        peer.push(end.peer().text("echo me"));
        let (message, out) = exec::run(ws.recv_ref()).unwrap().unwrap();
        assert!(is_refused(exec::run(out.feed(message))));
        exec::run(ws.send_ping("p")).unwrap();
        let mut writer = ws.resume_writer().unwrap();
        // As the text that it was.
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
            let is_closing =
                |result: Result<(), Error>| matches!(result, Err(Error::Send(SendError::Closing)));
            assert!(is_closing(exec::run(ws.send("x"))));
            assert!(is_closing(ws.writer(MessageKind::Text).map(drop)));
            assert!(matches!(ws.try_send("x"), Err(TrySendError::Closing("x"))));
            if let Some(mut writer) = ws.resume_writer() {
                assert!(is_closing(exec::run(writer.write("x"))));
                assert!(is_closing(exec::run(writer.finish())));
            }
        }
    }
}

/// A connection with an unfinished message of one piece, whose queue is over its mark.
fn congested(end: End) -> (Ws, Peer) {
    let (mut ws, peer) = end.open(&Config::default().high_water_mark(100));
    peer.window(0);
    exec::run(ws.writer(MessageKind::Binary).unwrap().write([1; 200])).unwrap();
    peer.hesitate();
    peer.pieces(3, 3);
    (ws, peer)
}

#[test]
fn a_write_dropped_before_it_returned_sends_nothing_of_its_piece() {
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
fn a_write_waits_while_the_queue_is_over_its_mark() {
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
        // And so does the end.
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

#[test]
fn a_writer_whose_transport_fails_or_stalls_says_so() {
    for end in End::BOTH {
        for fault in [Fault::Fail, Fault::Stick] {
            let (mut ws, peer) = end.open(&Config::default().high_water_mark(100));
            let mut writer = ws.writer(MessageKind::Binary).unwrap();
            peer.fault(1, fault);
            let result = exec::run(async {
                loop {
                    writer.write([0; 60]).await?;
                }
            });
            let error: Error = match result {
                Ok(()) => unreachable!("an endless loop"),
                Err(error) => error,
            };
            assert!(
                matches!(
                    (fault, &error),
                    (Fault::Fail, Error::Io(_)) | (Fault::Stick, Error::Timeout(_))
                ),
                "{error:?}"
            );
        }
    }
}

#[test]
fn large_files_pass_both_ways_in_bounded_memory() {
    const MIB: usize = 1 << 20;
    const ALL: usize = 64 * MIB;
    const PIECE: usize = 32 * 1024;
    const MARK: usize = 64 * 1024;
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        // Up: the peer takes a little more than a piece whenever there is nothing to do.
        let piece = vec![0x5a; PIECE];
        let mut taken = 0;
        let mut most = 0;
        let mut written = 0;
        {
            let mut writer = ws.writer(MessageKind::Binary).unwrap();
            exec::run(writer.write(&piece)).unwrap();
        }
        peer.window(0);
        while written < ALL {
            let mut writer = ws.resume_writer().unwrap();
            match exec::attempt(writer.write(&piece)) {
                Poll::Ready(result) => {
                    result.unwrap();
                    written += PIECE;
                }
                Poll::Pending => {
                    taken += peer.take_output().len();
                    peer.window(100_000);
                }
            }
            if written % (MIB / 2) == 0 {
                most = most.max(queued(&ws));
            }
        }
        assert!(most <= MARK + PIECE + 14, "{most} queued");
        peer.window(usize::MAX);
        exec::run(ws.resume_writer().unwrap().finish()).unwrap();
        taken += peer.take_output().len();
        let header = if end == End::Client { 8 } else { 4 };
        assert_eq!(taken, (ALL / PIECE + 1) * (PIECE + header) + header - 2);

        // Down: one frame longer than what is ever put together.
        let len = ALL as u64;
        let header = match end {
            End::Client => [&[FIN | BINARY, 127][..], &len.to_be_bytes()].concat(),
            End::Server => [&[FIN | BINARY, 255][..], &len.to_be_bytes(), &[0; 4]].concat(),
        };
        peer.push(header);
        peer.pieces(10_000, 10_000);
        let mut reader = exec::run(ws.recv_stream()).unwrap().unwrap();
        peer.push_for_ever(&vec![0xa5; 256 * 1024]);
        let mut sum = 0;
        while let Some(piece) = exec::run(reader.chunk()).unwrap() {
            assert!(piece.len() <= MARK);
            sum += piece.len();
            if sum + 256 * 1024 > ALL {
                peer.push_for_ever(&[]);
            }
            if sum < ALL && peer.unread() == 0 && sum + 256 * 1024 > ALL {
                peer.push(vec![0xa5; ALL - sum]);
            }
        }
        assert_eq!(sum, ALL);
    }
}

#[test]
fn halves_pass_a_file_on_piece_by_piece_in_bounded_memory() {
    const ALL: usize = 16 << 20;
    const FRAGMENT: usize = 50_000;
    for end in End::BOTH {
        let (ws, peer) = end.open(&Config::default());
        let (mut tx, mut rx) = ws.split();
        peer.pieces(9000, 9000);
        peer.window(0);
        let mut echo = pin!(async {
            let mut reader = rx.recv_stream().await?.expect("a message");
            let mut writer = tx.writer(reader.kind())?;
            while let Some(piece) = reader.chunk().await? {
                writer.write(piece).await?;
            }
            writer.finish().await
        });
        let mut task = Task::new();
        let (mut pushed, mut echoed, mut written) = (0, 0, 0);
        let mut output = Vec::new();
        let mut first = BINARY;
        let mut pings = 0;
        loop {
            while pushed < ALL && peer.unread() < 100_000 {
                let len = FRAGMENT.min(ALL - pushed);
                pushed += len;
                let fin = if pushed == ALL { FIN } else { 0 };
                let key = (end == End::Server).then_some([0, 1, 2, 3]);
                peer.push(wire::encode(fin | first, key, &vec![pushed as u8; len]));
                first = CONTINUATION;
                peer.push(end.peer().frame(PING, b"p"));
            }
            let done = exec::settle(&mut task, echo.as_mut()).is_ready();
            let new = peer.take_output();
            written += new.len();
            output.extend(new);
            let held = (pushed - peer.unread().min(pushed)).saturating_sub(written);
            assert!(held <= 4 * 64 * 1024, "{held} octets held");
            while let Some((frame, len)) = wire::parse_one(&output) {
                output.drain(..len);
                if frame.opcode() == PONG {
                    pings += 1;
                } else {
                    let expected = |at: usize| (((at / FRAGMENT + 1) * FRAGMENT).min(ALL)) as u8;
                    assert!(
                        frame
                            .payload
                            .iter()
                            .enumerate()
                            .step_by(997)
                            .all(|(n, octet)| { *octet == expected(echoed + n) })
                    );
                    echoed += frame.payload.len();
                }
            }
            if done {
                break;
            }
            peer.window(40_000);
        }
        assert_eq!(echoed, ALL);
        assert!(output.is_empty());
        assert!(pings > 0);
    }
}

/// Reads a message piece by piece and sends it back in the same way.
async fn there_and_back(ws: &mut Ws) -> Result<Option<Vec<u8>>, Error> {
    let Some((kind, octets)) = joined(ws).await? else {
        return Ok(None);
    };
    let mut writer = ws.writer(kind)?;
    for piece in octets.chunks(40) {
        writer.write(piece).await?;
    }
    writer.finish().await?;
    Ok(Some(octets))
}

#[test]
fn a_fault_at_any_operation_ends_both_directions_in_order_or_changes_nothing() {
    for end in End::BOTH {
        let from = end.peer();
        let text = "κόσμε ".repeat(20);
        let (first, last) = text.as_bytes().split_at(101);
        let octets = [
            from.fragment(TEXT, first),
            from.frame(PING, b"p"),
            from.frame(CONTINUATION, last),
        ];
        for fault in [Fault::Shorten, Fault::Interrupt, Fault::Fail, Fault::Stick] {
            for at in 0.. {
                let (mut ws, peer) = end.open(&Config::default().high_water_mark(100));
                peer.pieces(50, 50);
                octets.iter().for_each(|octets| peer.push(&octets[..]));
                peer.fault(at, fault);
                let result = exec::try_run(there_and_back(&mut ws));
                let spared = peer.fault_waits();
                let (frames, cut) = wire::parse(&peer.take_output());
                let data: Vec<&Frame> = frames.iter().filter(|f| f.opcode() < CLOSE).collect();
                let echoed: Vec<u8> = data.iter().flat_map(|f| f.payload.clone()).collect();
                let breaks = matches!(fault, Fault::Fail | Fault::Stick) && !spared;
                match result {
                    Some(Ok(Some(octets))) => {
                        assert!(octets == text.as_bytes() && echoed == octets && cut == 0);
                        assert_eq!(data.last().map(|frame| frame.first), Some(FIN));
                    }
                    Some(Ok(None)) => panic!("an end that nobody caused"),
                    Some(Err(_)) | None => {
                        assert!(breaks, "{fault:?} at {at}: {result:?}");
                        assert!(text.as_bytes().starts_with(&echoed));
                        // Whoever reads it never takes it for whole.
                        let is_whole = data.last().is_some_and(|frame| frame.first == FIN);
                        assert!(!is_whole || echoed == text.as_bytes());
                    }
                }
                if spared {
                    assert!(at > 10);
                    break;
                }
            }
        }
    }
}

/// Halves of a transport that can be taken apart.
type Halves = (
    ws_driver::Sender<Scripted>,
    ws_driver::Receiver<Scripted>,
    Peer,
);

fn split(end: End) -> Halves {
    let (ws, peer) = end.open(&Config::default());
    let (tx, rx) = ws.split();
    (tx, rx, peer)
}

#[test]
fn a_piece_wakes_a_receiver_that_waits_and_that_sends_it() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = split(end);
        peer.push(end.peer().fragment(BINARY, b"begun"));
        let mut reader = exec::run(rx.recv_stream()).unwrap().unwrap();
        assert_eq!(exec::run(reader.chunk()).unwrap(), Some(&b"begun"[..]));
        let mut task = Task::new();
        let mut chunk = pin!(reader.chunk());
        assert!(exec::settle(&mut task, chunk.as_mut()).is_pending());
        let mut writer = tx.writer(MessageKind::Text).unwrap();
        exec::expect_ready(exec::glance(writer.write("piece"))).unwrap();
        assert!(task.is_woken());
        assert!(exec::settle(&mut task, chunk.as_mut()).is_pending());
        assert_eq!(shape(&peer.take_frames()), [(TEXT, &b"piece"[..])]);
        exec::run(writer.finish()).unwrap();
        assert_eq!(shape(&peer.take_frames()), [(FIN, &b""[..])]);
    }
}

#[test]
fn halves_keep_the_rules_about_dropped_readers_and_writers() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = split(end);
        exec::run(tx.writer(MessageKind::Text).unwrap().write("a")).unwrap();
        let refused = exec::run(tx.send("other"));
        assert!(matches!(
            refused,
            Err(Error::Send(SendError::UnfinishedMessage))
        ));
        assert!(matches!(
            tx.try_send("other"),
            Err(TrySendError::Unfinished("other"))
        ));
        peer.push(end.peer().frame(PING, b"p"));
        peer.push(end.peer().fragment(BINARY, b"skipped"));
        exec::run(rx.recv_stream()).unwrap().unwrap();
        peer.push(
            [
                end.peer().frame(CONTINUATION, b"too"),
                end.peer().text("next"),
            ]
            .concat(),
        );
        assert_eq!(exec::run(rx.recv()).unwrap(), Some("next".into()));
        exec::run(tx.resume_writer().unwrap().finish()).unwrap();
        assert!(tx.resume_writer().is_none());
        let frames = peer.take_frames();
        let expected = [(TEXT, &b"a"[..]), (FIN | PONG, b"p"), (FIN, b"")];
        assert_eq!(shape(&frames), expected);
        // The state survives joining the halves.
        exec::run(tx.writer(MessageKind::Text).unwrap().write("b")).unwrap();
        peer.push(end.peer().fragment(BINARY, b"skipped"));
        exec::run(rx.recv_stream()).unwrap().unwrap();
        let mut ws = tx.reunite(rx).unwrap();
        peer.push(
            [
                end.peer().frame(CONTINUATION, b"too"),
                end.peer().text("next"),
            ]
            .concat(),
        );
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("next".into()));
        exec::run(ws.resume_writer().unwrap().finish()).unwrap();
    }
}

#[test]
fn a_reader_on_a_half_hears_that_the_connection_was_closed() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = split(end);
        peer.push(end.peer().fragment(BINARY, b"begun"));
        let mut reader = exec::run(rx.recv_stream()).unwrap().unwrap();
        exec::run(reader.chunk()).unwrap();
        let mut closing = Task::new();
        let mut close = pin!(tx.close(CloseCode::NORMAL, ""));
        assert!(exec::settle(&mut closing, close.as_mut()).is_pending());
        // What the peer had under way still comes.
        peer.push(end.peer().fragment(CONTINUATION, b"more"));
        let more = exec::run(reader.chunk()).unwrap();
        assert_eq!(more, Some(&b"more"[..]));
        peer.push(end.peer().close(1000, ""));
        peer.end();
        let error = exec::run(reader.chunk()).unwrap_err();
        assert!(matches!(error, Error::Unfinished), "{error:?}");
        assert!(closing.is_woken());
        exec::expect_ready(exec::settle(&mut closing, close)).unwrap();
        assert!(rx.end().unwrap().clean);
    }
}

#[test]
fn readers_writers_and_their_futures_move_between_threads() {
    fn is_send(_: &impl Send) {}
    let (mut ws, _peer) = scripted::server(&Config::default());
    is_send(&ws.recv_stream());
    let mut writer = ws.writer(MessageKind::Text).unwrap();
    is_send(&writer);
    is_send(&writer.write("x"));
    is_send(&writer.finish());
    let (mut ws, peer) = scripted::server(&Config::default());
    peer.push(wire::From::Client.text("x"));
    let mut reader = exec::run(ws.recv_stream()).unwrap().unwrap();
    is_send(&reader);
    is_send(&reader.chunk());
}
