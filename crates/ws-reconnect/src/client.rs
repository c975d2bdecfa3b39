//! The client.

use std::fmt;
use std::future::{Future, poll_fn};
use std::task::{Context, Poll};
use std::time::Duration;

use ws_driver::handshake::Target;
use ws_driver::transport::{Half, Runtime};
use ws_driver::{CloseCode, Connector, End, Error, IntoTarget, Message};

use crate::backoff::Backoff;
use crate::cause::Cause;
use crate::error::{Ended, GaveUp, SendError};
use crate::event::{Event, Undelivered};
use crate::halves::{Receiver, Sender, share};
use crate::hook::{BoxedHook, Connection, NoHook, OnOpen, closure};
use crate::machine::{Machine, Settings};
use crate::outgoing::Unsent;
use crate::queue::Queue;
use crate::rules::Rules;
use crate::turns::Turns;

/// A client that connects again after its connection was lost, and reports what was not delivered.
///
/// | task | methods |
/// |---|---|
/// | set up | [`backoff`](Self::backoff), [`rules`](Self::rules), [`queue`](Self::queue), [`unsent`](Self::unsent), [`confirm_every`](Self::confirm_every), [`report_confirmed`](Self::report_confirmed), [`report_down`](Self::report_down), [`open_timeout`](Self::open_timeout) |
/// | prepare each connection | [`on_open`](Self::on_open) authenticates and subscribes, [`on_connect`](Self::on_connect) changes the request or the way |
/// | receive | [`next`](Self::next) |
/// | send | [`send`](Self::send) writes a message, [`feed`](Self::feed) queues it, [`flush`](Self::flush) waits until everything was written, [`confirm`](Self::confirm) until it was confirmed |
/// | end | [`close`](Self::close) |
/// | use two tasks | [`split`](Self::split) |
///
/// * The client spawns no task. It connects, writes, answers Pings and waits for delays only while
///   one of its methods is awaited. Call [`next`](Self::next) in a loop.
/// * Every future may be dropped at any point. The client keeps all progress, even that of an
///   attempt to connect or of a hook.
/// * `Ok(None)` is the end: the server has closed with code 1000, or the caller has closed the
///   client. [`GaveUp`] is the error when the client gives up.
/// * A server that vanishes is noticed only if the connector has a
///   [keepalive](ws_driver::Config::keepalive) or an [idle
///   timeout](ws_driver::Config::idle_timeout).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let url = format!("ws://{}/", listener.local_addr()?);
/// # let server = tokio::spawn(async move {
/// #     for round in 0..2 {
/// #         let (tcp, _) = listener.accept().await.unwrap();
/// #         let mut ws = ws_tokio::accept(tcp).await.unwrap();
/// #         assert_eq!(ws.recv().await.unwrap().unwrap().as_text(), Some("subscribe"));
/// #         ws.send("news").await.unwrap();
/// #         let code = [1012, 1000][round];
/// #         ws.close(ws_tokio::CloseCode::new(code), "").await.unwrap();
/// #     }
/// # });
/// use std::time::Duration;
/// use ws_reconnect::{Backoff, Event, Reconnecting};
/// use ws_tokio::{Config, Connector};
///
/// let seconds = Duration::from_secs;
/// let config = Config::default().keepalive(seconds(20), seconds(10));
/// let connector = Connector::new().config(config);
/// let mut feed = Reconnecting::new(connector, &url)
///     .backoff(Backoff::default().first(Duration::from_millis(10)))
///     .on_open(async |ws| Ok(ws.send("subscribe").await?));
/// let mut messages = 0;
/// while let Some(event) = feed.next().await? {
///     match event {
///         Event::Message(_) => messages += 1,
///         Event::Gap(gap) => println!("down for {:?}: {:?}", gap.down_for, gap.undelivered),
///         Event::Open(open) => println!("connection {}", open.connection),
///         _ => {}
///     }
/// }
/// # assert_eq!(messages, 2);
/// # server.await?;
/// # Ok(())
/// # }
/// ```
///
/// The type parameter `O` is the hook. [`boxed`](Self::boxed) hides it, for clients in a struct.
pub struct Reconnecting<R: Runtime, O = NoHook<R>> {
    machine: Machine<R, O>,
    turns: Turns,
}

