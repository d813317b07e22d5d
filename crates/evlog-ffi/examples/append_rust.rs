//! Appends so many buffered events of 128 bytes and says how many nanoseconds each took: the Rust side of
//! `cargo xtask bench ffi`. The C side is `bench/append_c.c`, which does the same.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it measures, and says what it measured"
)]

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use evlog_store::{Options, Store};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("say which folder")?);
    let events: u32 =
        arguments.next().and_then(|text| text.into_string().ok()).ok_or("say how many")?.parse()?;
    let mut options = Options::new();
    // Nothing is written while the clock runs: the cost of an append is asked for, not that of the disk.
    options.set("queue_bytes", "1GiB")?.set("batch_size", "1000000000")?.set("batch_timeout_ms", "600000")?;
    let store = Store::open(folder, &options)?;
    let topic = store.topic("bench")?;
    let mut payload = [0x5A; 128];
    let start = Instant::now();
    for number in 0..events {
        payload[..4].copy_from_slice(&number.to_le_bytes());
        drop(topic.append(payload)?);
    }
    let took = start.elapsed();
    topic.flush()?;
    store.close()?;
    println!("{:.2}", took.as_secs_f64() * 1e9 / f64::from(events));
    Ok(())
}
