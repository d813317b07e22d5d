/*
 * evlog.h - the C interface of evlog, an embedded event log. C99; usable from C++. Explained in docs/C-API.md.
 * This file is made by `cargo xtask header`: change the code, not this.
 *
 * Handles   Opaque; made and freed by the library. They look like pointers and are none: a handle that is null, was
 *           freed, or is of another type is EVLOG_E_HANDLE. Freeing null does nothing.
 * Memory    A handle that a call gives is freed by the caller; every other pointer is borrowed, for as long as its
 *           function says. A pointer that is not null must point to as much memory as its type says, which nobody
 *           changes during the call.
 * Threads   Stores, topics, tickets and texts: any threads at once. Options, batches, readers and errors: one thread
 *           at a time, and it may be another each time. Nothing depends on the thread.
 * Forks     A handle made before a fork is EVLOG_E_HANDLE in the child, which can open stores of its own.
 * Errors    0 is success, a positive status no error, a negative one an error. Then results are untouched, and where
 *           `err` is not null, `*err` gets an error that the caller frees (null, where there are too many handles).
 *           A panic inside never gets out: EVLOG_E_PANIC, and the handles of the call then answer EVLOG_E_POISONED.
 * Strings   UTF-8 with a NUL at the end; payloads are bytes with a length.
 * Waiting   Whatever waits for others or for a write takes a limit: milliseconds, a negative number for none. Where it
 *           passes, the answer is EVLOG_TIMEOUT: what was asked for goes on, and results are untouched. It holds also
 *           where a write or a sync hangs, for another thread does those. Calls without a limit wait for nobody: they
 *           read, or open a folder, for as long as that takes.
 */

#ifndef EVLOG_H
#define EVLOG_H

#include <stddef.h>
#include <stdint.h>

/** The version of evlog that this header came with. */
#define EVLOG_VERSION_MAJOR 0
#define EVLOG_VERSION_MINOR 1
#define EVLOG_VERSION_PATCH 0

/** Rises with every incompatible change of this header. See `evlog_abi` and `evlog_options_new`. */
#define EVLOG_ABI 1
/** A timestamp that stands for the time of the call. */
#define EVLOG_NOW INT64_MIN
/** Stands for no position: none expected, none known. */
#define EVLOG_ANY UINT64_MAX
/** What an append or a wait waits for: what the option `durability` says. */
#define EVLOG_DEFAULT (-1)
/** Nothing: the event was accepted and has its position. */
#define EVLOG_BUFFERED 0
/** The system has the event: it outlives the process, not a power loss. */
#define EVLOG_WRITTEN 1
/** The event is on the disk. */
#define EVLOG_SYNCED 2
/** Oldest event first. */
#define EVLOG_FORWARD 0
/** Newest event first. */
#define EVLOG_REVERSE 1
/** Only events that a power loss cannot take away any more. */
#define EVLOG_READ_DURABLE 0
/** All events that were written, also those that a power loss may still take away. */
#define EVLOG_READ_WRITTEN 1

/** Events that are appended together: after a crash all of them are there, or none. One thread at a time. */
typedef struct evlog_batch evlog_batch;

/** Why a call failed: its status, a text, and the numbers that a program may act on. One thread at a time. */
typedef struct evlog_error evlog_error;

/** How to open a store: names and values, those of the command's `-o NAME=VALUE`. One thread at a time. */
typedef struct evlog_options evlog_options;

/**
 * Walks the events of a topic. One thread at a time; it may move between threads. It takes no file away from retention
 * and goes on to the end of what is there after its topic was closed.
 */
typedef struct evlog_reader evlog_reader;

/** A folder of topics. Any threads at once. */
typedef struct evlog_store evlog_store;

/** A text that the library made: UTF-8 with a NUL at its end. Any threads at once. */
typedef struct evlog_text evlog_text;

/** What a submit gives: where the events will be, and a way to wait for them. Any threads at once. */
typedef struct evlog_ticket evlog_ticket;

