//! The steps of the opening handshake of a server: the PROXY protocol, TLS, and the request.

use std::net::SocketAddr;
use std::time::Instant;

use ws_handshake::{Answer, AnyRequest, Rejection, ServerHandshake, UpgradeRequest};

use super::{Acceptor, AnyOffer, Offer, PlainRequest};
use crate::any::AnyTransport;
use crate::error::AcceptError;
use crate::transport::{Runtime, Timer, Transport};
use crate::upgrade::{Fault, Upgrade, within};

/// An opening handshake whose request has not been read.
pub(super) struct Begun<T: Transport> {
    pub(super) upgrade: Upgrade<T>,
    deadline: Instant,
    /// The address in the header of the PROXY protocol.
    pub(super) peer_addr: Option<SocketAddr>,
}

impl<T: Transport> Begun<T> {
    /// Returns the request and the input after it, or refuses the request.
    async fn or_refuse<Q>(
        self,
        read: Result<(Q, Vec<u8>), Rejection>,
    ) -> Result<(Self, Q, Vec<u8>), AcceptError> {
        match read {
            Ok((request, leftover)) => Ok((self, request, leftover)),
            Err(refused) => {
                // An error of the transport is ignored. The error to report is the reason for the
                // refusal.
                let _ = self.upgrade.refuse(&refused.encode()).await;
                Err(AcceptError::Rejected(refused.reason()))
            }
        }
    }
}

impl<R: Runtime> Acceptor<R> {
    /// Starts the timer of the handshake, and reads the header of the PROXY protocol if one is
    /// required.
    pub(super) async fn begin<T>(&self, transport: T) -> Result<Begun<T>, AcceptError>
    where
        T: Transport<Timer = R::Timer>,
    {
        let deadline = R::Timer::after(self.settings.limits.handshake_timeout);
        let timer = R::Timer::at(deadline);
        let begun = Begun {
            upgrade: Upgrade { transport, timer },
            deadline,
            peer_addr: None,
        };
        #[cfg(feature = "proxy-protocol")]
        let begun = match &self.settings.proxy_protocol {
            Some(proxies) => proxies.read(begun).await?,
            None => begun,
        };
        Ok(begun)
    }

    /// Does the same as [`begin`](Self::begin), and performs the TLS handshake if the server uses
    /// TLS.
    pub(super) async fn begin_secured(
        &self,
        transport: AnyTransport<R>,
    ) -> Result<Begun<AnyTransport<R>>, AcceptError> {
        let begun = self.begin(transport).await?;
        let Some(tls) = &self.settings.tls else {
            return Ok(begun);
        };
        let Upgrade {
            transport,
            mut timer,
        } = begun.upgrade;
        let secured = within(&mut timer, tls.accept(transport)).await;
        let transport = secured.ok_or(Fault::Timeout)?.map_err(Fault::from)?;
        Ok(Begun {
            upgrade: Upgrade { transport, timer },
            ..begun
        })
    }

    pub(super) async fn read_request<T>(&self, mut begun: Begun<T>) -> Result<Offer<T>, AcceptError>
    where
        T: Transport<Timer = R::Timer>,
    {
        let mut handshake = ServerHandshake::new(self.settings.rules.clone());
        let read = begun.upgrade.read(|piece| handshake.receive(piece)).await?;
        let (begun, request, leftover) = begun.or_refuse(read).await?;
        Ok(self.offer(begun, request, leftover))
    }

    pub(super) async fn read_any_request<T>(
        &self,
        mut begun: Begun<T>,
    ) -> Result<AnyOffer<T>, AcceptError>
    where
        T: Transport<Timer = R::Timer>,
    {
        let mut handshake = ServerHandshake::new(self.settings.rules.clone());
        let read = begun.upgrade.read(|piece| handshake.receive_any(piece));
        let read = read.await?;
        let (begun, request, leftover) = begun.or_refuse(read).await?;
        Ok(match request {
            AnyRequest::Upgrade(request) => AnyOffer::Upgrade(self.offer(begun, request, leftover)),
            AnyRequest::Plain(request) => AnyOffer::Plain(PlainRequest::new(begun, request)),
        })
    }

    fn offer<T>(&self, begun: Begun<T>, request: UpgradeRequest, leftover: Vec<u8>) -> Offer<T>
    where
        T: Transport<Timer = R::Timer>,
    {
        Offer {
            upgrade: begun.upgrade,
            time_left: begun.deadline.saturating_duration_since(R::Timer::now()),
            request: Box::new(request),
            leftover,
            answer: self.with_compression(Answer::new()),
            config: self.settings.limits.to_config(),
            peer_addr: begun.peer_addr,
        }
    }
}