impl<R: Runtime> Reconnecting<R> {
    /// Makes a client. The first call of [`next`](Self::next) connects.
    ///
    /// An invalid URL is reported by [`next`](Self::next), as [`GaveUp`].
    #[must_use]
    pub fn new(connector: Connector<R>, url: impl IntoTarget) -> Self {
        let settings = Settings {
            connector,
            target: url.into_target().map_err(Some),
            connect: Box::new(|connector, target| {
                Box::pin(async move { Ok(connector.connect(target).await?) })
            }),
            rules: Rules::default(),
            backoff: Backoff::default(),
            open_timeout: Duration::from_secs(30),
            reports_down: false,
        };
        Self {
            machine: Machine::new(settings, NoHook::new()),
            turns: Turns::default(),
        }
    }
}

impl<R: Runtime, O> Reconnecting<R, O> {
    /// Makes a client of the parts that its halves have shared.
    pub(crate) fn join(machine: Machine<R, O>, turns: Turns) -> Self {
        Self { machine, turns }
    }

    /// Sets the times between attempts, and when to give up. Default: [`Backoff::default`].
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.machine.settings.backoff = backoff;
        self
    }

    /// Sets the table that decides whether to connect again. Default: [`Rules::default`].
    #[must_use]
    pub fn rules(mut self, rules: Rules) -> Self {
        self.machine.settings.rules = rules;
        self
    }

    /// Sets the bound of the queue while no connection is open. Default: [`Queue::wait`].
    #[must_use]
    pub fn queue(mut self, queue: Queue) -> Self {
        self.machine.outgoing.waiting.bound = queue;
        self
    }

    /// Sets what happens to messages that never left. Default: [`Unsent::Resend`].
    #[must_use]
    pub fn unsent(mut self, unsent: Unsent) -> Self {
        self.machine.outgoing.unsent = unsent;
        self
    }

    /// Sets the shortest time between two Pings that prove delivery. `None` sends no Pings, so all
    /// messages that have left stay unconfirmed. Default: 1 s.
    ///
    /// A Ping is sent only behind messages that are not confirmed, and only while no other is on
    /// its way. Its Pong proves that the endpoint of the server has read every message before it
    /// (RFC 6455 §5.5.2, §5.5.3). It does not prove that the application has handled them.
    #[must_use]
    pub fn confirm_every(mut self, pace: impl Into<Option<Duration>>) -> Self {
        self.machine.outgoing.confirm_every = pace.into();
        self
    }

    /// Returns [`Event::Confirmed`] after each Pong that proves delivery. For programs that show
    /// which messages have arrived. Default: no such event.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    /// # let url = format!("ws://{}/", listener.local_addr()?);
    /// # tokio::spawn(async move {
    /// #     let (tcp, _) = listener.accept().await?;
    /// #     let mut ws = ws_tokio::accept(tcp).await?;
    /// #     while ws.recv().await?.is_some() {}
    /// #     std::io::Result::Ok(())
    /// # });
    /// use ws_reconnect::{Event, Reconnecting};
    /// use ws_tokio::Connector;
    ///
    /// let mut client = Reconnecting::new(Connector::new(), &url).report_confirmed();
    /// let number = client.send("order").await?;
    /// while let Some(event) = client.next().await? {
    ///     if let Event::Confirmed(through) = event {
    ///         assert_eq!(through, number);
    ///         break;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn report_confirmed(mut self) -> Self {
        self.machine.outgoing.reports_confirmed = true;
        self
    }

    /// Returns [`Event::Down`] when a connection is lost, and after each attempt that fails. For
    /// programs that show why they are not connected. Default: no such event.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    /// # let url = format!("ws://{}/", listener.local_addr()?);
    /// # drop(listener);
    /// use ws_reconnect::{Event, Reconnecting};
    /// use ws_tokio::Connector;
    ///
    /// let mut client = Reconnecting::new(Connector::new(), &url).report_down();
    /// while let Some(event) = client.next().await? {
    ///     if let Event::Down(down) = event {
    ///         println!("{}: again in {:.1} s", down.cause, down.delay.as_secs_f32());
    ///         assert_eq!(down.attempts, 1);
    ///         break;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn report_down(mut self) -> Self {
        self.machine.settings.reports_down = true;
        self
    }

    /// Sets the time for each attempt, including the hooks. Default: 30 s.
    ///
    /// [`Connector::handshake_timeout`] limits connecting without the hooks, to 10 s by default.
    #[must_use]
    pub fn open_timeout(mut self, timeout: Duration) -> Self {
        self.machine.settings.open_timeout = timeout;
        self
    }

    /// Opens each connection with `connect`. It gets a clone of the connector, which it may change,
    /// and the URL. Default: [`Connector::connect`].
    ///
    /// Use it for a fresh token, for another URL, or for a transport of one's own:
    /// [`Connector::handshake`] and [`Connector::upgraded_on`] return the same type of connection.
    ///
    /// ```
    /// use ws_reconnect::{Cause, Reconnecting};
    /// use ws_tokio::Connector;
    ///
    /// async fn fresh_token() -> Result<String, std::io::Error> {
    ///     Ok("0123".into())
    /// }
    ///
    /// let feed = Reconnecting::new(Connector::new(), "wss://example.com/feed").on_connect(
    ///     async |connector, url| {
    ///         let token = fresh_token().await.map_err(Cause::retry)?;
    ///         Ok(connector.bearer_auth(token).connect(url).await?)
    ///     },
    /// );
    /// # drop(feed);
    /// ```
    ///
    /// An async closure must not borrow variables that it owns. Clone them for each call:
    /// `move |connector, url| { let path = path.clone(); async move { … } }`.
    #[must_use]
    pub fn on_connect<F, Fut>(mut self, mut connect: F) -> Self
    where
        F: FnMut(Connector<R>, Target) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Connection<R>, Cause>> + Send + 'static,
    {
        self.machine.settings.connect =
            Box::new(move |connector, target| Box::pin(connect(connector, target)));
        self
    }

    /// Prepares each connection with an async closure, before anything else is sent on it. For
    /// instance, to authenticate and to subscribe.
    ///
    /// If the closure fails, the [`Rules`] decide about its error. [`Cause::retry`] and
    /// [`Cause::fatal`] decide by themselves. What the closure sends has no numbers. Messages that
    /// it does not receive stay for [`next`](Self::next).
    ///
    /// The closure may use variables that it owns, and change them:
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    /// # let url = format!("ws://{}/", listener.local_addr()?);
    /// # let server = tokio::spawn(async move {
    /// #     let (tcp, _) = listener.accept().await?;
    /// #     let mut ws = ws_tokio::accept(tcp).await?;
    /// #     assert_eq!(ws.recv().await?.unwrap().as_text(), Some("login 0123"));
    /// #     ws.send("denied").await?;
    /// #     ws.recv().await?;
    /// #     std::io::Result::Ok(())
    /// # });
    /// use ws_reconnect::{Cause, Reason, Reconnecting};
    /// use ws_tokio::Connector;
    ///
    /// let password = String::from("0123");
    /// let mut logins = 0;
    /// let mut feed =
    ///     Reconnecting::new(Connector::new(), &url).on_open(async move |ws| {
    ///         logins += 1;
    ///         ws.send(format!("login {password}")).await?;
    ///         match ws.recv().await? {
    ///             Some(answer) if answer.as_text() == Some("welcome") => Ok(()),
    ///             Some(_) => Err(Cause::fatal("the password is wrong")),
    ///             None => Err(Cause::retry("closed during the login")),
    ///         }
    ///     });
    /// let gave_up = feed.next().await.unwrap_err();
    /// assert_eq!(gave_up.reason, Reason::Fatal);
    /// # drop(server);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn on_open<F>(self, hook: F) -> Reconnecting<R, impl OnOpen<R>>
    where
        F: AsyncFnMut(&mut Connection<R>) -> Result<(), Cause>,
    {
        Reconnecting {
            machine: self.machine.map_hook(|_| closure(hook)),
            turns: self.turns,
        }
    }

    /// Hides the type of the hook, so that the client can be stored in a struct.
    ///
    /// ```
    /// use ws_reconnect::{BoxedHook, Reconnecting};
    /// use ws_tokio::{Connector, Tokio};
    ///
    /// struct App {
    ///     feed: Reconnecting<Tokio, BoxedHook<Tokio>>,
    /// }
    ///
    /// let feed = Reconnecting::new(Connector::new(), "wss://example.com/feed")
    ///     .on_open(async |ws| Ok(ws.send("subscribe").await?));
    /// let app = App { feed: feed.boxed() };
    /// # drop(app.feed);
    /// ```
    #[must_use]
    pub fn boxed(self) -> Reconnecting<R, BoxedHook<R>>
    where
        O: OnOpen<R> + Send + 'static,
    {
        Reconnecting {
            machine: self.machine.map_hook(|hook| Box::new(hook) as BoxedHook<R>),
            turns: self.turns,
        }
    }

    /// Returns the connection if one is open.
    pub fn connection(&self) -> Option<&Connection<R>> {
        self.machine.connection()
    }

    /// Returns the number of the last message whose delivery was proved. 0 at first.
    ///
    /// The endpoint of the server has read every message up to this number, except those that a
    /// [`Gap`](crate::Gap) has reported.
    pub fn confirmed(&self) -> u64 {
        self.machine.outgoing.confirmed()
    }

    /// Returns the outcome of the last connection, after the client has ended without an error.
    pub fn end(&self) -> Option<&End> {
        self.machine.last_end()
    }

    /// Takes the messages that were not delivered, after [`next`](Self::next) has returned
    /// `Ok(None)`. It is empty before, and after the first call.
    pub fn take_undelivered(&mut self) -> Undelivered {
        self.machine.take_undelivered()
    }
}

