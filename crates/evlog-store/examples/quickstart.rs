//! First steps: open a store, append events, wait for them, read them, follow what comes.
//!
//! ```sh
//! cargo run --package evlog-store --example quickstart -- ./quickstart-data
//! ```
//!
//! Run it twice: positions go on where they ended.

#![expect(clippy::print_stdout, reason = "it talks to whoever runs it")]

use std::error::Error;
use std::time::Duration;

use evlog_store::{Batch, Event, Options, Place, Store};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("say in which folder the store is: quickstart FOLDER")?;
    let store = Store::open(folder, &Options::new())?;
    let orders = store.topic("orders")?;
    println!("{} has {} events", orders.name(), orders.range().end);

    // One event. The ticket says where it will be, and waits until it is durable.
    let ticket = orders.append("one pair of shoes")?;
    println!("appended durably: {:?}", ticket.wait()?);

    // Several that stay together: after a crash all of them are there, or none.
    let mut batch = Batch::new();
    for payload in ["two pairs of socks", "three hats"] {
        batch.push(1_700_000_000_000_000, payload.as_bytes())?;
    }
    println!("and a batch: {:?}", orders.append_batch(&batch)?.wait()?);

    // All events, oldest first. Each is borrowed from the reader until the next one.
    let mut reader = orders.read(Place::Oldest)?;
    while let Some(event) = reader.next()? {
        show("read", event);
    }

    // What comes: another thread appends, this one hears of it.
    let mut follower = orders.follow(Place::End)?;
    let writer = std::thread::spawn({
        let orders = orders.clone();
        move || orders.append("four gloves").and_then(|ticket| ticket.wait())
    });
    if let Some(event) = follower.next(Some(Duration::from_secs(60)))? {
        show("heard", event);
    }
    writer.join().map_err(|_| "the writer panicked")??;

    // The result of the last sync.
    store.close()?;
    Ok(())
}

fn show(how: &str, event: Event<'_>) {
    println!("{how} {}: {}", event.position, String::from_utf8_lossy(event.payload));
}
