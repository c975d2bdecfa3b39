//! A private certification authority for tests and measurements.
//!
//! The keys are made at run time and are new each time. They protect nothing.

#![forbid(unsafe_code)]

pub mod options;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fs, io};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};

/// The names of the server that certificates are issued for.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// A certification authority.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its private key, both in PEM.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// The private key in PKCS #8.
    pub key: String,
}

/// The ways in which a certificate of a server can be unacceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The certificate has expired.
    Expired,
    /// The certificate is not valid yet.
    NotYetValid,
    /// The certificate is for another server.
    WrongName,
}

impl Fault {
    /// All faults.
    pub const ALL: [Self; 3] = [Self::Expired, Self::NotYetValid, Self::WrongName];
}

impl Authority {
    /// Makes an authority. Clients that trust one authority do not trust another.
    #[must_use]
    pub fn new() -> Self {
        // An issuer is found by its name. Two authorities with one name would cause faulty
        // signatures instead of unknown issuers.
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let mut params = params(&[], &format!("authority {number} for tests"));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, new_key());
        Self(issuer.expect("a complete description of a certificate"))
    }

    /// Returns the certificate of the authority in PEM.
    #[must_use]
    pub fn certificate(&self) -> String {
        self.0.pem()
    }

    /// Issues a certificate for a server on `localhost`, `127.0.0.1` and `::1`.
    #[must_use]
    pub fn server(&self) -> Identity {
        self.issue(server_params(&NAMES))
    }

    /// Issues a certificate for a client.
    #[must_use]
    pub fn client(&self) -> Identity {
        let mut params = params(&[], "a client for tests");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(params)
    }

    /// Issues a certificate for a server that clients must refuse.
    #[must_use]
    pub fn faulty_server(&self, fault: Fault) -> Identity {
        let mut params = server_params(match fault {
            Fault::WrongName => &["elsewhere.test"],
            Fault::Expired | Fault::NotYetValid => &NAMES,
        });
        match fault {
            Fault::Expired => params.not_after = date_time_ymd(2001, 1, 1),
            Fault::NotYetValid => params.not_before = date_time_ymd(2999, 1, 1),
            Fault::WrongName => {}
        }
        self.issue(params)
    }

    fn issue(&self, mut params: CertificateParams) -> Identity {
        // RFC 5280 §4.2.1.1 requires it, and Python enforces this since 3.13.
        params.use_authority_key_identifier_extension = true;
        let key = new_key();
        let certificate = params.signed_by(&key, &self.0);
        let certificate = certificate.expect("a complete description of a certificate");
        Identity {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("entropy for a key")
}

fn params(names: &[&str], common_name: &str) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|&name| name.into()).collect();
    let mut params = CertificateParams::new(names).expect("valid names");
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(2999, 12, 31);
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params
}

fn server_params(names: &[&str]) -> CertificateParams {
    let mut params = params(names, "a server for tests");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

impl Identity {
    /// Writes the files `NAME.pem` and `NAME.key` into `directory`.
    ///
    /// # Errors
    ///
    /// The error of the file system.
    pub fn write(&self, directory: &Path, name: &str) -> io::Result<IdentityFiles> {
        let files = IdentityFiles {
            certificate: directory.join(format!("{name}.pem")),
            key: directory.join(format!("{name}.key")),
        };
        fs::write(&files.certificate, &self.certificate)?;
        fs::write(&files.key, &self.key)?;
        Ok(files)
    }
}

/// The PEM files of an [`Identity`].
#[derive(Clone, Debug)]
pub struct IdentityFiles {
    /// The certificate.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// PEM files of an authority, of a server on `localhost`, and of a client.
#[derive(Clone, Debug)]
pub struct Files {
    /// The certificate of the authority, which signed both other certificates.
    pub authority: PathBuf,
    /// The server.
    pub server: IdentityFiles,
    /// The client.
    pub client: IdentityFiles,
}

impl Files {
    /// Makes an authority, a server and a client, and writes their files into `directory`.
    ///
    /// # Errors
    ///
    /// The error of the file system.
    pub fn write(directory: &Path) -> io::Result<Self> {
        Self::write_of(&Authority::new(), directory)
    }

    /// Writes the files of `authority`, and of a server and a client that it certifies, into
    /// `directory`.
    ///
    /// # Errors
    ///
    /// The error of the file system.
    pub fn write_of(authority: &Authority, directory: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let file = directory.join("authority.pem");
        fs::write(&file, authority.certificate())?;
        Ok(Self {
            authority: file,
            server: authority.server().write(directory, "server")?,
            client: authority.client().write(directory, "client")?,
        })
    }
}
