//! The sending direction: the queue, the transport's end that takes it, time limits, and how the connection ended.
//!
//! When a connection is split, this is what both halves share.

use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use ws_proto::{ControlPayload, Expired, Outgoing, ReceiveError, SendError, SendHalf};

use crate::clock::{Clock, Direction};
use crate::error::{Error, Phase};
use crate::send_queue::SendQueue;
use crate::transport::{Timer, WriteHalf};

/// Writes without a wait, after which other tasks get a turn before more is queued: whoever sends to a quick peer would
/// otherwise never give way, unless the runtime sees to it.
const WRITES_PER_BURST: u32 = 128;

/// Everything about sending that moves, but the transport itself.
pub(crate) struct Outlet<M> {
    pub(crate) out: SendQueue,
    clock: Clock<M>,
    /// What the next receive reports, once, when the connection has ended.
    fault: Option<Box<Error>>,
    /// The time limit that ended the connection.
    timed_out: Option<Phase>,
    /// Octets were written that the transport may keep back.
    unflushed: bool,
    /// Writes since one had to wait or other tasks got a turn.
    burst: u32,
    /// Why nothing can be written any more.
    write_fault: Option<io::ErrorKind>,
    /// The Ping whose round trip somebody waits for.
    ping: Option<Box<PingUnderWay>>,
    /// Why nothing can be read any more.
    read_fault: Option<io::ErrorKind>,
    /// Our direction of the transport was ended.
    shut_down: bool,
    /// The transport is of no more use, and its owner drops it.
    ended: bool,
    /// Something that was queued did not leave and never will.
    dropped: bool,
}

/// A Ping of our own, apart from those of keepalive.
struct PingUnderWay {
    number: u32,
    sent: Duration,
    round_trip: Option<Duration>,
}

impl PingUnderWay {
    /// Longer than the payloads of keepalive, so that neither takes the other's Pong for its own.
    fn payload(&self) -> [u8; 5] {
        let [a, b, c, d] = self.number.to_be_bytes();
        [b'#', a, b, c, d]
    }
}

impl<M: Timer> Outlet<M> {
    pub(crate) fn new(mut send: SendHalf) -> Self {
        send.compress_in_steps();
        Outlet {
            out: SendQueue::new(send),
            clock: Clock::new(),
            fault: None,
            timed_out: None,
            unflushed: false,
            burst: 0,
            write_fault: None,
            ping: None,
            read_fault: None,
            shut_down: false,
            ended: false,
            dropped: false,
        }
    }

    /// Whether the transport is of no more use.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether something is to be queued or is, or was written and may be kept back.
    fn is_under_way(&self) -> bool {
        self.out.has_work() || self.unflushed
    }

    /// Whether the transport may keep back what was written.
    pub(crate) fn is_unflushed(&self) -> bool {
        self.unflushed
    }

    /// Whether writing has failed before.
    pub(crate) fn write_fault(&self) -> Option<io::ErrorKind> {
        self.write_fault
    }

    /// What receiving reports at the end: the fault once, then nothing.
    pub(crate) fn report<F>(&mut self) -> Result<Option<F>, Error> {
        self.fault.take().map_or(Ok(None), |fault| Err(*fault))
    }

    /// How the connection ended, for those who do not receive.
    pub(crate) fn verdict(&self) -> Result<(), Error> {
        let io_fault = self.read_fault.or(self.write_fault);
        match (self.out.side.failure(), self.timed_out, io_fault) {
            _ if self.is_clean() => Ok(()),
            (Some(error), _, _) => Err(error.into()),
            (_, Some(phase), _) => Err(Error::Timeout(phase)),
            (_, _, Some(kind)) => Err(Error::Io(kind.into())),
            (None, None, None) => Err(Error::Lost),
        }
    }

    /// Whether the connection has ended by Closes of both ends.
    fn is_clean(&self) -> bool {
        self.out.side.end().is_some_and(|end| end.clean)
    }

    pub(crate) fn check_open(&self) -> Result<(), Error> {
        match self.write_fault {
            Some(kind) if !self.ended => Err(Error::Io(kind.into())),
            None if self.out.side.is_open() => Ok(()),
            _ => Err(SendError::Closing.into()),
        }
    }