/** A named log of a store. Any threads at once. It keeps its store alive until that is closed. */
typedef struct evlog_topic evlog_topic;

/**
 * What a call answers: `EVLOG_OK`, a positive number where it did nothing and nothing is wrong, a negative one for
 * an error. Values are never renumbered; new ones may come.
 */
typedef int32_t evlog_status;

/** How far a topic reaches. Set `size` to `sizeof(evlog_extent)` before the call. */
typedef struct evlog_extent {
  /** Bytes of this structure. */
  size_t size;
  /** The first position that can be read. */
  uint64_t start;
  /** The position of the next event. What was accepted and is not yet written does not count. */
  uint64_t end;
  /** Everything before this position is durable. */
  uint64_t durable_end;
  /** Bytes of all segments. */
  uint64_t bytes;
  /** How many segments there are. */
  uint64_t segments;
  /** No event has an earlier timestamp; `INT64_MAX` where there is no event. */
  int64_t oldest_us;
  /** No event has a later timestamp; `INT64_MIN` where there is no event. */
  int64_t newest_us;
} evlog_extent;

/** Bytes: a payload. `data` may be null where `len` is 0. */
typedef struct evlog_slice {
  /** The first byte. */
  const uint8_t *data;
  /** How many there are. */
  size_t len;
} evlog_slice;

/** What to read. With all zeros but the size: every durable event, oldest first. */
typedef struct evlog_read {
  /** Bytes of this structure: `sizeof(evlog_read)`. */
  size_t size;
  /**
   * The place of the first event, as text: `"oldest"`, `"42"`, `"-100"` for the last hundred,
   * `"@2026-11-22T10:00:00Z"`, `"@-1h"`. Null: the oldest.
   */
  const char *from;
  /** A place too: nothing at or behind it is read. Null: to the end. */
  const char *to;
  /** At most so many events; 0: all. */
  uint64_t limit;
  /** Where not null, only events whose timestamp is at or after this one, wherever they stand. */
  const int64_t *since_us;
  /** `EVLOG_FORWARD` or `EVLOG_REVERSE`: the same events the other way round; a limit counts from the newest then. */
  int32_t direction;
  /** `EVLOG_READ_DURABLE` or `EVLOG_READ_WRITTEN`. */
  int32_t level;
} evlog_read;

/** One event. */
typedef struct evlog_event {
  /** Its place in the topic: 0, 1, 2 ... */
  uint64_t position;
  /** Microseconds since 1970-01-01T00:00:00Z. */
  int64_t timestamp_us;
  /** Its bytes. They are the reader's: valid until the next call with it. */
  evlog_slice payload;
  /** The number that was given with it; 0 for none. */
  uint32_t schema;
} evlog_event;

/** What `evlog_verify` found. Set `size` to `sizeof(evlog_verification)` before the call. */
typedef struct evlog_verification {
  /** Bytes of this structure. */
  size_t size;
  /** Events that are there and whole. */
  uint64_t events;
  /** Bytes that were read. */
  uint64_t bytes;
  /** Segments that were read. */
  uint64_t segments;
  /** Places of damage, also such that cost no event. */
  uint64_t damage;
} evlog_verification;

