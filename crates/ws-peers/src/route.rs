//! The command-line options for the way to the server.

use std::io;
use std::path::PathBuf;

use ws_driver::Connector;
use ws_driver::handshake::{Proxies, Proxy};
use ws_driver::transport::Runtime;
use ws_h2::Http2;

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
    /// Connect over HTTP/2. `only`: with ALPN `h2` for wss:// URLs, and by prior knowledge for
    /// ws:// URLs. `preferred`: only if a server of a wss:// URL opens WebSockets over HTTP/2, or
    /// else over HTTP/1.1.
    #[arg(long, value_name = "USE", num_args = 0..=1, require_equals = true,
          default_missing_value = "only")]
    http2: Option<Http2Use>,
}

/// The use of HTTP/2.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Http2Use {
    Only,
    Preferred,
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
        Ok(match self.http2 {
            Some(Http2Use::Only) => connector.http2(Http2::Only),
            Some(Http2Use::Preferred) => connector.http2(Http2::Preferred),
            None => connector,
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::EchoClient;

    #[test]
    fn a_url_after_http2_is_not_taken_as_its_value() {
        for option in ["--http2", "--http2=only", "--http2=preferred"] {
            let client = EchoClient::try_parse_from(["client", option, "-"]).unwrap();
            assert_eq!(client.urls, ["-"]);
            assert!(client.route.http2.is_some());
        }
        assert!(EchoClient::try_parse_from(["client", "--http2=3", "-"]).is_err());
    }

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
