//! The numbers for Prometheus. They are read when Prometheus asks.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// The content type of the page.
pub(crate) const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Total(AtomicU64);

impl Total {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The totals since the start, which the registry of the connections does not know.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    /// Messages that clients have published.
    pub(crate) published: Total,
    /// Messages that were not accepted.
    pub(crate) refused: Total,
    /// Clients that were disconnected because they were too slow.
    pub(crate) slow: Total,
    /// Gaps that clients were told of.
    pub(crate) gaps: Total,
}

/// A number of the page.
#[derive(Debug)]
pub(crate) enum Number {
    Gauge(&'static str, &'static str, u64),
    Counter(&'static str, &'static str, u64),
}

/// Returns the page with these numbers.
pub(crate) fn page(numbers: Vec<Number>) -> Result<String, fmt::Error> {
    let mut registry = prometheus_client::registry::Registry::with_prefix("chat");
    registry.register_collector(Box::new(Numbers(numbers)));
    let mut page = String::new();
    text::encode(&mut page, &registry)?;
    Ok(page)
}

#[derive(Debug)]
struct Numbers(Vec<Number>);

impl Collector for Numbers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for number in &self.0 {
            match *number {
                Number::Gauge(name, help, value) => {
                    let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
                    let kind = MetricType::Gauge;
                    gauge.encode(encoder.encode_descriptor(name, help, None, kind)?)?;
                }
                // The format appends `_total` to the name.
                Number::Counter(name, help, value) => {
                    let counter = ConstCounter::new(value);
                    let kind = MetricType::Counter;
                    counter.encode(encoder.encode_descriptor(name, help, None, kind)?)?;
                }
            }
        }
        Ok(())
    }
}
