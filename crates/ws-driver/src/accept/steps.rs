//! The steps of the opening handshake of a server: the PROXY protocol, TLS, and the request.

use std::net::SocketAddr;
use std::time::Instant;

use ws_handshake::{
    Answer, AnyRequest, Progress, Rejection, ServerHandshake, UpgradeRequest, encode_rejection,
};

use super::{Acceptor, AnyOffer, Offer, PlainRequest};
use crate::any::AnyTransport;
use crate::error::AcceptError;
use crate::serve::{Admission, Unavailable, Until};
use crate::transport::{Runtime, Timer, Transport};
use crate::upgrade::{Fault, Upgrade, within};

/// An opening handshake whose request has not been read.
pub(super) struct Begun<T: Transport> {
    pub(super) upgrade: Upgrade<T>,
    deadline: Instant,
    /// The address in the header of the PROXY protocol.
    pub(super) peer_addr: Option<SocketAddr>,
    pub(super) admission: Admission,
    /// The reason to refuse the client instead of reading its request.
    unavailable: Option<Unavailable>,
}

impl<T: Transport> Begun<T> {
    /// Reads the request with `receive`. Returns the request and the input after it, or refuses the
    /// client.
    async fn read<Q>(
        mut self,
        receive: impl FnMut(&[u8]) -> Result<Progress<Q>, Rejection>,
    ) -> Result<(Self, Q, Vec<u8>), AcceptError> {
        if let Some(reason) = self.unavailable {
            return Err(self.refuse_unavailable(reason).await);
        }
        let reading = self.upgrade.read(receive);
        match self.admission.limit(Until::Told, reading).await {
            Ok(read) => match read? {
                Ok((request, leftover)) => Ok((self, request, leftover)),
                Err(refused) => {
                    let reason = AcceptError::Rejected(refused.reason());
                    Err(self.refuse(&refused.encode(), reason).await)
                }
            },
            Err(reason) => Err(self.refuse_unavailable(reason).await),
        }
    }

    async fn refuse_unavailable(self, reason: Unavailable) -> AcceptError {
        let response = encode_rejection(&reason.response());
        self.refuse(&response, reason.into()).await
    }

    /// Refuses the client with `response`, and returns `reason`.
    async fn refuse(self, response: &[u8], reason: AcceptError) -> AcceptError {
        let refusing = self.upgrade.refuse(response);
        // An error of the transport is ignored. The error to report is the reason for the refusal.
        let _ = self.admission.limit(Until::Cut, refusing).await;
        reason
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
        let (admission, unavailable) = match self.seat() {
            Ok(admission) => (admission, None),
            Err(reason) => (Admission::default(), Some(reason)),
        };
        let begun = Begun {
            upgrade: Upgrade { transport, timer },
            deadline,
            peer_addr: None,
            admission,
            unavailable,
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
        let securing = within(&mut timer, tls.accept(transport));
        let secured = begun.admission.limit(Until::Told, securing).await?;
        let transport = secured.ok_or(Fault::Timeout)?.map_err(Fault::from)?;
        Ok(Begun {
            upgrade: Upgrade { transport, timer },
            ..begun
        })
    }

    pub(super) async fn read_request<T>(&self, begun: Begun<T>) -> Result<Offer<T>, AcceptError>
    where
        T: Transport<Timer = R::Timer>,
    {
        let mut handshake = ServerHandshake::new(self.settings.rules.clone());
        let (begun, request, leftover) = begun.read(|piece| handshake.receive(piece)).await?;
        Ok(self.offer(begun, request, leftover))
    }

    pub(super) async fn read_any_request<T>(
        &self,
        begun: Begun<T>,
    ) -> Result<AnyOffer<T>, AcceptError>
    where
        T: Transport<Timer = R::Timer>,
    {
        let mut handshake = ServerHandshake::new(self.settings.rules.clone());
        let reading = begun.read(|piece| handshake.receive_any(piece));
        let (begun, request, leftover) = reading.await?;
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
            admission: begun.admission,
        }
    }
}
