//! The command line: what may be said, and its help.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use evlog_core::{Place, Position};
use evlog_store::{Durability, InvalidName, TopicName, units};

use crate::delimiter::Delimiter;
use crate::format::Format;
use crate::settings::Setting;

/// An event store in a folder: append events to topics, read them back.
#[derive(Debug, Parser)]
#[command(name = "evlog", version, max_term_width = 100)]
#[command(after_help = "\
A PLACE in a topic is oldest, end, a position (42), so many before the end (-100), or a time (@2026-11-22T10:00:00Z, \
@-1h).

Exit codes: 0 done, 1 the answer is no, 2 wrong usage, 3 I/O, 4 damage, 5 locked, 6 wrong expected position, \
7 not there, 130 interrupted.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Folder of the store
    #[arg(short, long, value_name = "DIR", global = true, env = "EVLOG_DIR", default_value = "./evlog-data")]
    pub(crate) dir: PathBuf,
    /// Option of the store for this command: segment_bytes=64MiB, batch_size=1000, ...
    #[arg(short, long = "option", value_name = "KEY=VALUE", global = true)]
    pub(crate) options: Vec<Setting>,
    /// Put out JSON, one object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say nothing but errors and damage
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say what is done
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Colours in errors: auto means on a terminal
    #[arg(long, value_name = "WHEN", global = true, value_enum, default_value = "auto")]
    pub(crate) color: Color,
}

/// When there are colours; automatic means on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Append events to a topic, which is made if there is none
    Append(Append),
    /// Put out the events of a topic
    Read(Read),
    /// Put out the last events of a topic, oldest first
    Last(Last),
    /// List the topics
    Topics,
    /// Show ranges, times, sizes and the state of topics
    Info(Info),
    /// Check every byte of topics, changing nothing
    Verify(Verify),
    /// Show the batches of one segment file, whatever its state
    Dump(Dump),
    /// Show when and why each segment of a topic was begun, and what recoveries left behind
    History(History),
    /// Drop the oldest events of a topic
    Trim(Trim),
    /// Remove a topic with all its events
    Rm(Rm),
    /// Measure quickly what this disk can do
    Bench(Bench),
    /// Put out a script that completes command lines
    Completions(Completions),
    /// Put out the manual page
    Man(Man),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Each line of the input is an event; the newline is no part of it. A batch that is not full is appended after \
batch_timeout_ms, so `tail -f FILE | evlog append TOPIC` works. All events are durable when the command ends with 0.")]
pub(crate) struct Append {
    /// Topic to append to
    #[arg(value_parser = topic_name())]
    pub(crate) topic: TopicName,
    /// Events, one each; without any they are read from the standard input
    #[arg(value_name = "DATA", conflicts_with = "file")]
    pub(crate) data: Vec<OsString>,
    /// Read the events from FILE (- for the standard input)
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Append so many events as one batch, which is there whole or not at all [default: 1000 or the option batch_size]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    pub(crate) batch: Option<u32>,
    /// Append only if the first event gets position P
    #[arg(long, value_name = "P")]
    pub(crate) expect: Option<Position>,
    /// Take each event for JSON, and store it as a Value
    #[arg(long)]
    pub(crate) json_lines: bool,
    /// Make each batch durable before the next is read
    #[arg(long)]
    pub(crate) sync: bool,
    /// Put out the position of each event once it is appended (with --sync: once it is durable)
    #[arg(long)]
    pub(crate) print_positions: bool,
    /// What ends an event: a byte, an escape such as \t or \x1e, or none: all of the input is one event
    #[arg(long, value_name = "BYTE|none", default_value = "\\n")]
    pub(crate) delim: Delimiter,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A TEMPLATE is a text with {topic}, {position}, {timestamp}, {time}, {schema}, {size}, {payload}, {hex}; {{ and }} are \
braces, \\n, \\t, \\r, \\0, \\xHH and \\\\ are escapes.

Positions that damage hides are reported, and reading goes on behind them; the exit code is then 4.")]
pub(crate) struct Read {
    /// Topic to read
    #[arg(value_parser = topic_name())]
    pub(crate) topic: TopicName,
    /// First event
    #[arg(long, value_name = "PLACE", default_value = "oldest", allow_hyphen_values = true)]
    pub(crate) from: Place,
    /// Nothing at or behind this place
    #[arg(long, value_name = "PLACE", default_value = "end", allow_hyphen_values = true)]
    pub(crate) to: Place,
    /// At most so many events
    #[arg(short = 'n', long, value_name = "N")]
    pub(crate) limit: Option<u64>,
    /// Newest first; -n then counts from the newest
    #[arg(long, conflicts_with = "follow")]
    pub(crate) reverse: bool,
    /// Go on as the topic grows, until --to or -n is reached
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// End, with code 1, where nothing new came for so long (10s, 1m30s)
    #[arg(long, value_name = "SPAN", requires = "follow", value_parser = span)]
    pub(crate) timeout: Option<Duration>,
    #[command(flatten)]
    pub(crate) looks: Looks,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Debug, Args)]
