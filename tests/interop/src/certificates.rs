//! The certificates of a run.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ws_test_certificates::{Authority, Fault, Files, IdentityFiles};

/// PEM files of certificates and keys. They are new in each run.
pub(crate) struct Certificates {
    /// The authority that all programs trust.
    pub(crate) authority: PathBuf,
    pub(crate) server: IdentityFiles,
    pub(crate) client: IdentityFiles,
    /// The identity of a client from an authority that no program trusts.
    pub(crate) stranger: IdentityFiles,
    expired: IdentityFiles,
    not_yet_valid: IdentityFiles,
    wrong_name: IdentityFiles,
    unknown_issuer: IdentityFiles,
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
        Self::try_write(dir)
            .with_context(|| format!("cannot write certificates into {}", dir.display()))
    }

    fn try_write(dir: &Path) -> io::Result<Self> {
        let (authority, stranger) = (Authority::new(), Authority::new());
        let good = Files::write_of(&authority, dir)?;
        let faulty = |name, fault| authority.faulty_server(fault).write(dir, name);
        Ok(Self {
            authority: good.authority,
            server: good.server,
            client: good.client,
            stranger: stranger.client().write(dir, "stranger")?,
            expired: faulty("expired", Fault::Expired)?,
            not_yet_valid: faulty("not-yet-valid", Fault::NotYetValid)?,
            wrong_name: faulty("wrong-name", Fault::WrongName)?,
            unknown_issuer: stranger.server().write(dir, "unknown-issuer")?,
        })
    }

    /// Returns the identity of a server that every client must refuse.
    pub(crate) fn faulty(&self, defect: Defect) -> &IdentityFiles {
        match defect {
            Defect::Expired => &self.expired,
            Defect::NotYetValid => &self.not_yet_valid,
            Defect::WrongName => &self.wrong_name,
            Defect::UnknownIssuer => &self.unknown_issuer,
        }
    }
}
