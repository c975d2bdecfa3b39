//! The listener, its routes, and the shutdown.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Router, serve};
use axum_server::tls_rustls::RustlsConfig;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use ws_axum::{Budget, CloseCode, Config, OriginPolicy, Registry, Upgrade};
use ws_tokio::{Report, Tokio};
use ws_topics::SharedTopics;
use ws_topics::backplane::{Backplane, Memory};

use crate::args::{Bounds, Serve};
use crate::metrics::{self, Number, Totals};
use crate::presence::Presence;
use crate::protocol::VERSION;
use crate::{page, random, session};

/// The Pings to a silent client: the interval, and the time for the answer.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(10));

/// The announcements of presence that the store keeps. A new instance waits for the next ones.
const ANNOUNCEMENTS: usize = 16;

/// The part of a message that is not its text, in bytes.
const ENVELOPE: usize = 512;

/// The stores that instances share.
#[derive(Clone, Debug)]
pub struct Stores<B> {
    /// The messages of the rooms.
    pub rooms: B,
    /// The announcements of presence.
    pub presence: B,
}

impl Stores<Memory> {
    /// Makes stores for the instances of this process.
    #[must_use]
    pub fn in_memory(args: &Serve) -> Self {
        Self {
            rooms: Memory::new(args.history.get()),
            presence: Memory::new(ANNOUNCEMENTS),
        }
    }
}

#[cfg(feature = "redis")]
impl Stores<ws_topics::backplane::Redis> {
    /// Makes stores on the Redis with this URL.
    ///
    /// # Errors
    ///
    /// The URL is invalid.
    pub fn on_redis(args: &Serve, url: &str) -> Result<Self> {
        use ws_topics::backplane::Redis;

        let redis = || Redis::new(url).context("--redis needs a URL such as redis://127.0.0.1/");
        Ok(Self {
            rooms: redis()?.prefix("chat:").history(args.history.get()),
            presence: redis()?.prefix("chat:presence:").history(ANNOUNCEMENTS),
        })
    }
}

/// The state that all connections share.
pub(crate) struct App<B> {
    pub(crate) bounds: Bounds,
    pub(crate) rooms: SharedTopics<B>,
    pub(crate) presence: Presence<B>,
    pub(crate) totals: Totals,
    origins: OriginPolicy,
    registry: Registry,
    budget: Budget,
}

/// A running server. Dropping it ends the listener, but not the connections.
pub struct Server<B> {
    app: Arc<App<B>>,
    address: SocketAddr,
    scheme: &'static str,
    tasks: Vec<JoinHandle<()>>,
}

/// Runs `chat serve` until a signal.
///
/// # Errors
///
/// The server cannot be started.
pub async fn run(args: Serve) -> Result<()> {
    #[cfg(feature = "redis")]
    if let Some(url) = &args.redis {
        let stores = Stores::on_redis(&args, url)?;
        return run_on(args, stores).await;
    }
    let stores = Stores::in_memory(&args);
    run_on(args, stores).await
}

async fn run_on<B: Backplane>(args: Serve, stores: Stores<B>) -> Result<()> {
    let grace = Duration::from_secs(args.grace);
    let signal = signal()?;
    let server = Server::start(args, stores).await?;
    println!("listening on {}", server.url());
    signal.await;
    println!("shutting down");
    let report = server.shutdown(grace).await?;
    println!(
        "{} connections closed cleanly, {} were cut, {} failed, {} bytes were not sent",
        report.clean,
        report.cut + report.remaining,
        report.failed + report.not_opened,
        report.unsent_bytes
    );
    Ok(())
}

/// Returns a future that waits for SIGTERM or SIGINT.
#[cfg(unix)]
fn signal() -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Returns a future that waits for Ctrl-C.
#[cfg(not(unix))]
fn signal() -> Result<impl Future<Output = ()>> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}

impl<B: Backplane> Server<B> {
    /// Starts to serve.
    ///
    /// # Errors
    ///
    /// The address cannot be listened on, or the certificate cannot be used.
    pub async fn start(args: Serve, stores: Stores<B>) -> Result<Self> {
        let budget = Budget::new(args.limits.memory.get() << 20);
        let max_connections = args.limits.max_connections.get();
        let max_rooms = args.limits.max_rooms.get();
        let announcements = SharedTopics::new(stores.presence);
        let app = Arc::new(App {
            rooms: SharedTopics::new(stores.rooms),
            presence: Presence::new(announcements, random::id(), max_rooms),
            totals: Totals::default(),
            origins: match &*args.origins {
                [] => OriginPolicy::default(),
                origins => OriginPolicy::allow_list(origins),
            },
            registry: Registry::new()
                .max_connections(max_connections)
                .budget(&budget),
            budget,
            bounds: args.limits,
        });
        let listener = TcpListener::bind(args.listen).await;
        let listener = listener.with_context(|| format!("cannot listen on {}", args.listen))?;
        let address = listener.local_addr()?;
        let (scheme, serving) = match &*args.tls {
            [chain, key] => {
                // An error would mean that the program has chosen one already.
                let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
                let tls = RustlsConfig::from_pem_file(chain, key).await;
                let tls = tls.context("cannot use the certificate or the key of --tls")?;
                ("https", serve_tls(listener, tls, router(&app))?)
            }
            _ => ("http", tokio::spawn(serve_plain(listener, router(&app)))),
        };
        let tasks = vec![serving, run_rooms(&app), run_presence(&app)];
        Ok(Self {
            app,
            address,
            scheme,
            tasks,
        })
    }

