//! The windows of flow control.

use std::future::poll_fn;
use std::io::IoSlice;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use ws_driver::transport::WriteHalf;
use ws_driver::{Error, Timeout};
use ws_tests::exec::{self, Task};
use ws_tests::http2::{self, MAX_WINDOW, Output, STREAM};
use ws_tests::wire::TEXT;

use super::{Form, frames, open_alone, open_with};

#[test]
fn a_window_of_one_byte_is_enough() {
    for form in Form::BOTH {
        let (mut client, peer) = open_with(form, 1);
        let mut output = Vec::new();
        {
            let mut sending = pin!(client.run(async |ws| ws.send("one by one").await));
            let mut task = Task::new();
            let mut windows = 0;
            while exec::settle(&mut task, sending.as_mut()).is_pending() {
                output.extend(peer.take_output());
                windows += 1;
                assert_eq!(Output::parse(&output).data.len(), windows, "{form:?}");
                peer.push(http2::window_update(STREAM, 1));
            }
        }
        client.settle(&peer);
        output.extend(peer.take_output());
        let output = Output::parse(&output);
        assert_eq!(
            frames(&output),
            [(TEXT, b"one by one".to_vec())],
            "{form:?}"
        );
    }
}

#[test]
fn a_server_that_opens_no_window_has_stopped_reading() {
    for form in Form::BOTH {
        let (mut client, _peer) = open_with(form, 0);
        let sent = exec::run(client.run(async |ws| ws.send("stuck").await));
        let error = sent.unwrap_err();
        assert!(
            matches!(error, Error::Timeout(Timeout::WriteStall)),
            "{form:?}: {error}"
        );
    }
}

#[test]
fn a_transport_that_takes_nothing_holds_back_one_piece() {
    let (ws, peer) = open_alone(MAX_WINDOW);
    let (mut transport, _) = ws.into_parts().expect("an idle connection");
    peer.window(0);
    let mut cx = Context::from_waker(Waker::noop());
    let piece = vec![7; 100_000];
    let mut taken = 0;
    while let Poll::Ready(len) = transport.poll_write_vectored(&mut cx, &[IoSlice::new(&piece)]) {
        taken += len.unwrap();
        assert!(taken <= 16 << 10, "{taken} bytes were taken");
    }
    assert!(taken > 0);
    peer.window(usize::MAX);
    exec::run(poll_fn(|cx| transport.poll_flush(cx))).unwrap();
    assert_eq!(Output::parse(&peer.take_output()).data.len(), taken);
}

#[test]
fn the_window_of_a_reader_opens_before_the_peer_has_to_wait() {
    let (mut ws, peer) = open_alone(MAX_WINDOW);
    // The window of the client has 256 KiB.
    let message = ws_tests::wire::From::Server.frame(2, &[7; 1000]);
    let sent = 250;
    peer.push(http2::data(&message).repeat(sent));
    let mut received = 0;
    while received < sent {
        exec::run(ws.recv()).unwrap().unwrap();
        received += 1;
        // The server may send again before everything was received.
        if !peer.take_output().is_empty() {
            break;
        }
    }
    assert!(received < sent, "the window stayed closed");
}
