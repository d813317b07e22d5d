//! Compiles and runs C programs against an installed library.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::process::{self, Failure};
use crate::workspace;

/// A language that the header promises to be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Dialect {
    C99,
    C11,
    Cpp11,
}

/// How a program gets the library.
#[derive(Clone, Copy, Debug)]
pub(super) enum Linking {
    Shared,
    Static,
}

/// Programs compiled against what is installed below a prefix.
pub(super) struct Programs {
    prefix: PathBuf,
    folder: PathBuf,
}

impl Dialect {
    fn compiler(self) -> Command {
        let (program, standard, language) = match self {
            Dialect::C99 => ("gcc", "-std=c99", "c"),
            Dialect::C11 => ("gcc", "-std=c11", "c"),
            Dialect::Cpp11 => ("g++", "-std=c++11", "c++"),
        };
        let mut compiler = Command::new(program);
        compiler.args([standard, "-x", language, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g"]);
        compiler
    }
}

impl Programs {
    /// Programs that go into `folder`, against what is installed below `prefix`.
    pub(super) fn new(prefix: &Path, folder: &Path) -> Result<Programs, Failure> {
        let folder = folder.join("programs");
        fs::create_dir_all(&folder)?;
        Ok(Programs { prefix: prefix.into(), folder })
    }

    /// The header alone, in every dialect.
    pub(super) fn compile_header(&self) -> Result<(), Failure> {
        let alone = self.folder.join("alone.c");
        fs::write(&alone, "#include <evlog.h>\n#include <evlog.h>\nint main(void) { return EVLOG_OK; }\n")?;
        for dialect in [Dialect::C99, Dialect::C11, Dialect::Cpp11] {
            let mut compiler = dialect.compiler();
            compiler.arg("-fsyntax-only").arg("-I").arg(self.prefix.join("include")).arg(&alone);
            process::run(&mut compiler)?;
        }
        Ok(())
    }

    /// Compiles a program, and runs it with an empty folder as its argument.
    pub(super) fn run(&self, source: &Path, dialect: Dialect, linking: Linking) -> Result<(), Failure> {
        let program = self.compile(source, dialect, linking, &[])?;
        let what = format!("{} {dialect:?} {linking:?}", name_of(source));
        self.timed(&what, &mut Command::new(program))
    }

    /// Compiles a program with the sanitizers, and runs it: what it does with borrowed memory is right, and it leaks none.
    pub(super) fn run_sanitized(&self, source: &Path) -> Result<(), Failure> {
        let sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
        let program = self.compile(source, Dialect::C11, Linking::Shared, &sanitizers)?;
        self.timed(&format!("{} sanitized", name_of(source)), &mut Command::new(program))
    }

    /// Compiles a program, and runs it under valgrind: no error, no leak.
    pub(super) fn run_checked(&self, source: &Path) -> Result<(), Failure> {
        let program = self.compile(source, Dialect::C11, Linking::Shared, &[])?;
        let mut valgrind = Command::new("valgrind");
        let known = workspace::root().join("crates/evlog-ffi/tests/c/valgrind.supp");
        valgrind.args([
            "--quiet",
            "--error-exitcode=99",
            "--child-silent-after-fork=yes",
            "--leak-check=full",
        ]);
        valgrind.args(["--show-leak-kinds=definite,indirect,possible"]);
        valgrind.args(["--errors-for-leak-kinds=definite,indirect,possible"]);
        valgrind.arg(format!("--suppressions={}", known.display())).arg(program);
        // What is too slow for valgrind, and what it says of the child of a fork, is left out there.
        valgrind.env("UNDER_VALGRIND", "1");
        self.timed(&format!("{} under valgrind", name_of(source)), &mut valgrind)
    }

    /// Compiles a program.
    pub(super) fn compile(
        &self,
        source: &Path,
        dialect: Dialect,
        linking: Linking,
        more: &[&str],
    ) -> Result<PathBuf, Failure> {
        let program = self.folder.join(format!("{}-{dialect:?}-{linking:?}", name_of(source)));
        let mut compiler = dialect.compiler();
        compiler.args(more);
        compiler.arg(source).arg("-o").arg(&program).args(self.flags(linking)?);
        process::run(&mut compiler)?;
        Ok(program)
    }

    /// What `evlog.pc` says a compiler needs.
    fn flags(&self, linking: Linking) -> Result<Vec<String>, Failure> {
        let mut tool = Command::new("pkg-config");
        tool.env("PKG_CONFIG_PATH", self.prefix.join("lib/pkgconfig")).args(["--cflags", "--libs"]);
        if let Linking::Static = linking {
            tool.arg("--static");
        }
        let printed = process::stdout_of(tool.arg("evlog"))?;
        // Behind `-x c` everything would be taken for source.
        let mut flags: Vec<String> = vec!["-x".into(), "none".into(), "-pthread".into()];
        flags.extend(printed.split_whitespace().map(|flag| match (linking, flag) {
            (Linking::Static, "-levlog") => "-l:libevlog.a".into(),
            _ => flag.into(),
        }));
        flags.push(format!("-Wl,-rpath,{}", self.prefix.join("lib").display()));
        Ok(flags)
    }

    fn timed(&self, what: &str, command: &mut Command) -> Result<(), Failure> {
        let empty = self.folder.join("data");
        if empty.exists() {
            fs::remove_dir_all(&empty)?;
        }
        fs::create_dir(&empty)?;
        let start = Instant::now();
        // What a panic writes on its way is expected, and long enough without the way.
        command.env("RUST_BACKTRACE", "0");
        process::stdout_of(command.arg(&empty)).map_err(|failure| format!("{what}: {failure}"))?;
        println!("ok   {what} ({:.1} s)", start.elapsed().as_secs_f64());
        Ok(())
    }
}

fn name_of(source: &Path) -> String {
    source.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}
