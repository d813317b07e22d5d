//! Asks before something is done that cannot be undone.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::args::Consent;
use crate::console::Console;
use crate::exit::{Exit, Failure};

/// Whether to do what `what` says. Off a terminal there is nobody to ask.
///
/// # Errors
/// [`Exit::Usage`] where nobody can be asked.
pub(crate) fn is_given(consent: Consent, what: &str, console: Console) -> Result<bool, Failure> {
    if consent.dry_run {
        console.warning(format_args!("dry run: would {what}"));
        return Ok(false);
    }
    if consent.yes {
        return Ok(true);
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let message = format!("say --yes to {what}, or --dry-run to see what would be done");
        return Err(Failure::refused(Exit::Usage, message));
    }
    let mut terminal = anstream::stderr();
    let mut answer = String::new();
    write!(terminal, "{what}? [y/N] ")
        .and_then(|()| terminal.flush())
        .and_then(|()| io::stdin().lock().read_line(&mut answer))
        .map_err(Failure::system("ask on the terminal"))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
