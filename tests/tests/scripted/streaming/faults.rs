//! Errors inside a message are reported, and the message never looks complete.

use ws_driver::{CloseCode, Config, Error, MessageKind};
use ws_tests::exec;
use ws_tests::scripted::{End, Fault, Peer, Ws};
use ws_tests::wire::{self, CLOSE, CONTINUATION, Frame, PING, TEXT};

use super::{FIN, header_len, next_joined};

#[test]
fn a_violation_in_the_skipped_rest_is_reported_before_later_messages() {
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
            assert_eq!(error.violation_code(), Some(CloseCode::INVALID_PAYLOAD));
            assert_eq!(peer.take_frames()[0].close_code(), 1007);
            assert_eq!(exec::run(ws.recv()).unwrap(), None);
        }
    }
}

#[test]
fn text_that_becomes_invalid_mid_frame_fails_at_once() {
    for end in End::BOTH {
        let from = end.peer();
        let bytes = from.frame(TEXT, b"\xce\xba\xf4\x90 and much that never arrives");
        let (mut ws, peer) = end.open(&Config::default());
        peer.push(&bytes[..header_len(end) + 3]);
        let mut reader = exec::run(ws.recv_stream()).unwrap().unwrap();
        assert_eq!(
            exec::run(reader.chunk()).unwrap(),
            Some(&b"\xce\xba\xf4"[..])
        );
        peer.push(&bytes[header_len(end) + 3..header_len(end) + 4]);
        assert!(exec::attempt(reader.chunk()).is_pending());
        assert_eq!(peer.take_frames()[0].close_code(), 1007);
        peer.end();
        let error = exec::run(reader.chunk()).unwrap_err();
        assert_eq!(error.violation_code(), Some(CloseCode::INVALID_PAYLOAD));
        assert_eq!(exec::run(ws.recv()).unwrap(), None);
    }
}

#[test]
fn every_end_inside_a_message_is_its_own_error() {
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
                    // The message never looks complete.
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
fn a_writer_reports_that_its_transport_failed_or_stalled() {
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

/// Reads a message piece by piece and sends it back piece by piece.
async fn there_and_back(ws: &mut Ws) -> Result<Option<Vec<u8>>, Error> {
    let Some((kind, bytes)) = next_joined(ws).await? else {
        return Ok(None);
    };
    let mut writer = ws.writer(kind)?;
    for piece in bytes.chunks(40) {
        writer.write(piece).await?;
    }
    writer.finish().await?;
    Ok(Some(bytes))
}

#[test]
fn a_fault_at_any_operation_is_reported_or_changes_nothing() {
    for end in End::BOTH {
        let from = end.peer();
        let text = "κόσμε ".repeat(20);
        let (first, last) = text.as_bytes().split_at(101);
        let bytes = [
            from.fragment(TEXT, first),
            from.frame(PING, b"p"),
            from.frame(CONTINUATION, last),
        ];
        for fault in [Fault::Shorten, Fault::Interrupt, Fault::Fail, Fault::Stick] {
            for at in 0.. {
                let (mut ws, peer) = end.open(&Config::default().high_water_mark(100));
                peer.pieces(50, 50);
                bytes.iter().for_each(|bytes| peer.push(&bytes[..]));
                peer.fault(at, fault);
                let result = exec::try_run(there_and_back(&mut ws));
                let spared = peer.fault_waits();
                let (frames, cut) = wire::parse(&peer.take_output());
                let data: Vec<&Frame> = frames.iter().filter(|f| f.opcode() < CLOSE).collect();
                let echoed: Vec<u8> = data.iter().flat_map(|f| f.payload.clone()).collect();
                let breaks = matches!(fault, Fault::Fail | Fault::Stick) && !spared;
                match result {
                    Some(Ok(Some(bytes))) => {
                        assert!(bytes == text.as_bytes() && echoed == bytes && cut == 0);
                        assert_eq!(data.last().map(|frame| frame.first), Some(FIN));
                    }
                    Some(Ok(None)) => panic!("the connection has ended without a cause"),
                    Some(Err(_)) | None => {
                        assert!(breaks, "{fault:?} at {at}: {result:?}");
                        assert!(text.as_bytes().starts_with(&echoed));
                        // An incomplete message never looks complete to the peer.
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
