//! The inner pieces of writing: the checksum, and events into a group.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use evlog_benches::payload::Payloads;
use evlog_core::format::batch::BatchHeader;
use evlog_core::{Batch, Group, checksum};

const SIZES: [usize; 3] = [128, 512, 1024];
const EVENTS: u64 = 1000;

fn crc(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("checksum");
    for size in [16, 128, 512, 1024, 64 << 10] {
        let payloads = Payloads::new(size);
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(size.to_string(), |bencher| bencher.iter(|| checksum(payloads.nth(1))));
    }
    group.finish();
}

fn encode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode");
    group.throughput(Throughput::Elements(EVENTS));
    for size in SIZES {
        let payloads = Payloads::new(size);
        group.bench_function(format!("single-events/{size}"), |bencher| {
            bencher.iter_batched_ref(
                Group::new,
                |group| {
                    (0..EVENTS).try_for_each(|number| {
                        let payload = payloads.nth(number);
                        group.push(number.cast_signed(), 0, payload, checksum(payload))
                    })
                },
                BatchSize::SmallInput,
            );
        });
        group.bench_function(format!("batch/{size}"), |bencher| {
            let mut batch = Batch::new();
            bencher.iter(|| {
                batch.clear();
                (0..EVENTS).try_for_each(|number| batch.push(number.cast_signed(), payloads.nth(number)))
            });
        });
    }
    group.finish();
}

fn headers(criterion: &mut Criterion) {
    let header = BatchHeader {
        salt: 0x1234_5678_9ABC_DEF0,
        base: 1_000_000,
        offset: 4096,
        synced: 4096,
        length: 64 + 32 * (128 + 16),
        payload_bytes: 32 * 128,
        count: 32,
        table_crc: 7,
        payload_crc: Some(8),
        schema: 0,
        kind: evlog_core::format::batch::Kind::Events,
        has_origin: false,
    };
    let bytes = header.encode();
    criterion.bench_function("batch-header/encode", |bencher| {
        bencher.iter(|| std::hint::black_box(&header).encode());
    });
    criterion.bench_function("batch-header/decode", |bencher| {
        bencher
            .iter(|| BatchHeader::decode(std::hint::black_box(&bytes), header.salt, header.offset, u32::MAX));
    });
}

criterion_group!(pieces, crc, encode, headers);
criterion_main!(pieces);
