//! Closes with and without a code and a reason.

use ws_driver::{CloseCode, CloseReason, Config, Error, Initiator, SendError};

use super::roles::ROLES;
use super::{Suite, Ws};
use crate::wire::{self, CLOSE, TEXT};

/// A Close that we begin and a Close that we answer both have no payload. Code 1005 is only
/// reported and never sent (RFC 6455 §7.4.1).
pub fn a_close_without_a_code_has_no_payload<S: Suite>() {
    for role in ROLES {
        let (mut peer, running) = role.open::<S, _, _>(Config::default(), |mut ws| async move {
            ws.close(CloseCode::NO_STATUS, "")
                .await
                .expect("a clean end");
            ws.end()
        });
        assert_eq!(peer.read_close(1005).payload, b"");
        peer.send(&role.peer().frame(CLOSE, b""));
        peer.end();
        let end = running.finish().expect("the end");
        assert!(end.clean);
        assert_eq!((end.code(), end.reason()), (CloseCode::NO_STATUS, ""));
        let local = end.local.expect("our Close");
        assert_eq!((local.code, &*local.reason), (CloseCode::NO_STATUS, ""));

        // The answer to a Close without a payload has no payload either.
        let (mut peer, running) = role.open::<S, _, _>(Config::default(), |mut ws| async move {
            assert!(ws.recv().await.expect("a clean end").is_none());
            ws.end()
        });
        peer.send(&role.peer().frame(CLOSE, b""));
        assert_eq!(peer.read_close(1005).payload, b"");
        peer.end();
        let end = running.finish().expect("the end");
        assert_eq!((end.code(), end.clean), (CloseCode::NO_STATUS, true));
        assert_eq!(end.initiator, Initiator::Peer);
    }
}

/// A reason has at most 123 bytes, because the payload of a control frame has at most 125 bytes and
/// the code takes two of them. A truncated reason is accepted.
pub fn an_invalid_close_is_refused_and_changes_nothing<S: Suite>() {
    let long = "é".repeat(62);
    for role in ROLES {
        for split in [false, true] {
            let reason = long.clone();
            let act = move |mut ws: Ws<S>| async move {
                let refused = match split {
                    false => vec![
                        ws.close(CloseCode::NORMAL, &reason).await,
                        ws.start_close(CloseCode::NORMAL, &reason),
                        // Two other Closes are refused as well: one with a code that must not be
                        // sent, and one with a reason but no code.
                        ws.close(CloseCode::ABNORMAL, "").await,
                        ws.close(CloseCode::NO_STATUS, "reason").await,
                    ],
                    true => {
                        let (mut tx, mut rx) = ws.split();
                        let refused = vec![
                            tx.close(CloseCode::NORMAL, &reason).await,
                            tx.start_close(CloseCode::NORMAL, &reason),
                            rx.start_close(CloseCode::NORMAL, &reason),
                            rx.start_close(CloseCode::NO_STATUS, "reason"),
                        ];
                        ws = tx.reunite(rx).expect("halves of one connection");
                        refused
                    }
                };
                assert!(ws.end().is_none());
                ws.send("still open").await?;
                assert!(ws.recv().await?.is_some());
                ws.close(CloseCode::NORMAL, CloseReason::truncated(&reason))
                    .await?;
                Ok::<_, Error>(refused)
            };
            let (mut peer, running) = role.open::<S, _, _>(Config::default(), act);
            let frame = peer.read_frame().expect("the message");
            assert_eq!(frame.whole(), (TEXT, &b"still open"[..]));
            peer.send(&role.peer().text("open here, too"));
            let close = peer.read_close(1000);
            // A character of two bytes would exceed 123 bytes, so the reason ends after 122 bytes.
            assert_eq!(close.payload, wire::close_payload(1000, &long[..122]));
            peer.send(&role.peer().close(1000, ""));
            peer.end();
            for refused in running.finish().expect("a clean end") {
                assert!(matches!(refused, Err(Error::Send(_))), "{refused:?}");
                assert!(!matches!(refused, Err(Error::Send(SendError::Closing))));
            }
        }
    }
}
