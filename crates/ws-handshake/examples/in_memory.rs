//! A client and a server that exchange messages through memory. They use one thread, and neither a
//! socket nor a runtime nor a clock.
//!
//! ```sh
//! cargo run -p ws-handshake --example in_memory
//! ```

#![forbid(unsafe_code)]

use std::error::Error;

use ws_handshake::{Answer, OriginPolicy, Request, ServerHandshake, Target};
use ws_proto::{
    CloseCode, CloseFrame, CloseReason, Config, Connection, Control, ControlPayload, MaskKey,
    MaskSource, MessageRef, Step,
};

/// The masking keys of this example. A real client takes masking keys from the random source of the
/// operating system (RFC 6455 §10.3).
struct Masks(u32);

impl MaskSource for Masks {
    fn next_key(&mut self) -> MaskKey {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        MaskKey::new(self.0.to_be_bytes())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    for line in converse()? {
        println!("{line}");
    }
    Ok(())
}

/// Runs a whole conversation. Returns one line of text for each item that an end received.
pub(crate) fn converse() -> Result<Vec<String>, Box<dyn Error>> {
    let mut lines = Vec::new();
    let (mut client, mut server) = open(&mut lines)?;

    client.send.message("hello")?;
    client.send.ping(&ControlPayload::new(b"are you there?")?)?;
    lines.extend(carry("server", &mut client, &mut server)?);
    server.send.message(vec![1, 2, 3])?;
    // The client receives the Pong, and then the message.
    lines.extend(carry("client", &mut server, &mut client)?);

    let bye = CloseFrame::new(CloseCode::NORMAL, CloseReason::new("bye")?);
    client.send.start_close(bye)?;
    lines.extend(carry("server", &mut client, &mut server)?);
    lines.extend(carry("client", &mut server, &mut client)?);
    // A server ends the transport first (RFC 6455 §7.1.1).
    assert!(server.send.ends_transport() && !client.send.ends_transport());
    for (name, end) in [("client", client.send.end()), ("server", server.send.end())] {
        let end = end.ok_or("the closing handshake is not complete")?;
        lines.push(format!("{name}: closed, {} {:?}", end.code(), end.reason()));
    }
    Ok(lines)
}

/// Performs the opening handshake.
fn open(lines: &mut Vec<String>) -> Result<(Connection, Connection), Box<dyn Error>> {
    let target = Target::parse("ws://example.com/chat")?;
    let nonce = *b"the sample nonce"; // A real client passes 16 random bytes.
    let mut client = Request::new().build(&target, nonce)?;
    let mut server = ServerHandshake::new(OriginPolicy::default());

    lines.push(format!("server: {}", first_line(client.request())));
    let progress = server.receive(client.request())?;
    // Bytes after `progress.consumed` would be frames. This client has sent none yet.
    let offer = progress.done.ok_or("the request is not complete")?;
    let response = offer.accept(Answer::new())?.encode();

    lines.push(format!("client: {}", first_line(&response)));
    let progress = client.receive(&response)?;
    progress.done.ok_or("the response is not complete")?;
    let config = Config::default();
    Ok((
        Connection::client(&config, Masks(1)),
        Connection::server(&config),
    ))
}

fn first_line(head: &[u8]) -> String {
    let line = head.split(|byte| *byte == b'\r').next();
    String::from_utf8_lossy(line.unwrap_or_default()).into_owned()
}

/// Carries the output of one end to the other end, in pieces of at most 5 bytes. A network may
/// split a stream in the same way. Returns one line for each item that the other end received.
fn carry(
    name: &str,
    from: &mut Connection,
    to: &mut Connection,
) -> Result<Vec<String>, Box<dyn Error>> {
    let mut lines = Vec::new();
    loop {
        let mut slices = [&[][..]; 1];
        if from.send.slices(&mut slices) == 0 {
            return Ok(lines);
        }
        let len = slices[0].len().min(5);
        to.spare()[..len].copy_from_slice(&slices[0][..len]);
        to.recv.filled(len);
        from.send.advance(len);
        loop {
            let received = match to.next_message() {
                Step::Found(message) => shown(message),
                Step::Control(Control::Ping(_)) => "a Ping".into(),
                Step::Control(Control::Pong(_)) => "a Pong".into(),
                Step::Control(Control::Close(_)) => "a Close".into(),
                Step::Busy => continue,
                Step::NeedInput | Step::Ended => break,
            };
            lines.push(format!("{name}: {received}"));
        }
        if let Some(violation) = to.send.failure() {
            return Err(violation.into());
        }
    }
}

fn shown(message: MessageRef<'_>) -> String {
    match message {
        MessageRef::Text(text) => format!("text {text:?}"),
        MessageRef::Binary(bytes) => format!("binary {bytes:?}"),
    }
}
