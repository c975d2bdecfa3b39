//! Messages that are received or sent piece by piece. Nothing is lost and every rule holds, for any
//! order of steps and any cut of the input.

mod between;
mod held;
mod limits;
mod memory;
mod mixed;
mod rows;
mod sending;
mod start;

use ws_proto::{
    Chunk, Config, MessageKind, MessageRef, ProtocolError, ReceiveError, RecvHalf, Role, SendHalf,
    Step,
};

use crate::support::{Seen, fill, halves, map_step};

const INVALID_UTF8: ReceiveError = ReceiveError::Protocol(ProtocolError::InvalidUtf8);
const RESERVED_BITS: ReceiveError = ReceiveError::Protocol(ProtocolError::ReservedBits);

/// An end that, unlike a `Connection`, parks only when a test calls `park`.
struct End {
    recv: RecvHalf,
    send: SendHalf,
}

impl End {
    fn next_message(&mut self) -> Step<MessageRef<'_>> {
        let step = self.recv.next_message(&mut self.send);
        map_step(step, |()| {
            self.recv.message().expect("the message that was found")
        })
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

/// Returns an end that has read `input` and reads into blocks of `block_len` bytes.
fn end_with(role: Role, config: &Config, input: &[u8], block_len: usize) -> End {
    let (mut recv, send) = halves(role, config);
    recv.lending().set_up(input.into(), block_len, block_len);
    End { recv, send }
}

fn end(role: Role, config: &Config, block_len: usize) -> End {
    end_with(role, config, &[], block_len)
}

/// Returns an end that has read all of `bytes` into one block.
fn with_input(role: Role, config: &Config, bytes: &[u8]) -> End {
    end_with(role, config, bytes, 1 << 16)
}

/// Reads as much of `input` as fits.
fn read(end: &mut End, input: &mut &[u8]) {
    fill(&mut end.recv, input, 0);
}

/// Reads all of `input`, which must fit.
fn read_all(end: &mut End, mut input: &[u8]) {
    read(end, &mut input);
    assert!(input.is_empty());
}

/// The pieces of one message, up to its end or to the end of the input.
#[derive(Debug, Default, PartialEq)]
struct Pieces {
    bytes: Vec<u8>,
    controls: Vec<Seen>,
    is_whole: bool,
}

/// Takes pieces until the message ends or input is needed.
fn take_pieces(end: &mut End, pieces: &mut Pieces) -> Result<(), ReceiveError> {
    while !pieces.is_whole {
        match end.next_chunk() {
            Step::Found(Chunk::Data) => {
                assert!(!end.recv.chunk().is_empty(), "an empty piece");
                assert!(end.recv.message().is_none() && end.recv.take_message().is_none());
                pieces.bytes.extend_from_slice(end.recv.chunk());
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
            Step::Busy => panic!("Busy without compression"),
        }
    }
    Ok(())
}

/// Returns the violation because of which a step has returned `Ended`.
fn violation(end: &End) -> ReceiveError {
    end.send.failure().expect("a violation")
}

/// Returns the kind of the message that starts next, if its start has arrived.
fn started(end: &mut End) -> Option<MessageKind> {
    match end.next_start() {
        Step::Found(kind) => Some(kind),
        Step::NeedInput => None,
        step => panic!("{step:?}"),
    }
}

/// Returns the next message if it is complete, or the control frame before the message.
fn next(end: &mut End) -> Result<Option<Seen>, ReceiveError> {
    Ok(match end.next_message() {
        Step::Found(message) => Some(Seen::message(message)),
        Step::Control(control) => Some(Seen::control(&control)),
        Step::NeedInput => None,
        Step::Ended => return Err(violation(end)),
        Step::Busy => panic!("Busy without compression"),
    })
}

/// Takes the next piece. Between messages, takes the next start instead, sets `kind`, and returns
/// [`Step::Found`] with `None`.
fn next_part(end: &mut End, kind: &mut Option<MessageKind>) -> Step<Option<Chunk>> {
    match kind {
        Some(_) => map_step(end.next_chunk(), Some),
        None => map_step(end.next_start(), |started| {
            *kind = Some(started);
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

/// Takes pieces until the message ends or input is needed, and returns their total length.
fn count(end: &mut End) -> Result<usize, ReceiveError> {
    let mut sum = 0;
    loop {
        match end.next_chunk() {
            Step::Found(Chunk::Data) => sum += end.recv.chunk().len(),
            Step::Found(Chunk::End) | Step::NeedInput => return Ok(sum),
            Step::Control(_) => {}
            Step::Ended => return Err(violation(end)),
            Step::Busy => panic!("Busy without compression"),
        }
    }
}
