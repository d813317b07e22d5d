//! Several processes, and folders that may not be written.

use std::sync::Arc;

use evlog_core::storage::Storage;
use evlog_core::{Batch, Error, Log, Options, Place};
use evlog_sim::{Course, Depth, Ended, LOG, Model, Op, Session, SimDisk};

fn open(disk: &SimDisk) -> Result<Log, Error> {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    Options::new().open_on(storage, LOG)
}

fn one_event() -> Batch {
    let mut batch = Batch::new();
    batch.push(1, b"event").unwrap();
    batch
}

#[test]
fn one_process_writes_until_it_dies() {
    let disk = SimDisk::new(1);
    let mut log = open(&disk).unwrap();
    assert!(matches!(open(&disk), Err(Error::Locked { .. })), "the same process");
    let other = disk.spawn();
    assert!(matches!(open(&other), Err(Error::Locked { .. })), "another process");
    log.append(&one_event()).unwrap();
    disk.kill();
    let log = open(&other).unwrap();
    assert_eq!(log.range(), 0..1);
}

#[test]
fn the_child_of_a_fork_neither_writes_nor_unlocks() {
    let disk = SimDisk::new(1);
    let mut log = open(&disk).unwrap();
    log.append(&one_event()).unwrap();
    let changes = disk.changes();
    disk.fork();
    assert!(matches!(log.append(&one_event()), Err(Error::Forked { .. })));
    assert!(matches!(log.sync(), Err(Error::Forked { .. })));
    let other = disk.spawn();
    assert!(matches!(open(&other), Err(Error::Locked { .. })), "the parent still writes");
    drop(log);
    assert_eq!(disk.changes(), changes);
}

#[test]
fn a_folder_that_may_not_be_written_is_read() {
    let mut session = Session::new(SimDisk::new(1), Model::new(), Options::new(), 0);
    session.open(Ended::Process, Depth::Quick).unwrap();
    session.perform(Op::Append(3, 100)).unwrap();
    session.close().unwrap();
    let disk = session.disk.spawn();
    disk.make_read_only();
    let before = disk.paths();
    assert!(open(&disk).is_err());
    assert_eq!(disk.paths(), before);
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let log = Options::new().open_read_only_on(storage, LOG).unwrap();
    let mut reader = log.read(Place::Oldest).unwrap();
    let mut count = 0;
    while reader.next().unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, 3);
}

#[test]
fn nothing_stays_open_behind_a_log_and_its_readers() {
    let disk = SimDisk::new(1);
    let mut session = Session::new(disk.clone(), Model::new(), Options::new(), 0);
    assert_eq!(session.open(Ended::Process, Depth::Quick), Ok(Course::On));
    for op in [Op::Append(1, 40), Op::Roll, Op::Append(1, 40), Op::Sync, Op::Read, Op::Look] {
        session.perform(op).unwrap();
    }
    session.close().unwrap();
    assert_eq!((disk.open_files(), disk.open_folders()), (0, 0));
}