    /// Returns the address of the page.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Closes all connections with code 1001, and waits for them, for `timeout` at most.
    ///
    /// # Errors
    ///
    /// None in fact: the code may be sent.
    pub async fn shutdown(self, timeout: Duration) -> Result<Report> {
        let reason = "the server restarts";
        let shutdown = self
            .app
            .registry
            .shutdown(CloseCode::GOING_AWAY, reason, timeout);
        let report = shutdown.await?;
        self.app.presence.leave().await;
        Ok(report)
    }
}

impl<B> Drop for Server<B> {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn serve_plain(listener: TcpListener, router: Router) {
    if let Err(error) = serve(listener, router).into_future().await {
        eprintln!("the listener has failed: {error}");
    }
}

fn serve_tls(listener: TcpListener, tls: RustlsConfig, router: Router) -> Result<JoinHandle<()>> {
    let mut server = axum_server::from_tcp_rustls(listener.into_std()?, tls)?;
    // Otherwise a browser that has loaded the page over HTTP/2 connects again for its WebSocket.
    server.http_builder().http2().enable_connect_protocol();
    Ok(tokio::spawn(async move {
        if let Err(error) = server.serve(router.into_make_service()).await {
            eprintln!("the listener has failed: {error}");
        }
    }))
}

fn run_rooms<B: Backplane>(app: &Arc<App<B>>) -> JoinHandle<()> {
    let rooms = app.rooms.clone();
    tokio::spawn(async move {
        rooms
            .run::<Tokio>(|error| eprintln!("rooms: {error}"))
            .await;
    })
}

fn run_presence<B: Backplane>(app: &Arc<App<B>>) -> JoinHandle<()> {
    let presence = app.presence.clone();
    tokio::spawn(async move { presence.run().await })
}

fn router<B: Backplane>(app: &Arc<App<B>>) -> Router {
    page::routes()
        .route("/chat", any(chat::<B>))
        .route("/health", get(health::<B>))
        .route("/metrics", get(numbers::<B>))
        .with_state(Arc::clone(app))
}

async fn chat<B: Backplane>(State(app): State<Arc<App<B>>>, upgrade: Upgrade) -> Response {
    // In UTF-8 and JSON, a character has at most twelve bytes.
    let max_message = 12 * app.bounds.max_text.get() + ENVELOPE;
    let config = Config::default()
        .max_message(max_message)
        .keepalive(KEEPALIVE.0, KEEPALIVE.1);
    upgrade
        .protocols([VERSION])
        .config(config)
        .origins(app.origins.clone())
        .registry(&app.registry.clone())
        .accept(move |ws| session::serve(app, ws))
}

async fn health<B: Backplane>(State(app): State<Arc<App<B>>>) -> (StatusCode, &'static str) {
    if app.registry.is_shut_down() {
        (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n")
    } else if !app.presence.store_answers() {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "the store does not answer\n",
        )
    } else {
        (StatusCode::OK, "ok\n")
    }
}

async fn numbers<B: Backplane>(State(app): State<Arc<App<B>>>) -> Response {
    match metrics::page(app.numbers()) {
        Ok(page) => ([(CONTENT_TYPE, metrics::OPEN_METRICS)], page).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

impl<B: Backplane> App<B> {
    fn numbers(&self) -> Vec<Number> {
        use Number::{Counter, Gauge};

        let counts = self.registry.counts();
        let stats = self.registry.stats();
        let (rooms, clients) = self.presence.counts();
        let totals = &self.totals;
        vec![
            Gauge("connections", "Open connections", counts.open as u64),
            Gauge("clients", "Clients in rooms", clients as u64),
            Gauge("rooms", "Rooms with clients", rooms as u64),
            Gauge(
                "memory_bytes",
                "Memory of the connections",
                self.budget.used() as u64,
            ),
            Gauge(
                "store_up",
                "1 if the store answers",
                self.presence.store_answers().into(),
            ),
            Counter("opened", "Connections that were opened", counts.opened),
            Counter("refused", "Connections that were refused", counts.refused),
            Counter(
                "ended_clean",
                "Connections that ended with two Closes",
                counts.clean,
            ),
            Counter(
                "ended_failed",
                "Connections that ended otherwise",
                counts.failed,
            ),
            Counter(
                "frames_received",
                "Messages of clients",
                stats.received.messages,
            ),
            Counter("frames_sent", "Messages to clients", stats.sent.messages),
            Counter("sent_bytes", "Bytes to clients", stats.sent.wire_bytes),
            Counter(
                "messages_published",
                "Messages in rooms",
                totals.published.get(),
            ),
            Counter(
                "messages_refused",
                "Messages not accepted",
                totals.refused.get(),
            ),
            Counter(
                "slow_clients",
                "Clients dropped as too slow",
                totals.slow.get(),
            ),
            Counter("gaps", "Gaps that clients were told of", totals.gaps.get()),
        ]
    }
}
