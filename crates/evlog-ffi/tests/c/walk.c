/* Walks every function of the interface, and every status that can be brought about from outside. */
#include "check.h"

#include <signal.h>
#include <sys/resource.h>
#include <time.h>

static evlog_error *err = NULL;

static void library(void) {
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", EVLOG_VERSION_MAJOR, EVLOG_VERSION_MINOR, EVLOG_VERSION_PATCH);
    CHECK(evlog_abi() == EVLOG_ABI);
    CHECK(strcmp(evlog_version(), version) == 0);
    CHECK(strcmp(evlog_status_name(EVLOG_E_CLOSED), "EVLOG_E_CLOSED") == 0);
    CHECK(strcmp(evlog_status_name(EVLOG_E_EXISTS), "EVLOG_E_EXISTS") == 0);
    CHECK(strcmp(evlog_status_name(EVLOG_E_SCHEMA), "EVLOG_E_SCHEMA") == 0);
    CHECK(strcmp(evlog_status_name(77), "unknown status") == 0);
}

static void options(void) {
    evlog_options *o = evlog_options_new(EVLOG_ABI);
    CHECK(o != NULL && evlog_options_new(EVLOG_ABI + 1) == NULL);
    OK(evlog_options_set(o, "batch_timeout_ms", "50", &err));
    FAILS(EVLOG_E_INVALID, evlog_options_set(o, "colour", "red", &err));
    FAILS(EVLOG_E_INVALID, evlog_options_set(o, "durability", "perhaps", &err));
    CHECK(evlog_options_free(o) == EVLOG_OK);
}

