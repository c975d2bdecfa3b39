//! Settings files of the original suite: `fuzzingclient.json`, which tests servers, and
//! `fuzzingserver.json`, which tests clients.

mod options;
mod server;

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::case::CaseId;
use crate::case::pattern::{self, Pattern, SelectError};
use crate::role::Role;
use crate::servers::TargetError;
use crate::settings::Settings;

pub use options::OptionError;
pub use server::Server;
use server::ServerEntry;

/// The content of a settings file.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The folder for reports.
    pub outdir: PathBuf,
    /// The servers to test. Empty if clients are tested.
    pub servers: Vec<Server>,
    /// The address to listen on. `None` if servers are tested.
    pub url: Option<String>,
    /// The file of the certificate for clients, if the `url` is a `wss` one.
    pub cert: Option<PathBuf>,
    /// The file of the certificate's key.
    pub key: Option<PathBuf>,
    /// The options without an effect here, in words.
    pub ignored: Vec<String>,
    cases: Vec<Pattern>,
    excluded: Vec<Pattern>,
    excluded_by_agent: Vec<(Pattern, Vec<Pattern>)>,
    options: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct File {
    cases: Vec<String>,
    #[serde(default)]
    exclude_cases: Vec<String>,
    #[serde(default)]
    exclude_agent_cases: BTreeMap<String, Vec<String>>,
    outdir: Option<PathBuf>,
    #[serde(default)]
    options: Map<String, Value>,
    servers: Option<Vec<ServerEntry>>,
    url: Option<String>,
    #[serde(default)]
    protocols: Vec<String>,
    key: Option<PathBuf>,
    cert: Option<PathBuf>,
    #[serde(flatten)]
    unknown: BTreeMap<String, Value>,
}

impl Spec {
    /// Reads a file about testees of this role.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read or parsed, or asks for an unsupported feature.
    pub fn load(file: &Path, role: Role) -> Result<Self, SpecError> {
        let text = fs::read_to_string(file).map_err(Fault::Unreadable);
        text.and_then(|text| parse(&text, role))
            .map_err(|fault| SpecError {
                file: file.to_owned(),
                fault,
            })
    }

    /// Returns the cases of `available` that the file selects.
    ///
    /// # Errors
    ///
    /// Fails if the file names a case that does not exist, or selects no case.
    pub fn select(&self, available: &[CaseId]) -> Result<Vec<CaseId>, SelectError> {
        pattern::select_as_original(available, &self.cases, &self.excluded)
    }

    /// Returns `true` if the file excludes a case for this agent.
    pub fn excludes(&self, agent: &str, case: CaseId) -> bool {
        let case = case.to_string();
        let mut rules = self.excluded_by_agent.iter();
        rules.any(|(agents, cases)| {
            agents.matches(agent) && cases.iter().any(|cases| cases.matches(&case))
        })
    }

    /// Returns `settings` with the options of the file.
    pub fn apply(&self, settings: &Settings) -> Settings {
        let mut settings = settings.clone();
        // The options were checked when the file was read.
        drop(options::apply(&self.options, &mut settings));
        settings
    }
}

fn parse(text: &str, role: Role) -> Result<Spec, Fault> {
    let file: File = serde_json::from_str(text).map_err(Fault::Syntax)?;
    match role {
        Role::Server if file.servers.is_none() => return Err(Fault::NotFor(role)),
        Role::Client if file.url.is_none() => return Err(Fault::NotFor(role)),
        Role::Client | Role::Server => {}
    }
    let mut ignored: Vec<_> = file
        .unknown
        .keys()
        .map(|name| unknown_field(name))
        .collect();
    let secure = file.url.as_ref().is_some_and(|url| url.starts_with("wss:"));
    if !secure && (file.cert.is_some() || file.key.is_some()) {
        ignored.push("`cert` and `key` have an effect with a `wss` URL only".to_owned());
    }
    check_options(&file.options)?;
    let mut servers = Vec::new();
    if role == Role::Server {
        for entry in file.servers.into_iter().flatten() {
            servers.push(Server::new(entry, &file.protocols, &mut ignored)?);
        }
    }
    let by_agent = file.exclude_agent_cases.into_iter();
    Ok(Spec {
        outdir: file.outdir.unwrap_or_else(|| default_outdir(role)),
        servers,
        url: file.url.filter(|_| role == Role::Client),
        cert: file.cert,
        key: file.key,
        ignored,
        cases: patterns(&file.cases),
        excluded: patterns(&file.exclude_cases),
        excluded_by_agent: by_agent
            .map(|(agent, cases)| (Pattern::new(&agent), patterns(&cases)))
            .collect(),
        options: file.options,
    })
}

/// Returns the folder in which the original puts its reports by default.
pub fn default_outdir(role: Role) -> PathBuf {
    match role {
        Role::Server => "reports/servers".into(),
        Role::Client => "reports/clients".into(),
    }
}

fn check_options(options: &Map<String, Value>) -> Result<(), Fault> {
    options::apply(options, &mut Settings::default()).map_err(Fault::Option)
}

fn patterns(texts: &[String]) -> Vec<Pattern> {
    texts.iter().map(|text| Pattern::new(text)).collect()
}

fn unknown_field(name: &str) -> String {
    format!("`{name}` is not a field of this file")
}

/// A settings file that cannot be used.
#[derive(Debug)]
pub struct SpecError {
    file: PathBuf,
    fault: Fault,
}

