//! The frames that an endpoint sends.

use std::time::{Duration, Instant};

use super::Role;
use super::codec::{self, BINARY, CLOSE, CONTINUATION, Form, PONG};
use super::echo::{Echo, Next};
use super::rules::{CompressedFrames, Masking, Pongs, Stop};

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const NEVER: Duration = Duration::from_secs(3600);

impl Echo {
    /// Sends a Close without a reason of the peer's.
    pub(crate) fn close_first(&mut self) {
        let payload = super::rules::normal(&Stop::Drop);
        self.write(true, CLOSE, &payload);
    }

    pub(super) fn echo(&mut self, opcode: u8, payload: &[u8]) {
        let compresses = self.rules.deflate.compresses;
        match &mut self.deflate {
            Some(deflate) if compresses => {
                let compressed = deflate.compress(payload);
                self.write_compressed(opcode, &compressed);
            }
            _ if self.rules.fragments => {
                let (first, second) = payload.split_at(payload.len() / 2);
                self.write(false, opcode, first);
                self.write(true, CONTINUATION, second);
            }
            _ => self.write(true, opcode, payload),
        }
        if let Some((opcode, payload)) = self.held.take() {
            self.echo(opcode, &payload);
        }
        if self.rules.pongs == Pongs::AfterData {
            for (_, payload) in std::mem::take(&mut self.pongs) {
                self.write(true, PONG, &payload);
            }
        }
    }

    fn write_compressed(&mut self, opcode: u8, compressed: &[u8]) {
        let (first, second) = compressed.split_at(compressed.len() / 2);
        let rsv_of_second = match (self.rules.deflate.frames)(compressed.len()) {
            CompressedFrames::One => return self.write_frame(FIN | RSV1 | opcode, compressed),
            CompressedFrames::WithoutRsv1 => return self.write_frame(FIN | opcode, compressed),
            CompressedFrames::Two => 0,
            CompressedFrames::TwoWithRsv1 => RSV1,
        };
        self.write_frame(RSV1 | opcode, first);
        self.write_frame(FIN | rsv_of_second | CONTINUATION, second);
    }

    pub(super) fn pong(&mut self, mut payload: Vec<u8>, now: Instant) {
        (self.rules.pong)(&mut payload);
        match self.rules.pongs {
            Pongs::AtOnce => self.write(true, PONG, &payload),
            Pongs::AfterMillis(millis) => {
                self.pongs.push((now + self.pace.millis(millis), payload));
            }
            Pongs::AfterData | Pongs::Swapped => self.pongs.push((now + NEVER, payload)),
        }
    }

    pub(super) fn write_swapped_pongs(&mut self) {
        for pair in std::mem::take(&mut self.pongs).chunks(2) {
            for (_, payload) in pair.iter().rev() {
                self.write(true, PONG, payload);
            }
        }
    }

    /// Answers with a Close.
    pub(super) fn stop(&mut self, stop: Stop, now: Instant) -> Next {
        let failed = match &stop {
            Stop::Drop => return Next::Drop,
            Stop::Die => return Next::Die,
            Stop::Violation(_) if self.rules.ignores_violations => {
                self.frame = None;
                return Next::Read;
            }
            Stop::Violation(_) => true,
            Stop::Closed(_) => false,
        };
        if self.rules.discards_output && failed {
            self.out.clear();
        }
        let payload = (self.rules.close)(&stop);
        self.write(true, CLOSE, &payload);
        for (first, payload) in (self.rules.after_close)(&stop) {
            self.write_frame(*first, payload);
        }
        match (self.rules.reads_on_ms)(&stop) {
            0 => Next::End { failed },
            millis => {
                self.frame = None;
                self.ends_at = Some(now + self.pace.millis(millis));
                Next::Read
            }
        }
    }

    pub(super) fn write(&mut self, fin: bool, opcode: u8, payload: &[u8]) {
        let fin = if fin { FIN } else { 0 };
        let rsv = if opcode <= BINARY { self.rules.rsv } else { 0 };
        self.write_frame(fin | rsv | opcode, payload);
    }

    /// `first` is FIN, RSV and opcode.
    fn write_frame(&mut self, first: u8, payload: &[u8]) {
        let form = Form {
            masking_key: self.masking_key(),
            long_lengths: self.rules.long_lengths,
        };
        codec::encode(&mut self.out, first, payload, form);
    }

    fn masking_key(&mut self) -> Option<[u8; 4]> {
        match self.rules.masking {
            Masking::Right | Masking::Wrong => self.masking_key = fastrand::u32(..),
            Masking::SameKey => {}
            Masking::Step(step) => self.masking_key = self.masking_key.wrapping_add(step),
        }
        let masks = (self.role == Role::Client) != (self.rules.masking == Masking::Wrong);
        masks.then(|| self.masking_key.to_be_bytes())
    }
}
