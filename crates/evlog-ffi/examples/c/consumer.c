/* Orders, appended by one program and handled by another, which may die at any moment: started again it goes on where
 * it stood. What it has done it notes in a topic of its own, in the same store.
 *
 *     consumer STORE append TEXT...    appends orders
 *     consumer STORE handle COUNT      handles so many orders, waiting for those to come
 */
#include <evlog.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS 10000

static evlog_error *err = NULL;

/* Says what went wrong, and what to do about it is up to the caller. */
static int failed(const char *what) {
    fprintf(stderr, "cannot %s: %s\n", what, err ? evlog_error_message(err) : "no reason known");
    evlog_error_free(err);
    err = NULL;
    return EXIT_FAILURE;
}

static int append(const char *path, int count, char **texts) {
    evlog_store *store = NULL;
    evlog_topic *orders = NULL;
    int result = EXIT_SUCCESS, i;

    if (evlog_open(path, NULL, &store, &err) != EVLOG_OK) {
        return failed("open the store");
    }
    if (evlog_topic_open(store, "orders", -1, &orders, &err) != EVLOG_OK) {
        result = failed("open the topic");
    }
    /* Each is accepted at once, and the flush makes all of them durable with one sync. */
    for (i = 0; i < count && result == EXIT_SUCCESS; i++) {
        evlog_slice payload;
        payload.data = (const uint8_t *)texts[i];
        payload.len = strlen(texts[i]);
        if (evlog_append(orders, payload, EVLOG_BUFFERED, -1, NULL, &err) != EVLOG_OK) {
            result = failed("append");
        }
    }
    if (result == EXIT_SUCCESS && evlog_flush(orders, -1, NULL, &err) != EVLOG_OK) {
        result = failed("make the orders durable");
    }
    evlog_topic_free(orders);
    if (evlog_close(store, -1, &err) != EVLOG_OK) {
        result = failed("close the store");
    }
    return result;
}

/* The order to go on with: the last note says which. */
static int next_order(const evlog_topic *notes, uint64_t *next) {
    evlog_reader *last = NULL;
    evlog_read what;
    evlog_event note;
    evlog_status status;

    memset(&what, 0, sizeof what);
    what.size = sizeof what;
    what.from = "-1";
    *next = 0;
    status = evlog_reader_open(notes, &what, &last, &err);
    if (status == EVLOG_OK) {
        status = evlog_reader_next(last, 0, &note, &err);
    }
    if (status == EVLOG_OK && note.payload.len == sizeof *next) {
        memcpy(next, note.payload.data, sizeof *next);
    }
    evlog_reader_free(last);
    return status < 0 ? failed("read what was done") : EXIT_SUCCESS;
}

/* Handles orders as they come, and notes each when it is done: after a crash it may be handled again, never left out. */
static int handle_all(const evlog_topic *orders, const evlog_topic *notes, uint64_t count) {
    evlog_reader *reader = NULL;
    evlog_event order;
    evlog_slice note;
    uint64_t next = 0;
    int result = next_order(notes, &next);

    if (result == EXIT_SUCCESS && evlog_follow(orders, "oldest", EVLOG_READ_DURABLE, &reader, &err) != EVLOG_OK) {
        result = failed("follow the orders");
    }
    if (result == EXIT_SUCCESS && evlog_reader_seek(reader, next, &err) != EVLOG_OK) {
        result = failed("go on");
    }
    while (result == EXIT_SUCCESS && count-- > 0) {
        evlog_status status = evlog_reader_next(reader, WAIT_MS, &order, &err);
        if (status == EVLOG_TIMEOUT) {
            puts("no more orders");
            break;
        }
        if (status != EVLOG_OK) {
            result = failed("read an order");
            break;
        }
        printf("%" PRIu64 " %.*s\n", order.position, (int)order.payload.len, (const char *)order.payload.data);
        fflush(stdout);
        next = order.position + 1;
        note.data = (const uint8_t *)&next;
        note.len = sizeof next;
        if (evlog_append(notes, note, EVLOG_SYNCED, -1, NULL, &err) != EVLOG_OK) {
            result = failed("note what was done");
        }
    }
    evlog_reader_free(reader);
    return result;
}

static int handle(const char *path, uint64_t count) {
    evlog_store *reading = NULL, *writing = NULL;
    evlog_topic *orders = NULL, *notes = NULL;
    int result;

    /* The orders are somebody else's to write: they are only read here. */
    if (evlog_open_read_only(path, NULL, &reading, &err) != EVLOG_OK ||
        evlog_topic_open_existing(reading, "orders", -1, &orders, &err) != EVLOG_OK) {
        result = failed("open the orders");
    } else if (evlog_open(path, NULL, &writing, &err) != EVLOG_OK ||
               evlog_topic_open(writing, "orders-done", -1, &notes, &err) != EVLOG_OK) {
        result = failed("open the notes");
    } else {
        result = handle_all(orders, notes, count);
    }
    evlog_topic_free(notes);
    evlog_topic_free(orders);
    if (writing != NULL && evlog_close(writing, -1, &err) != EVLOG_OK) {
        result = failed("close the notes");
    }
    if (reading != NULL && evlog_close(reading, -1, &err) != EVLOG_OK) {
        result = failed("close the orders");
    }
    return result;
}

int main(int argc, char **argv) {
    if (evlog_abi() != EVLOG_ABI) {
        fputs("compiled for another libevlog\n", stderr);
        return EXIT_FAILURE;
    }
    if (argc >= 4 && strcmp(argv[2], "append") == 0) {
        return append(argv[1], argc - 3, argv + 3);
    }
    if (argc == 4 && strcmp(argv[2], "handle") == 0) {
        return handle(argv[1], strtoull(argv[3], NULL, 10));
    }
    fputs("usage: consumer STORE append TEXT... | consumer STORE handle COUNT\n", stderr);
    return 2;
}
