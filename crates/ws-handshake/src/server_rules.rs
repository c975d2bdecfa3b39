//! The rules of a server for opening requests.

use crate::limits::HeadLimits;
use crate::origin::OriginPolicy;

/// The rules of a server for opening requests that the application may change.
///
/// ```
/// use ws_handshake::{OriginPolicy, ServerHandshake, ServerRules};
///
/// let rules = ServerRules::new()
///     .origins(OriginPolicy::allow_list(["https://app.example.com"]))
///     .allow_any_key_length();
/// let server = ServerHandshake::new(rules);
/// # drop(server);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ServerRules {
    pub(crate) origins: OriginPolicy,
    pub(crate) head_limits: HeadLimits,
    pub(crate) keys: KeyRule,
}

/// The values of `Sec-WebSocket-Key` that a server accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum KeyRule {
    /// The base64 form of 16 bytes (RFC 6455 §4.2.1, item 5).
    #[default]
    SixteenBytes,
    /// The base64 form of at least one byte.
    AnyLength,
}

impl ServerRules {
    /// Creates the default rules: pages of the server's own host and port may connect, the limits
    /// are those of [`HeadLimits::new`], and a key must have 16 bytes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Selects the web sites whose pages may connect.
    pub fn origins(mut self, origins: OriginPolicy) -> Self {
        self.origins = origins;
        self
    }

    /// Sets the limits of the request's head. If another HTTP stack has read the request, its
    /// limits apply instead.
    pub fn head_limits(mut self, limits: HeadLimits) -> Self {
        self.head_limits = limits;
        self
    }

    /// Accepts a `Sec-WebSocket-Key` that is the base64 form of any number of bytes, except zero.
    ///
    /// RFC 6455 §4.2.1, item 5, requires 16 bytes, so the default is to respond with status 400.
    /// But there are devices that send keys of 8, 15, 18 or 32 bytes. The key is no secret. It only
    /// shows that the response belongs to this request, and a shorter key shows this less reliably.
    pub fn allow_any_key_length(mut self) -> Self {
        self.keys = KeyRule::AnyLength;
        self
    }
}

impl From<OriginPolicy> for ServerRules {
    fn from(origins: OriginPolicy) -> Self {
        Self::new().origins(origins)
    }
}

impl From<&OriginPolicy> for ServerRules {
    fn from(origins: &OriginPolicy) -> Self {
        origins.clone().into()
    }
}

impl From<&Self> for ServerRules {
    fn from(rules: &Self) -> Self {
        rules.clone()
    }
}
