//! Records of TLS that rustls itself does not send.

use anyhow::{Context, Result, bail};
use rustls::crypto::cipher::{MessageEncrypter, OutboundChunks, OutboundPlainMessage};
use rustls::{
    ClientConnection, ConnectionTrafficSecrets, ContentType, ProtocolVersion, SupportedCipherSuite,
};

/// Writes records of an established session of TLS 1.3, in the place of the client.
pub struct Sealer {
    encrypter: Box<dyn MessageEncrypter>,
    sequence: u64,
}

impl Sealer {
    /// Continues after the last record of `session`, all of which must have been written.
    pub(crate) fn new(session: ClientConnection) -> Result<Self> {
        let suite = session.negotiated_cipher_suite();
        let Some(SupportedCipherSuite::Tls13(suite)) = suite else {
            bail!("the server did not agree to TLS 1.3");
        };
        let (sequence, secrets) = session.dangerous_extract_secrets()?.tx;
        let (key, iv) = match secrets {
            ConnectionTrafficSecrets::Aes128Gcm { key, iv }
            | ConnectionTrafficSecrets::Aes256Gcm { key, iv }
            | ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => (key, iv),
            _ => bail!("the server agreed to an unknown cipher"),
        };
        Ok(Self {
            encrypter: suite.aead_alg.encrypter(key, iv),
            sequence,
        })
    }

    /// Returns the next record.
    pub fn seal(&mut self, content: ContentType, plaintext: &[u8]) -> Result<Vec<u8>> {
        let plain = OutboundPlainMessage {
            typ: content,
            version: ProtocolVersion::TLSv1_3,
            payload: OutboundChunks::Single(plaintext),
        };
        let record = self.encrypter.encrypt(plain, self.sequence)?;
        self.sequence = self.sequence.checked_add(1).context("too many records")?;
        Ok(record.encode())
    }
}
