//! The command mode: a client requests frames in JSON.

use std::time::Instant;

use serde::Deserialize;
use serde_json::Value;

use crate::channel::FailureCause;
use crate::endpoint::{Connection, Handler};
use crate::script::{Event, Frame, Pacing, Payload};

/// The longest payload of a command.
const MAX_PAYLOAD: usize = 64 * 1024 * 1024;

/// Executes the command in each text message.
#[derive(Debug)]
pub(super) struct Commands;

impl Handler for Commands {
    fn opened(&mut self, _: &mut Connection, _: Instant) {}

    fn received(&mut self, event: Event, connection: &mut Connection, now: Instant) {
        let Event::Message { payload, .. } = event else {
            return;
        };
        if obey(&payload.to_vec(), connection, now).is_err() {
            connection.fail(FailureCause::UnknownCommand, now);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        None
    }

    fn time_passed(&mut self, _: &mut Connection, _: Instant) {}
}

/// A frame to send. The `mask` of the original is missing: with it, the original announces a
/// masking key that it does not send.
#[derive(Debug, Deserialize)]
struct FrameCommand {
    opcode: u8,
    #[serde(default)]
    payload: String,
    #[serde(default = "yes")]
    fin: bool,
    #[serde(default)]
    rsv: u8,
    payload_len: Option<usize>,
    chopsize: Option<usize>,
    #[serde(default)]
    sync: bool,
}

#[derive(Debug, Deserialize)]
struct CloseCommand {
    code: Option<u16>,
    #[serde(default)]
    reason: String,
}

#[derive(Debug, Deserialize)]
struct EchoCommand {
    #[serde(default)]
    payload: String,
    payload_len: Option<usize>,
}

fn yes() -> bool {
    true
}

/// A text that is no command.
#[derive(Debug)]
struct NoCommand;

impl From<serde_json::Error> for NoCommand {
    fn from(_: serde_json::Error) -> Self {
        Self
    }
}

fn obey(text: &[u8], connection: &mut Connection, now: Instant) -> Result<(), NoCommand> {
    let (name, argument): (String, Value) = serde_json::from_slice(text)?;
    match name.as_str() {
        "sendframe" => send(serde_json::from_value(argument)?, connection),
        "sendframes" => {
            let frames: Vec<FrameCommand> = serde_json::from_value(argument)?;
            frames
                .into_iter()
                .try_for_each(|frame| send(frame, connection))
        }
        "close" => {
            let CloseCommand { code, reason } = serde_json::from_value(argument)?;
            connection.close(code, &Payload::from(reason.into_bytes()), now);
            Ok(())
        }
        "echo" => {
            let echo: EchoCommand = serde_json::from_value(argument)?;
            let payload = repeated(echo.payload, echo.payload_len)?;
            connection.send_message(false, &payload, None, Pacing::Plain);
            Ok(())
        }
        _ => Err(NoCommand),
    }
}

/// Sends the frame of a command, within a limit: a client may send commands faster than it reads
/// the frames.
fn send(command: FrameCommand, connection: &mut Connection) -> Result<(), NoCommand> {
    if connection.is_congested() {
        return Err(NoCommand);
    }
    let mut frame = Frame::new(
        command.opcode,
        repeated(command.payload, command.payload_len)?,
    );
    frame.fin = command.fin;
    frame.rsv = command.rsv;
    frame.pacing = match command.chopsize {
        Some(size) if size > 0 => Pacing::Chop(size),
        _ if command.sync => Pacing::OwnWrite,
        _ => Pacing::Plain,
    };
    connection.send_frame(&frame);
    Ok(())
}

fn repeated(unit: String, len: Option<usize>) -> Result<Payload, NoCommand> {
    let unit = unit.into_bytes();
    match len {
        None => Ok(unit.into()),
        Some(len) if unit.is_empty() || len > MAX_PAYLOAD => Err(NoCommand),
        Some(len) => Ok(unit
            .into_iter()
            .cycle()
            .take(len)
            .collect::<Vec<_>>()
            .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::role::Role;
    use crate::settings::Settings;

    fn sent(text: &str) -> Vec<u8> {
        let mut connection = Connection::new(Role::Client, &Settings::default(), 1);
        let payload = Payload::from(text.as_bytes().to_vec());
        let message = Event::Message {
            binary: false,
            payload,
        };
        Commands.received(message, &mut connection, Instant::now());
        let mut sent = Vec::new();
        while let Some(bytes) = connection.next_write(Instant::now()).map(<[u8]>::to_vec) {
            connection.wrote(bytes.len(), Instant::now());
            sent.extend(bytes);
        }
        sent
    }

    #[test]
    fn commands_are_obeyed() {
        assert_eq!(
            sent(r#"["sendframe", {"opcode": 2, "payload": "ab", "payload_len": 3}]"#),
            b"\x82\x03aba"
        );
        assert_eq!(
            sent(r#"["sendframes", [{"opcode": 9, "fin": false}, {"opcode": 3, "rsv": 4}]]"#),
            b"\x09\x00\xc3\x00"
        );
        assert_eq!(
            sent(r#"["close", {"code": 3000, "reason": "x"}]"#),
            b"\x88\x03\x0b\xb8x"
        );
        assert_eq!(sent(r#"["echo", {"payload": "hi"}]"#), b"\x81\x02hi");
    }

    #[test]
    fn what_is_no_command_is_refused() {
        for text in ["", "{}", r#"["dance", 1]"#, r#"["sendframe", {}]"#] {
            assert_eq!(sent(text)[2..4], [0x03, 0xf0], "{text}");
        }
    }
}
