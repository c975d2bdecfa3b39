//! Files of certificates and keys.

use std::fmt;
use std::path::{Path, PathBuf};

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// An invalid file of certificates, or of a key.
#[derive(Debug)]
pub struct FileError {
    file: PathBuf,
    fault: Fault,
}

#[derive(Debug)]
pub(super) enum Fault {
    Pem(pem::Error),
    /// The file does not contain such an item.
    Missing(&'static str),
    Unusable(rustls::Error),
}

impl FileError {
    pub(super) fn new(file: &Path, fault: Fault) -> Self {
        let file = file.to_owned();
        Self { file, fault }
    }

    fn of_pem(file: &Path, error: pem::Error, wanted: &'static str) -> Self {
        Self::new(
            file,
            match error {
                pem::Error::NoItemsFound => Fault::Missing(wanted),
                error => Fault::Pem(error),
            },
        )
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.file.display())?;
        match &self.fault {
            Fault::Pem(pem::Error::Io(error)) => write!(f, "{error}"),
            Fault::Pem(error) => write!(f, "not a PEM file: {error}"),
            Fault::Missing(wanted) => write!(f, "there is no {wanted} in this PEM file"),
            Fault::Unusable(rustls::Error::InconsistentKeys(_)) => {
                f.write_str("the key is not that of the certificate")
            }
            Fault::Unusable(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for FileError {}

/// Returns all certificates in a file. There is at least one.
pub(super) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, FileError> {
    const WANTED: &str = "certificate";
    let failed = |error| FileError::of_pem(file, error, WANTED);
    let items = CertificateDer::pem_file_iter(file).map_err(failed)?;
    let certificates: Vec<_> = items.collect::<Result<_, _>>().map_err(failed)?;
    match certificates.is_empty() {
        true => Err(FileError::new(file, Fault::Missing(WANTED))),
        false => Ok(certificates),
    }
}

/// Returns the first private key in a file.
pub(super) fn key(file: &Path) -> Result<PrivateKeyDer<'static>, FileError> {
    PrivateKeyDer::from_pem_file(file)
        .map_err(|error| FileError::of_pem(file, error, "private key without a passphrase"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.pem");
        let refusals = || {
            let certificates = certificates(&file).unwrap_err().to_string();
            [certificates, key(&file).unwrap_err().to_string()]
        };
        for refusal in refusals() {
            assert!(refusal.contains("os error"), "{refusal}");
            assert!(refusal.contains("x.pem"), "{refusal}");
        }
        std::fs::write(&file, "no PEM").unwrap();
        let [certificates, key] = refusals();
        assert!(certificates.ends_with("no certificate in this PEM file"));
        assert!(key.contains("no private key"), "{key}");
        std::fs::write(&file, "-----BEGIN CERTIFICATE-----\n").unwrap();
        for refusal in refusals() {
            assert!(refusal.contains("not a PEM file"), "{refusal}");
        }
    }
}
