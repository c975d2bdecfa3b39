//! Looking ahead: handling input while no task receives.

use std::task::{Context, Poll};
use std::time::Duration;

use ws_proto::LookAhead;

use crate::error::Error;
use crate::pool;
use crate::read_state::{CONTROLS_PER_TURN, ReadState, Wire};
use crate::state::Cause;

/// The number of reads in one look ahead before it yields to the executor.
const READS_PER_LOOK: u32 = 8;

impl ReadState {
    /// Handles the input that has arrived, for a caller that does not receive.
    ///
    /// Answers Pings, handles Pongs, and handles a Close if no message precedes it. Messages stay
    /// for the next receive. At most one block of them is read.
    pub(crate) fn look_ahead(&mut self, cx: &mut Context<'_>, wire: &mut impl Wire) {
        let (mut reads, mut controls) = (0, 0);
        let input_blocked = loop {
            if reads == READS_PER_LOOK || controls == CONTROLS_PER_TURN {
                cx.waker().wake_by_ref();
                break false;
            }
            let write = wire.write_state();
            match self.recv.look_ahead(&mut write.send) {
                LookAhead::Control(control) => {
                    controls += 1;
                    self.note(&control, wire);
                }
                LookAhead::NeedInput if !write.state.is_ended() && self.read_ahead(cx, wire) => {
                    reads += 1;
                }
                LookAhead::NeedInput | LookAhead::Ended => break false,
                LookAhead::Full => break true,
            }
        };
        if let Some(block) = self.recv.lending().settle_ahead() {
            pool::give_block(block);
        }
        let write = wire.write_state();
        write.date_pongs();
        self.publish(write);
        write.record_look(input_blocked);
        self.meter(wire);
    }

    /// Reads once for a look ahead. Returns `true` if input arrived.
    fn read_ahead(&mut self, cx: &mut Context<'_>, wire: &mut impl Wire) -> bool {
        let mut lending = self.recv.lending();
        if let Some(len) = lending.wants_block() {
            pool::lend_block(len, |block| lending.lend_ahead(block));
        }
        match wire.poll_read(cx, lending.spare_ahead()) {
            Poll::Ready(Ok(0)) => wire.write_state().end(Cause::End),
            Poll::Ready(Ok(len)) => {
                self.recv.filled(len);
                return true;
            }
            Poll::Ready(Err(error)) => wire.write_state().read_failed(error),
            Poll::Pending => {}
        }
        false
    }

    /// Waits for the Pong to the Ping with this number and returns the round-trip time.
    ///
    /// `None` if other frames must be received first: messages that fill the block, or messages
    /// that precede a Close or a violation.
    pub(crate) fn poll_answer(
        &mut self,
        cx: &mut Context<'_>,
        wire: &mut impl Wire,
        number: u32,
    ) -> Poll<Result<Option<Duration>, Error>> {
        loop {
            let _ = wire.write_state().poll_write_out(cx, &mut &[][..]);
            self.look_ahead(cx, wire);
            let write = wire.write_state();
            if let Some(time) = write.send.probe_answer(number) {
                return Poll::Ready(Ok(Some(time)));
            }
            if write.state.is_ended() {
                return Poll::Ready(Err(write.fault()));
            }
            write.check_open()?;
            if write.input_blocked {
                return Poll::Ready(Ok(None));
            }
            // The deadline may have been that of a keepalive Ping, which is queued now.
            if write.poll_expire(cx).is_pending() && !write.wants_write() {
                return Poll::Pending;
            }
        }
    }
}
