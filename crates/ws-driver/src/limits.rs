//! The configuration that an acceptor or connector was given.

use ws_proto::Config;

/// The settings, in whatever order they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits {
    pub(crate) config: Config,
    /// Overrides what `config` says.
    pub(crate) max_message: Option<usize>,
}

impl Limits {
    /// The configuration of a connection.
    pub(crate) fn to_config(&self) -> Config {
        let config = self.config.clone();
        match self.max_message {
            Some(len) => config.max_message(len),
            None => config,
        }
    }
}
