//! The options for the opening requests to a server.

use anyhow::{Context, Result, bail};
use ws_conformance::servers::Target;

/// Additions to the fields of the opening handshake, in every opening request to the server.
#[derive(clap::Args)]
pub(super) struct Requests {
    /// Send this header, such as 'Authorization: Bearer abc', in every opening request. Can be
    /// repeated. Reports contain it
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(String, String)>,

    /// Send this `Origin`, such as https://example.org
    #[arg(long)]
    origin: Option<String>,

    /// Offer these subprotocols, comma-separated. The cases about subprotocols (21.1.*) make their
    /// own offers
    #[arg(long = "protocol", value_name = "NAME", value_delimiter = ',')]
    protocols: Vec<String>,

    /// The name in `Host`, and with TLS also in SNI and in the certificate, instead of the host in
    /// the URL
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
}

impl Requests {
    /// Returns the server with these options. They take precedence over those of a settings file.
    pub(super) fn apply(&self, mut target: Target) -> Result<Target> {
        for (name, value) in &self.headers {
            target = target.with_header(name, value).context("--header")?;
        }
        if let Some(origin) = &self.origin {
            target = target.with_origin(origin).context("--origin")?;
        }
        if !self.protocols.is_empty() {
            let protocols = self.protocols.clone();
            target = target.with_protocols(protocols).context("--protocol")?;
        }
        if let Some(name) = &self.server_name {
            let named = target.with_server_name(name);
            let named = named.and_then(|target| target.with_host_name(name));
            target = named.context("--server-name")?;
        }
        Ok(target)
    }
}

fn header(text: &str) -> Result<(String, String)> {
    match text.split_once(':') {
        Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
        None => bail!("write it as 'Name: value'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_a_name_and_a_value() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(header("A: b: c").unwrap(), pair("A", "b: c"));
        assert_eq!(header("A:").unwrap(), pair("A", ""));
        assert!(header("A").is_err());
    }
}