#[derive(Debug)]
enum Fault {
    Unreadable(io::Error),
    Syntax(serde_json::Error),
    NotFor(Role),
    Option(OptionError),
    Url(String, TargetError),
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "settings file {}: ", self.file.display())?;
        match &self.fault {
            Fault::Unreadable(error) => write!(f, "{error}"),
            Fault::Syntax(error) => write!(f, "{error}"),
            Fault::NotFor(Role::Server) => f.write_str(
                "it has no `servers`; a file with a `url` is for `ws-conformance client`",
            ),
            Fault::NotFor(Role::Client) => f.write_str(
                "it has no `url` to listen on; a file with `servers` is for `ws-conformance server`",
            ),
            Fault::Option(error) => write!(f, "{error}"),
            Fault::Url(url, error) => write!(f, "`{url}`: {error}"),
        }
    }
}

impl Error for SpecError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Case, Set};
    use crate::cases;

    fn refusal(text: &str, role: Role) -> String {
        let fault = parse(text, role).unwrap_err();
        let file = "x.json".into();
        SpecError { file, fault }.to_string()
    }

    #[test]
    fn a_file_that_tests_servers_is_read() {
        let text = r#"{
            "servers": [{"agent": "a", "url": "ws://127.0.0.1:9006", "hostname": "h",
                         "options": {"version": 18, "closeHandshakeTimeout": 3}}],
            "options": {"failByDrop": false, "closeHandshakeTimeout": 2},
            "cases": ["*"], "exclude-cases": ["9.*"], "webport": 1,
            "exclude-agent-cases": {"my*": ["7.1.*"]}
        }"#;
        let spec = parse(text, Role::Server).unwrap();
        assert_eq!(spec.outdir, Path::new("reports/servers"));
        let all: Vec<_> = cases::of_set(Set::Original).map(Case::id).collect();
        assert_eq!(spec.select(&all).unwrap().len(), 517 - 54);
        assert!(spec.excludes("my-lib", CaseId::three(7, 1, 1)));
        assert!(!spec.excludes("my-lib", CaseId::three(7, 3, 1)));
        assert!(!spec.excludes("amy", CaseId::three(7, 1, 1)));
        assert_eq!(spec.ignored.len(), 2, "{:?}", spec.ignored);
        assert_eq!(spec.servers[0].target.agent(), Some("a"));
        let settings = spec.apply(&Settings::default());
        assert_eq!(settings.close_handshake_timeout.as_secs(), 2);
        let settings = spec.servers[0].apply(&settings);
        assert_eq!(settings.close_handshake_timeout.as_secs(), 3);
    }

    #[test]
    fn a_file_that_tests_clients_is_read() {
        let text = r#"{"url": "ws://127.0.0.1:9001", "cases": ["1.*"], "outdir": "./r"}"#;
        let spec = parse(text, Role::Client).unwrap();
        assert_eq!(spec.url.as_deref(), Some("ws://127.0.0.1:9001"));
        assert_eq!(spec.outdir, Path::new("./r"));
        assert_eq!(spec.cert, None);
        let text = r#"{"url": "wss://a:1", "cert": "c.pem", "key": "k.pem", "cases": []}"#;
        let spec = parse(text, Role::Client).unwrap();
        assert_eq!(spec.cert.as_deref(), Some(Path::new("c.pem")));
        assert_eq!(spec.key.as_deref(), Some(Path::new("k.pem")));
    }

    #[test]
    fn a_certificate_is_for_tls() {
        let text = r#"{"url": "ws://a:1", "cert": "c.pem", "cases": []}"#;
        let ignored = parse(text, Role::Client).unwrap().ignored;
        assert!(
            ignored[0].contains("`cert`") && ignored.len() == 1,
            "{ignored:?}"
        );
    }

    #[test]
    fn a_hostname_is_for_tls() {
        let text = |name: &str| {
            format!(r#"{{"servers": [{{"url": "wss://a:1", "hostname": "{name}"}}], "cases": []}}"#)
        };
        let spec = parse(&text("example.org"), Role::Server).unwrap();
        assert!(spec.servers[0].target.is_secure());
        assert_eq!(spec.ignored, [""; 0]);
        assert!(refusal(&text("a b"), Role::Server).contains("`a b`"));
    }

    #[test]
    fn mistakes_are_explained() {
        let server = |more: &str| {
            format!(r#"{{"servers": [{{"url": "ws://a:1"}}], "cases": ["*"], {more}}}"#)
        };
        for (text, role, expected) in [
            ("{", Role::Server, "EOF"),
            (r#"{"url": "ws://a:1"}"#, Role::Client, "cases"),
            (
                r#"{"url": "ws://a:1", "cases": []}"#,
                Role::Server,
                "`ws-conformance client`",
            ),
            (
                &server(r#""options": {}"#),
                Role::Client,
                "`ws-conformance server`",
            ),
            (&server(r#""options": {"x": 1}"#), Role::Server, "`x`"),
            (
                &server(r#""exclude-cases": 1"#),
                Role::Server,
                "expected a sequence",
            ),
            (
                r#"{"servers": [{"url": "http://a"}], "cases": []}"#,
                Role::Server,
                "http://a",
            ),
        ] {
            let refusal = refusal(text, role);
            assert!(refusal.contains(expected), "{text}: {refusal}");
            assert!(refusal.contains("x.json"), "{refusal}");
        }
    }
}
