//! `evlog completions`: puts out a script that completes command lines.

use clap::CommandFactory;

use crate::args::{Arguments, Completions};
use crate::exit::{Exit, Failure};
use crate::output::Output;

pub(crate) fn run(args: &Completions) -> Result<Exit, Failure> {
    let mut output = Output::standard()?;
    let mut command = Arguments::command();
    let name = command.get_name().to_owned();
    // Into memory first: where it cannot write, the generator panics.
    clap_complete::generate(args.shell, &mut command, name, output.buffer());
    output.flush()?;
    Ok(Exit::Done)
}
