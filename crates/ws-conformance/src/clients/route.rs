//! The requests of a client, by path and query.

use std::fmt;

use crate::case::{Case, CaseId};

/// The name of a client that does not send its name.
pub const UNKNOWN_CLIENT: &str = "UnknownClient";

/// The action that a client requests.
#[derive(Clone, Debug)]
pub(super) enum Action {
    CaseCount,
    RunCase(Selected, String),
    CaseInfo(Selected),
    CaseStatus(Selected, String),
    UpdateReports {
        agent: String,
        shutdown: bool,
    },
    StopServer,
    /// Commands, at this path.
    Commands(String),
}

/// A case and its position, from 1, among the selected ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Selected {
    pub(super) position: usize,
    pub(super) case: &'static Case,
}

/// The reason why a request is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RouteError {
    Repeated(&'static str),
    NoCase,
    NotANumber(String),
    OutOfRange { position: usize, count: usize },
    NotSelected(String),
}

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repeated(name) => write!(f, "the parameter {name} is given more than once"),
            Self::NoCase => f.write_str("name a case: ?case=1 or ?casetuple=1.1.1"),
            Self::NotANumber(text) => write!(f, "case={text} is not a number"),
            Self::OutOfRange { position, count } => write!(
                f,
                "case={position} is not between 1 and {count}, the number of selected cases"
            ),
            Self::NotSelected(text) => write!(f, "casetuple={text} is not a selected case"),
        }
    }
}

/// Returns the action that a request asks for.
pub(super) fn route(resource: &str, cases: &[&'static Case]) -> Result<Action, RouteError> {
    let (path, query) = resource.split_once('?').unwrap_or((resource, ""));
    let query = Query::parse(query);
    let agent = || {
        let agent = query.value("agent")?.filter(|agent| !agent.is_empty());
        Ok(printable(agent.unwrap_or(UNKNOWN_CLIENT)))
    };
    let case = || query.case(cases);
    Ok(match path {
        "/getCaseCount" => Action::CaseCount,
        "/runCase" => Action::RunCase(case()?, agent()?),
        "/getCaseInfo" => Action::CaseInfo(case()?),
        "/getCaseStatus" => Action::CaseStatus(case()?, agent()?),
        "/updateReports" => Action::UpdateReports {
            agent: agent()?,
            shutdown: query.is_yes("shutdownOnComplete")?,
        },
        "/stopServer" => Action::StopServer,
        _ => Action::Commands(printable(path)),
    })
}

/// Replaces control characters, because terminals would execute them.
fn printable(name: &str) -> String {
    name.replace(char::is_control, "\u{fffd}")
}

struct Query(Vec<(String, String)>);

impl Query {
    fn parse(query: &str) -> Self {
        Self(
            form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    fn value(&self, name: &'static str) -> Result<Option<&str>, RouteError> {
        let mut values = self.0.iter().filter(|(key, _)| key == name);
        let value = values.next().map(|(_, value)| value.as_str());
        match values.next() {
            Some(_) => Err(RouteError::Repeated(name)),
            None => Ok(value),
        }
    }

    fn is_yes(&self, name: &'static str) -> Result<bool, RouteError> {
        let value = self.value(name)?.unwrap_or_default();
        Ok(["true", "yes"]
            .iter()
            .any(|yes| value.eq_ignore_ascii_case(yes)))
    }

    /// Returns the case of this position, or of this id. As in the original, the position takes
    /// precedence.
    fn case(&self, cases: &[&'static Case]) -> Result<Selected, RouteError> {
        let position = match (self.value("case")?, self.value("casetuple")?) {
            (Some(text), _) => text
                .trim()
                .parse()
                .map_err(|_| RouteError::NotANumber(text.to_owned()))?,
            (None, Some(text)) => position(text, cases)?,
            (None, None) => return Err(RouteError::NoCase),
        };
        let index = position.checked_sub(1);
        let count = cases.len();
        match index.and_then(|index| cases.get(index)) {
            Some(&case) => Ok(Selected { position, case }),
            None => Err(RouteError::OutOfRange { position, count }),
        }
    }
}

fn position(text: &str, cases: &[&'static Case]) -> Result<usize, RouteError> {
    let id = text.trim().parse::<CaseId>().ok();
    let index = cases.iter().position(|case| Some(case.id()) == id);
    let index = index.ok_or_else(|| RouteError::NotSelected(text.to_owned()))?;
    Ok(index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(resource: &str) -> Result<Action, RouteError> {
        let cases: Vec<_> = crate::cases::all().iter().skip(16).take(3).collect();
        route(resource, &cases)
    }

    #[test]
    fn a_case_is_named_by_position_or_id() {
        for resource in ["/runCase?case=2&agent=a", "/runCase?casetuple=2.2&agent=a"] {
            let Ok(Action::RunCase(selected, agent)) = asked(resource) else {
                panic!("{resource}");
            };
            assert_eq!((selected.position, agent.as_str()), (2, "a"));
            assert_eq!(selected.case.id(), CaseId::two(2, 2));
        }
    }

    #[test]
    fn names_are_decoded_and_have_a_default() {
        let agent = |resource| match asked(resource) {
            Ok(Action::UpdateReports { agent, .. }) => agent,
            other => panic!("{other:?}"),
        };
        assert_eq!(agent("/updateReports?agent=a%20b%2F1+c"), "a b/1 c");
        assert_eq!(
            agent("/updateReports?agent=%1b[1m%00"),
            "\u{fffd}[1m\u{fffd}"
        );
        assert_eq!(agent("/updateReports"), UNKNOWN_CLIENT);
    }

    #[test]
    fn shutdown_has_to_be_asked_for() {
        let shutdown = |resource| match asked(resource) {
            Ok(Action::UpdateReports { shutdown, .. }) => shutdown,
            other => panic!("{other:?}"),
        };
        assert!(shutdown("/updateReports?shutdownOnComplete=True"));
        assert!(shutdown("/updateReports?shutdownOnComplete=yes"));
        assert!(!shutdown("/updateReports?shutdownOnComplete=no"));
        assert!(!shutdown("/updateReports"));
    }

    #[test]
    fn each_fault_is_named() {
        let fault = |resource: &str| asked(resource).unwrap_err();
        assert_eq!(fault("/runCase"), RouteError::NoCase);
        assert_eq!(fault("/runCase?case=x"), RouteError::NotANumber("x".into()));
        for position in [0, 4] {
            assert_eq!(
                fault(&format!("/runCase?case={position}")),
                RouteError::OutOfRange { position, count: 3 }
            );
        }
        assert_eq!(
            fault("/getCaseInfo?casetuple=1.1.1"),
            RouteError::NotSelected("1.1.1".into())
        );
        assert_eq!(
            fault("/getCaseInfo?case=1&case=2"),
            RouteError::Repeated("case")
        );
    }

    #[test]
    fn any_other_path_takes_commands() {
        assert!(matches!(asked("/a?b"), Ok(Action::Commands(path)) if path == "/a"));
        assert!(matches!(asked("/getCaseCount"), Ok(Action::CaseCount)));
        assert!(matches!(asked("/stopServer"), Ok(Action::StopServer)));
    }
}
