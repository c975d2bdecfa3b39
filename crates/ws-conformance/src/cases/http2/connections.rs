//! 28.7: the connection and its other streams.

use super::{begun, opened, rules};
use crate::case::Case;
use crate::case::Roles::{Both, Server};
use crate::dialogue::{Http2, Miss, Socket, Soften, passed};
use crate::http2::{Frame, code, setting};
use crate::role::Role;
use crate::wire;

const TITLE: &str = "HTTP/2: the connection";
const SOCKETS: usize = 20;
/// A type of frames that nobody has defined.
const UNKNOWN: u8 = 0xf0;

pub(super) fn cases() -> Vec<Case> {
    vec![
        many(),
        stalled(),
        mixed(),
        pinged(),
        unknown(),
        going_away(),
    ]
}

/// Opens WebSockets, as many as the server allows.
fn open_many(http2: &mut Http2<'_, '_>) -> Result<Vec<Socket>, Miss> {
    http2.expect_settings()?;
    let parameters = http2.parameters.iter();
    let limits = parameters.filter(|(id, _)| *id == setting::MAX_CONCURRENT_STREAMS);
    let limit = limits.map(|(_, limit)| *limit as usize).min();
    let count = limit.unwrap_or(SOCKETS).min(SOCKETS);
    if count < 2 {
        return Miss::not_applicable("The server allows one stream on a connection.");
    }
    (0..count).map(|_| http2.open()).collect()
}

fn many() -> Case {
    let case = begun("28.7.1", Server, TITLE, &rules::INDEPENDENT, |http2| {
        let mut sockets = open_many(http2)?;
        let messages: Vec<_> = (0..sockets.len())
            .map(|number| wire::Frame::text(format!("for socket {number}")))
            .collect();
        for _ in 0..3 {
            for (socket, message) in sockets.iter_mut().zip(&messages) {
                http2.say(socket, message)?;
            }
            for (socket, message) in sockets.iter_mut().zip(&messages).rev() {
                http2.expect_echo(socket, message)?;
            }
        }
        passed(format!("All {} WebSockets echoed.", sockets.len()))
    });
    case.does(format!(
        "Opens {SOCKETS} WebSockets on one connection, or as many as the server allows. Sends a \
         message over each, three times."
    ))
    .wants("The server sends each message back on the stream on which it came.")
}

fn stalled() -> Case {
    let case = begun("28.7.2", Server, TITLE, &rules::NO_INTERFERENCE, |http2| {
        http2.gives_credit = false;
        http2.send_settings(&[(setting::INITIAL_WINDOW_SIZE, 1000)])?;
        http2.grant(0, 1 << 20)?;
        let mut sockets = open_many(http2)?;
        let long = wire::Frame::binary(vec![b'*'; 30_000]);
        http2.say(&mut sockets[0], &long)?;
        for socket in &mut sockets[1..] {
            http2.expect_to_be_alive(socket)?;
        }
        http2.grant(sockets[0].id, 1 << 20)?;
        http2.expect_echo(&mut sockets[0], &long)?;
        passed("The other WebSockets echoed while one was stalled.")
    });
    case.does(
        "Opens WebSockets on one connection, with windows of 1000 bytes. Sends 30 KB over the \
         first, whose echo the window stops, and a message over each other. Then enlarges the \
         window.",
    )
    .wants("The server sends all messages back, the others before the first.")
}

fn mixed() -> Case {
    let case = begun("28.7.3", Server, TITLE, &rules::INDEPENDENT, |http2| {
        let mut sockets = open_many(http2)?;
        let messages = [
            wire::Frame::text("first half, second half"),
            wire::Frame::binary(*b"\x01\x02\x03\x04"),
        ];
        let (one, rest) = sockets.split_at_mut(1);
        let (one, other) = (&mut one[0], &mut rest[0]);
        let (a, b) = (one.encoded(&messages[0]), other.encoded(&messages[1]));
        let pairs = a
            .chunks(2)
            .zip(b.chunks(2).map(Some).chain(std::iter::repeat(None)));
        let frames: Vec<_> = pairs
            .flat_map(|(a, b)| {
                let b = b.map(|b| Frame::data(other.id, b));
                std::iter::once(Frame::data(one.id, a)).chain(b)
            })
            .collect();
        http2.send_together(&frames)?;
        http2.expect_echo(one, &messages[0])?;
        http2.expect_echo(other, &messages[1])?;
        passed("Both echoes are right.")
    });
    case.does("Opens two WebSockets, and sends a message over each in DATA that alternate.")
        .wants("The server sends both messages back.")
}

fn pinged() -> Case {
    let case = opened("28.7.4", Both, TITLE, &rules::PING, |http2, socket| {
        let message = wire::Frame::text("around a PING");
        let bytes = socket.encoded(&message);
        let (start, rest) = bytes.split_at(5);
        http2.send(&Frame::data(socket.id, start))?;
        http2.expect_pong(*b"01234567")?;
        http2.send(&Frame::data(socket.id, rest))?;
        http2.expect_echo(socket, &message)?;
        passed("The testee answered PING, and echoed.")
    });
    case.does("Opens a WebSocket. Sends PING in the middle of a frame.")
        .wants("The testee answers PING with the same payload, and sends the message back.")
}

fn unknown() -> Case {
    let case = opened(
        "28.7.5",
        Both,
        TITLE,
        &rules::UNKNOWN_FRAME,
        |http2, socket| {
            let message = wire::Frame::text("around unknown frames");
            let bytes = socket.encoded(&message);
            let (start, rest) = bytes.split_at(5);
            http2.send_together(&[
                Frame::data(socket.id, start),
                Frame::new(UNKNOWN, socket.id, "unknown").with(u8::MAX),
                Frame::new(UNKNOWN, 0, ""),
                Frame::data(socket.id, rest),
            ])?;
            http2.expect_echo(socket, &message)?;
            passed("The testee ignored the frames, and echoed.")
        },
    );
    case.does("Opens a WebSocket. Sends frames of an unknown type in the middle of a message.")
        .wants("The testee ignores these frames, and sends the message back.")
}

fn going_away() -> Case {
    let case = opened("28.7.6", Both, TITLE, &rules::GO_AWAY, |http2, socket| {
        let last = match http2.testee() {
            Role::Server => 0,
            Role::Client => socket.id,
        };
        http2.send(&Frame::go_away(last, code::NO_ERROR))?;
        http2.expect_to_be_alive(socket).or_should()?;
        http2.say(socket, &wire::Frame::close(1000, b""))?;
        http2.expect_close(socket, 1000)
    });
    case.does("Opens a WebSocket. Sends GOAWAY with NO_ERROR, then a message and a Close.")
        .wants("The testee sends the message back, and answers with a Close.")
}
