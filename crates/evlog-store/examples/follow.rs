//! Follows a topic that another process writes, and goes on where it stopped when it is started again.
//!
//! ```sh
//! cargo run --package evlog-store --example follow -- ./quickstart-data orders ./orders.bookmark
//! ```
//!
//! It shows what is there and what comes, and ends when nothing has come for a second. What it has shown it notes in
//! the bookmark: a file with the next position. Let another program append meanwhile, `evlog append` for one.

#![expect(clippy::print_stdout, reason = "it talks to whoever runs it")]
#![expect(clippy::disallowed_methods, reason = "the bookmark is a file of its own, not one of the store's")]

use std::error::Error;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use evlog_core::Error::{Gap, Trimmed};
use evlog_store::{Follower, Options, Place, Position, Store};

/// How long nothing may come before the program ends.
const PATIENCE: Duration = Duration::from_secs(1);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, topic, bookmark] = arguments.as_slice() else {
        return Err(
            "say whose events, and where to note how far they were shown: follow FOLDER TOPIC FILE".into()
        );
    };
    let bookmark = Path::new(bookmark);

    // To read only: the topic may be written by another process, and nothing of the store is changed.
    let store = Store::open_read_only(folder, &Options::new())?;
    let topic = store.existing_topic(topic)?;
    let mut follower = topic.follow(Place::Oldest)?;
    // Where that was trimmed meanwhile, the first call will say so.
    if let Some(next) = read(bookmark)? {
        follower.seek(next);
    }
    while show_next(&mut follower)? {
        // Whoever notes first and shows afterwards shows some events never; this way round some twice.
        write(bookmark, follower.position())?;
    }
    println!("nothing new, next is {}", follower.position());
    Ok(())
}

/// Shows the next event, or what there is instead of it; `false` where nothing has come in time.
fn show_next(follower: &mut Follower) -> Result<bool, Box<dyn Error>> {
    match follower.next(Some(PATIENCE)) {
        Ok(None) => return Ok(false),
        Ok(Some(event)) => println!("{} {}", event.position, String::from_utf8_lossy(event.payload)),
        Err(error) => match error.log() {
            // Retention was faster than this program, or dropped them while it did not run.
            Some(Trimmed { asked, start }) => {
                println!("{asked} to {start} were trimmed");
                follower.seek(*start);
            }
            // The disk has damaged them. The next call goes on behind them.
            Some(Gap(gap)) => println!("{} to {} are lost: {}", gap.from, gap.to, gap.reason),
            _ => return Err(error.into()),
        },
    }
    Ok(true)
}

fn read(bookmark: &Path) -> Result<Option<Position>, Box<dyn Error>> {
    match fs::read_to_string(bookmark) {
        Ok(text) => Ok(Some(text.trim().parse()?)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Replaces the bookmark as a whole, so that no stop in between leaves half a number. After a power loss it may be an
/// older one: then some events are shown twice.
fn write(bookmark: &Path, next: Position) -> std::io::Result<()> {
    let new = bookmark.with_extension("new");
    fs::write(&new, next.to_string())?;
    fs::rename(new, bookmark)
}
