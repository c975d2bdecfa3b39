//! The PROXY protocol on accepted connections.

use ws_handshake::{IpRange, ProxyHeader};

use super::steps::Begun;
use crate::error::{AcceptError, ProxyProtocolError};
use crate::serve::Until;
use crate::transport::Transport;

/// The proxies that send the address of the client in a header of the PROXY protocol.
///
/// [`Acceptor::proxy_protocol`](crate::Acceptor::proxy_protocol) takes it. A connection from a
/// trusted proxy must begin with a header, of version 1 or 2. Any other connection is refused. A
/// server that accepts both cannot decide by the first bytes, because every client could then
/// choose its address.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use ws_tokio::Acceptor;
/// use ws_tokio::listen::ProxyProtocol;
///
/// let proxies = ProxyProtocol::new(["10.0.0.0/8".parse()?, "2001:db8::1".parse()?]);
/// let acceptor = Acceptor::new().proxy_protocol(proxies);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ProxyProtocol {
    trusted: Vec<IpRange>,
    trusts_without_address: bool,
    accepts_others: bool,
}

impl ProxyProtocol {
    /// Trusts the proxies with these addresses, and no other.
    ///
    /// An IPv4-mapped IPv6 address counts as its IPv4 address.
    pub fn new(trusted: impl IntoIterator<Item = IpRange>) -> Self {
        Self {
            trusted: trusted.into_iter().collect(),
            trusts_without_address: false,
            accepts_others: false,
        }
    }

    /// Also trusts every transport without an address. Without this setting, such a transport is
    /// not trusted.
    ///
    /// A Unix socket and a pipe have no IP address. Only use this setting if the permissions of the
    /// socket keep everyone but the proxy from connecting. A TCP socket is never trusted by this
    /// setting. The TLS stream of another library has no address, either: do not pass one to such
    /// an acceptor, because its client could write a header inside TLS.
    #[must_use]
    pub fn trust_without_address(mut self) -> Self {
        self.trusts_without_address = true;
        self
    }

    /// Accepts connections that do not come from a trusted proxy, as if there were no PROXY
    /// protocol. Without this setting, these connections are refused.
    ///
    /// A header on such a connection is not read as a header, but as a malformed request or TLS
    /// handshake. So nobody but a trusted proxy can choose an address.
    #[must_use]
    pub fn accept_others(mut self) -> Self {
        self.accepts_others = true;
        self
    }

    fn trusts(&self, transport: &impl Transport) -> bool {
        match transport.peer_addr() {
            Some(source) => self.trusted.iter().any(|range| range.contains(source.ip())),
            None => self.trusts_without_address && !transport.is_ip(),
        }
    }

    /// Reads the header if the transport comes from a trusted proxy, and stores the address of the
    /// client. Reads no byte after the header.
    pub(super) async fn read<T: Transport>(
        &self,
        mut begun: Begun<T>,
    ) -> Result<Begun<T>, AcceptError> {
        if !self.trusts(&begun.upgrade.transport) {
            let source = begun.upgrade.transport.peer_addr();
            if self.accepts_others {
                return Ok(begun);
            }
            // The system forgets the address of a socket that the peer has reset, as load balancers
            // do after a check.
            if source.is_none() && begun.upgrade.transport.is_ip() {
                return Err(AcceptError::Lost);
            }
            return Err(ProxyProtocolError::Untrusted(source).into());
        }
        let mut header = ProxyHeader::new();
        loop {
            let reading = begun.upgrade.read_at_most(header.wanted());
            let piece = begun.admission.limit(Until::Told, reading).await??;
            if piece.is_empty() {
                return Err(AcceptError::Lost);
            }
            let progress = header.receive(&piece).map_err(ProxyProtocolError::Header)?;
            if let Some(addresses) = progress.done {
                begun.peer_addr = addresses.map(|addresses| addresses.source);
                return Ok(begun);
            }
        }
    }
}
