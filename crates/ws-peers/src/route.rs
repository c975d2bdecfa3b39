//! The command-line options for the way to the server.

use std::io;
use std::path::PathBuf;

use ws_driver::Connector;
use ws_driver::handshake::{Proxies, Proxy};
use ws_driver::transport::Runtime;

/// The options of a client.
#[derive(Debug, clap::Args)]
pub(crate) struct Route {
    /// Connect through this proxy, such as `http://proxy:3128` or
    /// `socks5h://user:password@proxy:1080`.
    #[arg(long, value_name = "URL")]
    proxy: Option<Proxy>,
    /// Connect through the proxy that the environment names for each URL, as in `https_proxy` and
    /// `no_proxy`.
    #[arg(long, conflicts_with = "proxy")]
    proxy_from_env: bool,
    /// Follow at most N redirects.
    #[arg(long, value_name = "N", default_value_t = 0)]
    redirects: usize,
    /// Connect to this Unix socket instead of the host of the URL.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["proxy", "proxy_from_env"])]
    unix: Option<PathBuf>,
}

impl Route {
    /// Applies the options to a connector.
    ///
    /// # Errors
    ///
    /// If the environment names a proxy by an invalid URL.
    pub(crate) fn apply<R: Runtime>(&self, connector: Connector<R>) -> io::Result<Connector<R>> {
        let mut connector = connector.redirects(self.redirects);
        if let Some(proxy) = &self.proxy {
            connector = connector.proxy(proxy.clone());
        }
        if self.proxy_from_env {
            let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
            connector = connector.proxy(Proxies::from_env().map_err(invalid)?);
        }
        if let Some(path) = &self.unix {
            connector = connector.unix_socket(path);
        }
        Ok(connector)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::EchoClient;

    #[test]
    fn a_client_uses_one_way_to_the_server() {
        let parse = |options: &[&str]| {
            let words = [&["client"], options, &["ws://localhost"]].concat();
            EchoClient::try_parse_from(words)
        };
        let proxy = ["--proxy", "socks5h://localhost:1080"];
        assert!(parse(&proxy).is_ok());
        assert!(parse(&["--proxy", "ftp://localhost"]).is_err());
        for other in [&["--proxy-from-env"][..], &["--unix", "socket"]] {
            assert!(parse(other).is_ok(), "{other:?}");
            assert!(parse(&[&proxy, other].concat()).is_err(), "{other:?}");
        }
    }
}
