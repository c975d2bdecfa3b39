//! The server's opening handshake, in two steps: read the request, then decide.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Response, StatusCode, Uri};
use ws_handshake::{Agreed, Answer, Extension, OriginPolicy, ServerHandshake};
use ws_proto::Config;

use crate::error::Error;
use crate::transport::{Runtime, Timer, Transport, Wrap};
use crate::upgrade::Upgrade;
use crate::websocket::{Side, WebSocket};

/// How a server accepts connections. Cheap to clone, shared by all of them.
///
/// Defaults: requests from browsers pass only if their Origin is the host that was asked for; the handshake may take
/// 10 s; limits as in [`Config`].
pub struct Acceptor<R> {
    settings: Arc<Settings>,
    runtime: PhantomData<fn() -> R>,
}

#[derive(Clone, Debug)]
struct Settings {
    config: Config,
    handshake_timeout: Duration,
    origins: OriginPolicy,
}

impl Settings {
    /// What every answer has.
    fn answer(&self) -> Answer {
        let answer = Answer::new();
        #[cfg(feature = "deflate")]
        if let Some(deflate) = self.config.deflate_config() {
            return answer.deflate(deflate);
        }
        answer
    }
}

impl<R> Acceptor<R> {
    /// An acceptor with the defaults.
    #[must_use]
    pub fn new() -> Self {
        let settings = Settings {
            config: Config::default(),
            handshake_timeout: Duration::from_secs(10),
            origins: OriginPolicy::default(),
        };
        Acceptor {
            settings: Arc::new(settings),
            runtime: PhantomData,
        }
    }

    /// Limits and time-outs of the connections. Default: [`Config::default`].
    ///
    /// Replaces what [`max_message`](Self::max_message) set before.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.edit().config = config;
        self
    }

    /// The longest message in octets, in one frame or many. Default: 16 MiB.
    #[must_use]
    pub fn max_message(mut self, len: usize) -> Self {
        let config = &mut self.edit().config;
        *config = config.clone().max_frame_len(len).max_message_len(len);
        self
    }

    /// How long reading the request and writing the answer may take together, without the decision between them.
    /// Default: 10 s.
    #[must_use]
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.edit().handshake_timeout = timeout;
        self
    }

    /// From which web pages a browser may connect (RFC 6455 §10.2). Default: from the host that was asked for.
    ///
    /// Without this check any web page could use the cookies of its visitor to talk to this server.
    #[must_use]
    pub fn origins(mut self, origins: OriginPolicy) -> Self {
        self.edit().origins = origins;
        self
    }

    fn edit(&mut self) -> &mut Settings {
        Arc::make_mut(&mut self.settings)
    }
}

impl<R: Runtime> Acceptor<R> {
    /// Reads the opening request. Decide with the [`Offer`].
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if the request is not an acceptable one: it was answered with an HTTP status.
    /// [`Error::Timeout`], [`Error::Io`] and [`Error::Lost`] if it did not arrive.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the stream.
    pub async fn read<S>(&self, stream: S) -> Result<Offer<R::Transport>, Error>
    where
        R: Wrap<S>,
    {
        // What the handshake takes is not to take room in the task for as long as the connection lives.
        Box::pin(self.read_offer(stream)).await
    }

    async fn read_offer<S>(&self, stream: S) -> Result<Offer<R::Transport>, Error>
    where
        R: Wrap<S>,
    {
        let deadline = R::Timer::after(self.settings.handshake_timeout);
        let mut upgrade = Upgrade::new(R::wrap(stream), deadline);
        let mut handshake = ServerHandshake::new(self.settings.origins.clone());
        let mut rejection = None;
        let read = upgrade.read(|piece| {
            if piece.is_empty() {
                return Err(Error::Lost);
            }
            match handshake.receive(piece) {
                Ok(progress) => Ok(progress.done.map(|offer| {
                    (
                        offer,
                        piece.get(progress.consumed..).unwrap_or_default().to_vec(),
                    )
                })),
                Err(refused) => {
                    let error = Error::Rejected(refused.reason());
                    rejection = Some(refused);
                    Err(error)
                }
            }
        });
        match read.await {
            Ok((request, leftover)) => {
                let time_left = upgrade.time_left();
                let answer = self.settings.answer();
                let settings = Arc::clone(&self.settings);
                Ok(Offer {
                    upgrade,
                    time_left,
                    request: Box::new(request),
                    leftover,
                    answer,
                    settings,
                })
            }
            Err(error) => {
                if let Some(refused) = rejection {
                    // The request's fault is the error to report, whether or not the peer waits for the answer.
                    let _ = upgrade.refuse(&refused.encode()).await;
                }
                Err(error)
            }
        }
    }