static void append_and_read(evlog_topic *t) {
    evlog_slice three[3];
    evlog_batch *b = evlog_batch_new(7);
    evlog_ticket *ticket = NULL;
    evlog_reader *r = NULL;
    evlog_event event, events[8];
    evlog_read what;
    uint64_t position = 99, to = 99;
    int64_t since = 2000;
    size_t count = 99;

    OK(evlog_append(t, bytes_of("zero"), EVLOG_DEFAULT, -1, &position, &err));
    CHECK(position == 0);
    OK(evlog_append_at(t, 1000, 5, bytes_of("one"), EVLOG_WRITTEN, -1, NULL, &err));
    three[0] = bytes_of("two");
    three[1] = bytes_of("");
    three[2] = bytes_of("four");
    FAILS(EVLOG_E_WRONG_POSITION, evlog_append_many(t, three, 3, 1, EVLOG_SYNCED, -1, &position, &err));
    CHECK(position == 0);
    OK(evlog_append_many(t, three, 3, 2, EVLOG_SYNCED, -1, &position, &err));
    CHECK(position == 2);

    CHECK(evlog_batch_len(b) == 0);
    OK(evlog_batch_add(b, 2000, bytes_of("five"), &err));
    OK(evlog_batch_add(b, EVLOG_NOW, bytes_of("six"), &err));
    CHECK(evlog_batch_len(b) == 2);
    OK(evlog_append_batch(t, b, EVLOG_ANY, EVLOG_BUFFERED, -1, &position, &err));
    CHECK(position == 5);
    OK(evlog_batch_clear(b, &err));
    OK(evlog_batch_add(b, 3000, bytes_of("seven"), &err));
    OK(evlog_submit_batch(t, b, 7, -1, &ticket, &err));
    OK(evlog_ticket_positions(ticket, &position, &to, &err));
    CHECK(position == 7 && to == 8);
    OK(evlog_ticket_wait(ticket, EVLOG_DEFAULT, -1, &err));
    OK(evlog_ticket_wait(ticket, EVLOG_SYNCED, 10000, &err));
    OK(evlog_ticket_wait(ticket, EVLOG_DEFAULT, 0, &err));
    FAILS(EVLOG_E_INVALID, evlog_ticket_wait(ticket, 3, -1, &err));
    CHECK(evlog_ticket_free(ticket) == EVLOG_OK);
    OK(evlog_submit(t, EVLOG_NOW, 0, bytes_of("eight"), -1, &ticket, &err));
    OK(evlog_ticket_positions(ticket, NULL, NULL, &err));
    CHECK(evlog_ticket_free(ticket) == EVLOG_OK);
    OK(evlog_flush(t, 10000, &position, &err));
    CHECK(position == 9);
    OK(evlog_flush(t, -1, NULL, &err));

    OK(evlog_wait_past(t, 8, 0, &err));
    FAILS(EVLOG_TIMEOUT, evlog_wait_past(t, 9, 10, &err));
    OK(evlog_find(t, 2000, &position, &err));
    CHECK(position == 0);
    OK(evlog_position_of(t, "-4", &position, &err));
    CHECK(position == 5);
    FAILS(EVLOG_E_INVALID, evlog_position_of(t, "yesterday", &position, &err));

    /* All of them, one by one. */
    OK(evlog_reader_open(t, NULL, &r, &err));
    for (position = 0; position < 9; position++) {
        OK(evlog_reader_next(r, 0, &event, &err));
        CHECK(event.position == position);
    }
    CHECK(is_text(&event, "eight") && event.schema == 0);
    memset(&event, 0x5A, sizeof event);
    FAILS(EVLOG_END, evlog_reader_next(r, 0, &event, &err));
    CHECK(event.position == 0x5A5A5A5A5A5A5A5A);
    OK(evlog_reader_seek(r, 1, &err));
    OK(evlog_reader_position(r, &position, &err));
    CHECK(position == 1);
    /* Many at once, which all last until the next call. */
    OK(evlog_reader_next_many(r, 0, events, 5, &count, &err));
    CHECK(count == 5 && events[4].position == 5);
    CHECK(is_text(&events[0], "one") && events[0].timestamp_us == 1000 && events[0].schema == 5);
    CHECK(is_text(&events[1], "two") && is_text(&events[2], "") && is_text(&events[3], "four"));
    CHECK(is_text(&events[4], "five") && events[4].timestamp_us == 2000 && events[4].schema == 7);
    OK(evlog_reader_seek_place(r, "-1", &err));
    OK(evlog_reader_next_many(r, 0, events, 8, &count, &err));
    CHECK(count == 1 && is_text(&events[0], "eight"));
    FAILS(EVLOG_END, evlog_reader_next_many(r, 0, events, 8, &count, &err));
    CHECK(count == 1);
    FAILS(EVLOG_E_INVALID, evlog_reader_seek_place(r, "nowhere", &err));
    CHECK(evlog_reader_free(r) == EVLOG_OK);

    /* The last three below 7, newest first. */
    memset(&what, 0, sizeof what);
    what.size = sizeof what;
    what.from = "0";
    what.to = "7";
    what.limit = 3;
    what.direction = EVLOG_REVERSE;
    what.level = EVLOG_READ_WRITTEN;
    OK(evlog_reader_open(t, &what, &r, &err));
    OK(evlog_reader_next_many(r, 0, events, 8, &count, &err));
    CHECK(count == 3 && is_text(&events[0], "six") && is_text(&events[2], "four"));
    CHECK(evlog_reader_free(r) == EVLOG_OK);
    /* Only what is younger than a time. */
    memset(&what, 0, sizeof what);
    what.size = sizeof what;
    what.to = "6";
    what.since_us = &since;
    OK(evlog_reader_open(t, &what, &r, &err));
    OK(evlog_reader_next_many(r, 0, events, 8, &count, &err));
    CHECK(count == 5 && events[1].position == 2 && events[4].timestamp_us == 2000);
    CHECK(evlog_reader_free(r) == EVLOG_OK);
    /* The latest. */
    memset(&what, 0, sizeof what);
    what.size = sizeof what;
    what.from = "-1";
    OK(evlog_reader_open(t, &what, &r, &err));
    OK(evlog_reader_next(r, 0, &event, &err));
    CHECK(is_text(&event, "eight"));
    CHECK(evlog_reader_free(r) == EVLOG_OK);
    what.from = "100";
    FAILS(EVLOG_E_NOT_FOUND, evlog_reader_open(t, &what, &r, &err));
    what.from = "oldest";
    what.direction = 2;
    FAILS(EVLOG_E_INVALID, evlog_reader_open(t, &what, &r, &err));
    what.direction = EVLOG_FORWARD;
    what.level = 2;
    FAILS(EVLOG_E_INVALID, evlog_reader_open(t, &what, &r, &err));

    OK(evlog_follow(t, "-1", EVLOG_READ_DURABLE, &r, &err));
    OK(evlog_reader_next(r, -1, &event, &err));
    CHECK(is_text(&event, "eight"));
    FAILS(EVLOG_TIMEOUT, evlog_reader_next(r, 20, &event, &err));
    OK(evlog_append(t, bytes_of("nine"), EVLOG_SYNCED, -1, NULL, &err));
    OK(evlog_reader_next_many(r, -1, events, 8, &count, &err));
    CHECK(count == 1 && is_text(&events[0], "nine"));
    FAILS(EVLOG_TIMEOUT, evlog_reader_next_many(r, 0, events, 8, &count, &err));
    CHECK(evlog_reader_free(r) == EVLOG_OK);
    CHECK(evlog_batch_free(b) == EVLOG_OK);
}

