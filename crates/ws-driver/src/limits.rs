//! The settings that acceptors and connectors share.

use std::time::Duration;

use ws_proto::Config;

/// Implements the part that [`Acceptor`](crate::Acceptor) and [`Connector`](crate::Connector) have
/// in common.
///
/// The type must have the field `settings`. Its module must have a type `Settings` with the field
/// `limits` and implementations of `Clone` and `Default`.
macro_rules! shared_settings {
    ($builder:ident) => {
        impl<R: Runtime> $builder<R> {
            /// Makes an instance with the default settings.
            #[must_use]
            pub fn new() -> Self {
                Self {
                    settings: Arc::default(),
                }
            }

            /// Sets the limits and timeouts of connections. Default: [`Config::default`].
            #[must_use]
            pub fn config(mut self, config: Config) -> Self {
                self.edit().limits.config = config;
                self
            }

            /// Sets the length of the longest message that is accepted, in bytes. A message may
            /// have one frame or many. Default: the limit of the [configuration](Self::config),
            /// which is 16 MiB unless it was set.
            ///
            /// This overrides the limit of the configuration, even if the configuration is set
            /// later.
            #[must_use]
            pub fn max_message(mut self, len: usize) -> Self {
                self.edit().limits.max_message = Some(len);
                self
            }

            fn edit(&mut self) -> &mut Settings<R> {
                Arc::make_mut(&mut self.settings)
            }
        }

        impl<R: Runtime> Default for $builder<R> {
            fn default() -> Self {
                Self::new()
            }
        }

        impl<R: Runtime> Clone for $builder<R> {
            fn clone(&self) -> Self {
                Self {
                    settings: Arc::clone(&self.settings),
                }
            }
        }
    };
}
pub(crate) use shared_settings;

/// The limits of a connection and of its opening handshake.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) config: Config,
    /// Overrides the limit in `config`.
    pub(crate) max_message: Option<usize>,
    pub(crate) handshake_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            config: Config::default(),
            max_message: None,
            handshake_timeout: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// Returns the configuration of a connection.
    pub(crate) fn to_config(&self) -> Config {
        let config = self.config.clone();
        match self.max_message {
            Some(len) => config.max_message(len),
            None => config,
        }
    }
}
