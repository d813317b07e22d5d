//! The command `evlog`, run as its users run it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::demo::input::Input;
use crate::process::{self, Failure};
use crate::workspace;

/// How long a step may take before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(600);

/// Builds the command with all optimisations; returns where it is.
pub(crate) fn build() -> Result<PathBuf, Failure> {
    let mut cargo = workspace::cargo();
    cargo.args([
        "build",
        "--release",
        "--package",
        "evlog-cli",
        "--message-format",
        "json-render-diagnostics",
    ]);
    let artifacts = process::stdout_of(&mut cargo)?;
    let mut executables = artifacts.lines().filter_map(|line| {
        let artifact: serde_json::Value = serde_json::from_str(line).ok()?;
        artifact["executable"].as_str().map(PathBuf::from)
    });
    Ok(executables.find(|path| path.ends_with("evlog")).ok_or("cargo built no command named evlog")?)
}

/// The command, and the store it works on.
pub(crate) struct Evlog {
    program: PathBuf,
    store: PathBuf,
}

/// A running `evlog` whose output is being read.
pub(crate) struct Running {
    child: Child,
    output: ChildStdout,
    complaints: JoinHandle<io::Result<String>>,
    line: String,
    start: Instant,
}

impl Evlog {
    pub(crate) fn new(program: PathBuf, store: &Path) -> Self {
        Self { program, store: store.to_owned() }
    }

    /// Where the segments of `topic` are.
    pub(crate) fn topic_folder(&self, topic: &str) -> PathBuf {
        self.store.join(format!("t-{topic}"))
    }

    /// Runs it to its end; returns what it wrote to both of its outputs.
    ///
    /// # Errors
    /// Where it ends with another code than `code`.
    pub(crate) fn run(&self, arguments: &[&str], code: i32) -> Result<String, Failure> {
        let mut running = self.start(arguments)?;
        let mut text = String::new();
        running.output().read_to_string(&mut text)?;
        Ok(text + &running.end(code)?)
    }

    /// Starts it without input.
    pub(crate) fn start(&self, arguments: &[&str]) -> Result<Running, Failure> {
        self.start_with(arguments, Stdio::null())
    }

    /// The number of readable events that `info` reports.
    pub(crate) fn events(&self, topic: &str) -> Result<usize, Failure> {
        let text = self.run(&["info", topic, "--json"], 0)?;
        let line = text.lines().next().unwrap_or_default();
        let info: serde_json::Value =
            serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))?;
        let events = info["events"].as_u64().filter(|_| info["topic"] == topic);
        Ok(usize::try_from(events.ok_or_else(|| format!("no events of `{topic}` in {line}"))?)?)
    }

    /// Appends the lines of `input` from the line `number` on.
    pub(crate) fn append_from(&self, topic: &str, input: &Input, number: usize) -> Result<(), Failure> {
        let mut file = File::open(input.path())?;
        file.seek(SeekFrom::End(-i64::try_from(input.bytes_from(number).len())?))?;
        self.start_with(&["append", topic], file.into())?.end(0).map(drop)
    }

    /// Feeds lines to `append --sync` and kills it as soon as it has acknowledged `enough` of them; returns how many
    /// it acknowledged in all. It is fed on until it dies, so the kill meets it at work.
    pub(crate) fn append_until_killed(
        &self,
        topic: &str,
        input: &Input,
        enough: usize,
    ) -> Result<usize, Failure> {
        let mut running =
            self.start_with(&["append", topic, "--sync", "--print-positions"], Stdio::piped())?;
        let mut stdin = running.child.stdin.take().ok_or("no pipe to evlog")?;
        let (child, output) = (&mut running.child, &mut running.output);
        let (reached, wait) = mpsc::channel();
        let acknowledged = thread::scope(|scope| {
            // The pipe stays open behind the last line: what it waits for is the kill.
            let feed = scope.spawn(move || stdin.write_all(input.bytes_from(0)).map(|()| stdin));
            let count = scope.spawn(move || count_lines(output, enough, &reached));
            let came = wait.recv_timeout(PATIENCE);
            child.kill()?;
            let status = child.wait()?;
            // That the pipe broke while feeding is the point.
            drop(feed.join());
            let count = count.join().map_err(|_| "counting the acknowledged events panicked")??;
            came.map_err(|_| format!("evlog acknowledged {count} events and then no more ({status})"))?;
            Ok::<usize, Failure>(count)
        })?;
        println!("   killed after {:.1} s", running.start.elapsed().as_secs_f64());
        Ok(acknowledged)
    }

    fn start_with(&self, arguments: &[&str], input: Stdio) -> Result<Running, Failure> {
        let mut command = Command::new(&self.program);
        command.arg("-d").arg(&self.store).args(arguments);
        command.env_remove("EVLOG_DIR").stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        let line = format!("evlog {}", arguments.join(" "));
        println!("   $ {line}");
        let start = Instant::now();
        let mut child = command.spawn().map_err(|error| format!("{}: {error}", process::line(&command)))?;
        let output = child.stdout.take().ok_or("no pipe from evlog")?;
        let mut stderr = child.stderr.take().ok_or("no pipe from evlog")?;
        // Read beside its output, or it could block on a full pipe.
        let complaints = thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).map(|_| text)
        });
        Ok(Running { child, output, complaints, line, start })
    }
}

impl Running {
    /// What it writes to its standard output.
    pub(crate) fn output(&mut self) -> impl Read {
        &mut self.output
    }

    /// Waits for its end; returns what it wrote to standard error.
    ///
    /// # Errors
    /// Where it ends with another code than `code`.
    pub(crate) fn end(mut self, code: i32) -> Result<String, Failure> {
        io::copy(&mut self.output, &mut io::sink())?;
        let status = self.child.wait()?;
        let complaints = self.complaints.join().map_err(|_| "reading from evlog panicked")??;
        if status.code() != Some(code) {
            return Err(format!("{}: {status}, not exit status {code}\n{complaints}", self.line).into());
        }
        println!("     exit code {code} after {:.1} s", self.start.elapsed().as_secs_f64());
        Ok(complaints)
    }
}

/// Counts lines until the output ends and says when `enough` have come. A last line that was cut off does not count.
fn count_lines(output: impl Read, enough: usize, reached: &mpsc::Sender<()>) -> io::Result<usize> {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    let mut count = 0;
    while output.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
        count += 1;
        line.clear();
        if count == enough {
            // Nobody listens any more where the wait was given up.
            let _ = reached.send(());
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_lines_are_counted_and_enough_is_told_once() {
        let (reached, wait) = mpsc::channel();
        assert_eq!(count_lines(&b"0\n1\n2\n3"[..], 2, &reached).unwrap(), 3);
        assert_eq!(wait.try_iter().count(), 1);
        assert_eq!(count_lines(&b"0\n1"[..], 2, &reached).unwrap(), 1);
        assert_eq!(wait.try_iter().count(), 0);
    }
}
