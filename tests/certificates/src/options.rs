//! The certificates of one run of a command, as options of our echo programs.

use std::io;
use std::path::Path;

use crate::Files;

/// PEM files of an authority and of a server on the loopback interface.
pub struct Certificates {
    files: Files,
    server_options: [String; 3],
    client_options: [String; 2],
}

impl Certificates {
    /// Makes new certificates and writes them into `dir`.
    ///
    /// # Errors
    ///
    /// The error of the file system. `InvalidFilename` if the path is not in UTF-8. The error names
    /// `dir`.
    pub fn make(dir: &Path) -> io::Result<Self> {
        Self::try_make(dir).map_err(|error| {
            let dir = dir.display();
            io::Error::new(
                error.kind(),
                format!("cannot make certificates in {dir}: {error}"),
            )
        })
    }

    fn try_make(dir: &Path) -> io::Result<Self> {
        let files = Files::write(dir)?;
        let certificate = argument(&files.server.certificate)?;
        let key = argument(&files.server.key)?;
        Ok(Self {
            server_options: ["--tls".to_owned(), certificate, key],
            client_options: ["--tls-ca".to_owned(), argument(&files.authority)?],
            files,
        })
    }

    /// Returns the options that make an echo server listen on `wss://`.
    #[must_use]
    pub fn server_options(&self) -> [&str; 3] {
        self.server_options.each_ref().map(String::as_str)
    }

    /// Returns the options that make an echo client trust the server.
    #[must_use]
    pub fn client_options(&self) -> [&str; 2] {
        self.client_options.each_ref().map(String::as_str)
    }

    /// Returns the certificate of the authority.
    #[must_use]
    pub fn authority(&self) -> &Path {
        &self.files.authority
    }

    /// Returns the certificate and the key of the server.
    #[must_use]
    pub fn server(&self) -> (&Path, &Path) {
        (&self.files.server.certificate, &self.files.server.key)
    }
}

/// Returns `file` as an argument of a command.
fn argument(file: &Path) -> io::Result<String> {
    let text = file.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_and_clients_are_given_files_that_exist() {
        let dir = tempfile::tempdir().unwrap();
        let certificates = Certificates::make(&dir.path().join("new")).unwrap();
        let [tls, certificate, key] = certificates.server_options();
        let [ca, authority] = certificates.client_options();
        assert_eq!((tls, ca), ("--tls", "--tls-ca"));
        for file in [certificate, key, authority] {
            assert!(Path::new(file).is_file(), "{file}");
        }
    }

    #[test]
    fn an_error_names_the_directory() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let dir = file.path().join("below a file");
        let error = Certificates::make(&dir).err().unwrap().to_string();
        assert!(error.contains(&*dir.to_string_lossy()), "{error}");
    }
}
