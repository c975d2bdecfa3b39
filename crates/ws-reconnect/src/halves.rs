//! A client as two halves that two tasks can own.

use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use ws_driver::transport::{Half, Runtime};
use ws_driver::{CloseCode, Error, Message};

use crate::client::Reconnecting;
use crate::error::{Ended, GaveUp, SendError};
use crate::event::{Event, Undelivered};
use crate::hook::{NoHook, OnOpen};
use crate::machine::Machine;
use crate::turns::Turns;

struct Shared<R: Runtime, O> {
    machine: Mutex<Machine<R, O>>,
    turns: Turns,
}

impl<R: Runtime, O> Shared<R, O> {
    /// Locks the state, for one turn. A panic in a hook leaves it consistent.
    fn lock(&self) -> MutexGuard<'_, Machine<R, O>> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn<T>(
        &self,
        half: Half,
        cx: &Context<'_>,
        poll: impl FnOnce(&mut Machine<R, O>, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let mut common = self.turns.begin(half, cx);
        let mut machine = self.lock();
        let polled = poll(&mut machine, &mut common);
        let news = machine.take_news();
        drop(machine);
        self.turns.end(half, news, polled)
    }
}

pub(crate) fn share<R: Runtime, O>(mut machine: Machine<R, O>) -> (Sender<R, O>, Receiver<R, O>) {
    machine.has_receiver = true;
    let shared = Arc::new(Shared {
        machine: Mutex::new(machine),
        turns: Turns::default(),
    });
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

/// The sending half of a client. See
/// [`Reconnecting::split`](crate::Reconnecting::split).
///
/// Each method does what the method of the same name of [`Reconnecting`](crate::Reconnecting) does.
/// That method describes the errors and the cancel safety. A sender has one owner.
///
/// If the [`Receiver`] was dropped, the sender still connects again. Messages of the server fill
/// the memory for them, and then the server has to wait.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let url = format!("ws://{}/", listener.local_addr()?);
/// # let server = tokio::spawn(async move {
/// #     let (tcp, _) = listener.accept().await?;
/// #     let mut ws = ws_tokio::accept(tcp).await?;
/// #     while let Some((message, out)) = ws.recv_ref().await? { out.feed(message).await?; }
/// #     std::io::Result::Ok(())
/// # });
/// use ws_reconnect::{Event, Reconnecting};
/// use ws_tokio::{CloseCode, Connector};
///
/// let (mut tx, mut rx) = Reconnecting::new(Connector::new(), &url).split();
/// let receiving = tokio::spawn(async move {
///     let mut echoes = 0;
///     while let Some(event) = rx.next().await? {
///         if let Event::Message(_) = event {
///             echoes += 1;
///             if echoes == 2 { break; }
///         }
///     }
///     Ok::<_, Box<ws_reconnect::GaveUp>>(echoes)
/// });
/// assert_eq!(tx.send("one").await?, 1);
/// assert_eq!(tx.send("two").await?, 2);
/// tx.confirm().await?; // the server has read both messages
/// assert_eq!(tx.confirmed(), 2);
/// assert_eq!(receiving.await??, 2);
/// let undelivered = tx.close(CloseCode::NORMAL, "bye").await?;
/// assert!(undelivered.is_empty());
/// # server.await??;
/// # Ok(())
/// # }
/// ```
pub struct Sender<R: Runtime, O = NoHook<R>>(Arc<Shared<R, O>>);

/// The receiving half of a client. See
/// [`Reconnecting::split`](crate::Reconnecting::split).
pub struct Receiver<R: Runtime, O = NoHook<R>>(Arc<Shared<R, O>>);

/// The error of joining the halves of two clients. Holds both halves.
#[derive(thiserror::Error)]
#[error("the halves belong to different clients: join each with its own other half")]
pub struct ReuniteError<R: Runtime, O = NoHook<R>>(
    /// The sending half.
    pub Sender<R, O>,
    /// The receiving half.
    pub Receiver<R, O>,
);

impl<R: Runtime, O> Receiver<R, O> {
    /// Joins the halves into one client again. Nothing is lost: neither queued messages and events,
    /// nor an attempt to connect.
    ///
    /// # Errors
    ///
    /// [`ReuniteError`] with both halves if they belong to different clients.
    pub fn reunite(
        self,
        sender: Sender<R, O>,
    ) -> Result<Reconnecting<R, O>, Box<ReuniteError<R, O>>> {
        if !Arc::ptr_eq(&self.0, &sender.0) {
            return Err(Box::new(ReuniteError(sender, self)));
        }
        drop(sender);
        let shared = Arc::clone(&self.0);
        drop(self);
        let Some(shared) = Arc::into_inner(shared) else {
            unreachable!("the two halves held the only other references and were dropped")
        };
        let machine = shared.machine.into_inner();
        let machine = machine.unwrap_or_else(PoisonError::into_inner);
        Ok(Reconnecting::join(machine, shared.turns))
    }
}

impl<R: Runtime, O> Sender<R, O> {
    /// Joins the halves into one client again. See [`Receiver::reunite`].
    ///
    /// # Errors
    ///
    /// [`ReuniteError`] with both halves if they belong to different clients.
    pub fn reunite(
        self,
        receiver: Receiver<R, O>,
    ) -> Result<Reconnecting<R, O>, Box<ReuniteError<R, O>>> {
        receiver.reunite(self)
    }
}

impl<R: Runtime, O: OnOpen<R>> Receiver<R, O> {
    /// Returns the next event. See [`Reconnecting::next`](crate::Reconnecting::next).
    ///
    /// # Errors
    ///
    /// [`GaveUp`] if the client gives up.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Option<Event>, Box<GaveUp>> {
        poll_fn(|cx| self.poll_next_event(cx)).await
    }

    /// Polls for the next event.
    ///
    /// # Errors
    ///
    /// [`GaveUp`] if the client gives up.
    pub fn poll_next_event(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Event>, Box<GaveUp>>> {
        self.0.turn(Half::Receiver, cx, Machine::poll_next)
    }
}

impl<R: Runtime, O: OnOpen<R>> Sender<R, O> {
    /// Accepts a message and writes it. See [`Reconnecting::send`](crate::Reconnecting::send).
    ///
    /// # Errors
    ///
    /// [`SendError`] with the message.
    ///
    /// # Cancel safety
    ///
    /// As for [`Reconnecting::send`](crate::Reconnecting::send).
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<u64, SendError> {
        let number = self.feed(message).await?;
        poll_fn(|cx| self.turn(cx, Machine::poll_send)).await;
        Ok(number)
    }

    /// Accepts a message. The task that receives writes it. See
    /// [`Reconnecting::feed`](crate::Reconnecting::feed).
    ///
    /// # Errors
    ///
    /// [`SendError`] with the message.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it returned, the message is not accepted.
    pub async fn feed(&mut self, message: impl Into<Message>) -> Result<u64, SendError> {
        let mut message = Some(message.into());
        poll_fn(|cx| self.turn(cx, |machine, cx| machine.poll_feed(cx, &mut message))).await
    }

    /// Waits until everything was written. See
    /// [`Reconnecting::flush`](crate::Reconnecting::flush).
    ///
    /// # Errors
    ///
    /// [`Ended`] if the client has ended before.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn flush(&mut self) -> Result<(), Ended> {
        poll_fn(|cx| self.turn(cx, Machine::poll_flush)).await
    }

    /// Waits until every accepted message was confirmed or reported. Returns `true` then. See
    /// [`Reconnecting::confirm`](crate::Reconnecting::confirm).
    ///
    /// A task must poll the [`Receiver`] in the meantime, because the proof may follow messages of
    /// the server. Returns `false` only if the receiver was dropped, and an event stands before the
    /// proof.
    ///
    /// # Errors
    ///
    /// [`Ended`] if the client has ended before.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn confirm(&mut self) -> Result<bool, Ended> {
        poll_fn(|cx| self.turn(cx, Machine::poll_confirm)).await
    }

    /// Closes the client, and returns what was not delivered. The receiver reports the end. See
    /// [`Reconnecting::close`](crate::Reconnecting::close).
    ///
    /// # Errors
    ///
    /// [`Error::Send`] if the code must not be sent, or the reason is too long.
    ///
    /// # Cancel safety
    ///
    /// As for [`Reconnecting::close`](crate::Reconnecting::close).
    pub async fn close(
        &mut self,
        code: CloseCode,
        reason: impl AsRef<str>,
    ) -> Result<Undelivered, Error> {
        let reason = reason.as_ref();
        poll_fn(|cx| self.turn(cx, |machine, cx| machine.poll_close(cx, code, reason))).await?;
        Ok(self.take_undelivered())
    }

    /// Returns the number of the last message whose delivery was proved. See
    /// [`Reconnecting::confirmed`](crate::Reconnecting::confirmed).
    pub fn confirmed(&self) -> u64 {
        self.0.lock().outgoing.confirmed()
    }

    /// Takes the messages that were not delivered, after the receiver has reported the end. See
    /// [`Reconnecting::take_undelivered`](crate::Reconnecting::take_undelivered).
    pub fn take_undelivered(&mut self) -> Undelivered {
        self.0.lock().take_undelivered()
    }

    pub(crate) fn turn<T>(
        &mut self,
        cx: &Context<'_>,
        poll: impl FnOnce(&mut Machine<R, O>, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.0.turn(Half::Sender, cx, poll)
    }
}

/// A sender that waits for this half waits no longer.
impl<R: Runtime, O> Drop for Receiver<R, O> {
    fn drop(&mut self) {
        let mut machine = self.0.lock();
        machine.has_receiver = false;
        let awaits = std::mem::take(&mut machine.awaits_receiver);
        drop(machine);
        self.0.turns.leave(Half::Receiver, awaits);
    }
}

impl<R: Runtime, O> fmt::Debug for ReuniteError<R, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReuniteError(..)")
    }
}

impl<R: Runtime, O> fmt::Debug for Sender<R, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

impl<R: Runtime, O> fmt::Debug for Receiver<R, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}
