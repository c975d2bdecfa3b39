//! Groups 12 and 13: compressed messages, by kinds of data and by parameters.

use std::time::Duration;

use super::Case;
use crate::case_id::CaseId;
use crate::data_sets::DataSet;
use crate::script::{CompressedEchoes, Demand, Rule, Task};

const COUNT: usize = 1000;

/// Units of a message, the longest payload of a frame, seconds.
const SIZES: [(usize, Option<usize>, u64); 18] = [
    (16, None, 60),
    (64, None, 60),
    (256, None, 120),
    (1024, None, 240),
    (4096, None, 480),
    (8192, None, 480),
    (16_384, None, 480),
    (32_768, None, 480),
    (65_536, None, 480),
    (131_072, None, 480),
    (8192, Some(256), 480),
    (16_384, Some(256), 480),
    (32_768, Some(256), 480),
    (65_536, Some(256), 480),
    (131_072, Some(256), 480),
    (131_072, Some(1024), 480),
    (131_072, Some(4096), 480),
    (131_072, Some(32_768), 480),
];

const NONE: Demand = Demand::new(false, None);
const ALONE: Demand = Demand::new(true, None);
const SMALL: Demand = Demand::new(false, Some(9));
const LARGE: Demand = Demand::new(false, Some(15));
const SMALL_ALONE: Demand = Demand::new(true, Some(9));
const LARGE_ALONE: Demand = Demand::new(true, Some(15));

/// The titles of group 13, and what is asked for.
const PARAMETERS: [(&str, &[Demand]); 7] = [
    ("Deflate parameters: defaults", &[NONE]),
    ("Deflate parameters: no context takeover", &[ALONE]),
    ("Deflate parameters: window 9", &[SMALL]),
    ("Deflate parameters: window 15", &[LARGE]),
    ("Deflate parameters: no takeover, window 9", &[SMALL_ALONE]),
    ("Deflate parameters: no takeover, window 15", &[LARGE_ALONE]),
    (
        "Deflate parameters: three offers in preference order",
        &[SMALL_ALONE, ALONE, NONE],
    ),
];

pub(super) fn cases() -> Vec<Case> {
    let titles = [
        "Deflate: json data",
        "Deflate: bitmap data",
        "Deflate: prose data",
        "Deflate: html data",
        "Deflate: pdf data",
    ];
    let kinds = (1..).zip(titles.iter().zip(DataSet::ALL));
    let kinds =
        kinds.flat_map(|(second, (title, data))| family((12, second), title, data, &[NONE]));
    let parameters = (1..).zip(PARAMETERS);
    let parameters = parameters
        .flat_map(|(second, (title, demands))| family((13, second), title, DataSet::Json, demands));
    kinds.chain(parameters).collect()
}

/// The same with messages of every size.
fn family(
    (group, second): (u8, u8),
    title: &'static str,
    data: DataSet,
    demands: &'static [Demand],
) -> impl Iterator<Item = Case> {
    (1..)
        .zip(SIZES)
        .map(move |(third, (len, fragment, seconds))| {
            let id = CaseId::three(group, second, third);
            let echoes = CompressedEchoes {
                data,
                len,
                count: COUNT,
                fragment,
                demands,
                limit: Duration::from_secs(seconds),
            };
            let text = description(&echoes);
            Case::normal(id, title, Task::CompressedEchoes(echoes))
            .judged_by(Rule::EqualEchoes)
            .says(
                text,
                format!(
                    "Every message comes back as it was sent, within {seconds} s in all; then a \
                     clean close with code 1000."
                ),
            )
        })
}

fn description(echoes: &CompressedEchoes) -> String {
    let unit = match echoes.data.is_text() {
        true => "characters of text",
        false => "binary octets",
    };
    let frames = match echoes.fragment {
        None => "in one frame".to_owned(),
        Some(size) => format!("in frames of up to {size} octets"),
    };
    let demands: Vec<_> = echoes.demands.iter().map(demand).collect();
    format!(
        "Sends {} compressed messages of {} {unit} ({}), each {frames} and when the one before has \
         come back. Asks the testee for {}.",
        echoes.count,
        echoes.len,
        echoes.data.name(),
        demands.join(", or else "),
    )
}

fn demand(demand: &Demand) -> String {
    match (demand.no_context_takeover, demand.window_bits) {
        (false, None) => "plain permessage-deflate".to_owned(),
        (true, None) => "no context takeover".to_owned(),
        (false, Some(bits)) => format!("a window of {bits} bits"),
        (true, Some(bits)) => format!("no context takeover and a window of {bits} bits"),
    }
}
