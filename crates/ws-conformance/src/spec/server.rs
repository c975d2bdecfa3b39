//! The servers in a settings file.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Fault, check_options, options, unknown_field};
use crate::servers::Target;
use crate::settings::Settings;

/// A server to test.
#[derive(Clone, Debug)]
pub struct Server {
    /// The address and the headers for it.
    pub target: Target,
    options: Map<String, Value>,
}

#[derive(Deserialize)]
pub(super) struct ServerEntry {
    url: String,
    agent: Option<String>,
    #[serde(default)]
    options: Map<String, Value>,
    origin: Option<String>,
    #[serde(default)]
    protocols: Vec<String>,
    hostname: Option<String>,
    #[serde(flatten)]
    unknown: BTreeMap<String, Value>,
}

impl Server {
    /// Returns `settings` with the options for this server. `settings` already have the options of
    /// the file.
    pub fn apply(&self, settings: &Settings) -> Settings {
        let mut settings = settings.clone();
        drop(options::apply(&self.options, &mut settings));
        settings
    }

    pub(super) fn new(
        entry: ServerEntry,
        protocols: &[String],
        ignored: &mut Vec<String>,
    ) -> Result<Self, Fault> {
        check_options(&entry.options)?;
        ignored.extend(entry.unknown.keys().map(|name| unknown_field(name)));
        let failed = |error| Fault::Url(entry.url.clone(), error);
        let mut target = Target::new(&entry.url).map_err(failed)?;
        match &entry.hostname {
            Some(name) if target.is_secure() => {
                target = target.with_server_name(name).map_err(failed)?;
            }
            Some(_) => ignored.push("`hostname` has an effect with TLS only".to_owned()),
            None => {}
        }
        if let Some(agent) = entry.agent {
            target = target.with_agent(agent);
        }
        if let Some(origin) = entry.origin {
            target = target.with_origin(origin).map_err(failed)?;
        }
        let own = !entry.protocols.is_empty();
        let protocols = if own {
            entry.protocols
        } else {
            protocols.to_vec()
        };
        Ok(Self {
            target: target.with_protocols(protocols).map_err(failed)?,
            options: entry.options,
        })
    }
}
