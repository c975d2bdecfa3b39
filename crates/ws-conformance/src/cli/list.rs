//! `ws-conformance list`.

use anyhow::Result;
use serde::Serialize;
use ws_conformance::any_case::{AnyCase, Choice};
use ws_conformance::case_id::CaseId;
use ws_conformance::extra::{Case, Level, Roles};

use super::Outcome;
use super::output::Output;

/// List the cases: id and title; of the extra ones, what they demand, of whom, and what they do.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Print JSON, with description and expectation of each case
    #[arg(long)]
    json: bool,

    /// Which cases to list
    #[arg(long, value_name = "SET", value_enum, default_value_t = Choice::Original)]
    set: Choice,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Roles>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    rfc: &'a [&'a str],
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let output = Output::stdout();
    if args.json {
        let items: Vec<_> = args.set.cases().map(item).collect();
        output.line(serde_json::to_string_pretty(&items)?);
    } else {
        for case in args.set.cases() {
            output.line(line(case));
        }
    }
    Ok(Outcome::AsExpected)
}

fn line(case: AnyCase) -> String {
    let id = case.id().to_string();
    match case {
        AnyCase::Original(case) => format!("{id:<8} {}", case.title()),
        AnyCase::Extra(case) => format!(
            "{id:<8} {:<14} {:<7} {}",
            case.demands(),
            case.roles(),
            case.description()
        ),
    }
}

fn item(case: AnyCase) -> Item<'static> {
    let extra = match case {
        AnyCase::Original(_) => None,
        AnyCase::Extra(case) => Some(case),
    };
    Item {
        id: case.id(),
        number: case.number(),
        title: case.title(),
        description: case.description(),
        expectation: case.expectation(),
        level: extra.map(Case::demands),
        role: extra.map(Case::roles),
        rfc: extra.map_or(&[], Case::rules),
    }
}
