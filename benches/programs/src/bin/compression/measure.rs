//! The measurement of one setting with one payload.

use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use ws_proto::{Config, DeflateParams, MessageRef, RecvHalf, Role, SendHalf, Step};

use crate::settings::Settings;

/// The length of the block that frames are read into. It is longer than any frame.
const BLOCK_LEN: usize = 128 * 1024;

/// The results of one measurement.
#[derive(Serialize)]
pub(crate) struct Figures {
    /// The mean length of a frame in bytes.
    frame_len: f64,
    compress_us: f64,
    decompress_us: f64,
    /// The bytes that the compressor and the decompressor keep between two messages.
    memory: i64,
}

/// Compresses all messages in turn, and decompresses the frames in turn, for at least `least` of
/// processor time each.
pub(crate) fn measure(settings: &Settings, messages: &[Vec<u8>], least: Duration) -> Figures {
    // The peer accepts the requested windows. It sends the kind of messages that it receives.
    let params = DeflateParams {
        server_no_context_takeover: !settings.takeover,
        server_max_window_bits: settings.config.wanted(Role::Server).client_max_window_bits,
        ..DeflateParams::default()
    };
    let mut sender = Sender::new(&params, settings);
    let mut receiver = Receiver::new(&params);
    let frames: Vec<_> = messages
        .iter()
        .map(|message| sender.frame(message))
        .collect();
    let memory = [
        kept(|| {
            let mut sender = Sender::new(&params, settings);
            sender.send(&messages[0]);
            sender.end_turn();
            sender
        }),
        kept(|| {
            frames.iter().for_each(|frame| receiver.receive(frame));
            receiver.end_turn();
        }),
    ];
    let frames_len: usize = frames.iter().map(Vec::len).sum();
    Figures {
        frame_len: frames_len as f64 / frames.len() as f64,
        compress_us: cost(least, messages, |message| sender.send(message)),
        decompress_us: cost(least, &frames, |frame| receiver.receive(frame)),
        memory: memory.iter().sum(),
    }
}

/// Returns the bytes that `run` has allocated and not freed. The result of `run` is dropped later.
fn kept<T>(run: impl FnOnce() -> T) -> i64 {
    let mut result = None;
    let info = allocation_counter::measure(|| result = Some(run()));
    drop(result);
    info.bytes_current
}

/// Returns the processor time of one call in microseconds. Calls `run` with each item in turn, and
/// repeats this until `least` has passed.
fn cost(least: Duration, items: &[Vec<u8>], mut run: impl FnMut(&[u8])) -> f64 {
    let started = processor_time();
    let mut calls = 0;
    loop {
        items.iter().for_each(|item| run(black_box(item)));
        calls += items.len();
        let spent = processor_time().saturating_sub(started);
        if spent >= least {
            return spent.as_secs_f64() * 1e6 / calls as f64;
        }
    }
}

/// Returns the processor time of this thread.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // This clock begins at zero, so the conversion cannot fail.
    time.try_into().unwrap_or_default()
}

/// A server that sends.
struct Sender(SendHalf);

impl Sender {
    fn new(params: &DeflateParams, settings: &Settings) -> Self {
        let mut send = SendHalf::server(&Config::default());
        send.deflate(params, &settings.config);
        Self(send)
    }

    /// Compresses a message and drops the frame.
    fn send(&mut self, message: &[u8]) {
        self.0
            .message(MessageRef::Binary(message))
            .expect("the connection is open");
        self.0.advance(self.0.queued());
    }

    /// Compresses a message and returns the frame.
    fn frame(&mut self, message: &[u8]) -> Vec<u8> {
        self.0
            .message(MessageRef::Binary(message))
            .expect("the connection is open");
        let mut slices = [&[][..]; 4];
        let used = self.0.slices(&mut slices);
        let frame = slices[..used].concat();
        self.0.advance(frame.len());
        frame
    }

    /// Frees the memory that a connection does not keep while it waits.
    fn end_turn(&mut self) {
        let mut lending = self.0.lending();
        drop((lending.reclaim(), lending.reclaim_compressor()));
    }
}

/// A client that receives.
struct Receiver {
    recv: RecvHalf,
    /// The other half, which has nothing to send.
    send: SendHalf,
}

impl Receiver {
    fn new(params: &DeflateParams) -> Self {
        let mut recv = RecvHalf::new(Role::Server.peer(), &Config::default());
        recv.inflate(params);
        let mut lending = recv.lending();
        lending.set_up(Box::default(), BLOCK_LEN, BLOCK_LEN);
        lending.lend(vec![0; BLOCK_LEN].into());
        Self {
            recv,
            send: SendHalf::server(&Config::default()),
        }
    }

    /// Receives a message. The time includes a copy of the frame, in place of the read.
    fn receive(&mut self, frame: &[u8]) {
        self.recv.spare()[..frame.len()].copy_from_slice(frame);
        self.recv.filled(frame.len());
        loop {
            match self.recv.next_message(&mut self.send) {
                Step::Found(()) => drop(black_box(self.recv.message())),
                Step::Busy => {}
                _ => break,
            }
        }
    }

    /// Frees the memory that a connection does not keep while it waits.
    fn end_turn(&mut self) {
        let mut lending = self.recv.lending();
        let block = lending.park(&mut self.send);
        lending.lend(block);
    }
}