/** What a topic has counted since it was opened. Set `size` to `sizeof(evlog_metrics)` before the call. */
typedef struct evlog_metrics {
  /** Bytes of this structure. */
  size_t size;
  /** Events written. */
  uint64_t append_events;
  /** Bytes of their payloads. */
  uint64_t append_bytes;
  /** Batches written. */
  uint64_t append_batches;
  /** Appends that were refused or failed. */
  uint64_t append_errors;
  /** Syncs. */
  uint64_t syncs;
  /** How long they took together, in nanoseconds. */
  uint64_t sync_nanos;
  /** Waits for appended events. */
  uint64_t commit_waits;
  /** How long they took together, in nanoseconds. */
  uint64_t commit_wait_nanos;
  /** Groups: what was written at once. */
  uint64_t groups;
  /** Reads of the topic: readers that were freed. */
  uint64_t reads;
  /** Events that they read. */
  uint64_t read_events;
  /** Bytes of their payloads. */
  uint64_t read_bytes;
  /** Reads that failed for another reason than damage. */
  uint64_t read_errors;
  /** Places of damage met. */
  uint64_t damage;
  /** Opens that found the topic unfinished and recovered it. */
  uint64_t repairs;
  /** Segments begun. */
  uint64_t segments_rolled;
  /** Bytes of segments trimmed. */
  uint64_t trimmed_bytes;
  /** How long the last group took to write, with its sync, in nanoseconds. */
  uint64_t last_write_nanos;
  /** How long the last read took, in nanoseconds. */
  uint64_t last_read_nanos;
  /** The first position that can be read. */
  uint64_t start;
  /** The position of the next event. */
  uint64_t end;
  /** Everything before this position is durable. */
  uint64_t durable_end;
  /** Bytes of all segments. */
  uint64_t bytes;
  /** How many segments there are. */
  uint64_t segments;
  /** Bytes accepted and not yet written. */
  uint64_t pending_bytes;
  /** 1 where the topic takes no appends until it is opened again, else 0. */
  uint64_t poisoned;
} evlog_metrics;

/** Done. */
#define EVLOG_OK 0
/** There is nothing more to read. Not an error. */
#define EVLOG_END 1
/** The limit passed; what was asked for goes on and may still happen. Not an error. */
#define EVLOG_TIMEOUT 2
/** An argument, a name, a place or an option is wrong, or a pointer is null that must not be. */
#define EVLOG_E_INVALID (-1)
/** The system refused to read or write; nothing is concluded about the bytes, and trying again is safe. */
#define EVLOG_E_IO (-2)
/** Damage. Reading: the positions of `evlog_error_gap` cannot be read, and the next call goes on behind them. */
#define EVLOG_E_CORRUPT (-3)
/** Another process, or another store of this one, writes the topic. */
#define EVLOG_E_LOCKED (-4)
/** There is no such topic, store or position. */
#define EVLOG_E_NOT_FOUND (-5)
/** What was to be made exists already. Reserved: no call makes what must not exist, so none answers this yet. */
#define EVLOG_E_EXISTS (-6)
/** The topic does not end at the expected position, but at `evlog_error_position`; nothing was appended. */
#define EVLOG_E_WRONG_POSITION (-7)
/** The position was dropped from the front of the topic, which starts at `evlog_error_position`. */
#define EVLOG_E_TRIMMED (-8)
/** An event or a batch is larger than the options or the format allow; nothing was appended. */
#define EVLOG_E_TOO_LARGE (-9)
/** No room: on the disk (`evlog_error_errno` is not 0), or in the queue of the topic. Nothing was appended. */
#define EVLOG_E_FULL (-10)
/** The store was opened to read only. */
#define EVLOG_E_READ_ONLY (-11)
/** An earlier write or sync failed, or a panic happened: close and open again. */
#define EVLOG_E_POISONED (-12)

/**
 * The event is of another type than it is read as. Reserved: C reads bytes and schema numbers, not types, so no call
 * answers this yet.
 */
#define EVLOG_E_SCHEMA (-13)
/** A file of a later version, a link or a device in place of a file, or a file system that cannot be relied on. */
#define EVLOG_E_UNSUPPORTED (-14)
/** No handle can be made: there are too many. */
#define EVLOG_E_NO_MEMORY (-15)
/** A bug in evlog: it panicked. The handles of the call answer `EVLOG_E_POISONED` from now on; free them. */
#define EVLOG_E_PANIC (-16)
/** Null, freed, of another type, used by another thread at this moment, or made before a fork: no such handle. */
#define EVLOG_E_HANDLE (-17)
/** A write or sync failed half-way: the events appear whole or not at all, and the next open decides. */
#define EVLOG_E_INDETERMINATE (-18)
/** The events were not written and never will be, because something before them failed. */
#define EVLOG_E_NOT_WRITTEN (-19)
/** The topic or its store was closed. */
#define EVLOG_E_CLOSED (-20)

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/* ---- The library ----------------------------------------------------------------------------------------- */

