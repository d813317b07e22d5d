//! Logs on a pool.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use evlog_core::storage::{Pool, Storage};
use evlog_core::{Error, Log, Options, Place, Read};

use super::watched::Watched;
use super::{Watch, watch};
use crate::common::{batch, read_all};
use crate::process;

/// How many descriptors of this process lead below `path`.
fn descriptors(path: &Path) -> usize {
    let path = path.canonicalize().unwrap();
    let open = fs::read_dir("/proc/self/fd").unwrap();
    open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok()).filter(|to| to.starts_with(&path)).count()
}

#[test]
fn a_thousand_logs_need_few_descriptors() {
    const LOGS: u64 = 1_000;
    const LIMIT: usize = 64;
    // The folder that holds the logs, and the lock file in it.
    const ALWAYS: usize = 2;
    let Watch { place, seen, pool, root } = watch(LIMIT);
    drop(root);
    fs::write(place.path().join("lock"), "").unwrap();
    let path = |number: u64| place.path().join(format!("t-{number}"));
    let open = |number| Options::new().open_on(Arc::<Pool>::clone(&pool), path(number)).unwrap();
    let payload = |number: u64, round: u64| format!("{number} in round {round}").into_bytes();
    let mut most = 0;
    let mut logs: Vec<Log> = Vec::new();
    for number in 0..LOGS {
        logs.push(open(number));
        most = most.max(seen.open());
    }
    for round in 0..3 {
        // In another order than they were opened in.
        for number in (0..LOGS).map(|number| number * 617 % LOGS) {
            let log = &mut logs[number as usize];
            assert_eq!(log.append(&batch(0, &[&payload(number, round)])).unwrap(), round..round + 1);
            log.sync().unwrap();
            let found = log.latest().unwrap().unwrap();
            assert_eq!((found.position, found.payload), (round, payload(number, round)));
            most = most.max(seen.open());
        }
        assert_eq!(descriptors(place.path()), seen.open());
    }
    assert!((LIMIT..=LIMIT + ALWAYS).contains(&most), "{most} descriptors");
    assert_eq!(seen.closed_unsettled.load(SeqCst), 0);
    for log in logs {
        log.close().unwrap();
    }
    assert_eq!((descriptors(place.path()), pool.open_handles()), (0, 0));
    let logs: Vec<Log> = (0..LOGS).map(open).collect();
    for (number, log) in (0..).zip(&logs) {
        assert!(log.report().is_uneventful(), "{:?}", log.report());
        let (events, gaps) = read_all(log, Place::Oldest);
        assert!(gaps.is_empty());
        let wanted = (0..3).map(|round| payload(number, round));
        assert!(events.iter().map(|event| event.payload.clone()).eq(wanted));
    }
    assert!(descriptors(place.path()) <= LIMIT + ALWAYS);
}

#[test]
fn a_log_has_one_writer_whatever_it_is_opened_through() {
    let watch = watch(2);
    let path = watch.place.path().join("log");
    for with_lock_beside in [false, true] {
        if with_lock_beside {
            fs::write(watch.place.path().join("lock"), "").unwrap();
        }
        let pool: Arc<dyn Storage> = watch.pool.clone();
        let rivals: [Arc<dyn Storage>; 3] = [
            Arc::clone(&pool),
            Arc::new(Pool::new(Arc::new(Watched::default()), 2)),
            Arc::new(Watched::default()),
        ];
        let mut log = Options::new().open_on(Arc::clone(&pool), &path).unwrap();
        for rival in &rivals {
            let refused = Options::new().open_on(Arc::clone(rival), &path);
            assert!(matches!(refused, Err(Error::Locked { .. })));
            let seen = Options::new().open_read_only_on(Arc::clone(rival), &path).unwrap();
            assert_eq!(seen.range(), log.range());
        }
        assert_eq!(in_another_process(&path), "Locked");
        log.append(&batch(0, &[b"a"])).unwrap();
        log.close().unwrap();
        assert_eq!(in_another_process(&path), "Opened");
        for rival in &rivals {
            Options::new().open_on(Arc::clone(rival), &path).unwrap();
        }
    }
}

/// What comes of opening the log at `path` in another process.
fn in_another_process(path: &Path) -> String {
    let output = process::run(&[], "pool::logs::role_opens_the_log", path);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let word = text.lines().find_map(|line| line.strip_prefix("came of it: "));
    word.unwrap_or_else(|| panic!("no answer: {text}")).to_owned()
}

#[test]
#[ignore = "a role in another test"]
fn role_opens_the_log() {
    let pool = Pool::new(Arc::new(Watched::default()), 2);
    let word = match Options::new().open_on(Arc::new(pool), process::place()) {
        Ok(_) => "Opened".to_owned(),
        Err(Error::Locked { .. }) => "Locked".to_owned(),
        Err(error) => error.to_string(),
    };
    println!("\ncame of it: {word}");
}

/// Fills a log with segments that a reader does not take in at one look.
fn fill(log: &mut Log, events: u64) {
    for number in 0..events {
        log.append(&batch(number as i64, &[&vec![number as u8; 16 << 10]])).unwrap();
        log.sync().unwrap();
    }
}

#[test]
fn a_reader_whose_segment_was_trimmed_while_closed_is_told_so() {
    let watch = watch(1);
    let path = watch.place.path().join("log");
    let pool: Arc<dyn Storage> = watch.pool.clone();
    let mut log = Options::new().segment_bytes(1 << 20).open_on(pool, &path).unwrap();
    fill(&mut log, 200);
    let mut forward = log.read(Place::Oldest).unwrap();
    let mut reverse = log.read(Read::from(Place::Oldest).to(60).reverse()).unwrap();
    assert_eq!(forward.next().unwrap().unwrap().position, 0);
    assert_eq!(reverse.next().unwrap().unwrap().position, 59);
    let start = log.trim_before(150).unwrap();
    assert!(start > 60);
    watch.crowd_out();
    for (reader, step) in [(&mut forward, 1), (&mut reverse, -1)] {
        let mut seen = reader.position();
        let error = loop {
            match reader.next() {
                Ok(Some(event)) => {
                    assert_eq!(event.payload, vec![event.position as u8; 16 << 10]);
                    seen = seen.checked_add_signed(step).unwrap();
                }
                Ok(None) => panic!("the end came without a word"),
                Err(error) => break error,
            }
        };
        let asked = if step == 1 { seen } else { seen - 1 };
        let is_told = matches!(error, Error::Trimmed { asked: a, start: s } if (a, s) == (asked, start));
        assert!(is_told, "{error}, not {asked}");
        assert!(reader.position() == seen && seen < 60);
    }
    forward.seek(start);
    assert_eq!(forward.next().unwrap().unwrap().position, start);
}

#[test]
fn a_log_notices_that_its_segment_was_removed_while_closed() {
    let watch = watch(1);
    let path = watch.place.path().join("log");
    let pool: Arc<dyn Storage> = watch.pool.clone();
    let mut log = Options::new().open_on(pool, &path).unwrap();
    log.append(&batch(0, &[b"a"])).unwrap();
    log.sync().unwrap();
    watch.crowd_out();
    let active = path.join(log.segments().unwrap()[0].name.to_string());
    watch.crowd_out();
    fs::remove_file(active).unwrap();
    assert!(matches!(log.append(&batch(0, &[b"b"])), Err(Error::Indeterminate { .. })));
    assert!(matches!(log.append(&batch(0, &[b"b"])), Err(Error::Poisoned { .. })));
}
