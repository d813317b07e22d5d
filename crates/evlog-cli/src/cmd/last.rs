//! `evlog last`: puts out the last events.

use evlog_core::{Place, Read};

use crate::args;
use crate::cmd::{Context, read};
use crate::exit::{Exit, Failure};

pub(crate) fn run(args: args::Last, context: &Context) -> Result<Exit, Failure> {
    let opened = context.store.open_to_read(&args.topic, args.access.into())?;
    read::put_out(&opened.log, Read::from(Place::Last(args.limit)), &args.topic, args.looks, context)
}
