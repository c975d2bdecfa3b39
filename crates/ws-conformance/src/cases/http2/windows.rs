//! 28.5: flow control.

use std::time::Duration;

use super::data::expect_long_echo;
use super::{begun, opened, rules};
use crate::case::Case;
use crate::case::Roles::Both;
use crate::dialogue::{Http2, Miss, Socket, passed};
use crate::http2::{DEFAULT_WINDOW, Frame, setting};
use crate::role::Role;
use crate::wire;

const TITLE: &str = "HTTP/2: flow control";
/// The time in which a testee that ignores a window sends.
const WAIT: Duration = Duration::from_millis(500);
const LARGEST: u32 = u32::MAX >> 1;

pub(super) fn cases() -> Vec<Case> {
    vec![
        byte_by_byte(),
        closed_at_first(),
        negative(),
        of_connection(),
        credit(),
        zero_increment(),
        too_large("28.5.7", "stream", |socket| socket.id),
        too_large("28.5.8", "connection", |_| 0),
    ]
}

fn byte_by_byte() -> Case {
    let case = begun("28.5.1", Both, TITLE, &rules::WINDOW, |http2| {
        http2.gives_credit = false;
        http2.send_settings(&[(setting::INITIAL_WINDOW_SIZE, 1)])?;
        let mut socket = http2.open()?;
        let message = wire::Frame::text("byte by byte");
        http2.say(&mut socket, &message)?;
        let limit = http2.reply_time();
        let id = socket.id;
        http2.until(limit, |it| (it.unread(id) > 0).then_some(()))?;
        http2.pause(WAIT)?;
        // The first byte used the window.
        grant_rest(http2, &mut socket, &message)?;
        passed("The testee sent one byte for each one that the window had.")
    });
    case.does(
        "Sends SETTINGS_INITIAL_WINDOW_SIZE = 1, opens a WebSocket and sends a message. Then \
         enlarges the window by one byte after each byte of the echo.",
    )
    .wants("The testee sends the message back, and never more than the window has.")
}

/// Grants the bytes of an echo after the first.
fn grant_rest(
    http2: &mut Http2<'_, '_>,
    socket: &mut Socket,
    message: &wire::Frame,
) -> Result<(), Miss> {
    let mask = match http2.testee() {
        Role::Server => 0,
        Role::Client => 4,
    };
    let id = socket.id;
    for len in 1..message.payload.len() + 2 + mask {
        http2.grant(id, 1)?;
        let limit = http2.reply_time();
        let arrived = http2.until(limit, |it| (it.unread(id) > len).then_some(()))?;
        if arrived.is_none() {
            return Miss::must(format!("The testee sent {len} bytes and then none."));
        }
    }
    // An echo in several frames is longer.
    http2.grant(id, 1000)?;
    http2.expect_echo(socket, message)
}

fn closed_at_first() -> Case {
    let case = begun("28.5.2", Both, TITLE, &rules::WINDOW, |http2| {
        http2.gives_credit = false;
        http2.send_settings(&[(setting::INITIAL_WINDOW_SIZE, 0)])?;
        let mut socket = http2.open()?;
        let message = wire::Frame::text("Hello");
        http2.say(&mut socket, &message)?;
        http2.pause(WAIT)?;
        http2.grant(socket.id, 1000)?;
        http2.expect_echo(&mut socket, &message)?;
        passed("The testee waited for the window.")
    });
    case.does(
        "Sends SETTINGS_INITIAL_WINDOW_SIZE = 0, opens a WebSocket and sends a message. Then \
         enlarges the window.",
    )
    .wants("The testee sends the message back after the window was enlarged, and not before.")
}

