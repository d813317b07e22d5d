//! Running other programs, so that none of them fails unnoticed.

use std::error::Error;
use std::io::{Read, Seek};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

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

/// Runs `command` for at most `patience` and returns whether it succeeded and all that it wrote; `None` where it was
/// stopped because it took longer.
///
/// # Errors
/// Where it cannot be started or waited for.
pub(crate) fn output_within(
    command: &mut Command,
    patience: Duration,
) -> Result<Option<(bool, String)>, Failure> {
    // Into a file: nobody has to empty a pipe meanwhile.
    let mut written = tempfile::tempfile()?;
    command.stdin(Stdio::null()).stdout(written.try_clone()?).stderr(written.try_clone()?);
    // A group of its own: what it has started ends with it.
    let mut child =
        command.process_group(0).spawn().map_err(|error| format!("{}: {error}", line(command)))?;
    let begin = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if begin.elapsed() > patience {
            let group = format!("-{}", child.id());
            run(Command::new("kill").args(["-KILL", "--", &group]))?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let mut said = Vec::new();
    written.rewind()?;
    written.read_to_end(&mut said)?;
    Ok(Some((status.success(), String::from_utf8_lossy(&said).into_owned())))
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
    fn what_a_program_writes_is_told_and_one_that_takes_too_long_is_stopped() {
        let shell = |script: &str, patience| {
            output_within(Command::new("sh").args(["-c", script]), patience).unwrap()
        };
        let patience = Duration::from_secs(60);
        assert_eq!(shell("echo one; echo two >&2; exit 3", patience), Some((false, "one\ntwo\n".to_owned())));
        assert_eq!(shell("sleep 600", Duration::ZERO), None);
    }

    #[test]
    fn a_missing_program_is_an_error_that_names_it() {
        let error = stdout_of(&mut Command::new("no-such-program-here")).unwrap_err().to_string();
        assert!(error.starts_with("no-such-program-here: "), "{error}");
    }
}
