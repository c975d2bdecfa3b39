//! The ends of sockets and of the connection.

use h2::Reason;
use tokio::time::timeout;
use ws_tokio::transport::Transport;
use ws_tokio::{CloseCode, Connector, Error, WebSocket};

use crate::raw::{self, Ending, Seen};
use crate::{PATIENCE, server, transport};

#[tokio::test]
async fn both_closes_are_a_clean_end_from_either_side() {
    let address = server::start().await;
    let session = server::session(address, Connector::new()).await;
    let mut ws = session.open(&format!("ws://{address}/echo")).await.unwrap();
    let closed = timeout(PATIENCE, ws.close(CloseCode::NORMAL, "bye")).await;
    closed.unwrap().unwrap();
    assert!(ws.end().unwrap().clean);

    let mut ws = session
        .open(&format!("ws://{address}/close"))
        .await
        .unwrap();
    assert!(
        timeout(PATIENCE, ws.recv())
            .await
            .unwrap()
            .unwrap()
            .is_none()
    );
    let end = ws.end().unwrap();
    assert_eq!((end.code(), end.clean), (CloseCode::new(4000), true));
}

#[tokio::test]
async fn a_stream_without_a_close_is_lost_and_the_others_are_not() {
    let address = server::start().await;
    let session = server::session(address, Connector::new()).await;
    let mut other = session.open(&format!("ws://{address}/echo")).await.unwrap();
    let mut ws = session.open(&format!("ws://{address}/drop")).await.unwrap();
    let received = timeout(PATIENCE, ws.recv()).await.unwrap();
    let error = received.unwrap_err();
    assert!(error.is_disconnect(), "{error}");
    other.send("hello").await.unwrap();
    assert_eq!(other.recv().await.unwrap(), Some("hello".into()));
}

#[tokio::test]
async fn dropping_a_socket_resets_only_its_stream() {
    let address = server::start().await;
    let session = server::session(address, Connector::new()).await;
    let url = format!("ws://{address}/echo");
    let mut kept = session.open(&url).await.unwrap();
    for _ in 0..20 {
        let mut dropped = session.open(&url).await.unwrap();
        dropped.send(vec![0; 100_000]).await.unwrap();
        drop(dropped);
    }
    kept.send("hello").await.unwrap();
    assert_eq!(kept.recv().await.unwrap(), Some("hello".into()));
}

#[tokio::test]
async fn the_driver_ends_after_the_last_socket_and_the_session() {
    let address = server::start().await;
    let (session, driving) = server::driven(address, Connector::new()).await;
    let mut ws = session.open(&format!("ws://{address}/echo")).await.unwrap();
    drop(session);
    ws.send("hello").await.unwrap();
    assert_eq!(ws.recv().await.unwrap(), Some("hello".into()));
    ws.close(CloseCode::NORMAL, "").await.unwrap();
    drop(ws);
    let ended = timeout(PATIENCE, driving).await.expect("an end").unwrap();
    ended.unwrap();
}

#[tokio::test]
async fn a_driver_that_stops_loses_all_sockets() {
    let address = server::start().await;
    let (session, driving) = server::driven(address, Connector::new()).await;
    let mut ws = session.open(&format!("ws://{address}/echo")).await.unwrap();
    driving.abort();
    let error = timeout(PATIENCE, ws.recv()).await.unwrap().unwrap_err();
    assert!(
        error.is_disconnect() || matches!(error, Error::Lost),
        "{error}"
    );
    assert!(session.open(&format!("ws://{address}/echo")).await.is_err());
}

/// Sends a message, receives until the end, and closes. Returns the result of receiving and of
/// closing.
async fn run_to_the_end<T: Transport>(mut ws: WebSocket<T>) -> (String, String) {
    timeout(PATIENCE, ws.send("hello")).await.unwrap().unwrap();
    let received = timeout(PATIENCE, ws.recv()).await.unwrap();
    let closed = timeout(PATIENCE, ws.close(CloseCode::NORMAL, ""))
        .await
        .unwrap();
    let name = |result: Result<(), Error>| match result {
        Ok(()) => "clean",
        Err(Error::Lost) => "lost",
        Err(error) if error.is_disconnect() => "disconnect",
        Err(_) => "other",
    };
    let received = received.map(|message| assert_eq!(message, None));
    (name(received).to_owned(), name(closed).to_owned())
}

#[tokio::test]
async fn each_end_of_a_stream_has_one_result_in_sessions_and_alone() {
    for (ending, expected) in [
        (Ending::CloseAndEnd, "clean"),
        (Ending::Close, "clean"),
        (Ending::CloseAndReset, "clean"),
        (Ending::GoAwayAndClose, "clean"),
        (Ending::End, "lost"),
        (Ending::Reset, "disconnect"),
        (Ending::GoAway, "disconnect"),
        (Ending::EndOfTcp, "disconnect"),
    ] {
        let (address, _sights) = raw::start(ending).await;
        let session = server::session(address, Connector::new()).await;
        let ws = session.open(&format!("ws://{address}/")).await.unwrap();
        let results = run_to_the_end(ws).await;
        assert_eq!(
            results,
            (expected.into(), expected.into()),
            "session: {ending:?}"
        );
        if ending == Ending::GoAwayAndClose {
            let opened = timeout(PATIENCE, session.open(&format!("ws://{address}/"))).await;
            assert!(opened.unwrap().unwrap_err().is_disconnect());
        }

        let (address, _sights) = raw::start(ending).await;
        let ws = transport::open(address, "/").await.unwrap();
        let results = run_to_the_end(ws).await;
        assert_eq!(
            results,
            (expected.into(), expected.into()),
            "alone: {ending:?}"
        );
    }
}

#[tokio::test]
async fn the_connection_of_one_socket_ends_with_it() {
    for ending in [Ending::CloseAndEnd, Ending::Close] {
        let (address, sights) = raw::start(ending).await;
        let ws = transport::open(address, "/").await.unwrap();
        run_to_the_end(ws).await;
        let seen = raw::all(sights).await;
        assert_eq!(
            seen,
            [Seen::StreamEnded, Seen::ConnectionEnded],
            "{ending:?}"
        );
    }
}

#[tokio::test]
async fn dropping_the_socket_of_a_connection_resets_the_stream_and_ends_the_connection() {
    let (address, sights) = raw::start(Ending::None).await;
    let mut ws = transport::open(address, "/").await.unwrap();
    ws.send("hello").await.unwrap();
    drop(ws);
    let seen = raw::all(sights).await;
    assert_eq!(
        seen,
        [
            Seen::StreamReset(Reason::CANCEL.into()),
            Seen::ConnectionEnded
        ]
    );
}
