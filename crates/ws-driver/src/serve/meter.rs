//! Metering: a connection counts its memory for the budget of its server, and stops reading while
//! the budget is used up.
//!
//! The memory is counted where it can have grown or shrunk: before each read that is not the
//! shortest way, with each message that is found or queued, after each write, and at each wait.
//!
//! Each function that others call is small and inlined. It tests if the connection is in a
//! registry, and calls the rest of its work only then. So other connections pay for the test only.

use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use super::account::Account;
use super::ledger::{Need, Use};
use super::seat::Seat;
use super::seated::Seated;
use crate::pool;
use crate::read_state::{ReadState, Wire};
use crate::transport::{Timer, WriteHalf};
use crate::write_state::WriteState;

impl Seated {
    /// Returns `true` if the connection is in a registry, which may have a budget.
    #[inline(always)]
    fn is_seated(&self) -> bool {
        self.seat().is_some()
    }

    fn account(&self) -> Option<(&Arc<Seat>, &Account)> {
        let seat = self.seat()?;
        Some((seat, seat.account()?))
    }

    fn hold(&self, of: Use, bytes: usize) {
        if let Some(seat) = self.seat() {
            seat.hold(of, bytes);
        }
    }

    /// Returns the number of bytes that are left of the budget.
    fn room(&self) -> usize {
        self.account()
            .map_or(usize::MAX, |(_, account)| account.ledger.room())
    }

    /// Returns the instant at which the budget ends the greediest connections, if this connection
    /// waits for memory.
    fn patience(&self) -> Option<Instant> {
        let (_, account) = self.account().filter(|(_, account)| account.waits())?;
        account.ledger.deadline(account.id)
    }

    /// Returns the instant at which something is to be done besides the timeouts of the core.
    pub(crate) fn alarm(&self) -> Option<Instant> {
        let alarms = [self.expires(), self.patience()];
        alarms.into_iter().flatten().min()
    }
}

impl<W, M> WriteState<W, M> {
    /// Counts everything that is queued, and the compressor.
    #[inline(always)]
    pub(crate) fn meter_queue(&mut self) {
        if self.send.is_seated() {
            self.count_queue();
        }
    }

    #[inline(never)]
    fn count_queue(&mut self) {
        if self.send.account().is_none() {
            return;
        }
        self.send.hold(Use::Queue, self.send.held());
        self.send.hold(Use::Compressor, self.send.codec_memory());
        // The queue must be counted again when it has been written. Only the general path does so.
        self.unflushed |= self.send.queued() > 0;
    }
}

impl<W, M: Timer> WriteState<W, M> {
    /// Counts the memory before a wait. Wakes the task if it waited for memory and can go on.
    #[inline(always)]
    pub(super) fn meter_wait(&mut self, cx: &Context<'_>) {
        if self.send.is_seated() {
            self.count_at_wait(cx);
        }
    }

    #[inline(never)]
    fn count_at_wait(&mut self, cx: &Context<'_>) {
        self.count_queue();
        let Some((seat, account)) = self.send.account() else {
            return;
        };
        let ledger = &account.ledger;
        if ledger.is_exceeded() && !account.is_small() {
            ledger.linger(account.id, seat, M::now());
        }
        // There may be room since the connection has asked for it.
        if account.waits() && ledger.resume(account.id, seat) {
            cx.waker().wake_by_ref();
        }
    }

    /// Acts on the end of the patience of a connection that waits for memory.
    #[cold]
    pub(crate) fn lose_patience(&mut self, cx: &Context<'_>, now: Instant) {
        let Some((seat, account)) = self.send.account() else {
            return;
        };
        if account.waits() && account.ledger.overdue(account.id, seat, now) {
            cx.waker().wake_by_ref();
        }
    }

    /// Fails the connection, because the budget is used up. Wakes the task as
    /// [`queue_order`](Self::queue_order) does.
    #[cold]
    pub(super) fn shed(&mut self, cx: &Context<'_>) {
        self.send.refuse();
        self.news = true;
        cx.waker().wake_by_ref();
    }
}

impl ReadState {
    /// Counts the incomplete message, and the decompressor.
    #[inline(always)]
    pub(crate) fn meter(&self, wire: &mut impl Wire) {
        if wire.write_state().send.is_seated() {
            self.count(wire);
        }
    }

