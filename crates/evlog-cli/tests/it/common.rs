//! A store of its own for each test, and the command as a process.

use std::io::{BufRead, BufReader, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// How long a test waits for something that takes a moment.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a command said and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: Vec<u8>,
    pub(crate) err: String,
}

impl Said {
    /// Checks the exit code and goes on.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Said {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.text(), self.err);
        self
    }

    /// Checks that the error output contains `part` and goes on.
    #[track_caller]
    pub(crate) fn complains(self, part: &str) -> Said {
        assert!(self.err.contains(part), "no {part:?} in: {}", self.err);
        self
    }

    /// Checks that the error output is empty and goes on.
    #[track_caller]
    pub(crate) fn silent(self) -> Said {
        assert_eq!(self.err, "");
        self
    }

    /// The standard output as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }

    /// The lines of the standard output.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.text().lines().map(str::to_owned).collect()
    }

    /// The lines of the standard output, each an object of JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<Value> {
        let parse = |line: &String| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
        self.lines().iter().map(parse).collect()
    }
}

/// A folder for one store.
pub(crate) struct Sandbox {
    folder: TempDir,
}

impl Sandbox {
    pub(crate) fn new() -> Sandbox {
        Sandbox { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A store whose topic `t` has the events `0`, `1` … in batches of ten.
    pub(crate) fn with_events(count: u32) -> Sandbox {
        let sandbox = Sandbox::new();
        let lines = lines(0..count, "");
        sandbox.feed("append t --batch 10", lines).code(0);
        sandbox
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of the store.
    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// The segment files of a topic, oldest first.
    pub(crate) fn segments(&self, topic: &str) -> Vec<PathBuf> {
        let entries = self.store().join(format!("t-{topic}")).read_dir().expect("the topic's folder");
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
        files.retain(|path| path.extension().is_some_and(|end| end == "seg"));
        files.sort();
        files
    }

    /// The last segment file of a topic.
    pub(crate) fn last_segment(&self, topic: &str) -> PathBuf {
        self.segments(topic).pop().expect("a segment")
    }

    /// The command with these words, on the store of the sandbox.
    pub(crate) fn command(&self, words: &str) -> std::process::Command {
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("evlog"));
        command
            .env_remove("EVLOG_DIR")
            .env_remove("COLUMNS")
            .current_dir(self.path())
            .args(["--dir", "store"]);
        command.args(words.split_whitespace());
        command
    }

    /// Runs the command with these words.
    pub(crate) fn run(&self, words: &str) -> Said {
        self.feed(words, "")
    }

    /// Runs the command with these words and an input.
    pub(crate) fn feed(&self, words: &str, input: impl Into<Vec<u8>>) -> Said {
        run(self.command(words), input)
    }

    /// Starts a command whose input stays open.
    pub(crate) fn start(&self, words: &str) -> Running {
        let mut child = self
            .command(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().map(BufReader::new);
        Running { child, stdin, stdout }
    }

    /// Leaves topic `t` as a crash of its writer does, with the events `0`, `1` … `count - 1` in it.
    pub(crate) fn crash_writer(&self, count: u32) {
        let mut writer = self.start("append t --batch 1 --print-positions");
        for number in 0..count {
            writer.write(format!("{number}\n"));
            writer.line();
        }
        writer.signal(Signal::KILL);
        assert_eq!(writer.wait().code, None, "killed by a signal");
    }
}

/// A line for each number, which stands behind `word`.
pub(crate) fn lines(numbers: Range<u32>, word: &str) -> String {
    numbers.fold(String::new(), |lines, number| lines + word + &number.to_string() + "\n")
}

/// Runs a command to its end.
pub(crate) fn run(command: std::process::Command, input: impl Into<Vec<u8>>) -> Said {
    let output =
        assert_cmd::Command::from_std(command).write_stdin(input).output().expect("the command runs");
    Said {
        code: output.status.code(),
        out: output.stdout,
        err: String::from_utf8(output.stderr).expect("errors are text"),
    }
}

/// A command that runs while the test goes on.
pub(crate) struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<BufReader<ChildStdout>>,
}

impl Running {
    pub(crate) fn write(&mut self, input: impl AsRef<[u8]>) {
        let stdin = self.stdin.as_mut().expect("the input is open");
        stdin.write_all(input.as_ref()).and_then(|()| stdin.flush()).expect("the command reads");
    }

    /// Bytes of its input that it has not read.
    pub(crate) fn unread(&self) -> u64 {
        let stdin = self.stdin.as_ref().expect("the input is open");
        rustix::io::ioctl_fionread(stdin).expect("a pipe")
    }

    /// The next line that it puts out.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.as_mut().expect("the output is open").read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    /// Reads no more of its output.
    pub(crate) fn close_output(&mut self) {
        self.stdout = None;
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the command runs");
    }

    /// Ends its input.
    pub(crate) fn close_input(&mut self) {
        self.stdin = None;
    }

    /// Waits for its end, and takes the rest of its output. An open input stays open as long.
    pub(crate) fn wait(mut self) -> Said {
        let (mut out, mut err) = (Vec::new(), String::new());
        if let Some(stdout) = &mut self.stdout {
            stdout.read_to_end(&mut out).expect("the rest of the output");
        }
        self.child.stderr.take().expect("the errors").read_to_string(&mut err).expect("errors are text");
        Said { code: self.child.wait().expect("an end").code(), out, err }
    }
}

/// Waits until `is_so`.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
