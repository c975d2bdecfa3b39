//! A program that calls one hot function repeatedly. `cargo xtask bench --instructions` runs the
//! program and counts its instructions.

#![forbid(unsafe_code)]

use std::hint::black_box;
use std::num::NonZeroUsize;

use bytes::Bytes;
use clap::{Parser, ValueEnum};
use ws_benches::handshake::{accept, client, request};
use ws_benches::{Content, Payload, encoded, fragmented, receive, receiver, send_half, written};
use ws_proto::{CloseCode, CloseFrame, CloseReason, Control, ControlPayload};
use ws_proto::{MaskKey, RecvHalf, Role, SendHalf, Step, Text};

/// Calls one hot function repeatedly.
#[derive(Debug, Parser)]
struct Options {
    /// The function to call.
    function: Function,
    /// The number of calls.
    calls: u32,
}

/// A hot function. The number in a name is the length of the payload in bytes.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Function {
    /// Receiving a masked ASCII text of 20 bytes.
    #[value(name = "decode-20")]
    Decode20,
    /// Receiving a masked ASCII text of 1,024 bytes.
    #[value(name = "decode-1024")]
    Decode1024,
    /// Sending an ASCII text of 20 bytes as a client.
    #[value(name = "encode-20")]
    Encode20,
    /// Sending an ASCII text of 1,024 bytes as a client.
    #[value(name = "encode-1024")]
    Encode1024,
    /// Sending an ASCII text of 20 bytes as a server.
    #[value(name = "answer-20")]
    Answer20,
    /// Sending an ASCII text of 1,024 bytes as a server.
    #[value(name = "answer-1024")]
    Answer1024,
    /// Receiving a masked ASCII text of 1 MiB in fragments of 4 KiB.
    #[value(name = "fragments-1m")]
    Fragments1m,
    /// Receiving a Ping and sending the Pong as a server.
    Ping,
    /// A closing handshake of a server: receiving a Close and sending the answer.
    Close,
    /// Masking a payload of 1,024 bytes in place.
    #[value(name = "mask-1024")]
    Mask1024,
    /// Checking a text of 1,024 bytes that is not ASCII.
    #[value(name = "utf8-1024")]
    Utf81024,
    /// The server's part of the opening handshake.
    HandshakeServer,
    /// The client's part of the opening handshake.
    HandshakeClient,
}

fn main() {
    let Options { function, calls } = Options::parse();
    match function {
        Function::Decode20 => decode(20, calls),
        Function::Decode1024 => decode(1024, calls),
        Function::Encode20 => encode(Role::Client, 20, calls),
        Function::Encode1024 => encode(Role::Client, 1024, calls),
        Function::Answer20 => encode(Role::Server, 20, calls),
        Function::Answer1024 => encode(Role::Server, 1024, calls),
        Function::Fragments1m => fragments(1 << 20, 4 << 10, calls),
        Function::Ping => ping(calls),
        Function::Close => close(calls),
        Function::Mask1024 => mask(calls),
        Function::Utf81024 => utf8(calls),
        Function::HandshakeServer => {
            let request = request();
            repeat(calls, || drop(black_box(accept(black_box(&request)))));
        }
        Function::HandshakeClient => {
            let answer = accept(&request());
            repeat(calls, || drop(black_box(client(black_box(&answer)))));
        }
    }
}

fn repeat(calls: u32, mut call: impl FnMut()) {
    for _ in 0..calls {
        call();
    }
}

/// Each call includes a copy of the frame into the block, in place of the read.
fn decode(len: usize, calls: u32) {
    let text = Payload::new(Content::Ascii, len);
    let frame = encoded(Role::Client, text.message(), 1);
    let (mut recv, mut send) = receiver(Role::Server, 64 << 10);
    repeat(calls, || {
        assert_eq!(receive(&mut recv, &mut send, black_box(&frame)), 1);
    });
}

fn encode(role: Role, len: usize, calls: u32) {
    let text = Payload::new(Content::Ascii, len);
    let mut send = send_half(role);
    repeat(calls, || {
        let message = black_box(text.message());
        send.message(message).expect("the connection is open");
        take_queued(&mut send);
    });
}

/// Each call includes copies of the frames into the block, in place of the reads.
fn fragments(len: usize, fragment_len: usize, calls: u32) {
    let text = Payload::new(Content::Ascii, len);
    let fragment_len = NonZeroUsize::new(fragment_len).expect("a fragment has bytes");
    let frames = fragmented(text.message(), fragment_len);
    let (mut recv, mut send) = receiver(Role::Server, 64 << 10);
    repeat(calls, || {
        let mut rest = black_box(&frames[..]);
        let mut messages = 0;
        while !rest.is_empty() {
            // A block may still have the start of a frame.
            let len = rest.len().min(recv.spare().len());
            messages += receive(&mut recv, &mut send, &rest[..len]);
            rest = &rest[len..];
        }
        assert_eq!(messages, 1);
    });
}

/// Each call includes a copy of the Ping into the block, in place of the read.
fn ping(calls: u32) {
    let payload = ControlPayload::new("are you there?").expect("the payload is short");
    let mut client = send_half(Role::Client);
    client.ping(&payload).expect("the connection is open");
    let frame = written(&mut client);
    let (mut recv, mut send) = receiver(Role::Server, 64 << 10);
    repeat(calls, || {
        let step = control(&mut recv, &mut send, &frame);
        assert!(matches!(step, Step::Control(Control::Ping(_))));
        assert!(send.queued() > 0);
        take_queued(&mut send);
    });
}

/// Each call includes making both halves of the connection, and a copy of the Close into the block,
/// in place of the read.
fn close(calls: u32) {
    let mut client = send_half(Role::Client);
    let close = CloseFrame::new(CloseCode::NORMAL, CloseReason::default());
    client.start_close(close).expect("the connection is open");
    let frame = written(&mut client);
    repeat(calls, || {
        let (mut recv, mut send) = receiver(Role::Server, 1 << 10);
        let step = control(&mut recv, &mut send, &frame);
        assert!(matches!(step, Step::Control(Control::Close(_))));
        take_queued(&mut send);
        assert!(send.ends_transport());
    });
}

/// Receives a control frame, which queues its answer.
fn control(recv: &mut RecvHalf, send: &mut SendHalf, frame: &[u8]) -> Step<()> {
    recv.spare()[..frame.len()].copy_from_slice(black_box(frame));
    recv.filled(frame.len());
    recv.next_message(send)
}

/// Removes what is queued, in place of a write.
fn take_queued(send: &mut SendHalf) {
    black_box(send.slices(&mut [&[][..]; 4]));
    send.advance(send.queued());
}

fn mask(calls: u32) {
    let mut payload = vec![0x5a; 1024];
    let key = MaskKey::new([0x37, 0xfa, 0x21, 0x3d]);
    repeat(calls, || black_box(key).apply(black_box(&mut payload)));
}

fn utf8(calls: u32) {
    let Payload::Text(text) = Payload::new(Content::NonAscii, 1024) else {
        unreachable!("this content is text");
    };
    let bytes = Bytes::from(text);
    repeat(calls, || {
        assert!(Text::try_from(black_box(bytes.clone())).is_ok());
    });
}
