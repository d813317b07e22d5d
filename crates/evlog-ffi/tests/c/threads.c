/* Four writers and two followers on one topic, from threads of their own, and readers that move between threads. */
#include "check.h"

#include <pthread.h>
#include <time.h>

enum { WRITERS = 4, EACH = 500, ALL = WRITERS * EACH };

struct shared {
    evlog_topic *topic;
    evlog_reader *reader;
    uint64_t seen;
};

static void *write_some(void *argument) {
    struct shared *shared = (struct shared *)argument;
    evlog_error *err = NULL;
    char text[32];
    int i;
    for (i = 0; i < EACH; i++) {
        snprintf(text, sizeof text, "event %d", i);
        OK(evlog_append(shared->topic, bytes_of(text), i % 50 == 49 ? EVLOG_SYNCED : EVLOG_BUFFERED, -1, NULL, &err));
    }
    return NULL;
}

static void *follow_all(void *argument) {
    struct shared *shared = (struct shared *)argument;
    evlog_error *err = NULL;
    evlog_reader *r = NULL;
    evlog_event events[64];
    size_t count, i;
    OK(evlog_follow(shared->topic, "oldest", EVLOG_READ_DURABLE, &r, &err));
    while (shared->seen < ALL) {
        OK(evlog_reader_next_many(r, 60000, events, 64, &count, &err));
        for (i = 0; i < count; i++) {
            CHECK(events[i].position == shared->seen++ && memcmp(events[i].payload.data, "event ", 6) == 0);
        }
    }
    CHECK(evlog_reader_free(r) == EVLOG_OK);
    return NULL;
}

/* Reads one more event with a reader that another thread made. */
static void *read_one(void *argument) {
    struct shared *shared = (struct shared *)argument;
    evlog_error *err = NULL;
    evlog_event event;
    OK(evlog_reader_next(shared->reader, 0, &event, &err));
    CHECK(event.position == shared->seen++);
    return NULL;
}

/* Waits until its topic is closed by another thread. */
static void *wait_for_close(void *argument) {
    struct shared *shared = (struct shared *)argument;
    evlog_error *err = NULL;
    evlog_reader *r = NULL;
    evlog_event event;
    OK(evlog_follow(shared->topic, "end", EVLOG_READ_DURABLE, &r, &err));
    FAILS(EVLOG_E_CLOSED, evlog_reader_next(r, -1, &event, &err));
    CHECK(evlog_reader_free(r) == EVLOG_OK);
    return NULL;
}

/* A reader that waits in one thread is refused to another, and may be freed by it. */
static void *wait_for_long(void *argument) {
    struct shared *shared = (struct shared *)argument;
    evlog_event event;
    evlog_status status;
    do {
        status = evlog_reader_next(shared->reader, 500, &event, NULL);
    } while (status == EVLOG_E_HANDLE);
    CHECK(status == EVLOG_TIMEOUT);
    return NULL;
}

int main(int argc, char **argv) {
    evlog_error *err = NULL;
    evlog_store *s = NULL;
    struct shared shared[WRITERS + 2];
    pthread_t threads[WRITERS + 2];
    evlog_topic *t = NULL;
    evlog_event event;
    evlog_extent extent;
    evlog_status status;
    struct timespec moment = {0, 100000000};
    int i;

    CHECK(argc == 2);
    OK(evlog_open(in_folder(argv, "store"), NULL, &s, &err));
    OK(evlog_topic_open(s, "orders", -1, &t, &err));
    memset(shared, 0, sizeof shared);
    for (i = 0; i < WRITERS + 2; i++) {
        shared[i].topic = t;
        CHECK(pthread_create(&threads[i], NULL, i < WRITERS ? write_some : follow_all, &shared[i]) == 0);
    }
    /* Meanwhile the topic says of itself what may be so. */
    memset(&extent, 0, sizeof extent);
    do {
        extent.size = sizeof extent;
        OK(evlog_topic_extent(t, &extent, &err));
        CHECK(extent.start <= extent.durable_end && extent.durable_end <= extent.end);
    } while (extent.durable_end < ALL);
    for (i = 0; i < WRITERS + 2; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    CHECK(shared[WRITERS].seen == ALL && shared[WRITERS + 1].seen == ALL);

    shared[0].seen = 0;
    OK(evlog_reader_open(t, NULL, &shared[0].reader, &err));
    for (i = 0; i < 8; i++) {
        CHECK(pthread_create(&threads[0], NULL, read_one, &shared[0]) == 0);
        CHECK(pthread_join(threads[0], NULL) == 0);
    }
    CHECK(shared[0].seen == 8 && evlog_reader_free(shared[0].reader) == EVLOG_OK);

    OK(evlog_follow(t, "end", EVLOG_READ_DURABLE, &shared[0].reader, &err));
    CHECK(pthread_create(&threads[0], NULL, wait_for_long, &shared[0]) == 0);
    do {
        status = evlog_reader_next(shared[0].reader, 0, &event, NULL);
        CHECK(status == EVLOG_TIMEOUT || status == EVLOG_E_HANDLE);
    } while (status != EVLOG_E_HANDLE);
    CHECK(evlog_reader_free(shared[0].reader) == EVLOG_OK);
    CHECK(pthread_join(threads[0], NULL) == 0);

    CHECK(pthread_create(&threads[0], NULL, wait_for_close, &shared[1]) == 0);
    CHECK(nanosleep(&moment, NULL) == 0);
    OK(evlog_close(s, -1, &err));
    CHECK(pthread_join(threads[0], NULL) == 0);
    CHECK(evlog_topic_free(t) == EVLOG_OK);
    puts("threaded");
    return 0;
}
