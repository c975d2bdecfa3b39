//! The certificates that the suite accepts as a client.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme,
};

use crate::case::Http;

use super::files::{self, Fault, FileError};
use super::{HandshakeError, VERSIONS, provider};

/// The accepted certificates.
#[derive(Clone, Debug)]
pub struct Trust(Arc<ClientConfig>);

impl Trust {
    /// Accepts the certificates of the authorities that browsers trust.
    pub fn web() -> Self {
        let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        Self::new(Arc::new(Listed::new(roots, Vec::new())))
    }

    /// Accepts the certificates in a PEM file, and those that they have signed.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read, or has no certificate.
    pub fn only(file: &Path) -> Result<Self, FileError> {
        let certificates = files::certificates(file)?;
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            roots
                .add(certificate.clone())
                .map_err(|error| FileError::new(file, Fault::Unusable(error)))?;
        }
        Ok(Self::new(Arc::new(Listed::new(roots, certificates))))
    }

    /// Accepts any certificate, also an invalid one. The other side is then not authenticated.
    pub fn anyone() -> Self {
        Self::new(Arc::new(Anyone))
    }

    fn new(verifier: Arc<dyn ServerCertVerifier>) -> Self {
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect(VERSIONS)
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Self(Arc::new(config))
    }

    /// Returns the client side of a new connection to a server of this name.
    pub(crate) fn connection(
        &self,
        name: ServerName<'static>,
        http: Http,
    ) -> Result<rustls::Connection, HandshakeError> {
        let alpn = http.alpn();
        Ok(ClientConnection::new_with_alpn(self.0.clone(), name, alpn)?.into())
    }
}

/// Accepts certificates that these roots have signed, and the roots themselves.
#[derive(Debug)]
struct Listed {
    roots: Arc<WebPkiServerVerifier>,
    certificates: Vec<CertificateDer<'static>>,
}

impl Listed {
    fn new(roots: RootCertStore, certificates: Vec<CertificateDer<'static>>) -> Self {
        let roots = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider());
        Self {
            roots: roots
                .build()
                .expect("there are roots, and no lists of revoked ones"),
            certificates,
        }
    }
}

impl ServerCertVerifier for Listed {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let judgement =
            self.roots
                .verify_server_cert(end_entity, intermediates, name, ocsp_response, now);
        match judgement {
            // Most self-signed certificates declare that they belong to an authority. `webpki`
            // refuses this for a server, after it has checked the dates.
            Err(Error::InvalidCertificate(CertificateError::Other(_)))
                if self.certificates.contains(end_entity) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            judgement => judgement,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.roots
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.roots
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.roots.supported_verify_schemes()
    }
}

/// Accepts everything. Without authentication, a signature proves nothing either.
#[derive(Debug)]
struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