    /// Takes over a transport whose opening handshake someone else has done, with the octets that arrived behind the
    /// request.
    #[must_use]
    pub fn take_over<T>(&self, transport: T, leftover: Vec<u8>) -> WebSocket<T>
    where
        T: Transport<Timer = R::Timer>,
    {
        let agreed = Agreed::default();
        WebSocket::open(
            transport,
            Side::Server,
            &self.settings.config,
            agreed,
            leftover,
        )
    }

    /// Reads the opening request and accepts it, without a subprotocol.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read) and [`Offer::accept`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the stream.
    pub async fn accept<S>(&self, stream: S) -> Result<WebSocket<R::Transport>, Error>
    where
        R: Wrap<S>,
    {
        Box::pin(async { self.read_offer(stream).await?.settle().await }).await
    }
}

impl<R> Default for Acceptor<R> {
    fn default() -> Self {
        Acceptor::new()
    }
}

impl<R> Clone for Acceptor<R> {
    fn clone(&self) -> Self {
        Acceptor {
            settings: Arc::clone(&self.settings),
            runtime: PhantomData,
        }
    }
}

impl<R> fmt::Debug for Acceptor<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.fmt(f)
    }
}

/// An acceptable opening request that waits for a decision: [`accept`](Self::accept) or [`reject`](Self::reject).
///
/// The decision may take any time. Dropping the offer drops the stream without an answer.
pub struct Offer<T: Transport> {
    upgrade: Upgrade<T>,
    /// Of the time for the handshake; it stands still during the decision.
    time_left: Duration,
    request: Box<ws_handshake::Offer>,
    /// Input behind the request.
    leftover: Vec<u8>,
    answer: Answer,
    settings: Arc<Settings>,
}

impl<T: Transport> Offer<T> {
    /// The path that was asked for.
    #[must_use]
    pub fn path(&self) -> &str {
        self.request.path()
    }

    /// The query that was asked for, without the question mark.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.request.query()
    }

    /// The request target.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        self.request.uri()
    }

    /// The request headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    /// The web page from which the request came, if a browser sent it.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.request.origin()
    }

    /// The subprotocols that the client speaks, the preferred first.
    pub fn protocols(&self) -> impl Iterator<Item = &str> {
        self.request.protocols()
    }

    /// The extensions that the client offers.
    #[must_use]
    pub fn extensions(&self) -> &[Extension] {
        self.request.extensions()
    }

    /// The transport, for instance to ask for the peer's address.
    #[must_use]
    pub fn get_ref(&self) -> &T {
        &self.upgrade.transport
    }

    /// Answers with this subprotocol, one of those [offered](Self::protocols).
    #[must_use]
    pub fn subprotocol(mut self, name: &str) -> Self {
        self.answer = self.answer.protocol(name);
        self
    }

    /// Answers with this header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.answer = self.answer.header(name, value);
        self
    }

    /// Accepts the request.
    ///
    /// # Errors
    ///
    /// [`Error::Answer`] if the answer is not one that can be given to this request: the client got a status 500;
    /// [`Error::Timeout`] and [`Error::Io`] if the client did not take it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the stream.
    pub async fn accept(self) -> Result<WebSocket<T>, Error> {
        Box::pin(self.settle()).await
    }

    async fn settle(self) -> Result<WebSocket<T>, Error> {
        let Offer {
            mut upgrade,
            time_left,
            request,
            leftover,
            answer,
            settings,
        } = self;
        let accepted = match request.accept(answer) {
            Ok(accepted) => accepted,
            Err(error) => {
                // The fault is ours, and the client hears of it too.
                let _ = upgrade
                    .refuse(&request.reject(bare(StatusCode::INTERNAL_SERVER_ERROR)))
                    .await;
                return Err(error.into());
            }
        };
        upgrade.resume(time_left);
        upgrade.write(&accepted.encode()).await?;
        let (_, agreed) = accepted.into_parts();
        Ok(WebSocket::open(
            upgrade.transport,
            Side::Server,
            &settings.config,
            agreed,
            leftover,
        ))
    }

    /// Refuses the request with an HTTP status, and waits until the client has taken the answer.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`] and [`Error::Io`] if the client did not take it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the stream.
    pub async fn reject(self, status: StatusCode) -> Result<(), Error> {
        self.reject_with(bare(status)).await
    }

    /// Refuses the request with an HTTP response of your own.
    ///
    /// # Errors
    ///
    /// As for [`reject`](Self::reject).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the stream.
    pub async fn reject_with(self, response: Response<Vec<u8>>) -> Result<(), Error> {
        let response = self.request.reject(response);
        self.upgrade.refuse(&response).await
    }
}

/// A response with this status and no body.
fn bare(status: StatusCode) -> Response<Vec<u8>> {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = status;
    response
}

impl<T: Transport> fmt::Debug for Offer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offer")
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}
