/* Appends so many buffered events of 128 bytes and says how many nanoseconds each took: the C side of
 * `cargo xtask bench ffi`. The Rust side is ../append_rust.rs, which does the same. */
#define _POSIX_C_SOURCE 200809L

#include <evlog.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int failed(evlog_error *err) {
    fprintf(stderr, "%s\n", evlog_error_message(err));
    evlog_error_free(err);
    return 1;
}

int main(int argc, char **argv) {
    evlog_options *options = evlog_options_new(EVLOG_ABI);
    evlog_store *store = NULL;
    evlog_topic *topic = NULL;
    evlog_error *err = NULL;
    uint8_t payload[128];
    evlog_slice slice;
    uint32_t number, events = argc == 3 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
    double took;

    if (events == 0) {
        fputs("say which folder, and how many\n", stderr);
        return 2;
    }
    /* Nothing is written while the clock runs: the cost of an append is asked for, not that of the disk. */
    if (evlog_options_set(options, "queue_bytes", "1GiB", &err) ||
        evlog_options_set(options, "batch_size", "1000000000", &err) ||
        evlog_options_set(options, "batch_timeout_ms", "600000", &err)) {
        return failed(err);
    }
    if (evlog_open(argv[1], options, &store, &err) || evlog_topic_open(store, "bench", -1, &topic, &err)) {
        return failed(err);
    }
    evlog_options_free(options);
    memset(payload, 0x5A, sizeof payload);
    slice.data = payload;
    slice.len = sizeof payload;
    took = now();
    for (number = 0; number < events; number++) {
        memcpy(payload, &number, sizeof number);
        if (evlog_append(topic, slice, EVLOG_BUFFERED, -1, NULL, &err)) {
            return failed(err);
        }
    }
    took = now() - took;
    if (evlog_flush(topic, -1, NULL, &err) || evlog_close(store, -1, &err)) {
        return failed(err);
    }
    evlog_topic_free(topic);
    printf("%.2f\n", took / (double)events);
    return 0;
}
