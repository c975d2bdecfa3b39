//! Certificates for tests.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion, version::TLS12};
use tempfile::TempDir;

/// A certificate, its key and the authority that has signed it, as PEM files.
#[derive(Debug)]
pub(crate) struct Files {
    dir: TempDir,
}

/// Makes a certificate for this name or address.
pub(crate) fn signed(name: &str) -> Files {
    by_authority(params(name))
}

/// Makes an expired certificate for `localhost`.
pub(crate) fn expired() -> Files {
    by_authority(of_the_last_century())
}

/// Makes a self-signed certificate that belongs to an authority by its own declaration.
pub(crate) fn self_signed(name: &str) -> Files {
    by_itself(params(name))
}

/// Makes an expired self-signed certificate for `localhost`.
pub(crate) fn self_signed_and_expired() -> Files {
    by_itself(of_the_last_century())
}

fn params(name: &str) -> CertificateParams {
    CertificateParams::new([name.to_owned()]).unwrap()
}

fn of_the_last_century() -> CertificateParams {
    let mut params = params("localhost");
    params.not_before = date_time_ymd(1999, 1, 1);
    params.not_after = date_time_ymd(1999, 12, 31);
    params
}

fn by_authority(params: CertificateParams) -> Files {
    let mut root = CertificateParams::default();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &root).unwrap();
    Files::write(&certificate.pem(), &key, &root.pem())
}

fn by_itself(mut params: CertificateParams) -> Files {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    Files::write(&certificate, &key, &certificate)
}

impl Files {
    fn write(certificate: &str, key: &KeyPair, authority: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let files = Self { dir };
        fs::write(files.cert(), certificate).unwrap();
        fs::write(files.key(), key.serialize_pem()).unwrap();
        fs::write(files.authority(), authority).unwrap();
        files
    }

    pub(crate) fn cert(&self) -> PathBuf {
        self.dir.path().join("cert.pem")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.dir.path().join("key.pem")
    }

    pub(crate) fn authority(&self) -> PathBuf {
        self.dir.path().join("authority.pem")
    }

    /// Returns the configuration of a server with this certificate.
    pub(crate) fn server(&self) -> Arc<ServerConfig> {
        self.server_of(rustls::DEFAULT_VERSIONS)
    }

    /// Returns the configuration of a server with this certificate, and with TLS 1.2 only.
    pub(crate) fn old_server(&self) -> Arc<ServerConfig> {
        self.server_of(&[&TLS12])
    }

    fn server_of(&self, versions: &[&'static SupportedProtocolVersion]) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let certificate = CertificateDer::from_pem_file(self.cert()).unwrap();
        let key = PrivateKeyDer::from_pem_file(self.key()).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key);
        Arc::new(config.unwrap())
    }

    /// Returns the configuration of a client that trusts only this authority.
    pub(crate) fn client(&self) -> Arc<ClientConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_file(self.authority()).unwrap();
        roots.add(authority).unwrap();
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Arc::new(config)
    }
}