/** The interface of the library that is running. Compare it with `EVLOG_ABI`, the one this header describes. */
uint32_t evlog_abi(void);

/** The version of the library that is running, as `"0.1.0"`. Never freed. */
const char *evlog_version(void);

/** The name of a status, as `"EVLOG_E_IO"`; `"unknown status"` for a number that is none. Never freed. */
const char *evlog_status_name(evlog_status status);

/* ---- Errors ---------------------------------------------------------------------------------------------- */

/** The status that the failed call answered. */
evlog_status evlog_error_status(const evlog_error *error);

/** What happened, with its causes, in one line for people. Lives as long as the error; never null. */
const char *evlog_error_message(const evlog_error *error);

/** The `errno` behind the error; 0 where the system was not the cause. */
int evlog_error_errno(const evlog_error *error);

/**
 * The position that the error knows: where the topic really ends (`EVLOG_E_WRONG_POSITION`, `EVLOG_E_NOT_FOUND`) or
 * starts (`EVLOG_E_TRIMMED`), or where reading goes on (`EVLOG_E_CORRUPT`). `EVLOG_ANY` where it knows none.
 */
uint64_t evlog_error_position(const evlog_error *error);

/**
 * The positions from `*from_out` up to, not including, `*to_out` cannot be read: that is the error. `EVLOG_END` where
 * it is another error. Either pointer may be null.
 */
evlog_status evlog_error_gap(const evlog_error *error, uint64_t *from_out, uint64_t *to_out);

/** Frees an error; null is fine. */
evlog_status evlog_error_free(evlog_error *error);

/* ---- Texts ----------------------------------------------------------------------------------------------- */

/** The text. Lives as long as its handle; null where there is no such handle. */
const char *evlog_text_string(const evlog_text *text);

/** How many bytes the text has, without the NUL; 0 where there is no such handle. */
size_t evlog_text_len(const evlog_text *text);

/** Frees a text; null is fine. */
evlog_status evlog_text_free(evlog_text *text);

/* ---- Options --------------------------------------------------------------------------------------------- */

/**
 * Options that say nothing yet: the defaults. Pass `EVLOG_ABI`; null where the library that is running has another
 * interface than this header, or where there are too many handles. Free it with `evlog_options_free`.
 */
evlog_options *evlog_options_new(uint32_t abi);

/** Sets an option by its name; an unknown name is an error. The names are in docs/C-API.md. */
evlog_status evlog_options_set(evlog_options *options, const char *name, const char *value, evlog_error **err);

/** Frees options; null is fine. */
evlog_status evlog_options_free(evlog_options *options);

/* ---- Stores ---------------------------------------------------------------------------------------------- */

/**
 * Opens the store in the folder `path`, or makes it; its parent must exist. `options` may be null for the defaults,
 * and may be freed afterwards. Close the store with `evlog_close`.
 */
evlog_status evlog_open(const char *path, const evlog_options *options, evlog_store **store_out, evlog_error **err);

/**
 * Opens the store in the folder `path` to read only, and writes nothing at all. Other processes may write its topics
 * meanwhile.
 */
evlog_status evlog_open_read_only(const char *path, const evlog_options *options, evlog_store **store_out,
                                  evlog_error **err);

/**
 * Makes everything durable that was accepted, closes all topics and frees the store, whatever it answers. Whoever waits
 * in another thread wakes up; topics answer `EVLOG_E_CLOSED`; readers go on to the end of what is there. With
 * `EVLOG_TIMEOUT` it is being closed, and nobody hears how that ends.
 */
evlog_status evlog_close(evlog_store *store, int64_t timeout_ms, evlog_error **err);

/** Makes everything accepted by any topic durable. `evlog_flush` does it for one topic. */
evlog_status evlog_flush_all(const evlog_store *store, int64_t timeout_ms, evlog_error **err);

