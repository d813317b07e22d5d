//! Every help text, as a file beside this one. After a change on purpose: `INSTA_UPDATE=always cargo test`.

use crate::common::Sandbox;

#[test]
fn help_texts() {
    let sandbox = Sandbox::new();
    let commands = [
        "append",
        "read",
        "last",
        "topics",
        "info",
        "verify",
        "dump",
        "history",
        "trim",
        "rm",
        "bench",
        "completions",
        "man",
    ];
    let general = sandbox.run("--help").code(0).silent();
    insta::assert_snapshot!("evlog", general.text());
    for command in commands {
        assert!(general.text().contains(&format!("\n  {command} ")), "{command} is not listed");
        let help = sandbox.run(&format!("{command} --help")).code(0).silent();
        insta::assert_snapshot!(command, help.text());
    }
    let listed = general
        .text()
        .lines()
        .skip_while(|line| *line != "Commands:")
        .take_while(|line| !line.is_empty())
        .count()
        - 1;
    assert_eq!(listed, commands.len() + 1, "each command and `help`");
}

#[test]
fn version() {
    let said = Sandbox::new().run("--version").code(0).silent();
    assert_eq!(said.text(), concat!("evlog ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn completions_for_every_shell() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let said = sandbox.run(&format!("completions {shell}")).code(0).silent();
        for word in ["append", "history", "print-positions", "read-only"] {
            assert!(said.text().contains(word), "{shell} does not complete {word}");
        }
    }
    sandbox.run("completions tcsh").code(2).complains("tcsh");
    assert!(!sandbox.store().exists(), "no store is made for it");
}

#[test]
fn a_script_of_bash_is_one() {
    let sandbox = Sandbox::new();
    let script = sandbox.run("completions bash").code(0).out;
    let mut bash = std::process::Command::new("bash");
    bash.arg("-n");
    crate::common::run(bash, script).code(0).silent();
}
