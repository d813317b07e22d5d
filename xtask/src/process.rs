//! Running other programs, so that none of them fails unnoticed.

use std::error::Error;
use std::process::{Command, ExitStatus, Stdio};

/// Why a chore could not be done. Chores are run by people: the text is all that matters.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Runs `command`; what it writes goes where this process writes, to read it has nothing.
///
/// # Errors
/// Where it cannot be started or ends with anything but success.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let status =
        command.stdin(Stdio::null()).status().map_err(|error| format!("{}: {error}", line(command)))?;
    succeeded(command, status)
}

/// Runs `command` and returns what it wrote to its standard output; its errors go to the terminal.
///
/// # Errors
/// Where it cannot be started, ends with anything but success, or writes something other than UTF-8.
pub(crate) fn stdout_of(command: &mut Command) -> Result<String, Failure> {
    command.stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = command.output().map_err(|error| format!("{}: {error}", line(command)))?;
    succeeded(command, output.status)?;
    Ok(String::from_utf8(output.stdout)?)
}

/// The command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<(), Failure> {
    if status.success() { Ok(()) } else { Err(format!("{}: {status}", line(command)).into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_program_is_an_error_that_names_it() {
        let error = run(&mut Command::new("false")).unwrap_err().to_string();
        assert!(error.starts_with("false: exit status: 1"), "{error}");
    }

    #[test]
    fn a_missing_program_is_an_error_that_names_it() {
        let error = stdout_of(&mut Command::new("no-such-program-here")).unwrap_err().to_string();
        assert!(error.starts_with("no-such-program-here: "), "{error}");
    }
}