/** The names of all topics, open or not: a JSON array of strings, in order. */
evlog_status evlog_topics(const evlog_store *store, evlog_text **json_out, evlog_error **err);

/** Closes a topic and removes it with all its events. One of the same name that is made later is another topic. */
evlog_status evlog_remove_topic(const evlog_store *store, const char *name, int64_t timeout_ms, evlog_error **err);

/** What the open topics have counted, in the text format of Prometheus. */
evlog_status evlog_prometheus(const evlog_store *store, evlog_text **text_out, evlog_error **err);

/* ---- Topics ---------------------------------------------------------------------------------------------- */

/**
 * The topic of this name; it is made where it is missing. It is opened behind a close that is under way. With
 * `EVLOG_TIMEOUT` it is being opened: call again. Free the handle with `evlog_topic_free`, which leaves the
 * topic open, or close the topic with `evlog_topic_close`.
 */
evlog_status evlog_topic_open(const evlog_store *store, const char *name, int64_t timeout_ms, evlog_topic **topic_out,
                              evlog_error **err);

/** As `evlog_topic_open`, but `EVLOG_E_NOT_FOUND` where the store has no such topic. */
evlog_status evlog_topic_open_existing(const evlog_store *store, const char *name, int64_t timeout_ms,
                                       evlog_topic **topic_out, evlog_error **err);

/**
 * Makes everything durable that was accepted, closes the topic for all its handles, and frees this one, whatever it
 * answers. The store opens the topic again when asked. With `EVLOG_TIMEOUT` it is being closed, and nobody hears how
 * that ends.
 */
evlog_status evlog_topic_close(evlog_topic *topic, int64_t timeout_ms, evlog_error **err);

/** Frees a handle of a topic, which stays open; null is fine. */
evlog_status evlog_topic_free(evlog_topic *topic);

/** How far the topic reaches. */
evlog_status evlog_topic_extent(const evlog_topic *topic, evlog_extent *extent_out, evlog_error **err);

/** The position of the first event whose timestamp is at or after `timestamp_us`; the end where there is none. */
evlog_status evlog_find(const evlog_topic *topic, int64_t timestamp_us, uint64_t *position_out, evlog_error **err);

/**
 * The position that a place stands for right now: `oldest`, `end`, `42`, `-100` (so many before the end),
 * `@2026-11-22T10:00:00Z`, `@-1h`.
 */
evlog_status evlog_position_of(const evlog_topic *topic, const char *place, uint64_t *position_out, evlog_error **err);

/** Waits until the event at `position` is durable. */
evlog_status evlog_wait_past(const evlog_topic *topic, uint64_t position, int64_t timeout_ms, evlog_error **err);

/** Drops whole segments from the front whose events all lie before `position`, and gives the new start. */
evlog_status evlog_trim(const evlog_topic *topic, uint64_t position, int64_t timeout_ms, uint64_t *start_out,
                        evlog_error **err);

/**
 * Drops now what the retention does not keep, and gives the start. It happens by itself after every roll, and as
 * events grow old.
 */
evlog_status evlog_retention_run(const evlog_topic *topic, int64_t timeout_ms, uint64_t *start_out, evlog_error **err);

/** Changes what the topic keeps, until it is closed, to what the `retention_*` and `wrap` of the options say. */
evlog_status evlog_retention_set(const evlog_topic *topic, const evlog_options *options, int64_t timeout_ms,
                                 evlog_error **err);

/** Makes everything durable and starts a new segment, so that all events so far can be trimmed. */
evlog_status evlog_roll(const evlog_topic *topic, int64_t timeout_ms, evlog_error **err);

/* ---- Batches --------------------------------------------------------------------------------------------- */

/**
 * An empty batch whose events all carry `schema`, a number of yours (0 for none). Null where there are too many
 * handles. It can be appended several times, and cleared and filled again.
 */
evlog_batch *evlog_batch_new(uint32_t schema);

