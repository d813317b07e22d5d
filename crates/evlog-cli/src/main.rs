//! The command `evlog`: appends events to the topics of a store and reads them back.
//!
//! It holds no logic of its own: what it can do, the libraries can. Its options, outputs and exit codes are described
//! in `docs/CLI.md`, and scripts rely on them.

#![forbid(unsafe_code)]

// In dependency order: a module imports only modules above it. Blank lines keep rustfmt from sorting them.
mod exit;

mod console;

mod text;

mod value;

mod delimiter;
mod template;

mod json;

mod format;

mod settings;

mod args;

mod interrupt;

mod input;
mod output;
mod progress;
mod splitter;

mod intake;

mod store;

mod cmd;

use anstream::ColorChoice;
use clap::Parser;

use args::{Arguments, Color, Command, Global};
use cmd::Context;
use console::{Console, Verbosity};
use exit::{Exit, Failure};
use settings::Settings;
use store::Store;

fn main() -> Exit {
    let Arguments { global, command } = Arguments::parse();
    match context(global).and_then(|context| run(command, &context)) {
        Ok(exit) => exit,
        // Nobody wants to read more: that is no fault, and nobody to tell.
        Err(failure @ Failure::OutputClosed) => failure.exit(),
        Err(failure) => {
            console::error(&failure);
            failure.exit()
        }
    }
}

fn context(global: Global) -> Result<Context, Failure> {
    match global.color {
        Color::Auto => ColorChoice::Auto,
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    }
    .write_global();
    let verbosity = match (global.quiet, global.verbose) {
        (true, _) => Verbosity::Quiet,
        (false, true) => Verbosity::Verbose,
        (false, false) => Verbosity::Normal,
    };
    let console = Console { verbosity };
    let settings = Settings::new(&global.options).map_err(evlog_store::Error::from)?;
    let store = Store::new(global.dir, settings, console);
    Ok(Context { console, store, is_json: global.json })
}

fn run(command: Command, context: &Context) -> Result<Exit, Failure> {
    let deaf = || Failure::system("listen for signals");
    interrupt::survive_large_files().map_err(deaf())?;
    if !matches!(command, Command::Append(_)) {
        interrupt::end_at_once().map_err(deaf())?;
    }
    match command {
        Command::Append(args) => cmd::append::run(args, context),
        Command::Read(args) => cmd::read::run(args, context),
        Command::Last(args) => cmd::last::run(args, context),
        Command::Topics => cmd::topics::run(context),
        Command::Info(args) => cmd::info::run(&args, context),
        Command::Verify(args) => cmd::verify::run(args, context),
        Command::Dump(args) => cmd::dump::run(&args, context),
        Command::History(args) => cmd::history::run(&args, context),
        Command::Trim(args) => cmd::trim::run(&args, context),
        Command::Rm(args) => cmd::rm::run(&args, context),
        Command::Bench(args) => cmd::bench::run(&args, context),
        Command::Completions(args) => cmd::completions::run(&args),
        Command::Man(args) => cmd::man::run(&args),
    }
}