    #[inline(never)]
    fn count(&self, wire: &mut impl Wire) {
        let send = &wire.write_state().send;
        send.hold(Use::Message, self.recv.held());
        send.hold(Use::Decompressor, self.recv.codec_memory());
    }

    /// Counts the memory after a message or a piece was found, which belongs to the caller now.
    #[inline(always)]
    pub(crate) fn meter_found(&self, wire: &mut impl Wire) {
        if wire.write_state().send.is_seated() {
            self.count_found(wire);
        }
    }

    #[inline(never)]
    fn count_found(&self, wire: &mut impl Wire) {
        let send = &wire.write_state().send;
        send.hold(Use::Message, 0);
        send.hold(Use::Decompressor, self.recv.codec_memory());
    }

    /// Counts the memory of a connection that is about to wait for input. While the budget is used
    /// up, the next read is short.
    #[inline(always)]
    pub(crate) fn meter_wait(&mut self, wire: &mut impl Wire) {
        if wire.write_state().send.is_seated() {
            self.count_at_wait(wire);
        }
    }

    #[inline(never)]
    fn count_at_wait(&mut self, wire: &mut impl Wire) {
        self.count(wire);
        if wire.write_state().send.room() < pool::BLOCK_LEN {
            self.recv.lending().expect_little();
        }
    }

    /// Returns `true` if the connection may read, or decompress more. Otherwise the connection
    /// waits for memory from now on, or has to end.
    #[inline(always)]
    pub(crate) fn may_grow(&mut self, wire: &mut impl Wire) -> bool {
        !wire.write_state().send.is_seated() || self.ask_to_grow(wire)
    }

    #[inline(never)]
    fn ask_to_grow<W: Wire>(&mut self, wire: &mut W) -> bool {
        self.count(wire);
        let write = wire.write_state();
        if self.has_to_end(write) {
            return false;
        }
        let room = write.send.room();
        if room < self.next_growth() {
            // Little is read, and the input so far is kept in as little memory.
            let mut lending = self.recv.lending();
            pool::give_block(lending.park(&mut write.send));
            lending.expect_little();
        }
        let Some((seat, account)) = write.send.account() else {
            return true;
        };
        let codecs = self.recv.missing_codec_memory() + write.send.missing_codec_memory();
        if codecs == 0 && account.is_small() {
            return true;
        }
        let message = self.next_growth();
        if room >= message.saturating_add(codecs) && !account.waits() {
            return true;
        }
        let need = Need { message, codecs };
        let now = <W::Timer as Timer>::now();
        account.ledger.ask(account.id, seat, need, now)
    }

    /// Returns the bytes by which the memory can grow with the next read.
    fn next_growth(&mut self) -> usize {
        let len = self.recv.lending().wants_block();
        self.recv.growth(len.unwrap_or(pool::SMALL_BLOCK_LEN))
    }

    /// Waits while the connection waits for memory.
    #[inline(always)]
    pub(crate) fn poll_memory(&mut self, cx: &mut Context<'_>, wire: &mut impl Wire) -> Poll<()> {
        match wire.write_state().send.is_seated() {
            true => self.poll_room_in_budget(cx, wire),
            false => Poll::Ready(()),
        }
    }

    #[inline(never)]
    fn poll_room_in_budget<W: Wire>(&mut self, cx: &mut Context<'_>, wire: &mut W) -> Poll<()> {
        loop {
            let write = wire.write_state();
            if self.has_to_end(write) || write.send.has_ended() || write.state.is_ended() {
                return Poll::Ready(());
            }
            // The queue may give memory back.
            let waits = |send: &Seated| send.account().is_some_and(|(_, it)| it.waits());
            if waits(&write.send) {
                let _ = write.poll_write_out(cx, &mut &[][..]);
            }
            let account = write.send.account();
            let waits = account.is_some_and(|(seat, account)| {
                account.waits() && !account.is_small() && !account.ledger.resume(account.id, seat)
            });
            if !waits {
                return Poll::Ready(());
            }
            ready!(self.poll_wait(cx, wire));
        }
    }

    /// Drops all input if the budget has ended the connection.
    fn has_to_end<W: WriteHalf, M: Timer>(&mut self, write: &mut WriteState<W, M>) -> bool {
        let is_over = write.send.is_refused();
        if is_over {
            pool::give_block(self.recv.lending().discard());
            write.send.hold(Use::Message, 0);
            write.send.hold(Use::Decompressor, 0);
        }
        is_over
    }
}
