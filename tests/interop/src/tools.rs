//! The executables that the checks use.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

/// An executable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tool {
    Caddy,
    Certutil,
    Chromium,
    Curl,
    Danted,
    Firefox,
    GnutlsCli,
    GnutlsServ,
    Haproxy,
    Hitch,
    Ip,
    Microsocks,
    Nghttpx,
    Nginx,
    /// The module of nginx for TCP. It is a file that nginx loads.
    NginxStream,
    Node,
    Npm,
    Openssl,
    Python,
    Sed,
    Squid,
    Stunnel,
    Tinyproxy,
    Unshare,
}

/// The directories that have servers and modules, but are not on the search path of every user.
const MORE_DIRECTORIES: [&str; 4] = [
    "/usr/sbin",
    "/sbin",
    "/usr/local/sbin",
    "/usr/lib/nginx/modules",
];

impl Tool {
    /// Returns the names that the executable may have.
    pub(crate) fn names(self) -> &'static [&'static str] {
        match self {
            Self::Caddy => &["caddy"],
            Self::Certutil => &["certutil"],
            Self::Chromium => &[
                "chromium",
                "chromium-browser",
                "google-chrome",
                "google-chrome-stable",
            ],
            Self::Curl => &["curl"],
            Self::Danted => &["danted"],
            Self::Firefox => &["firefox-esr", "firefox"],
            Self::GnutlsCli => &["gnutls-cli"],
            Self::GnutlsServ => &["gnutls-serv"],
            Self::Haproxy => &["haproxy"],
            Self::Hitch => &["hitch"],
            Self::Ip => &["ip"],
            Self::Microsocks => &["microsocks"],
            Self::Nghttpx => &["nghttpx"],
            Self::Nginx => &["nginx"],
            Self::NginxStream => &["ngx_stream_module.so"],
            Self::Node => &["node"],
            Self::Npm => &["npm"],
            Self::Openssl => &["openssl"],
            Self::Python => &["python3", "python"],
            Self::Sed => &["sed"],
            Self::Squid => &["squid"],
            Self::Stunnel => &["stunnel", "stunnel4"],
            Self::Tinyproxy => &["tinyproxy"],
            Self::Unshare => &["unshare"],
        }
    }

    /// Returns the Debian packages that have the executable.
    pub(crate) fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Caddy => &["caddy"],
            Self::Certutil => &["libnss3-tools"],
            Self::Chromium => &["chromium"],
            Self::Curl => &["curl"],
            Self::Danted => &["dante-server"],
            Self::Firefox => &["firefox-esr"],
            Self::GnutlsCli | Self::GnutlsServ => &["gnutls-bin"],
            Self::Haproxy => &["haproxy"],
            Self::Hitch => &["hitch"],
            Self::Ip => &["iproute2"],
            Self::Microsocks => &["microsocks"],
            Self::Nghttpx => &["nghttp2-proxy"],
            Self::Nginx => &["nginx-light"],
            Self::NginxStream => &["libnginx-mod-stream"],
            Self::Node => &["nodejs"],
            Self::Npm => &["npm"],
            Self::Openssl => &["openssl"],
            Self::Python => &["python3", "python3-venv"],
            Self::Sed => &["sed"],
            // The package `squid` is built without OpenSSL.
            Self::Squid => &["squid-openssl"],
            Self::Stunnel => &["stunnel4"],
            // Without the service of the package `tinyproxy`.
            Self::Tinyproxy => &["tinyproxy-bin"],
            Self::Unshare => &["util-linux"],
        }
    }
}

/// The executables that exist on this machine.
#[derive(Debug, Default)]
pub(crate) struct Tools(BTreeMap<Tool, PathBuf>);

impl Tools {
    /// Looks for `tools` in the directories of the search path.
    pub(crate) fn find(tools: impl IntoIterator<Item = Tool>) -> Self {
        let found = tools.into_iter().filter_map(|tool| {
            let path = tool.names().iter().find_map(|name| on_path(name))?;
            Some((tool, path))
        });
        Self(found.collect())
    }

    /// Returns the path of an executable, if it exists.
    pub(crate) fn get(&self, tool: Tool) -> Option<&Path> {
        self.0.get(&tool).map(PathBuf::as_path)
    }
}

/// Returns the first program of that name in the directories of the search path.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let extensions: &[_] = if cfg!(windows) {
        &[".exe", ".cmd"]
    } else {
        &[""]
    };
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(MORE_DIRECTORIES.map(PathBuf::from))
        .flat_map(|dir| {
            extensions
                .iter()
                .map(move |extension| dir.join(format!("{name}{extension}")))
        })
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_executables_that_exist_are_found() {
        assert_eq!(on_path("no such program"), None);
        let tools = Tools::find([]);
        assert_eq!(tools.get(Tool::Openssl), None);
    }
}