static void reports(evlog_store *s, evlog_topic *t) {
    evlog_text *text = NULL;
    evlog_verification verified;
    evlog_metrics metrics;
    evlog_extent extent;

    OK(evlog_topics(s, &text, &err));
    CHECK(strcmp(evlog_text_string(text), "[\"orders\"]") == 0 && evlog_text_len(text) == 10);
    CHECK(evlog_text_free(text) == EVLOG_OK);
    OK(evlog_recovery_report(t, &text, &err));
    CHECK(strstr(evlog_text_string(text), "\"found\":\"new\"") != NULL);
    CHECK(evlog_text_free(text) == EVLOG_OK);
    OK(evlog_segments(t, &text, &err));
    CHECK(strstr(evlog_text_string(text), "\"start\":0") != NULL);
    CHECK(evlog_text_free(text) == EVLOG_OK);
    OK(evlog_prometheus(s, &text, &err));
    CHECK(strstr(evlog_text_string(text), "evlog_append_events_total{topic=\"orders\"} 10\n") != NULL);
    CHECK(evlog_text_free(text) == EVLOG_OK);

    memset(&verified, 0, sizeof verified);
    verified.size = sizeof verified;
    OK(evlog_verify(t, &verified, &text, &err));
    CHECK(verified.events == 10 && verified.segments == 1 && verified.damage == 0);
    CHECK(strstr(evlog_text_string(text), "\"damage\":[]") != NULL);
    CHECK(evlog_text_free(text) == EVLOG_OK);
    OK(evlog_verify(t, NULL, NULL, &err));

    memset(&metrics, 0, sizeof metrics);
    metrics.size = sizeof metrics;
    OK(evlog_topic_metrics(t, &metrics, &err));
    CHECK(metrics.append_events == 10 && metrics.end == 10 && metrics.syncs > 0 && metrics.poisoned == 0);
    CHECK(metrics.append_errors == 1);

    memset(&extent, 0, sizeof extent);
    FAILS(EVLOG_E_INVALID, evlog_topic_extent(t, &extent, &err));
    extent.size = sizeof extent;
    OK(evlog_topic_extent(t, &extent, &err));
    CHECK(extent.start == 0 && extent.end == 10 && extent.durable_end == 10 && extent.segments == 1);
    CHECK(extent.oldest_us == 1000 && extent.newest_us > 3000 && extent.bytes > 0);
}

static void keep_less(evlog_store *s, evlog_topic *t) {
    evlog_options *o = evlog_options_new(EVLOG_ABI);
    evlog_reader *r = NULL;
    evlog_event event;
    uint64_t start = 99;

    OK(evlog_flush_all(s, -1, &err));
    OK(evlog_roll(t, -1, &err));
    OK(evlog_append(t, bytes_of("ten"), EVLOG_SYNCED, -1, NULL, &err));
    OK(evlog_trim(t, 5, -1, &start, &err));
    CHECK(start == 0);
    OK(evlog_reader_open(t, NULL, &r, &err));
    OK(evlog_trim(t, 10, -1, &start, &err));
    CHECK(start == 10);
    CHECK(evlog_reader_next(r, 0, &event, &err) == EVLOG_E_TRIMMED);
    CHECK(evlog_error_position(err) == 10 && evlog_error_errno(err) == 0);
    CHECK(evlog_error_gap(err, NULL, NULL) == EVLOG_END);
    CHECK(evlog_reader_seek(r, evlog_error_position(err), NULL) == EVLOG_OK && evlog_error_free(err) == EVLOG_OK);
    err = NULL;
    OK(evlog_reader_next(r, 0, &event, &err));
    CHECK(is_text(&event, "ten"));
    CHECK(evlog_reader_free(r) == EVLOG_OK);

    OK(evlog_roll(t, -1, &err));
    OK(evlog_append(t, bytes_of("eleven"), EVLOG_SYNCED, -1, NULL, &err));
    OK(evlog_options_set(o, "retention_events", "1", &err));
    OK(evlog_retention_set(t, o, -1, &err));
    OK(evlog_retention_run(t, -1, &start, &err));
    CHECK(start == 11);
    CHECK(evlog_options_free(o) == EVLOG_OK);
}

