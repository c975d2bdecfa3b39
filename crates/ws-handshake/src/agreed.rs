//! The agreement of both sides.

use ws_proto::DeflateParams;

use crate::extension::Extension;

/// The outcome of the negotiation: at most one subprotocol, and the extensions in use
/// (RFC 6455 §4.2.2, item 5).
///
/// [`Accepted`](crate::Accepted) and [`Established`](crate::Established) have one. A connection that was upgraded by
/// other means needs one that says what was agreed on there:
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
    /// Neither a subprotocol nor an extension.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Agrees on this subprotocol; a later call replaces it.
    #[must_use]
    pub fn with_protocol(mut self, name: impl Into<String>) -> Self {
        self.protocol = Some(name.into());
        self
    }

    /// Adds an extension behind those added so far.
    ///
    /// Told by [`extensions`](Self::extensions) and nothing else: to compress messages, call
    /// [`with_deflate`](Self::with_deflate).
    #[must_use]
    pub fn with_extension(mut self, extension: Extension) -> Self {
        self.extensions.push(extension);
        self
    }

    /// Agrees on permessage-deflate with these parameters (RFC 7692 §7.1); a later call replaces them.
    #[must_use]
    pub fn with_deflate(mut self, params: DeflateParams) -> Self {
        self.deflate = Some(params);
        self
    }

    /// The subprotocol, spelled as the client offered it.
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// The extensions, in the order in which they apply to data (RFC 6455 §9.1).
    pub fn extensions(&self) -> &[Extension] {
        &self.extensions
    }

    /// How messages are compressed, if permessage-deflate is among the extensions: the same on
    /// both sides (RFC 7692 §7.1).
    ///
    /// Offers and answers made with `extension` count as those made with `deflate` do. `None`
    /// also stands for an agreement with parameters that RFC 7692 does not have, which is the
    /// caller's.
    pub fn deflate(&self) -> Option<DeflateParams> {
        self.deflate
    }
}
