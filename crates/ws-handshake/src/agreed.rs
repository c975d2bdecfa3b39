//! What both sides settled on.

use ws_proto::DeflateParams;

use crate::extension::Extension;

/// The outcome of the negotiation: at most one subprotocol, and the extensions in use
/// (RFC 6455 §4.2.2, item 5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agreed {
    pub(crate) protocol: Option<String>,
    pub(crate) extensions: Vec<Extension>,
    pub(crate) deflate: Option<DeflateParams>,
}

impl Agreed {
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
