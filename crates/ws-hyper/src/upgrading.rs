//! The wait for an upgraded connection.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::upgrade::{OnUpgrade, Upgraded};
use ws_driver::handshake::Agreed;
use ws_driver::transport::{AnyTransport, Runtime, Timer};
use ws_driver::{Acceptor, Admission, WebSocket};

use crate::error::UpgradeError;
use crate::io::HyperIo;
use crate::runtime::HyperRuntime;
use crate::sent_body::Sent;

/// A connection that hyper upgrades after it has sent the answer. Await it in a task of its own.
///
/// The wait is limited by `Acceptor::handshake_timeout`. It ends early with an error if the client
/// disconnects.
///
/// # Cancel safety
///
/// Dropping it drops the connection.
#[must_use = "the connection is dropped with this future"]
pub struct Upgrading<R: HyperRuntime> {
    acceptor: Acceptor<R>,
    /// The place in the registry of the acceptor.
    admission: Admission,
    agreed: Agreed,
    on_upgrade: OnUpgrade,
    /// Tells if the answer was sent, unless the caller answers for it.
    sent: Option<Sent>,
    /// Begins with the first wait, because timers need a running runtime.
    timer: Option<R::Timer>,
}

impl<R: HyperRuntime> Upgrading<R> {
    pub(crate) fn new(
        acceptor: Acceptor<R>,
        admission: Admission,
        agreed: Agreed,
        on_upgrade: OnUpgrade,
        sent: Option<Sent>,
    ) -> Self {
        Self {
            acceptor,
            admission,
            agreed,
            on_upgrade,
            sent,
            timer: None,
        }
    }

    /// Returns the subprotocol and the extensions of the connection.
    pub fn agreed(&self) -> &Agreed {
        &self.agreed
    }

    fn open(&mut self, upgraded: Upgraded) -> WebSocket<AnyTransport<R>> {
        let (transport, read) = match R::take_back(upgraded) {
            Ok((tcp, read)) => (AnyTransport::new(R::tcp(tcp)), read.into()),
            Err(upgraded) => {
                let transport = HyperIo::<_, <R as Runtime>::Timer>::new(upgraded);
                (AnyTransport::new(transport), Vec::new())
            }
        };
        let agreed = std::mem::take(&mut self.agreed);
        let admission = std::mem::take(&mut self.admission);
        self.acceptor
            .upgraded_as(admission, transport, agreed, read)
    }
}

impl<R: HyperRuntime> Future for Upgrading<R> {
    type Output = Result<WebSocket<AnyTransport<R>>, UpgradeError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let Poll::Ready(upgraded) = Pin::new(&mut this.on_upgrade).poll(cx) {
            let upgraded = upgraded?;
            if this.sent.as_ref().is_some_and(|sent| !sent.is_true()) {
                return Poll::Ready(Err(UpgradeError::Replaced));
            }
            return Poll::Ready(Ok(this.open(upgraded)));
        }
        if this.admission.poll_cut(cx).is_ready() {
            return Poll::Ready(Err(UpgradeError::Shutdown));
        }
        let time = this.acceptor.handshake_time();
        let timer = this
            .timer
            .get_or_insert_with(|| R::Timer::at(R::Timer::after(time)));
        ready!(timer.poll(cx));
        Poll::Ready(Err(UpgradeError::Timeout))
    }
}

impl<R: HyperRuntime> fmt::Debug for Upgrading<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrading")
            .field("agreed", &self.agreed)
            .finish_non_exhaustive()
    }
}
