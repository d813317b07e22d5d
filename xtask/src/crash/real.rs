//! The campaigns on real kernels and real files: a process that appends, what it was told, and what is there once it was
//! stopped by one of the means of the modules below.

pub(crate) mod full;
pub(crate) mod kill;
pub(crate) mod powercut;
pub(crate) mod syscalls;
pub(crate) mod writer;

mod ledger;

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::process::{self, Failure};
use writer::Mode;

/// So long a writer takes at most that is not stopped by others.
const PATIENCE: Duration = Duration::from_secs(60);

/// A writer at work in another process.
struct Process {
    child: Child,
    said: Arc<Mutex<Vec<String>>>,
    listener: JoinHandle<()>,
}

impl Process {
    /// Starts a writer for its `life`-th life of the store in `dir`.
    fn start(dir: &Path, mode: Mode, life: u64, appends: Option<u64>) -> Result<Process, Failure> {
        Process::start_by(Command::new(program()?), dir, mode, life, appends)
    }

    /// As [`Process::start`], by a command that runs the program at its end.
    fn start_by(
        mut command: Command,
        dir: &Path,
        mode: Mode,
        life: u64,
        appends: Option<u64>,
    ) -> Result<Process, Failure> {
        command
            .args(["crash", "writer", "--mode", mode.name(), "--life", &life.to_string(), "--dir"])
            .arg(dir);
        if let Some(appends) = appends {
            command.args(["--appends", &appends.to_string()]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut child = command.spawn()?;
        let said = Arc::new(Mutex::new(Vec::new()));
        let stdout = child.stdout.take().ok_or("the writer has no standard output")?;
        let listener = std::thread::spawn({
            let said = Arc::clone(&said);
            move || listen(stdout, &said)
        });
        Ok(Process { child, said, listener })
    }

    /// What it has said up to now.
    fn said(&self) -> Vec<String> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Kills it, and returns all that it has said.
    fn kill(mut self) -> Result<Vec<String>, Failure> {
        self.child.kill()?;
        self.wait()
    }

    /// Waits until it is over, and returns all that it has said. One that does not come to an end is killed, and that is
    /// an error: whatever befalls a writer, it must not hang.
    fn wait(mut self) -> Result<Vec<String>, Failure> {
        let begin = Instant::now();
        while self.child.try_wait()?.is_none() {
            if begin.elapsed() > PATIENCE {
                // With all that it has started, and what has started it.
                process::run(Command::new("kill").args(["-KILL", "--", &format!("-{}", self.child.id())]))?;
                return Err(format!("the writer did not end within {} s", PATIENCE.as_secs()).into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        self.listener.join().map_err(|_| "the thread that listens to the writer has panicked")?;
        Ok(std::mem::take(&mut *self.said.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// Collects whole lines. The last one may be half: nobody was told it.
fn listen(stdout: ChildStdout, said: &Mutex<Vec<String>>) {
    let mut lines = BufReader::new(stdout);
    let mut line = String::new();
    while lines.read_line(&mut line).is_ok_and(|length| length > 0) {
        if let Some(whole) = line.strip_suffix('\n') {
            said.lock().unwrap_or_else(PoisonError::into_inner).push(whole.to_owned());
        }
        line.clear();
    }
}

/// This very program: it knows how to be a writer, too.
fn program() -> Result<PathBuf, Failure> {
    Ok(std::env::current_exe()?)
}

/// A folder for stores, on the disk that the program was built on.
fn folder_on_disk() -> Result<tempfile::TempDir, Failure> {
    let program = program()?;
    let beside = program.parent().ok_or("the program stands in no folder")?;
    Ok(tempfile::TempDir::with_prefix_in("crash-", beside)?)
}
