//! 28.6: the end of a stream.

use std::time::Duration;

use super::{begun, opened, rules};
use crate::case::Case;
use crate::case::Roles::{Both, Server};
use crate::dialogue::{Http2, Miss, Outcome, Socket, passed};
use crate::http2::{Frame, code, flag, setting};
use crate::role::Role;
use crate::wire;

const TITLE: &str = "HTTP/2: the end of a stream";
/// The opcode of a violation.
const RESERVED_OPCODE: u8 = 3;
/// The time in which a testee that ignores a reset sends.
const WAIT: Duration = Duration::from_millis(500);

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![closed(), with_close(), without_close(), within_frame()];
    cases.extend([
        reset("28.6.5", "while it is idle", |_| Vec::new()),
        reset("28.6.6", "within a frame", |socket| {
            let mut bytes = socket.encoded(&wire::Frame::text("not all of it"));
            bytes.truncate(8);
            bytes
        }),
        reset("28.6.7", "within a message", |socket| {
            socket.encoded(&wire::Frame::text("not all of it").unfinished())
        }),
        reset_after_close(),
    ]);
    cases.extend([before_answer(), failed(), data_after_end()]);
    cases
}

/// Expects that a testee is still there after the end of a stream: over another stream of a server.
fn expect_another(http2: &mut Http2<'_, '_>, what: String) -> Outcome {
    if http2.testee() == Role::Server {
        let mut other = http2
            .open()
            .map_err(|miss| miss.with("On another stream"))?;
        let alive = http2.expect_to_be_alive(&mut other);
        alive.map_err(|miss| miss.with("On another stream"))?;
    }
    passed(what)
}

fn closed() -> Case {
    let case = opened("28.6.1", Both, TITLE, &rules::ORDERLY, |http2, socket| {
        http2.say(socket, &wire::Frame::close(1000, b""))?;
        http2.expect_close(socket, 1000)?;
        let what = match http2.testee() {
            Role::Server => http2.expect_end_at_once(socket.id)?,
            Role::Client => {
                http2.end(socket.id)?;
                http2.expect_end(socket.id)?
            }
        };
        expect_another(http2, what)
    });
    case.see(&["RFC 6455 §7.1.1"])
        .does(
            "Opens a WebSocket and sends a Close. After the answer, a server has to end the \
             stream, and the suite ends that of a client.",
        )
        .wants("The testee answers with a Close and ends the stream. A server serves others.")
}

fn with_close() -> Case {
    let case = opened("28.6.2", Both, TITLE, &rules::ORDERLY, |http2, socket| {
        let close = socket.encoded(&wire::Frame::close(1000, b""));
        http2.send(&Frame::data(socket.id, close).with(flag::END_STREAM))?;
        http2.expect_close(socket, 1000)?;
        let what = http2.expect_end(socket.id)?;
        expect_another(http2, what)
    });
    case.see(&["RFC 6455 §7.1.1"])
        .does("Opens a WebSocket and sends a Close in DATA with END_STREAM.")
        .wants("The testee answers with a Close and ends the stream. A server serves others.")
}

fn without_close() -> Case {
    let case = opened(
        "28.6.3",
        Both,
        TITLE,
        &rules::ORDERLY_LOST,
        |http2, socket| {
            http2.end(socket.id)?;
            let what = http2.expect_end(socket.id)?;
            expect_another(http2, what)
        },
    );
    case.see(&["RFC 6455 §7.2.1"])
        .does("Opens a WebSocket and ends the suite's direction of the stream, without a Close.")
        .wants("The testee ends the stream, too. A server serves others.")
}

fn within_frame() -> Case {
    let case = opened(
        "28.6.4",
        Both,
        TITLE,
        &rules::ORDERLY_LOST,
        |http2, socket| {
            let mut bytes = socket.encoded(&wire::Frame::text("not all of it"));
            bytes.truncate(8);
            http2.send(&Frame::data(socket.id, bytes).with(flag::END_STREAM))?;
            let what = http2.expect_end(socket.id)?;
            expect_another(http2, what)
        },
    );
    case.see(&["RFC 6455 §7.2.1"])
        .does("Opens a WebSocket, sends the start of a frame, and ends the stream within it.")
        .wants("The testee ends the stream, too. A server serves others.")
}

