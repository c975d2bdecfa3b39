//! The result of the negotiation.

use ws_proto::DeflateParams;

use crate::extension::Extension;

/// The result of the negotiation: at most one subprotocol, and the extensions in use (RFC 6455
/// §4.2.2, item 5).
///
/// [`Accepted`](crate::Accepted) and [`Established`](crate::Established) contain an agreement. If
/// another program or library has upgraded a connection, build an agreement from what it
/// negotiated:
///
/// ```
/// use ws_handshake::Agreed;
///
/// let agreed = Agreed::new().with_protocol("chat");
/// assert_eq!(agreed.protocol(), Some("chat"));
/// assert_eq!(agreed.deflate(), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agreed {
    pub(crate) protocol: Option<String>,
    pub(crate) extensions: Vec<Extension>,
    pub(crate) deflate: Option<DeflateParams>,
}

impl Agreed {
    /// Creates an agreement without a subprotocol and without extensions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the subprotocol. A later call replaces the subprotocol of an earlier call.
    #[must_use]
    pub fn with_protocol(mut self, name: impl Into<String>) -> Self {
        self.protocol = Some(name.into());
        self
    }

    /// Appends an extension to the list.
    ///
    /// The only effect is that [`extensions`](Self::extensions) also returns this extension. To
    /// compress messages, call [`with_deflate`](Self::with_deflate).
    #[must_use]
    pub fn with_extension(mut self, extension: Extension) -> Self {
        self.extensions.push(extension);
        self
    }

    /// Sets the parameters of permessage-deflate (RFC 7692 §7.1). A later call replaces the
    /// parameters of an earlier call.
    #[must_use]
    pub fn with_deflate(mut self, params: DeflateParams) -> Self {
        self.deflate = Some(params);
        self
    }

    /// Returns the subprotocol, spelled as the client offered it.
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// Returns the extensions in the order in which they apply to data (RFC 6455 §9.1).
    pub fn extensions(&self) -> &[Extension] {
        &self.extensions
    }

    /// Returns the parameters of permessage-deflate (RFC 7692 §7.1), or `None` if messages are not
    /// compressed. Both sides derive the same parameters.
    ///
    /// An offer or answer has the same effect if it was made with `extension` instead of `deflate`.
    /// If every offer breaks the syntax of RFC 7692, this crate does not interpret the answer to
    /// permessage-deflate. `None` is then returned, and the caller must read the answer in
    /// [`extensions`](Self::extensions).
    pub fn deflate(&self) -> Option<DeflateParams> {
        self.deflate
    }
}
