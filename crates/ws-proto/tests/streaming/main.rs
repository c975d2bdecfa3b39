//! Messages piece by piece: whatever steps are taken, dropped and cut, nothing is lost and every rule holds.

#![forbid(unsafe_code)]

mod begun;
mod between;
mod held;
mod limits;
mod memory;
mod mixed;
mod rows;
mod sending;
#[path = "../support/mod.rs"]
mod support;
#[path = "../vectors/table.rs"]
mod table;

use support::{Seen, Wire, fill, halves};
use ws_proto::{
    Chunk, Config, MessageKind, MessageRef, ProtocolError, ReceiveError, RecvHalf, Role, SendHalf,
    Step,
};

const BOTH: [Role; 2] = [Role::Client, Role::Server];
const INVALID_UTF8: ReceiveError = ReceiveError::Protocol(ProtocolError::InvalidUtf8);
const RESERVED_BITS: ReceiveError = ReceiveError::Protocol(ProtocolError::ReservedBits);

/// Both halves of a connection.
struct End {
    recv: RecvHalf,
    send: SendHalf,
}

impl End {
    fn next_message(&mut self) -> Step<MessageRef<'_>> {
        let step = self.recv.next_message(&mut self.send);
        map(step, |()| self.recv.message().expect("it was found"))
    }

    fn next_start(&mut self) -> Step<MessageKind> {
        self.recv.next_start(&mut self.send)
    }

    fn next_chunk(&mut self) -> Step<Chunk> {
        self.recv.next_chunk(&mut self.send)
    }

    fn park(&mut self) -> Box<[u8]> {
        self.recv.lending().park(&mut self.send)
    }
}

fn map<T, U>(step: Step<T>, change: impl FnOnce(T) -> U) -> Step<U> {
    match step {
        Step::Found(found) => Step::Found(change(found)),
        Step::Control(control) => Step::Control(control),
        Step::NeedInput => Step::NeedInput,
        Step::Busy => Step::Busy,
        Step::Ended => Step::Ended,
    }
}

/// An end that reads into blocks of `block_len` bytes, and has read `input` before.
fn end_with(role: Role, config: &Config, input: &[u8], block_len: usize) -> End {
    let (mut recv, send) = halves(role, config);
    recv.lending().set_up(input.into(), block_len, block_len);
    End { recv, send }
}

fn end(role: Role, config: &Config, block_len: usize) -> End {
    end_with(role, config, &[], block_len)
}

/// An end that has read all of `octets`, in one block.
fn with_input(role: Role, config: &Config, octets: &[u8]) -> End {
    end_with(role, config, octets, 1 << 16)
}

/// Reads as much of `input` as there is room for.
fn read(end: &mut End, input: &mut &[u8]) {
    fill(&mut end.recv, input, 0);
}

/// Reads all of `input`, for which there is room.
fn read_all(end: &mut End, mut input: &[u8]) {
    read(end, &mut input);
    assert!(input.is_empty());
}

fn wire(receiver: Role, script: impl Fn(&mut Wire)) -> Vec<u8> {
    let mut wire = Wire::from(receiver.peer());
    script(&mut wire);
    wire.octets
}

/// What comes of one message that is passed on, up to its end or to where input is missing.
#[derive(Debug, Default, PartialEq)]
struct Pieces {
    octets: Vec<u8>,
    controls: Vec<Seen>,
    is_whole: bool,
}

/// Takes pieces for as long as there are any.
fn take_pieces(end: &mut End, pieces: &mut Pieces) -> Result<(), ReceiveError> {
    while !pieces.is_whole {
        match end.next_chunk() {
            Step::Found(Chunk::Data) => {
                assert!(!end.recv.chunk().is_empty(), "an empty piece");
                assert!(end.recv.message().is_none() && end.recv.take_message().is_none());
                pieces.octets.extend_from_slice(end.recv.chunk());
            }
            Step::Found(Chunk::End) => {
                assert!(end.recv.chunk().is_empty());
                pieces.is_whole = true;
            }
            Step::Control(control) => {
                assert!(end.recv.chunk().is_empty());
                pieces.controls.push(Seen::control(&control));
            }
            Step::NeedInput => break,
            Step::Ended => return Err(violation(end)),
            Step::Busy => panic!("nothing is compressed"),
        }
    }
    Ok(())
}

/// What the peer did wrong: a step has said that the connection ended.
fn violation(end: &End) -> ReceiveError {
    end.send.failure().expect("a violation")
}

/// The kind of the message that begins now.
fn started(end: &mut End) -> Option<MessageKind> {
    match end.next_start() {
        Step::Found(kind) => Some(kind),
        Step::NeedInput => None,
        step => panic!("{step:?}"),
    }
}

/// The message that is whole now, or the control frame before it.
fn next(end: &mut End) -> Result<Option<Seen>, ReceiveError> {
    Ok(match end.next_message() {
        Step::Found(message) => Some(Seen::message(message)),
        Step::Control(control) => Some(Seen::control(&control)),
        Step::NeedInput => None,
        Step::Ended => return Err(violation(end)),
        Step::Busy => panic!("nothing is compressed"),
    })
}

/// Goes to the next piece; between messages to the next beginning, where `None` is found.
fn next_part(end: &mut End, kind: &mut Option<MessageKind>) -> Step<Option<Chunk>> {
    match kind {
        Some(_) => map(end.next_chunk(), Some),
        None => map(end.next_start(), |begun| {
            *kind = Some(begun);
            None
        }),
    }
}

fn found_text(text: &str) -> Result<Option<Seen>, ReceiveError> {
    Ok(Some(Seen::Text(text.into())))
}

fn assert_failed(end: &mut End, error: ReceiveError) {
    for _ in 0..2 {
        assert_eq!(end.next_message(), Step::Ended);
        assert_eq!(end.next_start(), Step::Ended);
        assert_eq!(end.next_chunk(), Step::Ended);
        end.park();
        assert_eq!(end.send.failure(), Some(error));
    }
    assert!(end.recv.message().is_none() && end.recv.take_message().is_none());
    assert!(end.recv.chunk().is_empty() && end.recv.unread().is_empty());
    assert!(!end.recv.is_between_messages());
}

/// Takes pieces to the end; how many bytes came.
fn count(end: &mut End) -> Result<usize, ReceiveError> {
    let mut sum = 0;
    loop {
        match end.next_chunk() {
            Step::Found(Chunk::Data) => sum += end.recv.chunk().len(),
            Step::Found(Chunk::End) | Step::NeedInput => return Ok(sum),
            Step::Control(_) => {}
            Step::Ended => return Err(violation(end)),
            Step::Busy => panic!("nothing is compressed"),
        }
    }
}
