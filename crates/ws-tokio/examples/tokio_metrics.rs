//! Shows an echo server whose numbers are read by Prometheus, from a second address that clients
//! cannot reach.
//!
//! ```sh
//! cargo run --example tokio_metrics --features stats -- 127.0.0.1:9001 127.0.0.1:9002
//! curl http://127.0.0.1:9002/metrics      # in another terminal
//! ```

#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::Duration;
use std::{env, fmt, io};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use tokio::net::{TcpListener, TcpStream};
use ws_tokio::http::header::{CONTENT_TYPE, HeaderValue};
use ws_tokio::http::{Response, StatusCode};
use ws_tokio::{Acceptor, AnyOffer, Registry};

/// The name of the format that `prometheus_client` writes.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[tokio::main]
async fn main() -> io::Result<()> {
    let mut addresses = env::args().skip(1);
    let mut next = |default: &str| addresses.next().unwrap_or_else(|| default.into());
    let clients = TcpListener::bind(next("127.0.0.1:9001")).await?;
    let metrics = TcpListener::bind(next("127.0.0.1:9002")).await?;
    println!("listening on ws://{}", clients.local_addr()?);
    println!("metrics at http://{}/metrics", metrics.local_addr()?);
    serve(clients, metrics).await;
    Ok(())
}

/// Serves clients and Prometheus forever.
pub(crate) async fn serve(clients: TcpListener, metrics: TcpListener) {
    let registry = Registry::new().max_connections(10_000);
    let mut numbers = prometheus_client::registry::Registry::default();
    numbers.register_collector(Box::new(Numbers(registry.clone())));
    let numbers = Arc::new(numbers);
    let acceptor = Acceptor::new().registry(&registry);
    let echoing = accept_each(clients, |tcp| echo(acceptor.clone(), tcp));
    // Without the registry, so that a full registry does not refuse Prometheus.
    let answering = accept_each(metrics, |tcp| answer(Arc::clone(&numbers), tcp));
    tokio::join!(echoing, answering);
}

async fn accept_each<F>(listener: TcpListener, serve: impl Fn(TcpStream) -> F)
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    loop {
        match listener.accept().await {
            // The registry counts failures.
            Ok((tcp, _)) => drop(tokio::spawn(serve(tcp))),
            // Usually the process has no more file descriptors: see `tokio_echo_server`.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn echo(acceptor: Acceptor, tcp: TcpStream) -> io::Result<()> {
    let mut ws = acceptor.accept(tcp).await?;
    while let Some((message, out)) = ws.recv_ref().await? {
        out.feed(message).await?;
    }
    Ok(())
}

/// Answers one request of Prometheus.
async fn answer(
    numbers: Arc<prometheus_client::registry::Registry>,
    tcp: TcpStream,
) -> io::Result<()> {
    match Acceptor::new().read_any(tcp).await? {
        AnyOffer::Plain(request) if request.path() == "/metrics" => {
            let mut page = String::new();
            text::encode(&mut page, &numbers).map_err(io::Error::other)?;
            let mut response = Response::new(page.into_bytes());
            let format = HeaderValue::from_static(OPEN_METRICS);
            response.headers_mut().insert(CONTENT_TYPE, format);
            Ok(request.respond(response).await?)
        }
        AnyOffer::Plain(request) => {
            let mut response = Response::new(b"see /metrics\n".to_vec());
            *response.status_mut() = StatusCode::NOT_FOUND;
            Ok(request.respond(response).await?)
        }
        AnyOffer::Upgrade(offer) => Ok(offer.reject(StatusCode::NOT_FOUND).await?),
    }
}

/// The numbers of a registry, which are read when Prometheus asks.
#[derive(Debug)]
struct Numbers(Registry);

impl Collector for Numbers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let counts = self.0.counts();
        let stats = self.0.stats();
        let (received, sent) = (stats.received, stats.sent);
        let connections = [
            ("opening", counts.opening),
            ("open", counts.open),
            ("closing", counts.closing),
        ];
        let help = "Connections that exist";
        let name = "websocket_connections";
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (state, count) in connections {
            let gauge = ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX));
            gauge.encode(family.encode_family(&[("state", state)])?)?;
        }
        // The format appends `_total` to the name of a counter.
        let mut counter = |name, help, label, values: &[(&str, u64)]| {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (value, count) in values {
                let count = ConstCounter::new(*count);
                count.encode(family.encode_family(&[(label, *value)])?)?;
            }
            fmt::Result::Ok(())
        };
        counter(
            "websocket_openings",
            "Opening handshakes by result",
            "result",
            &[("opened", counts.opened), ("refused", counts.refused)],
        )?;
        counter(
            "websocket_ends",
            "Connections that have ended",
            "end",
            &[("clean", counts.clean), ("failed", counts.failed)],
        )?;
        let mut both = |name, help, count: fn(ws_tokio::Traffic) -> u64| {
            let values = [("received", count(received)), ("sent", count(sent))];
            counter(name, help, "direction", &values)
        };
        both("websocket_messages", "Messages", |it| it.messages)?;
        both(
            "websocket_compressed_messages",
            "Messages that were compressed",
            |it| it.compressed_messages,
        )?;
        both(
            "websocket_payload_bytes",
            "Payloads without compression",
            |it| it.payload_bytes,
        )?;
        both("websocket_wire_bytes", "Frames without TLS and TCP", |it| {
            it.wire_bytes
        })?;
        both("websocket_pings", "Pings", |it| it.pings)?;
        both("websocket_pongs", "Pongs", |it| it.pongs)
    }
}
