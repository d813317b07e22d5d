//! Each call that can be spelled.

use std::ffi::CStr;
use std::ptr;

use crate::append::{
    EVLOG_BUFFERED, EVLOG_SYNCED, EVLOG_WRITTEN, Ticket, evlog_append, evlog_append_batch, evlog_append_many,
    evlog_flush, evlog_submit, evlog_submit_batch, evlog_ticket_free, evlog_ticket_wait,
};
use crate::batch::{Batch, evlog_batch_add, evlog_batch_clear, evlog_batch_free, evlog_batch_new};
use crate::boundary::{
    Alone, ErrorOut, Extent, Growing, GrowingOut, Items, NewHandle, OptionalOut, OrNull, Out, Owned, Plain,
    Read, Room, Shared, Slice, Word,
};
use crate::error::EVLOG_ANY;
use crate::handle::Held;
use crate::options::{Options, evlog_options_free, evlog_options_new, evlog_options_set};
use crate::player::{Made, Player};
use crate::reader::{
    Event, Reader, evlog_follow, evlog_reader_free, evlog_reader_next, evlog_reader_next_many,
    evlog_reader_open, evlog_reader_seek, evlog_reader_seek_place,
};
use crate::report::evlog_recovery_report;
use crate::status::{EVLOG_E_HANDLE, EVLOG_OK, Status};
use crate::store::{Store, evlog_close, evlog_open, evlog_open_read_only, evlog_topics};
use crate::text::{Text, evlog_text_free, evlog_text_len};
use crate::topic::{
    Topic, evlog_roll, evlog_topic_close, evlog_topic_extent, evlog_topic_free, evlog_topic_open, evlog_trim,
};

const PAYLOADS: [&[u8]; 4] = [b"", b"a", b"bbbbbbbb", &[b'c'; 3_000]];
const PLACES: [&CStr; 6] = [c"oldest", c"end", c"3", c"-2", c"@0", c"nowhere"];
const NAMES: [&CStr; 4] = [c"one", c"two", c"not/a/name", c"\xff"];
const DURABILITIES: [i32; 5] = [EVLOG_BUFFERED, EVLOG_BUFFERED, EVLOG_WRITTEN, EVLOG_SYNCED, 9];
/// Milliseconds: without a limit, none at all, hardly enough, far too many.
const LIMITS: [i64; 6] = [-1, -1, 0, 1, 10_000, i64::MAX];
const SETTINGS: [(&CStr, &CStr); 4] =
    [(c"batch_size", c"3"), (c"segment_bytes", c"64KiB"), (c"retention_events", c"5"), (c"colour", c"red")];

