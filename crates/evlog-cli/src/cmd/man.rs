//! `evlog man`: puts out the manual page.

use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::args::{self, Arguments};
use crate::exit::{Exit, Failure};
use crate::output::Output;

pub(crate) fn run(args: &args::Man) -> Result<Exit, Failure> {
    let mut command = Arguments::command();
    command.build();
    if let Some(folder) = &args.out {
        write_pages(&command, folder)?;
    } else {
        let mut output = Output::standard()?;
        // Writing to memory does not fail.
        let _ = Man::new(command).render(output.buffer());
        output.flush()?;
    }
    Ok(Exit::Done)
}

/// A page for the command, and one for each command below it.
fn write_pages(command: &Command, folder: &Path) -> Result<(), Failure> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let path = folder.join(format!("{name}.1"));
    let mut page = Vec::new();
    let _ = Man::new(command.clone()).render(&mut page);
    std::fs::write(&path, page).map_err(Failure::system(format!("write {}", path.display())))?;
    command
        .get_subcommands()
        .filter(|below| below.get_name() != "help")
        .try_for_each(|below| write_pages(below, folder))
}
