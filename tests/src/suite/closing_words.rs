//! Codes and reasons of a Close, and a Close without either.

use ws_driver::{CloseCode, CloseReason, Config, Error, Initiator, SendError};

use super::roles::ROLES;
use super::{Suite, Ws};
use crate::wire::{self, CLOSE, TEXT};

/// In either direction; 1005 is for reports alone (RFC 6455 §7.4.1).
pub fn a_close_without_a_code_has_no_payload<S: Suite>() {
    for role in ROLES {
        let (mut peer, running) = role.open::<S, _, _>(Config::default(), |mut ws| async move {
            ws.close(CloseCode::NO_STATUS, "")
                .await
                .expect("a clean end");
            ws.end()
        });
        assert_eq!(
            peer.read_frame().expect("a Close").whole(),
            (CLOSE, &b""[..])
        );
        peer.send(&role.peer().frame(CLOSE, b""));
        peer.end();
        let end = running.finish().expect("an end");
        assert!(end.clean);
        assert_eq!((end.code(), end.reason()), (CloseCode::NO_STATUS, ""));
        let local = end.local.expect("our Close");
        assert_eq!((local.code, &*local.reason), (CloseCode::NO_STATUS, ""));

        // The answer to one has none either.
        let (mut peer, running) = role.open::<S, _, _>(Config::default(), |mut ws| async move {
            assert!(ws.recv().await.expect("a clean end").is_none());
            ws.end()
        });
        peer.send(&role.peer().frame(CLOSE, b""));
        assert_eq!(
            peer.read_frame().expect("a Close").whole(),
            (CLOSE, &b""[..])
        );
        peer.end();
        let end = running.finish().expect("an end");
        assert_eq!((end.code(), end.clean), (CloseCode::NO_STATUS, true));
        assert_eq!(end.initiator, Initiator::Peer);
    }
}

/// The limit is that of a control frame: 123 bytes, whatever they spell.
pub fn a_reason_that_is_too_long_closes_nothing<S: Suite>() {
    let long = "é".repeat(62);
    for role in ROLES {
        for split in [false, true] {
            let reason = long.clone();
            let act = move |mut ws: Ws<S>| async move {
                let refused = match split {
                    false => vec![
                        ws.close(CloseCode::NORMAL, &reason).await,
                        ws.start_close(CloseCode::NORMAL, &reason),
                        // Nor does a code that must not be sent, or words without a code.
                        ws.close(CloseCode::ABNORMAL, "").await,
                        ws.close(CloseCode::NO_STATUS, "words").await,
                    ],
                    true => {
                        let (mut tx, mut rx) = ws.split();
                        let refused = vec![
                            tx.close(CloseCode::NORMAL, &reason).await,
                            tx.start_close(CloseCode::NORMAL, &reason),
                            rx.start_close(CloseCode::NORMAL, &reason),
                            rx.start_close(CloseCode::NO_STATUS, "words"),
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
            peer.send(&role.peer().text("here, too"));
            let close = peer.read_frame().expect("the Close");
            // Cut between two characters: one byte less than would fit.
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
