//! A log used directly is the simplest store there is: start, write one event, read all. docs/PARITY.md says which test
//! stands for which ability.

use evlog_core::{Batch, Error, Found, Log, Options, OwnedEvent, Place, Position};

use crate::common::{place, read_all};

/// Writes one event, durably.
fn write(log: &mut Log, time: i64, payload: &[u8]) -> Position {
    let mut batch = Batch::new();
    batch.push(time, payload).unwrap();
    let positions = log.append(&batch).unwrap();
    log.sync().unwrap();
    positions.start
}

fn everything(log: &Log) -> Vec<OwnedEvent> {
    let (events, gaps) = read_all(log, Place::Oldest);
    assert!(gaps.is_empty(), "{gaps:?}");
    events
}

#[test]
fn one_event_at_a_time_is_written_and_all_are_read() {
    let (_guard, path) = place();
    let mut log = Log::open(&path).unwrap();
    assert!(everything(&log).is_empty());
    for number in 0..100 {
        let payload = format!("event {number}").into_bytes();
        let position = write(&mut log, 1_000 - number, &payload);
        // There is nothing to wait for: it can be read as soon as it is written.
        let events = everything(&log);
        assert_eq!((events.len() as u64, events[events.len() - 1].position), (position + 1, position));
        assert_eq!(
            (events[events.len() - 1].timestamp, &events[events.len() - 1].payload),
            (1_000 - number, &payload)
        );
    }
}

#[test]
fn what_is_there_is_there_again_after_a_restart() {
    let (_guard, path) = place();
    let mut log = Log::open(&path).unwrap();
    assert_eq!(log.report().found, Found::Nothing);
    let positions: Vec<Position> = (0..50).map(|time| write(&mut log, time, &[7; 300])).collect();
    assert!(positions.into_iter().eq(0..50));
    let before = everything(&log);
    log.close().unwrap();
    let mut log = Log::open(&path).unwrap();
    assert_eq!(log.report().found, Found::Closed);
    assert_eq!(everything(&log), before);
    assert_eq!(write(&mut log, 0, b"next"), 50);
}

#[test]
fn the_last_ten_files_of_a_mebibyte_are_kept() {
    const FILES: usize = 10;
    const FILE_BYTES: u64 = 1 << 20;
    let (_guard, path) = place();
    let mut log = Options::new().segment_bytes(FILE_BYTES).open(&path).unwrap();
    let mut most = 0;
    for position in 0..200 {
        assert_eq!(write(&mut log, 0, &vec![7; 100_000]), position);
        let files = log.segments().unwrap();
        if let Some(oldest_kept) = files.len().checked_sub(FILES) {
            log.trim_before(files[oldest_kept].name.base).unwrap();
        }
        let sizes = std::fs::read_dir(&path).unwrap().map(|file| file.unwrap().metadata().unwrap().len());
        most = most.max(sizes.sum::<u64>());
    }
    assert!(most <= FILES as u64 * FILE_BYTES, "{most} bytes");
    let kept = everything(&log);
    assert!(kept.len() >= 90, "{} events", kept.len());
    assert!(kept.iter().map(|event| event.position).eq(200 - kept.len() as u64..200));
}

#[test]
fn an_event_without_a_time_gets_the_time_of_day() {
    let (_guard, path) = place();
    let mut log = Log::open(&path).unwrap();
    let since_1970 =
        || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros();
    let before = since_1970() as i64;
    let now = log.view().now();
    write(&mut log, now, b"x");
    assert!((before..=since_1970() as i64).contains(&everything(&log)[0].timestamp));
}

#[test]
fn what_cannot_be_started_is_an_error_and_changes_nothing() {
    let (guard, path) = place();
    std::fs::write(&path, "a file where a folder should be").unwrap();
    let error = Log::open(&path).unwrap_err();
    assert!(matches!(error, Error::UnsafeFile { .. } | Error::Io { .. }), "{error}");
    assert!(matches!(Log::open(path.join("below")), Err(Error::UnsafeFile { .. } | Error::Io { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), b"a file where a folder should be");
    assert_eq!(std::fs::read_dir(guard.path()).unwrap().count(), 1);
}