pub(crate) struct Last {
    /// Topic to read
    #[arg(value_parser = topic_name())]
    pub(crate) topic: TopicName,
    /// So many events
    #[arg(short = 'n', long, value_name = "N", default_value_t = 1)]
    pub(crate) limit: u64,
    #[command(flatten)]
    pub(crate) looks: Looks,
    #[command(flatten)]
    pub(crate) access: Access,
}

/// What events look like.
#[derive(Clone, Debug, Args)]
pub(crate) struct Looks {
    /// raw (payloads alone), text (payloads and newlines), json, hex, or a TEMPLATE [default: text]
    #[arg(long, value_name = "FORMAT", conflicts_with = "json")]
    pub(crate) format: Option<Format>,
    /// What is put behind each event: a byte, an escape such as \t or \x1e, or none [default: \n, none for raw]
    #[arg(long, value_name = "BYTE|none")]
    pub(crate) delim: Option<Delimiter>,
}

/// What a command that reads may do to the store.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Access {
    /// Write nothing, not even to recover a topic after a crash
    #[arg(long)]
    pub(crate) read_only: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Info {
    /// Topic to show; without one, all
    #[arg(value_parser = topic_name())]
    pub(crate) topic: Option<TopicName>,
    /// List the segments too
    #[arg(long)]
    pub(crate) segments: bool,
    /// Put out what Prometheus reads
    #[arg(long, conflicts_with_all = ["segments", "json"])]
    pub(crate) prometheus: bool,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The exit code is 1 where there is damage. A write that was never finished, at the end of a topic, is no damage.")]
pub(crate) struct Verify {
    /// Topics to check; without any, all
    #[arg(value_name = "TOPIC", value_parser = topic_name())]
    pub(crate) topics: Vec<TopicName>,
}

#[derive(Debug, Args)]
pub(crate) struct Dump {
    /// Segment file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct History {
    /// Topic to show
    #[arg(value_parser = topic_name())]
    pub(crate) topic: TopicName,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Whole segments are dropped, those whose events all lie before PLACE; the last segment stays. Positions are never used again.")]
pub(crate) struct Trim {
    /// Topic to trim
    #[arg(value_parser = topic_name())]
    pub(crate) topic: TopicName,
    /// Drop events before this place
    #[arg(long, value_name = "PLACE", allow_hyphen_values = true)]
    pub(crate) before: Place,
    #[command(flatten)]
    pub(crate) consent: Consent,
}

#[derive(Debug, Args)]
pub(crate) struct Rm {
    /// Topic to remove
    #[arg(value_parser = topic_name())]
    pub(crate) topic: TopicName,
    #[command(flatten)]
    pub(crate) consent: Consent,
}

/// Whether what cannot be undone is done.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Consent {
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do it without asking
    #[arg(short, long, conflicts_with = "dry_run")]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
It measures in a folder of its own in --dir, or beside it where there is no store yet, and removes it at the end.")]
pub(crate) struct Bench {
    /// What is measured
    #[arg(value_enum)]
    pub(crate) measure: Measure,
    /// Bytes of an event
    #[arg(long, value_name = "BYTES", default_value_t = 128, value_parser = event_bytes)]
    pub(crate) size: usize,
    /// So many events
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: u64,
    /// So many threads append
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = threads)]
    pub(crate) threads: usize,
    /// What each append waits for
    #[arg(long, value_name = "LEVEL", value_enum, default_value = "synced")]
    pub(crate) durability: Level,
    /// Measure on a RAM disk too
    #[arg(long)]
    pub(crate) allow_ram_disk: bool,
}

/// What `bench` measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Measure {
    /// Appending event by event
    Append,
    /// Reading everything in order
    Read,
    /// Appending while a reader follows
    Mixed,
}

