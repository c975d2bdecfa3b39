//! Connections over TLS.
//!
//! Only the check before the measurement pays for all of the cryptography. The first connection
//! verifies the certificate of the server and its signature. Later connections only compare the
//! certificate with the verified one. Otherwise the load generator would cost more than a server,
//! because a client verifies two signatures for each signature of a server. For the same reason,
//! all connections use one pair of keys for the key exchange.

use std::io::{self, BufRead, Read, Write};
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result, bail};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, HandshakeKind, RootCertStore,
    SignatureScheme,
};

use crate::key_exchange::ONE_KEY;
use crate::stream::read_once;

/// Makes a configuration for TLS 1.3 that trusts the authority whose certificate is in this file.
///
/// X25519 is the only group, so that all servers do the same key exchange.
pub(crate) fn config(authority: &Path) -> Result<ClientConfig> {
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups = vec![ONE_KEY];
    let provider = Arc::new(provider);
    let verifier = FirstOnly::new(authority, &provider)
        .with_context(|| format!("cannot trust {}", authority.display()))?;
    let versions = [&rustls::version::TLS13];
    Ok(ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// A connection over TLS. `T` is its socket.
pub(crate) struct Tls<T> {
    connection: ClientConnection,
    tcp: T,
}

impl<T> Tls<T> {
    /// Prepares a handshake with the server of this address.
    pub(crate) fn new(config: &Arc<ClientConfig>, server: IpAddr, tcp: T) -> Result<Self> {
        let name = ServerName::from(server);
        let mut connection = ClientConnection::new(Arc::clone(config), name)?;
        // All messages that may be sent are encrypted at once, and leave with one write.
        connection.set_buffer_limit(None);
        Ok(Self { connection, tcp })
    }

    /// Replaces the socket by the result of `change`.
    pub(crate) fn try_map<U>(self, change: impl FnOnce(T) -> Result<U>) -> Result<Tls<U>> {
        Ok(Tls {
            connection: self.connection,
            tcp: change(self.tcp)?,
        })
    }

    /// Returns the kind of the handshake. `None` until the handshake is complete.
    pub(crate) fn handshake_kind(&self) -> Option<HandshakeKind> {
        self.connection.handshake_kind()
    }
}

impl<T: Read + Write> Tls<T> {
    /// Returns a stream that blocks if the socket does.
    pub(crate) fn blocking(&mut self) -> rustls::Stream<'_, ClientConnection, T> {
        rustls::Stream::new(&mut self.connection, &mut self.tcp)
    }

    /// Reads once, and passes the decrypted bytes to `arrived`. Returns `true` if the socket may
    /// have more bytes.
    ///
    /// `buffer` is as long as the longest read. rustls itself reads at most 4 KiB at a time.
    pub(crate) fn receive(
        &mut self,
        buffer: &mut [u8],
        mut arrived: impl FnMut(&[u8]),
    ) -> Result<bool> {
        let Some(len) = read_once(&mut self.tcp, buffer)? else {
            return Ok(false);
        };
        let mut input = &buffer[..len];
        while !input.is_empty() {
            self.connection.read_tls(&mut input)?;
            self.connection.process_new_packets()?;
            let mut reader = self.connection.reader();
            loop {
                let len = match reader.fill_buf() {
                    Ok([]) => bail!("the server ended a connection"),
                    Ok(bytes) => {
                        arrived(bytes);
                        bytes.len()
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error).context("cannot read"),
                };
                reader.consume(len);
            }
        }
        Ok(len == buffer.len())
    }

    /// Encrypts all of `bytes`, and writes as much as the socket takes.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if the socket takes nothing. Then `bytes` have not been encrypted.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.flush()?;
        let len = self.connection.writer().write(bytes)?;
        match self.flush() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(len),
        }
    }

    /// Writes the bytes that are encrypted.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        while self.connection.wants_write() {
            self.connection.write_tls(&mut self.tcp)?;
        }
        Ok(())
    }

    /// Returns `true` if encrypted bytes wait for the socket.
    pub(crate) fn is_sending(&self) -> bool {
        self.connection.wants_write()
    }

    /// Ends the connection in our direction.
    pub(crate) fn close(mut self) -> io::Result<()> {
        self.connection.send_close_notify();
        self.flush()
    }
}

/// A verifier that verifies until the first success, and then only compares certificates.
#[derive(Debug)]
struct FirstOnly {
    verifier: Arc<WebPkiServerVerifier>,
    certificate: OnceLock<CertificateDer<'static>>,
    signature: OnceLock<HandshakeSignatureValid>,
}

impl FirstOnly {
    fn new(authority: &Path, provider: &Arc<CryptoProvider>) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(authority)?)?;
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
        Ok(Self {
            verifier: verifier.build()?,
            certificate: OnceLock::new(),
            signature: OnceLock::new(),
        })
    }
}

impl ServerCertVerifier for FirstOnly {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.certificate.get().is_some_and(|one| one == end_entity) {
            return Ok(ServerCertVerified::assertion());
        }
        let verified = self.verifier.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        )?;
        self.certificate
            .get_or_init(|| end_entity.clone().into_owned());
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.signature.get().is_none() {
            let valid = self
                .verifier
                .verify_tls13_signature(message, certificate, signed)?;
            self.signature.get_or_init(|| valid);
        }
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}
