//! The address and the certificate of the suite as a server.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ws_conformance::tls::Identity;

/// The files of a certificate and its key.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct Files {
    /// For wss://: a PEM file with the certificate of the suite, followed by the intermediate
    /// certificates
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,

    /// For wss://: a PEM file with the key of this certificate
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
}

impl Files {
    /// Returns the files of these options, or else those of a settings file.
    pub(super) fn or(&self, cert: Option<&Path>, key: Option<&Path>) -> Self {
        match self.cert {
            Some(_) => self.clone(),
            None => Self {
                cert: cert.map(Path::to_owned),
                key: key.map(Path::to_owned),
            },
        }
    }
}

/// An address to listen on.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) authority: String,
    secure: bool,
}

impl Place {
    /// Parses `ws://address:port`, `wss://address:port` or `address:port`.
    pub(super) fn new(url: &str) -> Result<Self> {
        let secure = url.strip_prefix("wss://");
        let rest = secure.or(url.strip_prefix("ws://")).unwrap_or(url);
        let authority = rest.split(['/', '?']).next().unwrap_or(rest);
        if authority.is_empty() || authority.contains('@') || rest.contains("://") {
            bail!("write an address such as ws://127.0.0.1:9001");
        }
        let place = Self {
            authority: authority.to_owned(),
            secure: secure.is_some(),
        };
        let has_port = authority
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        match has_port {
            true => Ok(place),
            false => bail!(
                "the port is missing: write {}://{authority}:9001",
                place.scheme()
            ),
        }
    }

    pub(super) fn scheme(&self) -> &'static str {
        match self.secure {
            true => "wss",
            false => "ws",
        }
    }

    /// Returns the URL for a client on this machine.
    pub(super) fn url(&self, port: u16) -> String {
        let host = self.authority.rsplit_once(':').map_or("", |(host, _)| host);
        let host = match host {
            "0.0.0.0" => "127.0.0.1",
            "[::]" => "[::1]",
            host => host,
        };
        format!("{}://{host}:{port}", self.scheme())
    }

    /// Returns the certificate of the address; `None` without TLS.
    pub(super) fn identity(&self, files: &Files) -> Result<Option<Identity>> {
        match (self.secure, &files.cert, &files.key) {
            (true, Some(cert), Some(key)) => {
                let identity = Identity::load(cert, key);
                Ok(Some(identity.context("cannot use the certificate")?))
            }
            (true, ..) => {
                bail!("wss:// needs a certificate: add --cert FILE and --key FILE, both PEM files")
            }
            (false, ..) => Ok(None),
        }
    }

    /// Refuses files that no client would receive.
    pub(super) fn check_needs(&self, files: &Files) -> Result<()> {
        if !self.secure && files.cert.is_some() {
            bail!(
                "--cert and --key are for TLS: listen on wss://{}",
                self.authority
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_with_or_without_scheme() {
        for url in [
            "ws://127.0.0.1:9001",
            "127.0.0.1:9001",
            "ws://127.0.0.1:9001/x?y",
        ] {
            let place = Place::new(url).unwrap();
            assert_eq!(
                (place.scheme(), &*place.authority),
                ("ws", "127.0.0.1:9001")
            );
        }
        let place = Place::new("wss://[::1]:0").unwrap();
        assert_eq!((place.scheme(), &*place.authority), ("wss", "[::1]:0"));
    }

    #[test]
    fn clients_get_an_address_that_they_can_reach() {
        for (url, reachable) in [
            ("ws://0.0.0.0:0", "ws://127.0.0.1:7"),
            ("wss://[::]:1", "wss://[::1]:7"),
            ("wss://localhost:0", "wss://localhost:7"),
        ] {
            assert_eq!(Place::new(url).unwrap().url(7), reachable);
        }
    }

    #[test]
    fn other_texts_are_refused_with_advice() {
        for (url, advice) in [
            ("wss://a", "wss://a:9001"),
            ("wss://ws://a:1", "ws://127.0.0.1:9001"),
            ("http://a:1", "ws://127.0.0.1:9001"),
            ("", "ws://127.0.0.1:9001"),
            ("ws://localhost", "ws://localhost:9001"),
            ("ws://localhost:70000", "port is missing"),
        ] {
            let refusal = Place::new(url).unwrap_err().to_string();
            assert!(refusal.contains(advice), "{url}: {refusal}");
        }
    }
}
