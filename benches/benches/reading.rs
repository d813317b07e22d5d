//! The inner pieces of reading: events in order, one somewhere, by time, and a scan of everything.

#![expect(clippy::expect_used, reason = "a bench that has nothing to measure stops")]

use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use evlog_benches::payload::Payloads;
use evlog_core::{Group, Log, Place, Result, checksum};

const EVENTS: u64 = 100_000;

/// A log of events of which each is a microsecond younger than the one before.
fn log(folder: &Path, size: usize) -> Result<Log> {
    let payloads = Payloads::new(size);
    let mut log = Log::open(folder.join(size.to_string()))?;
    for first in (0..EVENTS).step_by(1000) {
        let mut group = Group::new();
        for number in first..first + 1000 {
            let payload = payloads.nth(number);
            group.push(number.cast_signed(), 0, payload, checksum(payload))?;
        }
        log.append_group(&mut group)?;
    }
    log.sync()?;
    Ok(log)
}

fn read_all(log: &Log) -> Result<u64> {
    let mut reader = log.read(Place::Oldest)?;
    let mut bytes = 0;
    while let Some(event) = reader.next()? {
        bytes += event.payload.len() as u64;
    }
    Ok(bytes)
}

fn reading(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder for the logs");
    for size in [128, 1024] {
        let log = log(folder.path(), size).expect("a log to read");
        let mut group = criterion.benchmark_group(format!("reading/{size}"));
        group.throughput(Throughput::Elements(EVENTS));
        group.bench_function("decode", |bencher| bencher.iter(|| read_all(&log)));
        group.bench_function("scan", |bencher| bencher.iter(|| log.verify(|_| {})));
        group.throughput(Throughput::Elements(1));
        let mut chance = fastrand::Rng::with_seed(1);
        let mut reader = log.read(Place::Oldest).expect("a reader");
        group.bench_function("seek/position", |bencher| {
            bencher.iter(|| {
                reader.seek(chance.u64(0..EVENTS));
                reader.advance()
            });
        });
        group.bench_function("seek/time", |bencher| {
            bencher.iter(|| log.find(chance.i64(0..EVENTS.cast_signed())));
        });
        group.finish();
    }
}

criterion_group!(pieces, reading);
criterion_main!(pieces);
