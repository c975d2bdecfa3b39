//! The errors of all addresses of a host.

use std::error::Error;
use std::net::SocketAddr;
use std::{fmt, io};

use super::is_loss;

/// The errors of every address of a host that cannot be reached.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let url = format!("ws://{}/", listener.local_addr()?);
/// # drop(listener);
/// use ws_tokio::ConnectError;
///
/// // No server listens on this port.
/// let Err(ConnectError::Unreachable(unreachable)) = ws_tokio::connect(&url).await else {
///     panic!("expected that the server cannot be reached");
/// };
/// for failed in unreachable.addresses() {
///     println!("{}: {}", failed.address, failed.error);
/// }
/// # assert_eq!(unreachable.addresses().len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Unreachable(Vec<AddressError>);

/// The error of connecting to one address.
#[derive(Debug)]
#[non_exhaustive]
pub struct AddressError {
    /// The address.
    pub address: SocketAddr,
    /// The error. [`TimedOut`](io::ErrorKind::TimedOut) if the attempt was abandoned at the
    /// deadline. Addresses that were not tried before the deadline are missing.
    pub error: io::Error,
}

impl Unreachable {
    pub(crate) fn new(addresses: Vec<AddressError>) -> Self {
        Self(addresses)
    }

    /// Returns the addresses with their errors, in the order in which they failed.
    pub fn addresses(&self) -> &[AddressError] {
        &self.0
    }

    /// Returns `true` if the attempt with at least one address was abandoned at the deadline, or
    /// the operating system reported a timeout.
    pub fn is_timeout(&self) -> bool {
        let mut errors = self.0.iter().map(|failed| failed.error.kind());
        errors.any(|kind| kind == io::ErrorKind::TimedOut)
    }

    /// Returns `true` if a later attempt may succeed. Returns `false` for errors of this machine,
    /// such as a lack of permission.
    pub(super) fn is_disconnect(&self) -> bool {
        self.0.iter().any(|AddressError { error, .. }| {
            is_loss(error) || error.kind() == io::ErrorKind::ConnectionRefused
        })
    }

    /// Returns the kind of the first error.
    pub(super) fn kind(&self) -> io::ErrorKind {
        self.0
            .first()
            .map_or(io::ErrorKind::NotFound, |failed| failed.error.kind())
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, failed) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{}: {}", failed.address, failed.error)?;
        }
        Ok(())
    }
}

impl Error for Unreachable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.first().map(|failed| &failed.error as _)
    }
}
