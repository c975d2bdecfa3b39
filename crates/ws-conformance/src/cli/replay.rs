//! The command line that runs one case again.

use clap::ArgMatches;
use clap::parser::ValueSource;

use ws_conformance::case::CaseId;

/// Options that the replay does not repeat: it selects one case, and shows it to a person.
const NOT_REPEATED: &[&str] = &[
    "cases", "exclude", "json", "junit", "no_color", "no_retry", "seed", "set", "trace",
];

/// The words of the command line that a replay repeats.
#[derive(Clone, Debug)]
pub(super) struct Replay {
    start: String,
    /// The program that is the testee, with the `--` before it.
    program: String,
}

impl Replay {
    /// Creates the replay of a subcommand from its definition and what the user has given.
    pub(super) fn new(subcommand: &clap::Command, given: &ArgMatches) -> Self {
        let mut replay = Self {
            start: format!("ws-conformance {}", subcommand.get_name()),
            program: String::new(),
        };
        for argument in subcommand.get_arguments() {
            let id = argument.get_id().as_str();
            let is_given = given.value_source(id) == Some(ValueSource::CommandLine);
            if !is_given || NOT_REPEATED.contains(&id) {
                continue;
            }
            let values = given.get_raw(id).into_iter().flatten();
            let values = values.map(|value| quoted(&value.to_string_lossy()));
            match argument.get_long() {
                Some(name) if argument.get_action().takes_values() => {
                    values.for_each(|value| replay.start += &format!(" --{name} {value}"));
                }
                Some(name) => replay.start += &format!(" --{name}"),
                None => {
                    let words = [" --".to_owned()].into_iter().chain(values);
                    replay.program = words.collect::<Vec<_>>().join(" ");
                }
            }
        }
        replay
    }

    /// Returns the command line for a case. `more` are options that the user did not give as such.
    pub(super) fn line(&self, more: &str, case: CaseId, seed: u64) -> String {
        let Self { start, program } = self;
        format!("{start}{more} --cases {case} --seed {seed} --trace{program}")
    }

    /// Returns `true` if the suite starts the testee.
    pub(super) fn has_program(&self) -> bool {
        !self.program.is_empty()
    }
}

/// Returns a word of a command line, quoted if a shell would split or expand it.
pub(super) fn quoted(word: &str) -> String {
    let plain =
        |character: char| character.is_ascii_alphanumeric() || "-_./:,=+@".contains(character);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::super::Cli;
    use super::*;

    fn replay(words: &[&str]) -> String {
        let mut cli = Cli::command();
        let words = [&["ws-conformance"], words].concat();
        let matches = cli.try_get_matches_from_mut(words).unwrap();
        let (name, given) = matches.subcommand().unwrap();
        let subcommand = cli.find_subcommand(name).unwrap();
        Replay::new(subcommand, given).line("", CaseId::two(20, 1), 7)
    }

    #[test]
    fn options_of_the_user_are_repeated() {
        let words = [
            "server",
            "--url",
            "wss://localhost:1/?a=b",
            "--insecure",
            "--jobs=1",
            "--agent",
            "it's me",
            "--quick",
            "--time-scale",
            "2",
            "--protocol",
            "a,b",
            "--header",
            "C: d",
        ];
        let line = replay(&words);
        for part in [
            "ws-conformance server ",
            " --url 'wss://localhost:1/?a=b'",
            " --insecure",
            " --jobs 1",
            r" --agent 'it'\''s me'",
            " --quick",
            " --time-scale 2",
            " --protocol a --protocol b",
            " --header 'C: d'",
        ] {
            assert!(line.contains(part), "`{part}` is not in {line}");
        }
        assert!(line.ends_with(" --cases 20.1 --seed 7 --trace"), "{line}");
    }

    #[test]
    fn the_selection_and_the_output_are_replaced() {
        let words = ["client", "--listen", "a:1", "--cases", "1.*,2.*", "--json"];
        let more = [
            "--set",
            "all",
            "--seed",
            "7",
            "--junit",
            "x",
            "--exclude",
            "2.1",
        ];
        let line = replay(&[&words[..], &more].concat());
        let expected = "ws-conformance client --listen a:1 --cases 20.1 --seed 7 --trace";
        assert_eq!(line, expected);
    }

    #[test]
    fn the_program_comes_last() {
        let line = replay(&["server", "--quick", "--", "./echo me", "-p", "{port}"]);
        let expected = "ws-conformance server --quick --cases 20.1 --seed 7 --trace -- './echo me' -p '{port}'";
        assert_eq!(line, expected);
    }

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        assert_eq!(quoted("ws://127.0.0.1:9001/a"), "ws://127.0.0.1:9001/a");
        assert_eq!(quoted("ws://a/?b&c='d'"), r"'ws://a/?b&c='\''d'\'''");
        assert_eq!(quoted(""), "''");
    }
}
