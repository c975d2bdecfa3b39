//! The command-line options for TLS.

use std::path::{Path, PathBuf};
use std::{fs, io};

use ws_tls::{SetupError, TlsAcceptor, TlsConnector};

/// The options of a server.
#[derive(Debug, clap::Args)]
pub(crate) struct ServerTls {
    /// Accept connections over TLS. Both files are in PEM. CERTIFICATE may contain a chain, which
    /// begins with the certificate of the server. KEY is its private key.
    #[arg(long, num_args = 2, value_names = ["CERTIFICATE", "KEY"])]
    tls: Option<Vec<PathBuf>>,
    /// Demand a certificate of the client, issued by one of the authorities in this PEM file.
    #[arg(long, value_name = "FILE", requires = "tls")]
    tls_client_ca: Option<PathBuf>,
}

/// The options of a client.
#[derive(Debug, clap::Args)]
pub(crate) struct ClientTls {
    /// Trust the authorities in this PEM file. Required for wss:// URLs.
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// Send this certificate if the server demands one. Both files are in PEM.
    #[arg(long, num_args = 2, value_names = ["CERTIFICATE", "KEY"], requires = "tls_ca")]
    tls_identity: Option<Vec<PathBuf>>,
}

impl ServerTls {
    pub(crate) fn scheme(&self) -> &'static str {
        match self.tls {
            Some(_) => "wss",
            None => "ws",
        }
    }

    pub(crate) fn acceptor(&self) -> io::Result<Option<TlsAcceptor>> {
        let Some([chain, key]) = self.tls.as_deref() else {
            return Ok(None);
        };
        let mut builder = TlsAcceptor::builder(read(chain)?, read(key)?);
        if let Some(roots) = &self.tls_client_ca {
            builder = builder.client_roots_pem(read(roots)?);
        }
        builder.build().map(Some).map_err(unusable)
    }
}

impl ClientTls {
    pub(crate) fn connector(&self) -> io::Result<Option<TlsConnector>> {
        let Some(roots) = &self.tls_ca else {
            return Ok(None);
        };
        let mut builder = TlsConnector::builder().roots_pem(read(roots)?);
        if let Some([chain, key]) = self.tls_identity.as_deref() {
            builder = builder.identity_pem(read(chain)?, read(key)?);
        }
        builder.build().map(Some).map_err(unusable)
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    fs::read(path).map_err(|error| {
        let text = format!("cannot read {}: {error}", path.display());
        io::Error::new(error.kind(), text)
    })
}

fn unusable(error: SetupError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use ws_test_certificates::Files;

    use crate::{EchoClient, EchoServer};

    fn server(options: &[&str]) -> Result<EchoServer, clap::Error> {
        EchoServer::try_parse_from(["echo", "--port", "0"].iter().chain(options))
    }

    #[test]
    fn a_server_reads_its_certificate_and_key() {
        let directory = std::env::temp_dir().join(format!("ws-peers-{}", std::process::id()));
        let files = Files::write(&directory).unwrap();
        let [chain, key] =
            [&files.server.certificate, &files.server.key].map(|file| file.to_str().unwrap());
        let with_tls = server(&["--tls", chain, key]).unwrap();
        assert_eq!(with_tls.tls.scheme(), "wss");
        assert!(with_tls.tls.acceptor().unwrap().is_some());
        let swapped = server(&["--tls", key, chain]).unwrap();
        let error = swapped.tls.acceptor().unwrap_err().to_string();
        assert!(error.contains("no certificate"), "{error}");
        std::fs::remove_dir_all(directory).unwrap();
        let error = with_tls.tls.acceptor().unwrap_err().to_string();
        assert!(error.starts_with("cannot read "), "{error}");
    }

    #[test]
    fn options_that_need_others_are_refused_alone() {
        assert!(server(&["--tls-client-ca", "ca.pem"]).is_err());
        assert!(server(&["--tls", "chain.pem"]).is_err());
        assert!(server(&[]).unwrap().tls.acceptor().unwrap().is_none());
        let client = ["client", "--tls-identity", "chain.pem", "key.pem", "-"];
        assert!(EchoClient::try_parse_from(client).is_err());
    }
}