fn negative() -> Case {
    let case = opened(
        "28.5.3",
        Both,
        TITLE,
        &rules::NEGATIVE_WINDOW,
        |http2, socket| {
            http2.gives_credit = false;
            http2.send_settings(&[(setting::INITIAL_WINDOW_SIZE, 1000)])?;
            http2.expect_pong(*b"smaller.")?;
            let message = wire::Frame::binary(vec![b'*'; 5000]);
            http2.say(socket, &message)?;
            let id = socket.id;
            let limit = http2.reply_time();
            http2.until(limit, |it| (it.window(id) == 0).then_some(()))?;
            http2.send_settings(&[(setting::INITIAL_WINDOW_SIZE, 0)])?;
            http2.expect_pong(*b"negative")?;
            // The window has -1000 bytes, and then 0.
            http2.grant(id, 1000)?;
            http2.pause(WAIT)?;
            http2.grant(id, 10_000)?;
            http2.expect_echo(socket, &message)?;
            passed("The testee waited for a positive window.")
        },
    );
    case.does(
        "Opens a WebSocket and reduces its window to 1000 bytes. Sends a message of 5000 bytes and \
         reads until the window is used. Then reduces the initial window to 0, so that the window \
         is negative, and enlarges it in two steps.",
    )
    .wants("The testee sends the message back, and nothing while the window is not positive.")
}

fn of_connection() -> Case {
    let case = opened("28.5.4", Both, TITLE, &rules::WINDOW, |http2, socket| {
        http2.gives_credit = false;
        http2.grant(socket.id, LARGEST / 2)?;
        let message = wire::Frame::binary(vec![b'*'; 2 * DEFAULT_WINDOW as usize]);
        let bytes = socket.encoded(&message);
        http2.send_data(socket.id, &bytes)?;
        let id = socket.id;
        let limit = http2.reply_time();
        let is_used =
            |it: &mut Http2<'_, '_>| (it.unread(id) > DEFAULT_WINDOW as usize - 1000).then_some(());
        http2.until(limit, is_used)?;
        http2.pause(WAIT)?;
        http2.grant(0, 4 * DEFAULT_WINDOW)?;
        http2.expect_echo(socket, &message)?;
        passed("The testee waited for the window of the connection.")
    });
    case.does(
        "Opens a WebSocket and enlarges its window, but not that of the connection. Sends a \
         message of 128 KiB, and enlarges the window of the connection at last.",
    )
    .wants("The testee sends the message back, and never more than the window has.")
}

fn credit() -> Case {
    let case = opened("28.5.5", Both, TITLE, &rules::CREDIT, |http2, socket| {
        for _ in 0..5 {
            expect_long_echo(http2, socket)?;
        }
        // Padding uses the window, too.
        let message = wire::Frame::binary(vec![b'*'; 50_000]);
        let bytes = socket.encoded(&message);
        let pieces = bytes.chunks(100);
        let padded = pieces.map(|piece| Frame::data(socket.id, piece).padded(u8::MAX));
        http2.send_in_room(&padded.collect::<Vec<_>>())?;
        http2.expect_echo(socket, &message)?;
        passed("The testee gave back the window of all data.")
    });
    case.see(&["RFC 9113 §6.1", "RFC 9113 §6.9"])
        .does(
            "Opens a WebSocket. Sends 500 KB in messages, and then 50 KB with 128 KB of padding, as \
             the windows of the testee allow.",
        )
        .wants("The testee sends the messages back, and enlarges its windows by what it read.")
}

fn zero_increment() -> Case {
    let case = opened(
        "28.5.6",
        Both,
        TITLE,
        &rules::ZERO_INCREMENT,
        |http2, socket| {
            http2.send(&Frame::window_update(socket.id, 0))?;
            http2.expect_stream_error(socket.id)
        },
    );
    case.does("Opens a WebSocket. Then sends WINDOW_UPDATE with an increment of 0 for its stream.")
        .wants("The testee resets the stream, or ends the connection.")
}

fn too_large(id: &str, what: &'static str, stream: fn(&Socket) -> u32) -> Case {
    let case = opened(
        id,
        Both,
        TITLE,
        &rules::LARGEST_WINDOW,
        move |http2, socket| {
            http2.send(&Frame::window_update(stream(socket), LARGEST))?;
            match stream(socket) {
                0 => http2.expect_connection_error(),
                id => http2.expect_stream_error(id),
            }
        },
    );
    case.does(format!(
        "Opens a WebSocket. Then enlarges the window of the {what} to more than 2^31 - 1 bytes."
    ))
    .wants("The testee ends the stream or the connection with an error.")
}
