//! Events of a Rust type: appended as values, read in place, and never mistaken for another type.
//!
//! ```sh
//! cargo run --package evlog-store --example typed -- ./typed-data
//! ```
//!
//! A till: each run sells to two customers and then adds up all that was ever sold.

#![expect(clippy::print_stdout, reason = "it talks to whoever runs it")]

use std::collections::BTreeMap;

use evlog_store::rkyv::{Archive, Deserialize, Serialize};
use evlog_store::schema::Schema;
use evlog_store::{Error, Options, Place, Store, TypedTopic};

/// What was sold to one customer.
#[derive(Archive, Serialize, Deserialize)]
#[rkyv(crate = evlog_store::rkyv)]
struct Sale {
    customer: String,
    lines: Vec<Line>,
}

/// So many pieces of something.
#[derive(Archive, Serialize, Deserialize)]
#[rkyv(crate = evlog_store::rkyv)]
struct Line {
    product: String,
    pieces: u32,
    cents_each: u64,
}

impl Schema for Sale {
    const NAME: &'static str = "till.Sale";
    // Another one with every change of the fields, also of those of a line.
    const VERSION: u32 = 1;
}

/// The same name, and a form of a later day.
#[derive(Archive, Serialize, Deserialize)]
#[rkyv(crate = evlog_store::rkyv)]
struct SaleWithTip {
    sale: Sale,
    tip_cents: u64,
}

impl Schema for SaleWithTip {
    const NAME: &'static str = "till.Sale";
    const VERSION: u32 = 2;
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("say in which folder the store is: typed FOLDER")?;
    let store = Store::open(folder, &Options::new())?;
    let sales = store.typed::<Sale>("sales")?;

    let first = sales.append(&sale("Ada", &[("shoes", 1, 89_90), ("socks", 2, 4_50)]))?;
    // Two that stay together: after a crash both are there, or none. Their sync will do for the first one, too.
    let pair = [sale("Grace", &[("hats", 1, 35_00)]), sale("Grace", &[("socks", 3, 4_50)])];
    let pair = sales.append_batch(&pair)?.wait()?;
    println!("sold: {:?} and {pair:?}", first.wait()?);

    for (product, cents) in turnover(&sales)? {
        println!("{product}: {}.{:02}", cents / 100, cents % 100);
    }
    // The newest one as a value of its own.
    if let Some(newest) = sales.latest()? {
        println!("the last customer was {}, at position {}", newest.value.customer, newest.position);
    }

    // Who comes with another type, or with another version of it, is told so, and shown no garbage.
    match store.typed::<SaleWithTip>("sales") {
        Err(error @ Error::Schema { .. }) => println!("refused: {error}"),
        Err(error) => return Err(error.into()),
        Ok(_) => return Err("sales were taken for something else".into()),
    }
    store.close()?;
    Ok(())
}

fn sale(customer: &str, lines: &[(&str, u32, u64)]) -> Sale {
    let line = |&(product, pieces, cents_each): &(&str, u32, u64)| Line {
        product: product.into(),
        pieces,
        cents_each,
    };
    Sale { customer: customer.into(), lines: lines.iter().map(line).collect() }
}

/// Cents by product. Every payload is checked once and then read where it lies: nothing is decoded or copied.
fn turnover(sales: &TypedTopic<Sale>) -> evlog_store::Result<BTreeMap<String, u64>> {
    let mut cents = BTreeMap::new();
    let mut reader = sales.read(Place::Oldest)?;
    while let Some(event) = reader.next()? {
        for line in event.value.lines.iter() {
            let sum = u64::from(line.pieces.to_native()) * line.cents_each.to_native();
            *cents.entry(line.product.to_string()).or_default() += sum;
        }
    }
    Ok(cents)
}