/**
 * Adds an event, with a copy of its payload. Its time is in microseconds since 1970-01-01T00:00:00Z, or
 * `EVLOG_NOW`.
 */
evlog_status evlog_batch_add(evlog_batch *batch, int64_t timestamp_us, evlog_slice payload, evlog_error **err);

/** How many events are in the batch; 0 where there is no such handle. */
size_t evlog_batch_len(const evlog_batch *batch);

/** Removes all events and keeps the memory for new ones. */
evlog_status evlog_batch_clear(evlog_batch *batch, evlog_error **err);

/** Frees a batch; null is fine. */
evlog_status evlog_batch_free(evlog_batch *batch);

/* ---- Appending ------------------------------------------------------------------------------------------- */

/**
 * Appends one event whose time is now, and waits until it is as durable as asked. With `EVLOG_BUFFERED` it returns at
 * once, unless the queue of the topic is full: then it waits for room, as long as the limit and the option `when_full`
 * allow, and answers `EVLOG_E_FULL` where there was none. `EVLOG_TIMEOUT`: the event was accepted and is not that
 * durable yet; it is written all the same, so do not append it again. Who needs its position uses `evlog_submit`.
 */
evlog_status evlog_append(const evlog_topic *topic, evlog_slice payload, int32_t durability, int64_t timeout_ms,
                          uint64_t *position_out, evlog_error **err);

/** As `evlog_append`, with a timestamp (microseconds since 1970-01-01T00:00:00Z) and a schema, a number of yours. */
evlog_status evlog_append_at(const evlog_topic *topic, int64_t timestamp_us, uint32_t schema, evlog_slice payload,
                             int32_t durability, int64_t timeout_ms, uint64_t *position_out, evlog_error **err);

/**
 * Appends `count` events as one batch: all or none of them are there after a crash. Their time is now. Where
 * `expected` is not `EVLOG_ANY`, only if the first of them gets that position, else `EVLOG_E_WRONG_POSITION`.
 */
evlog_status evlog_append_many(const evlog_topic *topic, const evlog_slice *payloads, size_t count, uint64_t expected,
                               int32_t durability, int64_t timeout_ms, uint64_t *first_out, evlog_error **err);

/** As `evlog_append_many`, for a batch with its own times. */
evlog_status evlog_append_batch(const evlog_topic *topic, const evlog_batch *batch, uint64_t expected,
                                int32_t durability, int64_t timeout_ms, uint64_t *first_out, evlog_error **err);

/**
 * Appends one event and waits for nothing but room, as `evlog_append` does: the ticket waits. The time is that of the
 * call with `EVLOG_NOW`. It is written and synced within the option `batch_timeout_ms` also if nobody waits.
 */
evlog_status evlog_submit(const evlog_topic *topic, int64_t timestamp_us, uint32_t schema, evlog_slice payload,
                          int64_t timeout_ms, evlog_ticket **ticket_out, evlog_error **err);

/** As `evlog_submit`, for a batch. `expected` is that of `evlog_append_many`. */
evlog_status evlog_submit_batch(const evlog_topic *topic, const evlog_batch *batch, uint64_t expected,
                                int64_t timeout_ms, evlog_ticket **ticket_out, evlog_error **err);

/**
 * The positions of the events: from `*from_out` up to, not including, `*to_out`. They are certain once the ticket was
 * waited for: where a write fails, other events get them. Either pointer may be null.
 */
evlog_status evlog_ticket_positions(const evlog_ticket *ticket, uint64_t *from_out, uint64_t *to_out,
                                    evlog_error **err);

/** Waits until the events are as durable as asked. After `EVLOG_TIMEOUT` one may wait again. */
evlog_status evlog_ticket_wait(const evlog_ticket *ticket, int32_t durability, int64_t timeout_ms, evlog_error **err);

/** Makes everything durable that the topic accepted so far, and gives the position behind it. */
evlog_status evlog_flush(const evlog_topic *topic, int64_t timeout_ms, uint64_t *durable_end_out, evlog_error **err);