/// Creates a case of RST_STREAM after these bytes.
fn reset(id: &str, when: &str, bytes: fn(&mut Socket) -> Vec<u8>) -> Case {
    let case = opened(id, Both, TITLE, &rules::RESET, move |http2, socket| {
        let bytes = bytes(socket);
        http2.send(&Frame::data(socket.id, bytes))?;
        expect_silence_after_reset(http2, socket.id)
    });
    case.see(&["RFC 9113 §6.4"])
        .does(format!(
            "Opens a WebSocket and sends RST_STREAM with CANCEL {when}."
        ))
        .wants("The testee sends nothing more on the stream. A server serves others.")
}

fn reset_after_close() -> Case {
    let case = opened(
        "28.6.8",
        Server,
        TITLE,
        &rules::AFTER_RESET,
        |http2, socket| {
            http2.say(socket, &wire::Frame::close(1000, b""))?;
            http2.expect_close(socket, 1000)?;
            expect_silence_after_reset(http2, socket.id)
        },
    );
    case.does("Opens a WebSocket and sends a Close. After the answer, sends RST_STREAM.")
        .wants("The testee sends nothing more on the stream. A server serves others.")
}

/// Resets a stream on which the testee has nothing to send.
fn expect_silence_after_reset(http2: &mut Http2<'_, '_>, stream: u32) -> Outcome {
    http2.send(&Frame::rst_stream(stream, code::CANCEL))?;
    if http2.testee() == Role::Server {
        http2.expect_pong(*b"reset...")?;
    }
    http2.pause(WAIT)?;
    match http2.unread(stream) {
        0 => expect_another(http2, "The testee left the stream.".to_owned()),
        count => Miss::must(format!("The testee sent {count} bytes after RST_STREAM.")),
    }
}

fn before_answer() -> Case {
    let case = begun("28.6.9", Server, TITLE, &rules::RESET, |http2| {
        http2.expect_settings()?;
        for _ in 0..10 {
            let request = http2.request();
            let stream = http2.new_stream(&request);
            let head = Frame::headers(stream, &request);
            http2.send_together(&[head, Frame::rst_stream(stream, code::CANCEL)])?;
        }
        http2.expect_pong(*b"requests")?;
        expect_another(http2, "The server left the streams.".to_owned())
    });
    case.does("Sends 10 requests, each with RST_STREAM right after it.")
        .wants("The server serves others on the connection.")
}

fn failed() -> Case {
    let case = opened(
        "28.6.10",
        Both,
        TITLE,
        &rules::INDEPENDENT,
        |http2, socket| {
            http2.say(socket, &wire::Frame::new(RESERVED_OPCODE, "Hello"))?;
            let limit = http2.reply_time();
            let id = socket.id;
            http2.until(limit, |it| (it.unread(id) > 0).then_some(()))?;
            if http2.unread(id) > 0 {
                http2.expect_close(socket, 1002)?;
                let close = socket.encoded(&wire::Frame::close(1002, b""));
                http2.send(&Frame::data(id, close).with(flag::END_STREAM))?;
            }
            let what = http2.expect_end(id)?;
            expect_another(http2, what)
        },
    );
    case.see(&["RFC 6455 §7.1.7"])
        .does("Opens a WebSocket and sends a frame with a reserved opcode.")
        .wants(
            "The testee fails the WebSocket: it may send a Close, and ends the stream. A server \
             serves others on the connection.",
        )
}

fn data_after_end() -> Case {
    let case = begun("28.6.11", Both, TITLE, &rules::HALF_CLOSED, |http2| {
        http2.gives_credit = false;
        // The testee cannot end its direction, so that the stream is not forgotten.
        http2.send_settings(&[(setting::INITIAL_WINDOW_SIZE, 0)])?;
        let mut socket = http2.open()?;
        let message = socket.encoded(&wire::Frame::text("Hello"));
        http2.send_together(&[
            Frame::data(socket.id, &*message).with(flag::END_STREAM),
            Frame::data(socket.id, &*message),
        ])?;
        http2.expect_stream_error(socket.id)
    });
    case.does(
        "Opens a WebSocket with a window of no bytes. Then sends a message with END_STREAM, and \
         more DATA.",
    )
    .wants("The testee resets the stream, or ends the connection.")
}
