//! Compressed messages that several cases send, compressed once.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::Coding;
use super::encoder::Encoder;
use crate::data_sets::DataSet;

/// The most bytes of all streams. The least recently used ones are dropped first.
const MAX_BYTES: usize = 256 * 1024 * 1024;

/// The messages of a case in order, compressed when they are requested.
#[derive(Clone)]
pub(crate) struct Stream(Arc<Shared>);

struct Shared {
    source: Source,
    bytes: AtomicUsize,
    state: Mutex<State>,
}

/// The facts that determine the bytes of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Source {
    data: DataSet,
    len: usize,
    coding: Coding,
}

struct State {
    encoder: Encoder,
    messages: Vec<Arc<[u8]>>,
}

impl Stream {
    /// Returns the stream of messages of `len` units.
    pub(crate) fn of(data: DataSet, len: usize, coding: Coding) -> Self {
        /// The streams, the most recently used one last.
        static KNOWN: Mutex<Vec<Stream>> = Mutex::new(Vec::new());
        let source = Source { data, len, coding };
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().position(|stream| stream.0.source == source);
        let stream = match found {
            Some(place) => known.remove(place),
            None => Self::new(source),
        };
        let mut bytes: usize = known.iter().map(Self::bytes).sum();
        while bytes > MAX_BYTES {
            bytes -= known.remove(0).bytes();
        }
        known.push(stream.clone());
        stream
    }

    fn new(source: Source) -> Self {
        let state = State {
            encoder: Encoder::new(source.coding),
            messages: Vec::new(),
        };
        Self(Arc::new(Shared {
            source,
            bytes: AtomicUsize::new(0),
            state: Mutex::new(state),
        }))
    }

    /// Returns message number `number`, from 0.
    pub(crate) fn message(&self, number: usize) -> Arc<[u8]> {
        let Shared {
            source,
            bytes,
            state,
        } = &*self.0;
        // Each message is complete or absent.
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.messages.len() <= number {
            let plain = source.data.message(state.messages.len(), source.len);
            let compressed = state.encoder.compress(&plain.to_vec());
            bytes.fetch_add(compressed.len(), Ordering::Relaxed);
            state.messages.push(compressed.into());
        }
        state.messages[number].clone()
    }

    /// Returns the number of stored bytes.
    fn bytes(&self) -> usize {
        self.0.bytes.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stream").field(&self.0.source).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deflate::Inflater;

    #[test]
    fn a_stream_is_made_once_and_can_be_inflated() {
        let coding = Coding {
            window_bits: 9,
            context_takeover: true,
        };
        let of = || Stream::of(DataSet::Html, 100, coding);
        assert!(Arc::ptr_eq(&of().message(3), &of().message(3)));
        let mut inflater = Inflater::new(coding);
        for number in 0..5 {
            let mut out = Vec::new();
            inflater.begin();
            let message = of().message(number);
            inflater.push(&message, &mut out, usize::MAX).unwrap();
            inflater.end(&mut out, usize::MAX).unwrap();
            assert_eq!(out, DataSet::Html.message(number, 100).to_vec());
        }
    }
}
