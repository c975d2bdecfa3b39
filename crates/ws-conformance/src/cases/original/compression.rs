//! Groups 12 and 13: compressed messages, by kinds of data and by parameters.

use std::time::Duration;

use crate::case::{Case, CaseId};
use crate::data_sets::DataSet;
use crate::script::{CompressedEchoes, Demand, JudgedBy, Task};

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

const TAKEOVER: &[&str] = &["RFC 7692 §7.1.1"];
const WINDOW: &[&str] = &["RFC 7692 §7.1.2"];
const BOTH: &[&str] = &["RFC 7692 §7.1.1", "RFC 7692 §7.1.2"];

/// The titles of group 13, the sections to read, and the demands.
#[rustfmt::skip]
const PARAMETERS: [(&str, &[&str], &[Demand]); 7] = [
    ("Deflate parameters: defaults", &["RFC 7692 §7"], &[NONE]),
    ("Deflate parameters: no context takeover", TAKEOVER, &[ALONE]),
    ("Deflate parameters: window 9", WINDOW, &[SMALL]),
    ("Deflate parameters: window 15", WINDOW, &[LARGE]),
    ("Deflate parameters: no takeover, window 9", BOTH, &[SMALL_ALONE]),
    ("Deflate parameters: no takeover, window 15", BOTH, &[LARGE_ALONE]),
    ("Deflate parameters: three offers in preference order", &["RFC 7692 §5", "RFC 7692 §7.1"], &[SMALL_ALONE, ALONE, NONE]),
];

pub(in crate::cases) fn data() -> Vec<Case> {
    let titles = [
        "Deflate: json data",
        "Deflate: bitmap data",
        "Deflate: prose data",
        "Deflate: html data",
        "Deflate: pdf data",
    ];
    let kinds = (1..).zip(titles.iter().zip(DataSet::ALL));
    let cases =
        kinds.flat_map(|(second, (title, data))| family((12, second), title, data, &[NONE]));
    cases
        .map(|case| case.see(&["RFC 7692 §6", "RFC 7692 §7.2"]))
        .collect()
}

pub(in crate::cases) fn parameters() -> Vec<Case> {
    let families = (1..).zip(PARAMETERS);
    let cases = families.flat_map(|(second, (title, sections, demands))| {
        family((13, second), title, DataSet::Json, demands).map(|case| case.see(sections))
    });
    cases.collect()
}

/// Returns cases with messages of every size.
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
            .judged_by(JudgedBy::EqualEchoes)
            .heavy()
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
        false => "binary bytes",
    };
    let frames = match echoes.fragment {
        None => "in one frame".to_owned(),
        Some(size) => format!("in frames of up to {size} bytes"),
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