impl<R: Runtime, O: OnOpen<R>> Reconnecting<R, O> {
    /// Returns the next event. `None` at the end.
    ///
    /// # Errors
    ///
    /// [`GaveUp`] if the client gives up. All later calls return `Ok(None)`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing. An attempt to connect and a running hook continue with
    /// the next call of any method that waits.
    pub async fn next(&mut self) -> Result<Option<Event>, Box<GaveUp>> {
        poll_fn(|cx| self.poll_next_event(cx)).await
    }

    /// Polls for the next event. [`next`](Self::next) is the asynchronous form.
    ///
    /// # Errors
    ///
    /// The errors of [`next`](Self::next).
    pub fn poll_next_event(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Event>, Box<GaveUp>>> {
        self.turn(Half::Receiver, cx, Machine::poll_next)
    }

    /// Accepts a message, and returns its number. If a connection is open, this returns when the
    /// message was written, or when the connection is lost. The message then stays queued,
    /// or the next [`Gap`](crate::Gap) has it: see [`unsent`](Self::unsent).
    ///
    /// While no connection is open, the message is queued. If the queue is full, the
    /// [policy](Self::queue) decides. While this waits, it connects if necessary.
    ///
    /// # Errors
    ///
    /// * [`SendError::Full`] if no connection is open, the queue is full, and the policy is
    ///   [`Queue::fail`].
    /// * [`SendError::Ended`] if the client has ended or is closing.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it was polled, or while it waits for room, the message is
    /// not accepted, and no number is used. If it is dropped later, the message stays queued, and
    /// the next call that waits sends it.
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<u64, SendError> {
        let number = self.feed(message).await?;
        poll_fn(|cx| self.turn(Half::Sender, cx, Machine::poll_send)).await;
        Ok(number)
    }

    /// Accepts a message, and returns its number. Waits only for room. The next call that waits
    /// writes the message.
    ///
    /// # Errors
    ///
    /// The errors of [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it returned, the message is not accepted.
    pub async fn feed(&mut self, message: impl Into<Message>) -> Result<u64, SendError> {
        let mut message = Some(message.into());
        poll_fn(|cx| {
            self.turn(Half::Sender, cx, |machine, cx| {
                machine.poll_feed(cx, &mut message)
            })
        })
        .await
    }

    /// Waits until every accepted message was written or dropped. Connects if necessary.
    ///
    /// # Errors
    ///
    /// [`Ended`] if the client has ended before.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn flush(&mut self) -> Result<(), Ended> {
        poll_fn(|cx| self.turn(Half::Sender, cx, Machine::poll_flush)).await
    }

