//! The subprotocols and extensions that a client offers, and the check of the server's choice.

use http::HeaderMap;

use crate::agreed::Agreed;
use crate::client_error::ClientError;
use crate::deflate;
use crate::extension::{self, Extension};
use crate::protocol;

/// The offers of a client.
pub(crate) struct Offers {
    pub(crate) protocols: Vec<String>,
    pub(crate) extensions: Vec<Extension>,
}

impl Offers {
    /// Returns the choice of a server that has accepted, by the same rules for each version of
    /// HTTP.
    pub(crate) fn agreement(&self, headers: &HeaderMap) -> Result<Agreed, ClientError> {
        let extensions = self.check_extensions(headers)?;
        let deflate = deflate::agreement(&self.extensions, &extensions)?;
        let protocol = self.check_protocol(headers)?;
        Ok(Agreed {
            protocol,
            extensions,
            deflate,
        })
    }

    /// Parses the extensions and checks their names. [`deflate::agreement`] checks the parameters
    /// of permessage-deflate. The user of this crate must check the parameters of other extensions.
    ///
    /// A malformed list fails the handshake (RFC 6455 §9.1). The server has already decided for an
    /// extension, and sends its frames accordingly. So a client that ignored the list could not
    /// read these frames.
    fn check_extensions(&self, headers: &HeaderMap) -> Result<Vec<Extension>, ClientError> {
        let agreed = Extension::parse_lines(headers).map_err(|_| ClientError::InvalidExtensions)?;
        for (index, extension) in agreed.iter().enumerate() {
            if !extension::contains(&self.extensions, extension.name()) {
                return Err(ClientError::UnofferedExtension);
            }
            // The elements before `index` were offered and do not repeat, so they are no more than
            // the offers, and a linear search is cheap.
            if extension::contains(agreed.get(..index).unwrap_or_default(), extension.name()) {
                return Err(ClientError::DuplicateExtension);
            }
        }
        Ok(agreed)
    }

    /// Returns the chosen subprotocol. Only one name is allowed, and it must be spelled as in the
    /// offer. A header without a name counts as absent.
    fn check_protocol(&self, headers: &HeaderMap) -> Result<Option<String>, ClientError> {
        let mut chosen = protocol::elements(headers);
        let Some(name) = chosen.next() else {
            return Ok(None);
        };
        if chosen.next().is_some() {
            return Err(ClientError::DuplicateProtocol);
        }
        let offered = self.protocols.iter();
        let offered = offered
            .map(String::as_str)
            .find(|offered| offered.as_bytes() == name);
        match offered {
            Some(name) => Ok(Some(name.to_owned())),
            None => Err(ClientError::UnofferedProtocol),
        }
    }
}
