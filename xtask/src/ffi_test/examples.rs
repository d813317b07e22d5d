//! The examples, built as a user would build them against what is installed, and doing what they promise.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::ffi_test::DOCUMENT;
use crate::process::{self, Failure};
use crate::workspace;

/// Below the root.
pub(super) const FOLDER: &str = "crates/evlog-ffi/examples";
/// How long a line may take to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// The example of the documentation is this one; CMake builds it, it survives being killed, and Python reads along.
pub(super) fn check(prefix: &Path, folder: &Path) -> Result<(), Failure> {
    let source = fs::read_to_string(workspace::root().join(FOLDER).join("c/consumer.c"))?;
    if !fs::read_to_string(workspace::root().join(DOCUMENT))?.contains(&format!("```c\n{source}```")) {
        return Err(format!("{DOCUMENT} does not show {FOLDER}/c/consumer.c as it is").into());
    }
    let consumer = build_with_cmake(prefix, folder)?;
    println!("ok   consumer built with CMake");
    let store = folder.join("orders");
    survive(&consumer, &store)?;
    println!("ok   consumer killed and started again");
    read_along(prefix, &consumer, &store)?;
    println!("ok   Python reads a store live");
    Ok(())
}

fn build_with_cmake(prefix: &Path, folder: &Path) -> Result<PathBuf, Failure> {
    let build = folder.join("cmake");
    let mut configure = Command::new("cmake");
    configure.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"));
    configure.arg("-S").arg(workspace::root().join(FOLDER).join("c")).arg("-B").arg(&build);
    process::stdout_of(&mut configure)?;
    process::stdout_of(Command::new("cmake").arg("--build").arg(&build))?;
    Ok(build.join("consumer"))
}

/// Appends two orders, has them handled, appends more while a second handler waits, kills that one, and sees the third
/// go on without a hole.
fn survive(consumer: &Path, store: &Path) -> Result<(), Failure> {
    let append = |orders: &[&str]| process::run(Command::new(consumer).arg(store).arg("append").args(orders));
    let handle = |count: &str| {
        let mut command = Command::new(consumer);
        command.arg(store).args(["handle", count]);
        command
    };
    append(&["one", "two"])?;
    expect("the first handler", &process::stdout_of(&mut handle("2"))?, "0 one\n1 two\n")?;

    let mut live = Live::start(&mut handle("1000"))?;
    append(&["three", "four"])?;
    live.expect("2 three")?;
    live.expect("3 four")?;
    live.kill()?;
    append(&["five"])?;
    let mut after = process::stdout_of(&mut handle("1"))?;
    if after == "3 four\n" {
        // It was handled and not yet noted when the kill came.
        after = process::stdout_of(&mut handle("1"))?;
    }
    expect("the handler after the kill", &after, "4 five\n")
}

fn read_along(prefix: &Path, consumer: &Path, store: &Path) -> Result<(), Failure> {
    let mut python = Command::new("python3");
    python.arg(workspace::root().join(FOLDER).join("python/follow.py"));
    python.arg(prefix.join("lib/libevlog.so")).arg(store).args(["orders", "7"]);
    let mut live = Live::start(&mut python)?;
    for line in ["0 one", "1 two", "2 three", "3 four", "4 five"] {
        live.expect(line)?;
    }
    process::run(Command::new(consumer).arg(store).args(["append", "six", "seven"]))?;
    live.expect("5 six")?;
    live.expect("6 seven")?;
    live.end()
}

fn expect(who: &str, found: &str, wanted: &str) -> Result<(), Failure> {
    if found == wanted { Ok(()) } else { Err(format!("{who} said {found:?} instead of {wanted:?}").into()) }
}

/// A program that is running, and the lines that it says.
struct Live {
    child: Child,
    lines: Receiver<String>,
}

impl Live {
    fn start(command: &mut Command) -> Result<Live, Failure> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let (said, lines) = channel();
        let output = child.stdout.take().ok_or("no output")?;
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if said.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Live { child, lines })
    }

    fn expect(&mut self, wanted: &str) -> Result<(), Failure> {
        let line =
            self.lines.recv_timeout(PATIENCE).map_err(|_| format!("no line where {wanted:?} was due"))?;
        expect("the example", &line, wanted)
    }

    fn kill(mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    fn end(mut self) -> Result<(), Failure> {
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("the example ended with {status}").into()) }
    }
}

impl Drop for Live {
    /// Nothing is left running, however a check ended.
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            let _ = self.child.wait();
        }
    }
}
