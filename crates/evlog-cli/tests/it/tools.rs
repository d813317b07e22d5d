//! `man`, `bench` and the metrics.

use crate::common::Sandbox;

#[test]
fn a_manual_page_for_each_command() {
    let sandbox = Sandbox::new();
    let page = sandbox.run("man").code(0).silent().text();
    assert!(page.contains(".TH evlog 1") && page.contains("SUBCOMMANDS"), "{page}");
    std::fs::create_dir(sandbox.path().join("pages")).expect("a folder");
    sandbox.run("man --out pages").code(0).silent();
    let page = std::fs::read_to_string(sandbox.path().join("pages/evlog-append.1")).expect("a page");
    assert!(page.contains("print\\-positions"), "{page}");
    sandbox.run("man --out nowhere").code(3).complains("nowhere");
}

#[test]
fn bench_measures_and_leaves_nothing_behind() {
    let sandbox = Sandbox::with_events(1);
    for measure in ["append", "read", "mixed"] {
        let words = format!("--json bench {measure} --count 50 --threads 3 --size 1KB --durability written");
        let rows = sandbox.run(&format!("{words} --allow-ram-disk")).code(0).silent().json();
        assert!(rows.iter().all(|row| row["events"] == 50), "{rows:?}");
        assert!(rows[0]["events_per_second"].as_f64() > Some(0.0));
    }
    assert_eq!(sandbox.run("topics").code(0).text(), "t\n");
    assert_eq!(std::fs::read_dir(sandbox.store()).expect("the store").count(), 2, "the lock and the topic");
    sandbox.run("bench append --threads 0").code(2);
    sandbox.run("bench append --count 0").code(2);
    sandbox.run("bench append --size 1TB").code(2);
}

#[test]
fn a_ram_disk_is_refused() {
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("evlog"));
    command.args(["--dir", "/dev/shm/no-such-store", "bench", "append", "--count", "1"]);
    crate::common::run(command, "").code(2).complains("RAM disk");
}

#[test]
fn prometheus_gets_the_topics_as_they_lie_there() {
    let sandbox = Sandbox::with_events(7);
    let text = sandbox.run("info --prometheus").code(0).silent().text();
    assert!(text.contains("evlog_end_position{topic=\"t\"} 7\n"), "{text}");
}