static void refusals(char **argv, evlog_store *s, evlog_topic *t) {
    evlog_options *o = evlog_options_new(EVLOG_ABI);
    evlog_store *other = NULL, *reading = NULL;
    evlog_topic *theirs = NULL, *again = NULL;
    evlog_ticket *first = NULL, *second = NULL;
    evlog_text *text = NULL;
    evlog_slice large;
    char *bytes = (char *)calloc(1, 50000);
    struct rlimit small, before;
    struct timespec moment = {0, 500000000};
    int i;

    FAILS(EVLOG_E_NOT_FOUND, evlog_topic_open_existing(s, "none", -1, &again, &err));
    FAILS(EVLOG_E_INVALID, evlog_topic_open(s, "../up", -1, &again, &err));
    FAILS(EVLOG_E_IO, evlog_open(in_folder(argv, "no/such/parent"), NULL, &other, &err));
    OK(evlog_open(in_folder(argv, "store"), NULL, &other, &err));
    FAILS(EVLOG_E_LOCKED, evlog_topic_open(other, "orders", -1, &theirs, &err));
    OK(evlog_close(other, -1, &err));
    OK(evlog_open_read_only(in_folder(argv, "store"), NULL, &reading, &err));
    OK(evlog_topic_open(reading, "orders", -1, &theirs, &err));
    FAILS(EVLOG_E_READ_ONLY, evlog_append(theirs, bytes_of("x"), EVLOG_SYNCED, -1, NULL, &err));
    FAILS(EVLOG_E_READ_ONLY, evlog_remove_topic(reading, "orders", -1, &err));
    CHECK(evlog_topic_free(theirs) == EVLOG_OK);
    OK(evlog_close(reading, -1, &err));

    OK(evlog_topic_open(s, "gone", -1, &again, &err));
    OK(evlog_topic_close(again, -1, &err));
    OK(evlog_topic_open_existing(s, "gone", -1, &again, &err));
    OK(evlog_remove_topic(s, "gone", -1, &err));
    FAILS(EVLOG_E_CLOSED, evlog_append(again, bytes_of("x"), EVLOG_SYNCED, -1, NULL, &err));
    FAILS(EVLOG_E_CLOSED, evlog_topic_close(again, -1, &err));
    FAILS(EVLOG_E_HANDLE, evlog_topic_close(again, -1, &err));

    /* Another store, of narrow limits. */
    OK(evlog_options_set(o, "max_event_bytes", "50000", &err));
    OK(evlog_options_set(o, "queue_bytes", "60000", &err));
    OK(evlog_options_set(o, "when_full", "fail", &err));
    OK(evlog_options_set(o, "segment_bytes", "64KiB", &err));
    OK(evlog_open(in_folder(argv, "narrow"), o, &other, &err));
    OK(evlog_topic_open(other, "t", -1, &again, &err));
    large.data = (const uint8_t *)bytes;
    large.len = 50001;
    FAILS(EVLOG_E_TOO_LARGE, evlog_append(again, large, EVLOG_SYNCED, -1, NULL, &err));
    large.len = 50000;
    for (i = 0; i < 1000; i++) {
        if (evlog_append(again, large, EVLOG_BUFFERED, -1, NULL, &err) != EVLOG_OK) {
            break;
        }
    }
    CHECK(i < 1000 && evlog_error_status(err) == EVLOG_E_FULL && evlog_error_errno(err) == 0);
    CHECK(evlog_error_free(err) == EVLOG_OK);
    err = NULL;
    OK(evlog_flush(again, -1, NULL, &err));
    OK(evlog_close(other, -1, &err));
    CHECK(evlog_topic_free(again) == EVLOG_OK);

    /* No file may grow. */
    OK(evlog_options_set(o, "queue_bytes", "1MiB", &err));
    OK(evlog_options_set(o, "segment_bytes", "64KiB", &err));
    OK(evlog_options_set(o, "batch_timeout_ms", "60000", &err));
    OK(evlog_open(in_folder(argv, "limited"), o, &other, &err));
    OK(evlog_topic_open(other, "t", -1, &again, &err));
    CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR && getrlimit(RLIMIT_FSIZE, &before) == 0);
    small = before;
    small.rlim_cur = 8192;
    CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
    CHECK(evlog_append(again, large, EVLOG_SYNCED, -1, NULL, &err) == EVLOG_E_FULL && evlog_error_errno(err) == EFBIG);
    CHECK(evlog_error_free(err) == EVLOG_OK);
    err = NULL;
    CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
    OK(evlog_append(again, large, EVLOG_SYNCED, -1, NULL, &err));

    /* Somebody cuts the file under its writer: the first group may be there or not, the one behind it was never tried. */
    OK(evlog_roll(again, -1, &err));
    OK(evlog_append(again, bytes_of("x"), EVLOG_SYNCED, -1, NULL, &err));
    OK(evlog_segments(again, &text, &err));
    {
        char name[256], path[4096];
        const char *segment = strstr(evlog_text_string(text), "\"segment\":\"");
        const char *last = NULL;
        for (; segment != NULL; segment = strstr(segment + 1, "\"segment\":\"")) {
            last = segment;
        }
        CHECK(last != NULL && sscanf(last, "\"segment\":\"%255[^\"]\"", name) == 1);
        CHECK(snprintf(path, sizeof path, "%s/limited/t-t/%s", argv[1], name) < (int)sizeof path);
        /* By then an idle topic has been marked in its file, which would lengthen it again. */
        CHECK(nanosleep(&moment, NULL) == 0 && truncate(path, 4096) == 0);
    }
    CHECK(evlog_text_free(text) == EVLOG_OK);
    OK(evlog_submit(again, EVLOG_NOW, 0, large, -1, &first, &err));
    OK(evlog_submit(again, EVLOG_NOW, 0, large, -1, &second, &err));
    FAILS(EVLOG_E_INDETERMINATE, evlog_ticket_wait(first, EVLOG_SYNCED, -1, &err));
    FAILS(EVLOG_E_NOT_WRITTEN, evlog_ticket_wait(second, EVLOG_SYNCED, 60000, &err));
    CHECK(evlog_ticket_free(first) == EVLOG_OK && evlog_ticket_free(second) == EVLOG_OK);
    FAILS(EVLOG_E_POISONED, evlog_append(again, bytes_of("x"), EVLOG_SYNCED, -1, NULL, &err));
    CHECK(evlog_close(other, -1, &err) != EVLOG_OK);
    CHECK(evlog_error_free(err) == EVLOG_OK && evlog_topic_free(again) == EVLOG_OK);
    err = NULL;

    /* A link in place of a topic. */
    CHECK(symlink("t-orders", in_folder(argv, "store/t-link")) == 0);
    FAILS(EVLOG_E_UNSUPPORTED, evlog_topic_open(s, "link", -1, &again, &err));
    CHECK(unlink(in_folder(argv, "store/t-link")) == 0);
    CHECK(evlog_options_free(o) == EVLOG_OK);
    free(bytes);
    (void)t;
}

