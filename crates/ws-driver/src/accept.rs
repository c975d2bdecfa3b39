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

    /// The longest message in bytes, in one frame or many. Default: 16 MiB.
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
        Box::pin(async {
            let settings = &*self.settings;
            let deadline = R::Timer::after(settings.handshake_timeout);
            let mut upgrade = Upgrade {
                transport: R::wrap(stream),
                timer: R::Timer::at(deadline),
            };
            let mut handshake = ServerHandshake::new(settings.origins.clone());
            match upgrade.read(|piece| handshake.receive(piece)).await? {
                Ok((request, leftover)) => Ok(Offer {
                    upgrade,
                    time_left: deadline.saturating_duration_since(R::Timer::now()),
                    request: Box::new(request),
                    leftover,
                    answer: self.answer(),
                    config: settings.config.clone(),
                }),
                Err(refused) => {
                    // The request's fault is the error to report, whether or not the peer waits for the answer.
                    let _ = upgrade.refuse(&refused.encode()).await;
                    Err(Error::Rejected(refused.reason()))
                }
            }
        })
        .await
    }

    /// Takes over a transport whose opening handshake someone else has done, with the bytes that arrived behind the
    /// request.
    pub fn take_over<T>(&self, transport: T, leftover: Vec<u8>) -> WebSocket<T>
    where
        T: Transport<Timer = R::Timer>,
    {
        let config = &self.settings.config;
        WebSocket::open(transport, Side::Server, config, Agreed::default(), leftover)
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
        Box::pin(async { self.read(stream).await?.accept().await }).await
    }

    /// The answer before the user adds to it: it agrees to compression where that is configured.
    fn answer(&self) -> Answer {
        #[cfg(feature = "deflate")]
        if let Some(deflate) = self.settings.config.deflate_config() {
            return Answer::new().deflate(deflate);
        }
        Answer::new()
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
    request: Box<ws_handshake::UpgradeRequest>,
    /// Input behind the request.
    leftover: Vec<u8>,
    answer: Answer,
    config: Config,
}

impl<T: Transport> Offer<T> {
    /// The path that was asked for.
    pub fn path(&self) -> &str {
        self.request.path()
    }

    /// The query that was asked for, without the question mark.
    pub fn query(&self) -> Option<&str> {
        self.request.query()
    }

    /// The request target.
    pub fn uri(&self) -> &Uri {
        self.request.uri()
    }

    /// The request headers.
    pub fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    /// The web page from which the request came, if a browser sent it.
    pub fn origin(&self) -> Option<&str> {
        self.request.origin()
    }

    /// The subprotocols that the client speaks, the preferred first.
    pub fn protocols(&self) -> impl Iterator<Item = &str> {
        self.request.protocols()
    }

    /// The extensions that the client offers.
    pub fn extensions(&self) -> &[Extension] {
        self.request.extensions()
    }

    /// The transport, for instance to ask for the peer's address.
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
        Box::pin(async move {
            let mut upgrade = self.upgrade;
            let accepted = match self.request.accept(self.answer) {
                Ok(accepted) => accepted,
                Err(error) => {
                    // The fault is ours, and the client hears of it too.
                    let response = self.request.reject(bare(StatusCode::INTERNAL_SERVER_ERROR));
                    let _ = upgrade.refuse(&response).await;
                    return Err(error.into());
                }
            };
            upgrade.resume(self.time_left);
            upgrade.write(&accepted.encode()).await?;
            let (_, agreed) = accepted.into_parts();
            Ok(WebSocket::open(
                upgrade.transport,
                Side::Server,
                &self.config,
                agreed,
                self.leftover,
            ))
        })
        .await
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
