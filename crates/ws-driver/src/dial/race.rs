//! Connecting to one of several addresses ("Happy Eyeballs", RFC 8305).

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use std::vec;

use crate::error::{AddressError, Unreachable};
use crate::transport::Timer;

/// The time between the starts of two attempts (RFC 8305 §5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// A race between connection attempts. The first attempt that succeeds wins.
///
/// An attempt starts when the one before it has failed, or after [`ATTEMPT_DELAY`]. Earlier
/// attempts continue meanwhile.
pub(super) struct Race<C, F, M> {
    connect: C,
    waiting: vec::IntoIter<SocketAddr>,
    running: Vec<Attempt<F>>,
    failed: Vec<AddressError>,
    /// Fires when the next attempt is due. `None` until an address has to wait.
    next_start: Option<M>,
}

struct Attempt<F> {
    address: SocketAddr,
    connecting: Pin<Box<F>>,
}

impl<C, F, T, M> Race<C, F, M>
where
    C: Fn(SocketAddr) -> F,
    F: Future<Output = io::Result<T>>,
    M: Timer,
{
    pub(super) fn new(addresses: Vec<SocketAddr>, connect: C) -> Self {
        Self {
            connect,
            waiting: interleaved(addresses).into_iter(),
            running: Vec::new(),
            failed: Vec::new(),
            next_start: None,
        }
    }

    /// Returns the first stream that is connected, and `None` if every attempt has failed.
    pub(super) async fn run(&mut self) -> Option<T> {
        self.start_next();
        poll_fn(|cx| self.poll(cx)).await
    }

    /// Returns the errors of all attempts. Attempts that were not finished have
    /// [`io::ErrorKind::TimedOut`].
    pub(super) fn into_unreachable(self) -> Unreachable {
        let late = self.running.into_iter().map(|attempt| AddressError {
            address: attempt.address,
            error: io::ErrorKind::TimedOut.into(),
        });
        Unreachable::new(self.failed.into_iter().chain(late).collect())
    }

    /// Returns `true` if an attempt has failed.
    pub(super) fn has_failures(&self) -> bool {
        !self.failed.is_empty()
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        loop {
            match self.poll_attempts(cx) {
                Poll::Ready(Some(stream)) => return Poll::Ready(Some(stream)),
                Poll::Ready(None) => {
                    if !self.start_next() && self.running.is_empty() {
                        return Poll::Ready(None);
                    }
                }
                Poll::Pending => {
                    if !self.is_next_due(cx) || !self.start_next() {
                        return Poll::Pending;
                    }
                }
            }
        }
    }

    /// Polls the running attempts. Ready with a stream if an attempt has succeeded, and with `None`
    /// if an attempt has failed.
    fn poll_attempts(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        for index in 0..self.running.len() {
            let Some(attempt) = self.running.get_mut(index) else {
                break;
            };
            match attempt.connecting.as_mut().poll(cx) {
                Poll::Ready(Ok(stream)) => return Poll::Ready(Some(stream)),
                Poll::Ready(Err(error)) => {
                    let Attempt { address, .. } = self.running.remove(index);
                    self.failed.push(AddressError { address, error });
                    return Poll::Ready(None);
                }
                Poll::Pending => {}
            }
        }
        Poll::Pending
    }

    /// Returns `true` if an address is waiting and its attempt is due.
    fn is_next_due(&mut self, cx: &mut Context<'_>) -> bool {
        if self.waiting.as_slice().is_empty() {
            return false;
        }
        let next_start = self
            .next_start
            .get_or_insert_with(|| M::at(M::after(ATTEMPT_DELAY)));
        next_start.poll(cx).is_ready()
    }

    /// Starts the next attempt. Returns `false` if no address is left.
    fn start_next(&mut self) -> bool {
        let Some(address) = self.waiting.next() else {
            return false;
        };
        let connecting = Box::pin((self.connect)(address));
        self.running.push(Attempt {
            address,
            connecting,
        });
        if let Some(next_start) = &mut self.next_start {
            next_start.reset(M::after(ATTEMPT_DELAY));
        }
        true
    }
}

/// Returns the addresses with the families alternating, as far as there are addresses of both (RFC
/// 8305 §4). The first address stays first. The order within a family is kept.
fn interleaved(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let is_v4_first = addresses.first().is_some_and(SocketAddr::is_ipv4);
    let (first, second): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv4() == is_v4_first);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut mixed = Vec::with_capacity(first.len() + second.len());
    while first.len() + second.len() > 0 {
        mixed.extend(first.next());
        mixed.extend(second.next());
    }
    mixed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_alternate_and_keep_their_order() {
        let addresses = |text: &str| -> Vec<SocketAddr> {
            let words = text.split_whitespace();
            words.map(|word| word.parse().unwrap()).collect()
        };
        for (given, mixed) in [
            ("", ""),
            ("1.1.1.1:1", "1.1.1.1:1"),
            ("[::1]:1 [::2]:1 [::3]:1", "[::1]:1 [::2]:1 [::3]:1"),
            (
                "[::1]:1 [::2]:1 1.1.1.1:1 2.2.2.2:1 3.3.3.3:1",
                "[::1]:1 1.1.1.1:1 [::2]:1 2.2.2.2:1 3.3.3.3:1",
            ),
            ("1.1.1.1:1 2.2.2.2:1 [::1]:1", "1.1.1.1:1 [::1]:1 2.2.2.2:1"),
        ] {
            assert_eq!(interleaved(addresses(given)), addresses(mixed), "{given}");
        }
    }
}