    /// Waits until every accepted message was confirmed or reported. Returns `true` then, and
    /// `false` if an event must be received first. Connects if necessary.
    ///
    /// Sends a Ping even if [`confirm_every`](Self::confirm_every) is `None`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    /// # let url = format!("ws://{}/", listener.local_addr()?);
    /// # tokio::spawn(async move {
    /// #     let (tcp, _) = listener.accept().await?;
    /// #     let mut ws = ws_tokio::accept(tcp).await?;
    /// #     while let Some((message, out)) = ws.recv_ref().await? { out.feed(message).await?; }
    /// #     std::io::Result::Ok(())
    /// # });
    /// # let mut client = ws_reconnect::Reconnecting::new(ws_tokio::Connector::new(), &url);
    /// let number = client.send("order").await?;
    /// while !client.confirm().await? {
    ///     println!("{:?}", client.next().await?);
    /// }
    /// assert_eq!(client.confirmed(), number);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Ended`] if the client has ended before.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn confirm(&mut self) -> Result<bool, Ended> {
        poll_fn(|cx| self.turn(Half::Sender, cx, Machine::poll_confirm)).await
    }

    /// Closes the client. If a connection is open, writes what is queued, and performs the closing
    /// handshake. Messages that still arrive are discarded. Does not connect again.
    ///
    /// Returns the messages that were not delivered. A Ping precedes the Close, unless
    /// [`confirm_every`](Self::confirm_every) is `None`. So after a complete closing handshake,
    /// nothing is unconfirmed, unless the server has begun to close at the same time.
    ///
    /// # Errors
    ///
    /// [`Error::Send`] if the code must not be sent, or the reason is too long. The client then
    /// stays open. Without an open connection, code and reason are not checked.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped after it was polled, the client is closing. Call `close` again to
    /// continue.
    pub async fn close(
        &mut self,
        code: CloseCode,
        reason: impl AsRef<str>,
    ) -> Result<Undelivered, Error> {
        let reason = reason.as_ref();
        poll_fn(|cx| {
            self.turn(Half::Sender, cx, |machine, cx| {
                machine.poll_close(cx, code, reason)
            })
        })
        .await?;
        Ok(self.take_undelivered())
    }

    /// Splits the client into two halves, so that one task can send while another receives. Both
    /// halves connect again, whichever is polled. [`Receiver::reunite`] joins them.
    #[must_use]
    pub fn split(self) -> (Sender<R, O>, Receiver<R, O>) {
        share(self.machine)
    }

    pub(crate) fn turn<T>(
        &mut self,
        half: Half,
        cx: &Context<'_>,
        poll: impl FnOnce(&mut Machine<R, O>, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.turns.poll(half, cx, &mut self.machine, poll)
    }
}

impl<R: Runtime, O> fmt::Debug for Reconnecting<R, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnecting")
            .field("connection", &self.machine.connection())
            .field("has_ended", &self.machine.has_ended())
            .finish_non_exhaustive()
    }
}