/// What an append waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// Nothing
    Buffered,
    /// That the system has the event
    Written,
    /// That the disk has it
    Synced,
}

impl From<Level> for Durability {
    fn from(level: Level) -> Durability {
        match level {
            Level::Buffered => Durability::Buffered,
            Level::Written => Durability::Written,
            Level::Synced => Durability::Synced,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Write a page for each command into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// Shell that runs the script
    #[arg(value_name = "SHELL", value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// A number of threads that a machine can have.
fn threads(text: &str) -> Result<usize, String> {
    let threads = text.parse().map_err(|_| "say a whole number".to_owned())?;
    if (1..=1_024).contains(&threads) { Ok(threads) } else { Err("say 1 to 1024".to_owned()) }
}

/// A size that an event can have.
fn event_bytes(text: &str) -> Result<usize, String> {
    let bytes = units::size("--size", text).map_err(|error| error.problem.to_string())?;
    if bytes <= 16 << 20 { Ok(bytes as usize) } else { Err("say at most 16MiB".to_owned()) }
}

/// A span of time as people write it.
fn span(text: &str) -> Result<Duration, String> {
    units::span("--timeout", text).map_err(|error| error.problem.to_string())
}

/// Takes any bytes, so that the error is about the name and not about its encoding.
fn topic_name() -> impl TypedValueParser<Value = TopicName> {
    OsStringValueParser::new()
        .try_map(|name| -> Result<TopicName, InvalidName> { TopicName::from_bytes(name.as_bytes()) })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory;

    use super::Arguments;

    const DOCUMENT: &str = include_str!("../../../docs/CLI.md");

    /// The part of the document below a heading, up to the next one.
    fn section<'a>(heading: &str) -> Option<&'a str> {
        let (_, below) = DOCUMENT.split_once(heading)?;
        Some(below.split("\n#").next().unwrap_or(below))
    }

    /// What the first cells of the rows of a section say in code: `-f`, `--file FILE`.
    fn documented(section: &str) -> BTreeSet<String> {
        let cells = section.lines().filter_map(|line| line.strip_prefix("| `-")?.split(" | ").next());
        cells
            .flat_map(|cell| format!("`-{cell}").split('`').map(str::to_owned).collect::<Vec<_>>())
            .filter(|code| code.starts_with('-'))
            .map(|code| code.split(' ').next().unwrap_or_default().to_owned())
            .collect()
    }

    fn options(command: &clap::Command, is_global: impl Fn(&clap::Arg) -> bool) -> BTreeSet<String> {
        let options =
            command.get_arguments().filter(|argument| !argument.is_positional() && is_global(argument));
        options
            .flat_map(|option| {
                let long = option.get_long().map(|name| format!("--{name}"));
                long.into_iter().chain(option.get_short().map(|letter| format!("-{letter}")))
            })
            .collect()
    }

    #[test]
    fn the_document_and_the_command_have_the_same_commands_and_options() {
        let mut command = Arguments::command();
        command.build();
        let global = options(&command, |_| true);
        assert_eq!(section("### Global options\n").map(documented), Some(global), "global options");
        let mut headings = BTreeSet::new();
        for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
            let name = command.get_name();
            let heading = DOCUMENT
                .lines()
                .find(|line| {
                    *line == format!("### `evlog {name}`") || line.starts_with(&format!("### `evlog {name} "))
                })
                .unwrap_or_else(|| panic!("no section for `evlog {name}`"));
            headings.insert(heading);
            let own = options(command, |option| !option.is_global_set() && option.get_id() != "help");
            assert_eq!(section(heading).map(documented), Some(own), "options of `evlog {name}`");
            for place in command.get_positionals() {
                let name = place.get_value_names().and_then(|names| names.first()).expect("a name");
                assert!(heading.contains(name.as_str()), "{heading} says nothing of {name}");
            }
        }
        let sections: BTreeSet<_> = DOCUMENT.lines().filter(|line| line.starts_with("### `evlog ")).collect();
        assert_eq!(sections, headings, "every section is about a command");
    }

    #[test]
    fn the_document_has_every_key_of_the_store_and_no_other() {
        let keys: BTreeSet<&str> = evlog_store::Options::KEYS.into_iter().collect();
        let rows = section("### Keys of `-o`\n").expect("a section").lines();
        let documented: BTreeSet<_> =
            rows.filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        assert_eq!(documented, keys);
    }
}
