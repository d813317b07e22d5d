//! Stores: opening and closing, and what concerns all topics.

use crate::boundary::{Answer, ErrorOut, NewHandle, OrNull, Owned, Shared, Word, call};
use crate::failure::Failure;
use crate::handle::{Held, Kind};
use crate::options::Options;
use crate::status::Status;
use crate::text::Text;
use crate::time::{in_time, limit_of};

/// A folder of topics. Any threads at once.
pub struct Store(pub(crate) evlog_store::Store);

impl Held for Store {
    const KIND: Kind = Kind::Store;
}

type Open = fn(&str, &evlog_store::Options) -> evlog_store::Result<evlog_store::Store>;

/// Opens the store in the folder `path`, or makes it; its parent must exist. `options` may be null for the defaults,
/// and may be freed afterwards. Close the store with `evlog_close`.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_open(
    path: Word,
    options: OrNull<Options>,
    store_out: NewHandle<Store>,
    err: ErrorOut,
) -> Status {
    open(|path, options| evlog_store::Store::open(path, options), path, options, store_out, err)
}

/// Opens the store in the folder `path` to read only, and writes nothing at all. Other processes may write its topics
/// meanwhile.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_open_read_only(
    path: Word,
    options: OrNull<Options>,
    store_out: NewHandle<Store>,
    err: ErrorOut,
) -> Status {
    open(|path, options| evlog_store::Store::open_read_only(path, options), path, options, store_out, err)
}

fn open(how: Open, path: Word, options: OrNull<Options>, store: NewHandle<Store>, err: ErrorOut) -> Status {
    call(options, store, err, |options| {
        let options = options.as_ref().map_or_else(evlog_store::Options::new, |options| options.0.clone());
        Ok(Answer::Done(Store(how(path.text("the path")?, &options)?)))
    })
}

/// Makes everything durable that was accepted, closes all topics and frees the store, whatever it answers. Whoever waits
/// in another thread wakes up; topics answer `EVLOG_E_CLOSED`; readers go on to the end of what is there. With
/// `EVLOG_TIMEOUT` it is being closed, and nobody hears how that ends.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_close(store: Owned<Store>, timeout_ms: i64, err: ErrorOut) -> Status {
    call(store, (), err, |store| in_time(store.0.within(limit_of(timeout_ms)).close()))
}

/// Makes everything accepted by any topic durable. `evlog_flush` does it for one topic.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_flush_all(store: Shared<Store>, timeout_ms: i64, err: ErrorOut) -> Status {
    call(store, (), err, |store| in_time(store.0.within(limit_of(timeout_ms)).flush()))
}

/// The names of all topics, open or not: a JSON array of strings, in order.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_topics(store: Shared<Store>, json_out: NewHandle<Text>, err: ErrorOut) -> Status {
    call(store, json_out, err, |store| {
        let names: Vec<String> = store.0.topics()?.iter().map(ToString::to_string).collect();
        Ok(Answer::Done(Text::new(&serde_json::json!(names).to_string())))
    })
}

/// Closes a topic and removes it with all its events. One of the same name that is made later is another topic.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_remove_topic(
    store: Shared<Store>,
    name: Word,
    timeout_ms: i64,
    err: ErrorOut,
) -> Status {
    call(store, (), err, |store| {
        in_time(store.0.within(limit_of(timeout_ms)).remove_topic(name.text("the name")?))
    })
}

/// What the open topics have counted, in the text format of Prometheus.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_prometheus(store: Shared<Store>, text_out: NewHandle<Text>, err: ErrorOut) -> Status {
    call(store, text_out, err, |store| {
        let text = store.0.render_prometheus().map_err(Failure::from)?;
        Ok(Answer::Done(Text::new(&text)))
    })
}
