//! A subscriber that records events.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// An event: its level, target, message, and the other fields as text.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) level: Level,
    pub(crate) target: String,
    pub(crate) message: String,
    pub(crate) fields: BTreeMap<String, String>,
}

impl Recorded {
    /// Returns a field. Empty if the event does not have it.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

impl Visit for Recorded {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let value = format!("{value:?}");
        match field.name() {
            "message" => self.message = value,
            name => drop(self.fields.insert(name.into(), value)),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name().into(), value.into());
    }
}

#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<Recorded>>>);

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("websocket")
    }

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let mut recorded = Recorded {
            level: *metadata.level(),
            target: metadata.target().into(),
            message: String::new(),
            fields: BTreeMap::new(),
        };
        event.record(&mut recorded);
        self.0.lock().unwrap().push(recorded);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Runs `work`, and returns the events that this thread emits meanwhile.
pub(crate) fn record(work: impl FnOnce()) -> Vec<Recorded> {
    let recorder = Recorder::default();
    tracing::subscriber::with_default(recorder.clone(), work);
    let events = recorder.0.lock().unwrap();
    events.clone()
}

/// Returns the messages of the events.
pub(crate) fn messages(events: &[Recorded]) -> Vec<&str> {
    events.iter().map(|event| &*event.message).collect()
}

/// Returns everything in the events as one text.
pub(crate) fn text(events: &[Recorded]) -> String {
    let mut text = String::new();
    for event in events {
        writeln!(text, "{event:?}").unwrap();
    }
    text
}