/* A flipped bit costs one event, which is said, and no other. */
static void damage(char **argv) {
    evlog_store *s = NULL;
    evlog_topic *t = NULL;
    evlog_reader *r = NULL;
    evlog_event events[4];
    evlog_text *text = NULL;
    evlog_verification verified;
    char name[256], path[4096], file[65536];
    uint64_t from = 99, to = 99;
    size_t count = 0, at, length;
    FILE *segment;

    OK(evlog_open(in_folder(argv, "damaged"), NULL, &s, &err));
    OK(evlog_topic_open(s, "t", -1, &t, &err));
    OK(evlog_append(t, bytes_of("before"), EVLOG_SYNCED, -1, NULL, &err));
    OK(evlog_append(t, bytes_of("damage-me"), EVLOG_SYNCED, -1, NULL, &err));
    OK(evlog_append(t, bytes_of("behind"), EVLOG_SYNCED, -1, NULL, &err));
    OK(evlog_segments(t, &text, &err));
    CHECK(sscanf(strstr(evlog_text_string(text), "\"segment\""), "\"segment\":\"%255[^\"]\"", name) == 1);
    CHECK(evlog_text_free(text) == EVLOG_OK);
    OK(evlog_close(s, -1, &err));
    CHECK(evlog_topic_free(t) == EVLOG_OK);

    CHECK(snprintf(path, sizeof path, "%s/damaged/t-t/%s", argv[1], name) < (int)sizeof path);
    segment = fopen(path, "r+b");
    CHECK(segment != NULL);
    length = fread(file, 1, sizeof file, segment);
    for (at = 0; at + 9 < length && memcmp(file + at, "damage-me", 9) != 0; at++) {
    }
    CHECK(at + 9 < length && fseek(segment, (long)at, SEEK_SET) == 0 && fputc('D', segment) == 'D');
    CHECK(fclose(segment) == 0);

    OK(evlog_open(in_folder(argv, "damaged"), NULL, &s, &err));
    OK(evlog_topic_open(s, "t", -1, &t, &err));
    OK(evlog_reader_open(t, NULL, &r, &err));
    OK(evlog_reader_next_many(r, 0, events, 4, &count, &err));
    CHECK(count == 1 && is_text(&events[0], "before"));
    CHECK(evlog_reader_next_many(r, 0, events, 4, &count, &err) == EVLOG_E_CORRUPT && count == 1);
    CHECK(evlog_error_gap(err, &from, &to) == EVLOG_OK && from == 1 && to == 2);
    CHECK(evlog_error_position(err) == 2);
    CHECK(evlog_error_free(err) == EVLOG_OK);
    err = NULL;
    OK(evlog_reader_next_many(r, 0, events, 4, &count, &err));
    CHECK(count == 1 && is_text(&events[0], "behind"));
    memset(&verified, 0, sizeof verified);
    verified.size = sizeof verified;
    OK(evlog_verify(t, &verified, &text, &err));
    CHECK(verified.events == 2 && verified.damage == 1);
    CHECK(strstr(evlog_text_string(text), "\"reason\":\"payload\"") != NULL);
    CHECK(evlog_text_free(text) == EVLOG_OK);
    OK(evlog_close(s, -1, &err));
    CHECK(evlog_topic_free(t) == EVLOG_OK);
    /* A reader goes on to the end of what is there. */
    OK(evlog_reader_seek(r, 0, &err));
    OK(evlog_reader_next(r, 0, events, &err));
    CHECK(is_text(events, "before"));
    CHECK(evlog_reader_free(r) == EVLOG_OK);
}

