//! Texts: two reports that repeat themselves, and one that does not.

use std::fmt::Write;

use super::noise::Noise;

const JSON_LEN: usize = 194_056;
const PROSE_LEN: usize = 222_218;
const HTML_CHARACTERS: usize = 263_620;
/// The number of characters of the HTML that have a second byte.
const HTML_UMLAUTS: usize = 27;

const AGENTS: [&str; 4] = ["Alpha/1.0", "Beta/2.3.1", "Gamma Server/0.9", "delta"];

/// Returns names like those of cases.
fn ids() -> impl Iterator<Item = String> {
    let families = (1..=7).flat_map(|group| (1..=5).map(move |family| (group, family)));
    families
        .flat_map(|(group, family)| (1..=15).map(move |case| format!("{group}.{family}.{case}")))
}

/// Results by agent and case, as in an `index.json`.
pub(super) fn json() -> String {
    let mut noise = Noise::new(121);
    let mut text = "{".to_owned();
    'full: loop {
        for agent in AGENTS {
            let _ = write!(text, "\n   \"{agent}\": {{");
            for id in ids() {
                text += &json_entry(agent, &id, &mut noise);
                if text.len() >= JSON_LEN {
                    break 'full;
                }
            }
        }
    }
    text.truncate(JSON_LEN);
    text
}

fn json_entry(agent: &str, id: &str, noise: &mut Noise) -> String {
    let (behavior, code) = match noise.below(40) {
        0 => ("FAILED", "null"),
        1 => ("NON-STRICT", "1002"),
        _ => ("OK", "1000"),
    };
    let duration = noise.below(8) * noise.below(8);
    let file = file(agent, id);
    format!(
        "\n      \"{id}\": {{\n         \"behavior\": \"{behavior}\",\n         \
         \"behaviorClose\": \"OK\",\n         \"duration\": {duration},\n         \
         \"remoteCloseCode\": {code},\n         \"reportfile\": \"{file}.json\"\n      }},"
    )
}

/// The same results as a table.
pub(super) fn html() -> String {
    let mut noise = Noise::new(124);
    let mut text = "<!DOCTYPE html>\n<html>\n<body>\n<table id=\"results\">\n".to_owned();
    let (mut count, mut umlauts) = (0, 0);
    'full: loop {
        for id in ids() {
            let has_umlaut = noise.below(12) == 0 && umlauts < HTML_UMLAUTS;
            umlauts += usize::from(has_umlaut);
            let row = html_row(&id, has_umlaut, &mut noise);
            count += row.chars().count();
            text += &row;
            if count >= HTML_CHARACTERS {
                break 'full;
            }
        }
    }
    text.chars().take(HTML_CHARACTERS).collect()
}

fn html_row(id: &str, has_umlaut: bool, noise: &mut Noise) -> String {
    let name = if has_umlaut { ": Prüfung" } else { "" };
    let mut row = format!(
        "  <tr class=\"case_row\">\n    <td><a href=\"#case_{id}\">Case {id}{name}</a></td>\n"
    );
    for agent in AGENTS {
        let (class, word) = match noise.below(30) {
            0 => ("failed", "Fail"),
            1 => ("non_strict", "Non-Strict"),
            _ => ("ok", "Pass"),
        };
        let time = noise.below(30) * noise.below(30);
        let file = file(agent, id);
        let _ = writeln!(
            row,
            "    <td class=\"case_{class}\"><a href=\"{file}.html\">{word}</a><br/>\
             <span class=\"duration\">{time} ms</span></td>\
             <td class=\"case_close_{class}\"><span>1000</span></td>"
        );
    }
    row + "  </tr>\n"
}

fn file(agent: &str, id: &str) -> String {
    let name = format!("{agent}_case_{id}").to_lowercase();
    name.replace(['/', '.', ' '], "_")
}

const ONSETS: [&str; 24] = [
    "d", "s", "w", "h", "m", "g", "l", "n", "b", "r", "f", "k", "st", "v", "z", "t", "sch", "p",
    "br", "gr", "tr", "fl", "kl", "",
];
const NUCLEI: [&str; 12] = [
    "e", "i", "a", "ie", "u", "o", "ei", "au", "ü", "ä", "ö", "eu",
];
const CODAS: [&str; 20] = [
    "n", "r", "", "t", "ch", "s", "l", "m", "nd", "cht", "st", "lt", "ng", "rt", "ß", "ck", "rn",
    "f", "b", "tz",
];

/// Returns verses of made-up words. Some words are frequent, as in any language.
pub(super) fn prose() -> String {
    let mut noise = Noise::new(123);
    let words: Vec<_> = (0..VOCABULARY).map(|rank| word(rank, &mut noise)).collect();
    let mut text = "\u{feff}".to_owned();
    while text.len() < PROSE_LEN {
        text += &verse(&words, &mut noise);
    }
    while text.len() > PROSE_LEN {
        text.pop();
    }
    text.extend(std::iter::repeat_n(' ', PROSE_LEN - text.len()));
    text
}

fn verse(words: &[String], noise: &mut Noise) -> String {
    let mut verse = String::new();
    let count = 5 + noise.below(4);
    for place in 0..count {
        let word = noise.one_of(words);
        let is_capital = place == 0 || noise.below(5) == 0;
        let mut letters = word.chars();
        let first = letters.next().unwrap_or_default();
        match is_capital {
            true => verse.extend(first.to_uppercase()),
            false => verse.push(first),
        }
        verse += letters.as_str();
        verse += if place + 1 < count { " " } else { "" };
    }
    verse += [",", ".", ";", "!", ""][noise.below(5) as usize];
    verse
        + if noise.below(8) == 0 {
            "\r\n\r\n"
        } else {
            "\r\n"
        }
}

const VOCABULARY: usize = 5000;

/// Returns the word of this rank. Frequent words are short.
fn word(rank: usize, noise: &mut Noise) -> String {
    let syllables = match rank {
        0..60 => 1,
        60..1500 => 1 + noise.below(2),
        _ => 2 + noise.below(2),
    };
    let mut syllable = || {
        let (onset, nucleus) = (*noise.one_of(&ONSETS), *noise.one_of(&NUCLEI));
        [onset, nucleus, *noise.one_of(&CODAS)].concat()
    };
    (0..syllables).map(|_| syllable()).collect()
}