/** Frees a ticket; null is fine. The events are written all the same. */
evlog_status evlog_ticket_free(evlog_ticket *ticket);

/* ---- Reading --------------------------------------------------------------------------------------------- */

/**
 * A reader of what `read` says; null for every durable event, oldest first. It ends where the topic ends: a later call
 * goes on where the topic has grown.
 */
evlog_status evlog_reader_open(const evlog_topic *topic, const evlog_read *read, evlog_reader **reader_out,
                               evlog_error **err);

/** A reader that begins at the place `from` (null: the oldest event) and waits at the end for more. */
evlog_status evlog_follow(const evlog_topic *topic, const char *from, int32_t level, evlog_reader **reader_out,
                          evlog_error **err);

/**
 * The next event. At the end a reader answers `EVLOG_END`; one that follows waits so many milliseconds for an event
 * (a negative number: without a limit; 0: not at all) and then answers `EVLOG_TIMEOUT`.
 *
 * `EVLOG_E_CORRUPT`: the positions of `evlog_error_gap` cannot be read; the next call goes on behind them.
 * `EVLOG_E_TRIMMED`: retention was faster; seek to `evlog_error_position`.
 */
evlog_status evlog_reader_next(evlog_reader *reader, int64_t timeout_ms, evlog_event *event_out, evlog_error **err);

/**
 * As `evlog_reader_next`, for up to `capacity` events at once: 4,096 or about 1 MiB of payloads at most. `*count_out` is
 * how many there are, at least one with `EVLOG_OK`. It waits for the first event only.
 */
evlog_status evlog_reader_next_many(evlog_reader *reader, int64_t timeout_ms, evlog_event *events_out, size_t capacity,
                                    size_t *count_out, evlog_error **err);

/** The position that the next call looks at first. */
evlog_status evlog_reader_position(const evlog_reader *reader, uint64_t *position_out, evlog_error **err);

/** Goes on at `position`, in the same direction. Errors of the position show with the next event. */
evlog_status evlog_reader_seek(evlog_reader *reader, uint64_t position, evlog_error **err);

/** Goes on at a place: `oldest`, `end`, `-100`, `@2026-11-22T10:00:00Z`, `@-1h`. */
evlog_status evlog_reader_seek_place(evlog_reader *reader, const char *place, evlog_error **err);

/** Frees a reader, and with it the payloads of its last call; null is fine. */
evlog_status evlog_reader_free(evlog_reader *reader);

/* ---- Reports --------------------------------------------------------------------------------------------- */

/**
 * What the open of the topic found and did, as a JSON object: `found` (`new`, `closed`, `unclean`), `has_writer`,
 * `scanned_bytes`, `rewritten_bytes`, `leftover_bytes`, `leftover_positions`, `unproven`, `gone` (each an object with
 * `from` and `to`, or null), `gaps` (as `damage` of `evlog_verify`), `foreign` (files).
 */
evlog_status evlog_recovery_report(const evlog_topic *topic, evlog_text **json_out, evlog_error **err);

/**
 * Reads everything written and checks every checksum. Damage is no error here: it is counted, and listed in a JSON
 * object with `events`, `bytes`, `segments` and `damage`, an array of `from`, `to`, `reason`, `file`, `offset`, `length`.
 * Either pointer may be null.
 */
evlog_status evlog_verify(const evlog_topic *topic, evlog_verification *verification_out, evlog_text **json_out,
                          evlog_error **err);

/**
 * What is known of each segment, oldest first: a JSON array of objects with `segment` (its file), `start`, `end`,
 * `bytes`, and, where it has events, `least_timestamp` and `greatest_timestamp`.
 */
evlog_status evlog_segments(const evlog_topic *topic, evlog_text **json_out, evlog_error **err);

/** What the topic has counted since it was opened. */
evlog_status evlog_topic_metrics(const evlog_topic *topic, evlog_metrics *metrics_out, evlog_error **err);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* EVLOG_H */