impl Player<'_> {
    /// Plays one call.
    pub(super) fn call(&mut self) {
        match self.tape.byte() % 24 {
            0 => self.options(),
            1..=2 => self.open(),
            3..=4 => self.open_topic(),
            5..=9 => self.append(),
            10..=11 => self.batches(),
            12 => self.tickets(),
            13 => self.open_reader(),
            14..=18 => self.read(),
            19 => self.look(),
            20 => self.keep_less(),
            21..=22 => self.free_something(),
            _ => self.close(),
        }
    }

    /// Frees everything; with the stores last, so that topics and readers keep them alive.
    pub(super) fn end(&mut self) {
        while let Some(handle) = self.handles.live::<Reader>() {
            self.must_free(handle, evlog_reader_free);
        }
        while let Some(handle) = self.handles.live::<Ticket>() {
            self.must_free(handle, evlog_ticket_free);
        }
        while let Some(handle) = self.handles.live::<Batch>() {
            self.must_free(handle, evlog_batch_free);
        }
        while let Some(handle) = self.handles.live::<Options>() {
            self.must_free(handle, evlog_options_free);
        }
        while let Some(handle) = self.handles.live::<Text>() {
            self.must_free(handle, evlog_text_free);
        }
        while let Some(handle) = self.handles.live::<Topic>() {
            self.must_free(handle, evlog_topic_free);
        }
        while let Some(handle) = self.handles.live::<Store>() {
            let mut made = Made::with(true);
            let status = evlog_close(Owned::at(handle), -1, ErrorOut::at(&mut made.err));
            self.check(status, &made);
            self.handles.free(handle);
        }
    }

    fn must_free<T: Held>(&mut self, handle: *mut T, free: extern "C" fn(Owned<T>) -> Status) {
        assert_eq!(free(Owned::at(handle)), EVLOG_OK);
        assert_eq!(free(Owned::at(handle)), EVLOG_E_HANDLE);
        self.handles.free(handle);
    }

    /// A call with one handle.
    fn on<T: Held>(&mut self, call: impl FnOnce(*mut T, &mut u64, ErrorOut) -> Status) -> Status {
        let (handle, is_live) = self.handles.pick::<T>(&mut self.tape);
        let mut made = Made::with(is_live);
        let status = call(handle, &mut made.out, ErrorOut::at(&mut made.err));
        self.check(status, &made);
        status
    }

    /// A call that gives a handle.
    fn make<T: Held, N: Held>(
        &mut self,
        note: u8,
        call: impl FnOnce(*mut T, NewHandle<N>, ErrorOut) -> Status,
    ) {
        let mut fresh = ptr::null_mut();
        let status = self.on::<T>(|handle, _, err| call(handle, NewHandle::at(&mut fresh), err));
        assert_eq!(status == EVLOG_OK, !fresh.is_null(), "{status}, and a handle or none");
        if status == EVLOG_OK {
            self.handles.add(fresh, note);
        }
    }

    fn options(&mut self) {
        let fresh = evlog_options_new(1 + u32::from(self.tape.byte() == 7));
        if !fresh.is_null() {
            self.handles.add(fresh, 0);
        }
        let (name, value) = self.tape.one_of(&SETTINGS);
        self.on::<Options>(|options, _, err| {
            evlog_options_set(Alone::at(options), Word::at(name), Word::at(value), err)
        });
    }

    fn open(&mut self) {
        let store = self.tape.byte() % 4;
        // Somebody who waits for a lock would wait long: the topics of a store are written through one handle.
        if store < 2 && self.handles.has_live::<Store>(store) {
            return;
        }
        let path = self.path(store);
        let with =
            if self.tape.byte() < 128 { None } else { Some(self.handles.pick::<Options>(&mut self.tape)) };
        let (options, is_live) = with.unwrap_or((ptr::null_mut(), true));
        let mut made = Made::with(is_live || options.is_null());
        let mut fresh = ptr::null_mut();
        let open = if store < 2 { evlog_open } else { evlog_open_read_only };
        let (out, err) = (NewHandle::at(&mut fresh), ErrorOut::at(&mut made.err));
        let status = open(Word::at(&path), OrNull::at(options), out, err);
        self.check(status, &made);
        if status == EVLOG_OK {
            self.handles.add(fresh, store);
        }
    }

    fn open_topic(&mut self) {
        let (name, limit) = (self.tape.one_of(&NAMES), self.tape.one_of(&LIMITS));
        self.make::<Store, Topic>(0, |store, out, err| {
            evlog_topic_open(Shared::at(store), Word::at(name), limit, out, err)
        });
    }

    fn append(&mut self) {
        let payload = Slice::of(self.tape.one_of(&PAYLOADS));
        let (durability, limit) = (self.tape.one_of(&DURABILITIES), self.tape.one_of(&LIMITS));
        let many = [payload; 3];
        let (count, expected) = (usize::from(self.tape.byte() % 4), self.tape.one_of(&[EVLOG_ANY, 0, 4]));
        match self.tape.byte() % 3 {
            0 => self.on::<Topic>(|topic, out, err| {
                evlog_append(Shared::at(topic), payload, durability, limit, OptionalOut::at(out), err)
            }),
            1 => self.on::<Topic>(|topic, out, err| {
                let (topic, out) = (Shared::at(topic), OptionalOut::at(out));
                evlog_append_many(topic, Items::at(&many), count, expected, durability, limit, out, err)
            }),
            _ => {
                self.make::<Topic, Ticket>(0, |topic, out, err| {
                    evlog_submit(Shared::at(topic), 5, 6, payload, limit, out, err)
                });
                EVLOG_OK
            }
        };
    }

    fn batches(&mut self) {
        let payload = Slice::of(self.tape.one_of(&PAYLOADS));
        let fresh = evlog_batch_new(u32::from(self.tape.byte()));
        self.handles.add(fresh, 0);
        for _ in 0..self.tape.byte() % 4 {
            self.on::<Batch>(|batch, _, err| evlog_batch_add(Alone::at(batch), 7, payload, err));
        }
        if self.tape.byte() < 32 {
            self.on::<Batch>(|batch, _, err| evlog_batch_clear(Alone::at(batch), err));
        }
        let (batch, batch_is_live) = self.handles.pick::<Batch>(&mut self.tape);
        let (topic, topic_is_live) = self.handles.pick::<Topic>(&mut self.tape);
        let mut made = Made::with(batch_is_live && topic_is_live);
        let (topic, batch) = (Shared::at(topic), Shared::at(batch));
        if self.tape.byte() < 128 {
            let (out, err) = (OptionalOut::at(&mut made.out), ErrorOut::at(&mut made.err));
            let status = evlog_append_batch(topic, batch, EVLOG_ANY, EVLOG_BUFFERED, -1, out, err);
            return self.check(status, &made);
        }
        let mut fresh = ptr::null_mut();
        let (out, err) = (NewHandle::at(&mut fresh), ErrorOut::at(&mut made.err));
        let status = evlog_submit_batch(topic, batch, EVLOG_ANY, 1, out, err);
        self.check(status, &made);
        if status == EVLOG_OK {
            self.handles.add(fresh, 0);
        }
    }

    fn tickets(&mut self) {
        let durability = self.tape.one_of(&DURABILITIES);
        self.on::<Ticket>(|ticket, _, err| evlog_ticket_wait(Shared::at(ticket), durability, 5, err));
    }

    fn open_reader(&mut self) {
        let place = self.tape.one_of(&PLACES);
        if self.tape.byte() < 64 {
            return self.make::<Topic, Reader>(0, |topic, out, err| {
                evlog_follow(Shared::at(topic), Word::at(place), 0, out, err)
            });
        }
        let what = Read {
            from: Word::at(place),
            limit: u64::from(self.tape.byte() % 8),
            direction: i32::from(self.tape.byte() % 3),
            level: i32::from(self.tape.byte() % 2),
            ..Read::ZERO
        };
        self.make::<Topic, Reader>(0, |topic, out, err| {
            evlog_reader_open(Shared::at(topic), Growing::at(&what), out, err)
        });
    }

    fn read(&mut self) {
        let nothing = Event { position: 0, timestamp_us: 0, payload: Slice::of(b""), schema: 0 };
        let (mut events, mut count) = ([nothing; 5], usize::MAX);
        let (choice, place) = (self.tape.byte(), self.tape.one_of(&PLACES));
        let status = self.on::<Reader>(|reader, _, err| {
            let reader = Alone::at(reader);
            match choice % 4 {
                0 => evlog_reader_next(reader, 1, Out::at(&mut events[0]), err),
                1 => evlog_reader_seek(reader, u64::from(choice / 8), err),
                2 => evlog_reader_seek_place(reader, Word::at(place), err),
                _ => {
                    let room = Room::at(&mut events);
                    evlog_reader_next_many(reader, 0, room, 5, Out::at(&mut count), err)
                }
            }
        });
        if choice % 4 == 3 {
            assert_eq!(status == EVLOG_OK, (1..=5).contains(&count), "{status}, and {count} events");
        }
        // All of them are there until the next call, and are what was appended.
        for event in &events {
            let is_known = event.payload.bytes().is_ok_and(|bytes| PAYLOADS.contains(&bytes));
            assert!(is_known, "nobody appended that");
        }
    }

    fn look(&mut self) {
        let mut extent = Extent::ZERO;
        self.on::<Topic>(|topic, _, err| {
            evlog_topic_extent(Shared::at(topic), GrowingOut::at(&mut extent), err)
        });
        assert!(extent.start <= extent.durable_end && extent.durable_end <= extent.end);
        self.make::<Store, Text>(0, |store, out, err| evlog_topics(Shared::at(store), out, err));
        self.make::<Topic, Text>(0, |topic, out, err| evlog_recovery_report(Shared::at(topic), out, err));
        let (text, is_live) = self.handles.pick::<Text>(&mut self.tape);
        assert_eq!(evlog_text_len(Shared::at(text)) > 0, is_live);
    }

    fn keep_less(&mut self) {
        let (position, limit) = (u64::from(self.tape.byte() % 16), self.tape.one_of(&LIMITS));
        self.on::<Topic>(|topic, _, err| evlog_roll(Shared::at(topic), limit, err));
        self.on::<Topic>(|topic, out, err| {
            evlog_trim(Shared::at(topic), position, limit, OptionalOut::at(out), err)
        });
        self.on::<Topic>(|topic, out, err| evlog_flush(Shared::at(topic), limit, OptionalOut::at(out), err));
    }

    fn free_something(&mut self) {
        match self.tape.byte() % 6 {
            0 => self.free(evlog_reader_free),
            1 => self.free(evlog_ticket_free),
            2 => self.free(evlog_batch_free),
            3 => self.free(evlog_options_free),
            4 => self.free(evlog_text_free),
            _ => self.free(evlog_topic_free),
        }
    }

    fn free<T: Held>(&mut self, free: extern "C" fn(Owned<T>) -> Status) {
        let (handle, is_live) = self.handles.pick::<T>(&mut self.tape);
        let expected = if is_live || handle.is_null() { EVLOG_OK } else { EVLOG_E_HANDLE };
        assert_eq!(free(Owned::at(handle)), expected);
        if is_live {
            self.handles.free(handle);
        }
    }

    fn close(&mut self) {
        let limit = self.tape.one_of(&LIMITS);
        if self.tape.byte() < 128 {
            let mut closed = ptr::null_mut::<Store>();
            // Nothing may be left of the store when its folder goes.
            let limit = if limit < 10_000 { -1 } else { limit };
            self.on::<Store>(|store, _, err| {
                closed = store;
                evlog_close(Owned::at(store), limit, err)
            });
            return self.handles.free(closed);
        }
        let mut closed = ptr::null_mut::<Topic>();
        self.on::<Topic>(|topic, _, err| {
            closed = topic;
            evlog_topic_close(Owned::at(topic), limit, err)
        });
        self.handles.free(closed);
    }
}
