//! The certificates of a run.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ws_test_certificates::{Authority, Fault, Identity};

/// PEM files of certificates and keys. They are new in each run.
pub(crate) struct Certificates {
    /// The authority that all programs trust.
    pub(crate) authority: PathBuf,
    pub(crate) server: Files,
    pub(crate) client: Files,
    /// The identity of a client from an authority that no program trusts.
    pub(crate) stranger: Files,
    expired: Files,
    not_yet_valid: Files,
    wrong_name: Files,
    unknown_issuer: Files,
}

/// The PEM files of a certificate and its private key.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// The reason to refuse the certificate of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    Expired,
    NotYetValid,
    WrongName,
    UnknownIssuer,
}

impl Certificates {
    /// Makes the certificates and writes them into `dir`.
    pub(crate) fn write(dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let (authority, stranger) = (Authority::new(), Authority::new());
        let faulty = |name, fault| Files::write(dir, name, &authority.faulty_server(fault));
        Ok(Self {
            authority: write(dir, "authority.pem", &authority.certificate())?,
            server: Files::write(dir, "server", &authority.server())?,
            client: Files::write(dir, "client", &authority.client())?,
            stranger: Files::write(dir, "stranger", &stranger.client())?,
            expired: faulty("expired", Fault::Expired)?,
            not_yet_valid: faulty("not-yet-valid", Fault::NotYetValid)?,
            wrong_name: faulty("wrong-name", Fault::WrongName)?,
            unknown_issuer: Files::write(dir, "unknown-issuer", &stranger.server())?,
        })
    }

    /// Returns the identity of a server that every client must refuse.
    pub(crate) fn faulty(&self, defect: Defect) -> &Files {
        match defect {
            Defect::Expired => &self.expired,
            Defect::NotYetValid => &self.not_yet_valid,
            Defect::WrongName => &self.wrong_name,
            Defect::UnknownIssuer => &self.unknown_issuer,
        }
    }
}

impl Files {
    fn write(dir: &Path, name: &str, identity: &Identity) -> Result<Self> {
        Ok(Self {
            certificate: write(dir, &format!("{name}.pem"), &identity.certificate)?,
            key: write(dir, &format!("{name}.key"), &identity.key)?,
        })
    }
}

fn write(dir: &Path, name: &str, text: &str) -> Result<PathBuf> {
    let path = dir.join(name);
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}