/* Closed and opened again, at once and often; several stores at a time. */
static void open_and_close(char **argv) {
    evlog_store *s[2] = {NULL, NULL};
    evlog_topic *t = NULL;
    uint64_t position = 99;
    int i;
    OK(evlog_open(in_folder(argv, "first"), NULL, &s[0], &err));
    OK(evlog_open(in_folder(argv, "second"), NULL, &s[1], &err));
    for (i = 0; i < 40; i++) {
        OK(evlog_topic_open(s[i % 2], "t", -1, &t, &err));
        OK(evlog_append(t, bytes_of("x"), EVLOG_BUFFERED, -1, &position, &err));
        CHECK(position == (uint64_t)(i / 2));
        OK(evlog_topic_close(t, -1, &err));
    }
    OK(evlog_close(s[0], -1, &err));
    OK(evlog_close(s[1], -1, &err));
}

/* With limits: a passed one is no failure, and what was asked for goes on. */
static void limits(char **argv) {
    evlog_options *o = evlog_options_new(EVLOG_ABI);
    evlog_store *s = NULL;
    evlog_topic *t = NULL, *full = NULL;
    evlog_batch *b = evlog_batch_new(0);
    evlog_ticket *ticket = NULL;
    evlog_slice one = bytes_of("one"), large;
    char *bytes = (char *)calloc(1, 3000);
    uint64_t position = 99;
    evlog_status status;
    int timeouts = 0, refused = 0, i;

    OK(evlog_options_set(o, "batch_timeout_ms", "3600000", &err));
    OK(evlog_options_set(o, "queue_bytes", "4KiB", &err));
    OK(evlog_options_set(o, "batching_threads", "1", &err));
    OK(evlog_options_set(o, "handles", "16", &err));
    OK(evlog_open(in_folder(argv, "limits"), o, &s, &err));
    OK(evlog_topic_open(s, "t", 10000, &t, &err));
    OK(evlog_batch_add(b, EVLOG_NOW, one, &err));

    /* Another thread writes, so there is no time at all in which it can be done. */
    for (i = 0; i < 10; i++) {
        position = 99;
        status = evlog_append(t, one, EVLOG_SYNCED, 0, &position, &err);
        CHECK(status == EVLOG_OK ? position == (uint64_t)i : status == EVLOG_TIMEOUT && position == 99);
        timeouts += status == EVLOG_TIMEOUT;
    }
    CHECK(timeouts > 0);
    OK(evlog_append(t, one, EVLOG_SYNCED, 10000, &position, &err));
    CHECK(position == 10);
    OK(evlog_append_at(t, 5, 6, one, EVLOG_WRITTEN, 10000, NULL, &err));
    OK(evlog_append_many(t, &one, 1, EVLOG_ANY, EVLOG_DEFAULT, 10000, NULL, &err));
    OK(evlog_append_batch(t, b, 13, EVLOG_SYNCED, INT64_MAX, NULL, &err));
    OK(evlog_submit_batch(t, b, EVLOG_ANY, 0, &ticket, &err));
    CHECK(evlog_ticket_free(ticket) == EVLOG_OK);
    OK(evlog_submit(t, EVLOG_NOW, 0, one, 0, &ticket, &err));
    status = evlog_ticket_wait(ticket, EVLOG_SYNCED, 0, &err);
    CHECK(status == EVLOG_OK || status == EVLOG_TIMEOUT);
    OK(evlog_ticket_wait(ticket, EVLOG_SYNCED, 10000, &err));
    CHECK(evlog_ticket_free(ticket) == EVLOG_OK);

    /* No room in time is an error: nothing was appended. */
    OK(evlog_topic_open(s, "full", 10000, &full, &err));
    large.data = (const uint8_t *)bytes;
    large.len = 3000;
    for (i = 0; i < 1000 && refused == 0; i++) {
        status = evlog_append(full, large, EVLOG_BUFFERED, 0, NULL, &err);
        CHECK(status == EVLOG_OK || status == EVLOG_E_FULL);
        if (status == EVLOG_E_FULL) {
            CHECK(evlog_error_free(err) == EVLOG_OK);
            err = NULL;
            refused = 1;
        }
    }
    CHECK(refused == 1);
    OK(evlog_append(full, large, EVLOG_BUFFERED, 10000, NULL, &err));

    OK(evlog_flush(t, 10000, &position, &err));
    CHECK(position == 16);
    OK(evlog_flush_all(s, 10000, &err));
    OK(evlog_roll(t, 10000, &err));
    OK(evlog_append(t, one, EVLOG_SYNCED, 10000, NULL, &err));
    OK(evlog_trim(t, 16, 10000, &position, &err));
    CHECK(position == 16);
    OK(evlog_retention_set(t, o, 10000, &err));
    OK(evlog_retention_run(t, 10000, &position, &err));
    FAILS(EVLOG_E_NOT_FOUND, evlog_topic_open_existing(s, "none", 10000, &full, &err));
    FAILS(EVLOG_E_NOT_FOUND, evlog_remove_topic(s, "none", 10000, &err));
    OK(evlog_remove_topic(s, "full", 10000, &err));
    CHECK(evlog_topic_free(full) == EVLOG_OK);
    OK(evlog_topic_close(t, 10000, &err));
    OK(evlog_close(s, 10000, &err));
    CHECK(evlog_batch_free(b) == EVLOG_OK && evlog_options_free(o) == EVLOG_OK);
    free(bytes);
}

int main(int argc, char **argv) {
    evlog_store *s = NULL;
    evlog_topic *t = NULL;
    evlog_options *o = evlog_options_new(EVLOG_ABI);
    CHECK(argc == 2);
    library();
    options();
    OK(evlog_options_set(o, "batch_timeout_ms", "200", &err));
    OK(evlog_open(in_folder(argv, "store"), o, &s, &err));
    CHECK(evlog_options_free(o) == EVLOG_OK);
    OK(evlog_topic_open(s, "orders", -1, &t, &err));
    append_and_read(t);
    reports(s, t);
    keep_less(s, t);
    refusals(argv, s, t);
    OK(evlog_topic_close(t, -1, &err));
    OK(evlog_topic_open(s, "orders", -1, &t, &err));
    OK(evlog_close(s, -1, &err));
    FAILS(EVLOG_E_CLOSED, evlog_append(t, bytes_of("x"), EVLOG_SYNCED, -1, NULL, &err));
    CHECK(evlog_topic_free(t) == EVLOG_OK);
    damage(argv);
    open_and_close(argv);
    limits(argv);
    puts("walked");
    return 0;
}
