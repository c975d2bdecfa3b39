//! `ws-conformance list`.

use anyhow::Result;
use serde::Serialize;
use ws_conformance::case::{Case, CaseId, Level, Roles, Rule, Set};
use ws_conformance::cases::Sets;

use super::Finish;
use super::output::Output;

/// List the cases: id and title. Extra cases also have their level, roles and actions.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Print JSON, with description and expectation of each case
    #[arg(long)]
    json: bool,

    /// The set of cases to list
    #[arg(long, value_name = "SET", value_enum, default_value_t = Sets::Original)]
    set: Sets,
}

#[derive(Serialize)]
struct Item<'a> {
    id: CaseId,
    number: usize,
    title: &'a str,
    description: &'a str,
    expectation: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<Level>,
    role: Roles,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a Rule>,
    rfc: Vec<&'a str>,
}

pub(super) fn run(args: &Args) -> Result<Finish> {
    let output = Output::stdout();
    if args.json {
        let items: Vec<_> = args.set.cases().map(item).collect();
        output.line(serde_json::to_string_pretty(&items)?);
    } else {
        for case in args.set.cases() {
            output.line(line(case));
        }
    }
    Ok(Finish::AsExpected)
}

fn line(case: &Case) -> String {
    let id = case.id().to_string();
    match case.set() {
        Set::Original => format!("{id:<8} {}", case.title()),
        Set::Extra => format!(
            "{id:<8} {:<14} {:<7} {}",
            case.demands(),
            case.roles(),
            case.description()
        ),
    }
}

fn item(case: &'static Case) -> Item<'static> {
    Item {
        id: case.id(),
        number: case.number(),
        title: case.title(),
        description: case.description(),
        expectation: case.expectation(),
        level: (case.set() == Set::Extra).then(|| case.demands()),
        role: case.roles(),
        rule: case.rule(),
        rfc: case.sections().collect(),
    }
}
