//! The reader that was written from docs/FORMAT.md alone, as a process that reads one log after the other.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::lines::Outcome;

pub(super) struct Python {
    process: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Python {
    pub(super) fn start() -> Python {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut process = Command::new("python3")
            .arg("-B")
            .arg(here.join("tests/it/golden/read_many.py"))
            .arg(here.join("../../docs/reader/evlog_reader.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python3 is needed for this test");
        let questions = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Python { process, questions, answers }
    }

    pub(super) fn read(&mut self, path: &Path) -> Outcome {
        let questions = self.questions.as_mut().unwrap();
        writeln!(questions, "{}", path.display()).unwrap();
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            let length = self.answers.read_line(&mut line).unwrap();
            assert!(length > 0, "the reader has failed at {}", path.display());
            let line = line.trim_end_matches('\n');
            match line.strip_prefix("= ") {
                None => lines.push(line.to_owned()),
                Some("refused") => return Outcome::Refused,
                Some(code) => {
                    let has_gap = lines.iter().any(|line| line.starts_with(r#"{"topic":"log","gap":"#));
                    assert_eq!(code, if has_gap { "4" } else { "0" }, "{}", path.display());
                    return Outcome::Read(lines);
                }
            }
        }
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        self.questions = None;
        let _ = self.process.wait();
    }
}