    /// Waits until less than the high-water mark is queued.
    pub(crate) fn poll_room(
        &mut self,
        cx: &mut Context<'_>,
        io: Option<&mut impl WriteHalf>,
    ) -> Poll<Result<(), Error>> {
        let mut io = io;
        self.check_open()?;
        if self.burst >= WRITES_PER_BURST {
            self.burst = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        while !self.out.side.has_room() {
            match self.poll_flush(cx, io.as_deref_mut()) {
                Poll::Ready(result) => result?,
                Poll::Pending if self.out.side.has_room() => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(self.check_open())
    }

    /// Queues `message`, once there is room, and writes and flushes everything that is queued.
    pub(crate) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        io: Option<&mut impl WriteHalf>,
        message: &mut Option<Outgoing<'_>>,
    ) -> Poll<Result<(), Error>> {
        let mut io = io;
        if message.is_some() {
            ready!(self.poll_room(cx, io.as_deref_mut()))?;
        }
        if let (Some(io), Some(message)) = (io.as_deref_mut(), message.take()) {
            self.offer(cx, io, message)?;
        }
        self.poll_flush(cx, io)
    }

    /// Writes and flushes everything that is queued, our own Close included. Without a transport: whether the one that
    /// there was took everything before a clean end.
    pub(crate) fn poll_flush(
        &mut self,
        cx: &mut Context<'_>,
        io: Option<&mut impl WriteHalf>,
    ) -> Poll<Result<(), Error>> {
        let Some(io) = io.filter(|_| self.is_clean() || !self.out.side.has_ended()) else {
            let done = !self.dropped && self.is_clean();
            return Poll::Ready(if done {
                Ok(())
            } else {
                Err(SendError::Closing.into())
            });
        };
        match self.poll_drain(cx, io) {
            Poll::Ready(result) => Poll::Ready(result.map_err(Error::Io)),
            Poll::Pending => self.poll_stall(cx),
        }
    }

    /// Writes everything that is queued and the payload that is [lent](SendHalf::lend_payload), of which what has not
    /// gone out stays in `lent`: nothing, once this is ready.
    pub(crate) fn poll_lent(
        &mut self,
        cx: &mut Context<'_>,
        io: Option<&mut impl WriteHalf>,
        lent: &mut &[u8],
    ) -> Poll<Result<(), Error>> {
        let written = match io {
            Some(io) => self.poll_drain_and(cx, io, lent).map_err(Error::Io),
            None => Poll::Ready(Err(SendError::Closing.into())),
        };
        let done = match written {
            Poll::Pending if !lent.is_empty() => ready!(self.poll_stall(cx)),
            // What is kept back leaves with whatever is called next.
            Poll::Pending => Ok(()),
            Poll::Ready(done) => done,
        };
        *lent = &[];
        Poll::Ready(done)
    }

    /// Waits, for as long as the transport may take nothing.
    fn poll_stall(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(self.poll_expire_sending(cx));
        // With both Closes there, all that is wrong is that not everything has left.
        let closing = SendError::Closing.into();
        Poll::Ready(Err(self.verdict().err().unwrap_or(closing)))
    }

    /// Writes and flushes everything that is queued, and gives back the memory that it was encoded into.
    pub(crate) fn poll_drain(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut impl WriteHalf,
    ) -> Poll<io::Result<()>> {
        self.poll_drain_and(cx, io, &mut &[][..])
    }

    /// As [`poll_drain`](Self::poll_drain), with the payload that is lent.
    fn poll_drain_and(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut impl WriteHalf,
        lent: &mut &[u8],
    ) -> Poll<io::Result<()>> {
        let result = match self.write_fault {
            Some(kind) => Poll::Ready(Err(kind.into())),
            None => self.poll_write_all(cx, io, lent),
        };
        match &result {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => {
                self.write_fault = Some(error.kind());
                self.dropped |= self.is_under_way();
                // Nobody will take it, and a connection that still receives must not pile it up.
                self.out.side.output_lost();
            }
            // The transport has taken all there is: it is for us to go on.
            Poll::Pending if self.out.side.queued() == 0 && !self.unflushed => self.burst = 0,
            Poll::Pending => {
                self.burst = 0;
                self.out.side.stalled();
            }
        }
        self.out.reclaim_buffer();
        result
    }

    fn poll_write_all(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut impl WriteHalf,
        lent: &mut &[u8],
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_write_queued(cx, io, lent))?;
            if !self.out.side.is_busy() {
                return Poll::Ready(Ok(()));
            }
            self.out.side.work();
            if self.out.side.is_busy() {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
    }

    fn poll_write_queued(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut impl WriteHalf,
        lent: &mut &[u8],
    ) -> Poll<io::Result<()>> {
        let send = &mut self.out.side;
        while send.queued() > 0 {
            let written = send.with_io_slices_and(lent, |slices| match slices {
                // The rest of a lent payload that was forgotten.
                [] => Poll::Ready(Ok(0)),
                slices => io.poll_write_vectored(cx, slices),
            });
            match ready!(written) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(len) => {
                    send.advance_and(lent, len);
                    self.unflushed = true;
                    self.burst = self.burst.saturating_add(1);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        if self.unflushed {
            ready!(io.poll_flush(cx))?;
            self.unflushed = false;
            send.flushed();
        }
        Poll::Ready(Ok(()))
    }

    /// Queues a message, which the transport may take at once without a copy.
    fn offer(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut impl WriteHalf,
        message: Outgoing<'_>,
    ) -> Result<(), SendError> {
        self.out.lend_buffer();
        let Outlet {
            out,
            unflushed,
            burst,
            write_fault,
            ..
        } = self;
        out.side
            .offer(message, |slices| match io.poll_write_vectored(cx, slices) {
                Poll::Ready(Ok(len)) => {
                    *unflushed = true;
                    *burst = burst.saturating_add(1);
                    len
                }
                Poll::Ready(Err(error)) if error.kind() != io::ErrorKind::Interrupted => {
                    *write_fault = Some(error.kind());
                    0
                }
                Poll::Ready(Err(_)) | Poll::Pending => 0,
            })
    }

    /// Ends our direction of the transport, once.
    pub(crate) fn poll_shutdown(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut impl WriteHalf,
    ) -> Poll<io::Result<()>> {
        if !self.shut_down {
            ready!(io.poll_shutdown(cx))?;
            self.shut_down = true;
        }
        Poll::Ready(Ok(()))
    }

    /// As [`poll_expire`](Self::poll_expire), for those who only send: they cannot hear whether the peer is silent.
    pub(crate) fn poll_expire_sending(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.out.side.listens(false);
        let expired = self.poll_expire_of(cx, Direction::Sending);
        self.out.side.listens(true);
        expired
    }

    /// Waits for the next time limit and acts on it: ready when one has ended the connection. Pending for ever if none
    /// runs. It may have queued a Ping.
    pub(crate) fn poll_expire(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_expire_of(cx, Direction::Receiving)
    }

    fn poll_expire_of(&mut self, cx: &mut Context<'_>, direction: Direction) -> Poll<()> {
        loop {
            let now = ready!(self.clock.poll_deadline(cx, &mut self.out.side, direction));
            let clean = self.is_clean();
            let under_way = self.is_under_way();
            let Some(expired) = self.out.side.expire(now) else {
                continue;
            };
            let phase = match expired {
                // After both Closes the peer only dallied with the end of its transport.
                _ if clean => None,
                Expired::Close => Some(Phase::Close),
                Expired::Idle => Some(Phase::Idle),
                Expired::Pong => Some(Phase::Pong),
                Expired::WriteStall => Some(Phase::WriteStall),
                // The violation itself is the fault.
                _ => None,
            };
            self.timed_out = phase;
            self.dropped |= under_way;
            self.end();
            return Poll::Ready(());
        }
    }

    /// The peer has sent something.
    #[inline]
    pub(crate) fn heard(&mut self) {
        self.out.side.heard();
    }

    /// A Pong came: it may be the one that a keepalive Ping or one of our own waits for.
    pub(crate) fn pong_arrived(&mut self, payload: &ControlPayload) {
        if self.out.side.awaits_pong() {
            self.out.side.pong_arrived(payload, self.clock.now());
        }
        if let Some(ping) = &mut self.ping
            && ping.round_trip.is_none()
            && **payload == ping.payload()
        {
            ping.round_trip = Some(self.clock.now().saturating_sub(ping.sent));
        }
    }

    /// Queues a Ping of our own, which takes the place of the one before, and returns its number.
    pub(crate) fn start_ping(&mut self) -> Result<u32, Error> {
        let before = self.ping.as_ref().map_or(0, |ping| ping.number);
        let ping = PingUnderWay {
            number: before.wrapping_add(1),
            sent: self.clock.now(),
            round_trip: None,
        };
        self.out.ping(&ControlPayload::new(&ping.payload())?)?;
        Ok(self.ping.insert(Box::new(ping)).number)
    }

    /// The round trip of our Ping of this number, once its Pong came.
    pub(crate) fn answer(&self, number: u32) -> Option<Duration> {
        let ping = self.ping.as_ref()?;
        ping.round_trip.filter(|_| ping.number == number)
    }

    /// Whether a Ping of our own waits for its Pong.
    pub(crate) fn awaits_answer(&self) -> bool {
        let ping = self.ping.as_ref();
        ping.is_some_and(|ping| ping.round_trip.is_none())
    }

    /// Writes what is queued and waits for the Pong to our Ping, which others receive.
    pub(crate) fn poll_answer(
        &mut self,
        cx: &mut Context<'_>,
        io: Option<&mut impl WriteHalf>,
        number: u32,
    ) -> Poll<Result<Duration, Error>> {
        if let Some(time) = self.answer(number) {
            return Poll::Ready(Ok(time));
        }
        self.check_open()?;
        ready!(self.poll_flush(cx, io))?;
        Poll::Pending
    }

    /// Whether something is queued that the transport was not offered.
    pub(crate) fn wants_write(&self) -> bool {
        self.out.has_work() && !self.out.side.is_congested()
    }

    /// The peer is at fault: tell it, and report it when the connection has ended.
    pub(crate) fn fail(&mut self, error: ReceiveError) {
        self.out.lend_buffer();
        self.out.side.fail(error);
        self.fault = Some(Box::new(error.into()));
    }

    /// Reading failed before the closing handshake was complete.
    pub(crate) fn lose(&mut self, error: io::Error) {
        self.read_fault = Some(error.kind());
        self.fault = Some(Box::new(Error::Io(error)));
        self.end();
    }

    /// The transport is of no more use: whatever the end was, it is decided now.
    pub(crate) fn end(&mut self) {
        self.dropped |= self.is_under_way();
        self.out.side.transport_ended();
        self.out.reclaim_buffer();
        if self.fault.is_none() {
            self.fault = self.verdict().err().map(Box::new);
        }
        self.ended = true;
    }
}
