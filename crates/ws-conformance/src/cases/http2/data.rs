//! 28.4: the frames of WebSocket in DATA.

use super::{opened, rules};
use crate::case::Case;
use crate::case::Roles::Both;
use crate::dialogue::{Http2, Miss, Socket, passed};
use crate::http2::{Frame, flag};
use crate::wire;

const TITLE: &str = "HTTP/2: DATA";
const LONG: usize = 100_000;

pub(super) fn cases() -> Vec<Case> {
    vec![
        cut("28.4.1", "in DATA of one byte each", |bytes, id| {
            bytes.chunks(1).map(|byte| Frame::data(id, byte)).collect()
        }),
        cut(
            "28.4.2",
            "in DATA of one byte each, with DATA of no bytes around each",
            |bytes, id| {
                let empty = || Frame::data(id, "");
                let pieces = bytes.chunks(1);
                pieces
                    .flat_map(|byte| [empty(), Frame::data(id, byte), empty()])
                    .collect()
            },
        ),
        cut(
            "28.4.3",
            "in DATA of two bytes each, with padding of 0 to 255 bytes",
            |bytes, id| {
                let pieces = bytes.chunks(2).zip([0, 1, 255].into_iter().cycle());
                pieces
                    .map(|(piece, padding)| Frame::data(id, piece).padded(padding))
                    .collect()
            },
        ),
        cut(
            "28.4.4",
            "in DATA of padding only, and then in one DATA",
            |bytes, id| vec![Frame::data(id, "").padded(100), Frame::data(id, bytes)],
        ),
        together(),
        long(),
        too_much_padding(),
        trailers(),
    ]
}

/// Creates a case of a message in these DATA frames.
fn cut(id: &str, what: &str, cut: fn(&[u8], u32) -> Vec<Frame>) -> Case {
    let case = opened(id, Both, TITLE, &rules::AS_TCP, move |http2, socket| {
        let message = wire::Frame::text("a message in pieces");
        let bytes = socket.encoded(&message);
        http2.send_together(&cut(&bytes, socket.id))?;
        http2.expect_echo(socket, &message)?;
        http2.expect_to_be_alive(socket)?;
        passed("The echo is right.")
    });
    case.see(&["RFC 9113 §6.1"])
        .does(format!("Opens a WebSocket. Then sends a message {what}."))
        .wants("The testee sends the message back.")
}

fn together() -> Case {
    const COUNT: usize = 50;
    let case = opened("28.4.5", Both, TITLE, &rules::AS_TCP, |http2, socket| {
        let messages: Vec<_> = (0..COUNT)
            .map(|number| wire::Frame::text(format!("message {number}")))
            .collect();
        let encoded = messages.iter().flat_map(|message| socket.encoded(message));
        let bytes: Vec<_> = encoded.collect();
        http2.send(&Frame::data(socket.id, bytes))?;
        for message in &messages {
            http2.expect_echo(socket, message)?;
        }
        passed("All echoes are right, and in order.")
    });
    case.does(format!(
        "Opens a WebSocket. Then sends {COUNT} messages in one DATA frame."
    ))
    .wants("The testee sends all messages back, in order.")
}

fn long() -> Case {
    let case = opened(
        "28.4.6",
        Both,
        TITLE,
        &rules::LONGEST_FRAME,
        |http2, socket| {
            expect_long_echo(http2, socket)?;
            passed("The echo is right, and no DATA was longer than 16,384 bytes.")
        },
    );
    case.see(&["RFC 9113 §6.5.2"])
        .does(format!(
            "Opens a WebSocket. Then sends a message of {LONG} bytes."
        ))
        .wants("The testee sends the message back, in DATA of at most 16,384 bytes.")
}

/// Sends a long message and expects its echo.
pub(super) fn expect_long_echo(http2: &mut Http2<'_, '_>, socket: &mut Socket) -> Result<(), Miss> {
    let bytes: Vec<u8> = (0..LONG).map(|place| (place % 251) as u8).collect();
    let message = wire::Frame::binary(bytes);
    http2.say(socket, &message)?;
    http2.expect_echo(socket, &message)
}

fn too_much_padding() -> Case {
    let case = opened("28.4.7", Both, TITLE, &rules::PADDING, |http2, socket| {
        let bytes = socket.encoded(&wire::Frame::text("a"));
        let mut frame = Frame::data(socket.id, bytes).padded(0);
        frame.payload[0] = 200;
        http2.send(&frame)?;
        http2.expect_connection_error()
    });
    case.does("Opens a WebSocket. Then sends DATA with more padding than payload.")
        .wants("The testee ends the connection with an error.")
}

fn trailers() -> Case {
    let case = opened(
        "28.4.8",
        Both,
        TITLE,
        &rules::CONNECTED_STREAM,
        |http2, socket| {
            let trailers = vec![("x-trailer".to_owned(), "a".to_owned())];
            http2.send(&Frame::headers(socket.id, &trailers).with(flag::END_STREAM))?;
            match http2.expect_end(socket.id)? {
                what if http2.unread(socket.id) == 0 => passed(what),
                what => passed(format!("{what} It sent data before.")),
            }
        },
    );
    case.does("Opens a WebSocket. Then sends HEADERS with END_STREAM: trailers.")
        .wants("The testee resets the stream, or ends it because of END_STREAM.")
}
