/* Handles and pointers as they must not be: each is a status, none is undefined behaviour. */
#include "check.h"

static evlog_error *err = NULL;

static void nothing_there(void) {
    evlog_event event;
    evlog_extent extent;
    uint64_t position = 7;
    void *made_up[4];
    size_t i;

    made_up[0] = NULL;
    made_up[1] = &event;
    made_up[2] = (void *)(uintptr_t)0xFFFFFFFFFFFFFFFFu;
    made_up[3] = (void *)(uintptr_t)0x0030000000000000u;
    for (i = 0; i < 4; i++) {
        FAILS(EVLOG_E_HANDLE, evlog_append((evlog_topic *)made_up[i], bytes_of("x"), 0, -1, &position, &err));
        FAILS(EVLOG_E_HANDLE, evlog_reader_next((evlog_reader *)made_up[i], 0, &event, &err));
        FAILS(EVLOG_E_HANDLE, evlog_close((evlog_store *)made_up[i], -1, &err));
        FAILS(EVLOG_E_HANDLE, evlog_topic_extent((evlog_topic *)made_up[i], &extent, &err));
        CHECK(evlog_error_status((evlog_error *)made_up[i]) == EVLOG_E_HANDLE);
        CHECK(strlen(evlog_error_message((evlog_error *)made_up[i])) > 0);
        CHECK(evlog_error_position((evlog_error *)made_up[i]) == EVLOG_ANY);
        CHECK(evlog_error_gap((evlog_error *)made_up[i], NULL, NULL) == EVLOG_E_HANDLE);
        CHECK(evlog_text_string((evlog_text *)made_up[i]) == NULL && evlog_text_len((evlog_text *)made_up[i]) == 0);
        CHECK(evlog_batch_len((evlog_batch *)made_up[i]) == 0);
        CHECK(evlog_topic_free((evlog_topic *)made_up[i]) == (i == 0 ? EVLOG_OK : EVLOG_E_HANDLE));
        CHECK(evlog_error_free((evlog_error *)made_up[i]) == (i == 0 ? EVLOG_OK : EVLOG_E_HANDLE));
    }
    CHECK(position == 7);
}

static void stale_and_foreign(evlog_topic *t) {
    evlog_batch *b = evlog_batch_new(0), *next;
    evlog_topic *not_a_topic = (evlog_topic *)(void *)b;
    evlog_batch *not_a_batch = (evlog_batch *)(void *)t;

    FAILS(EVLOG_E_HANDLE, evlog_append(not_a_topic, bytes_of("x"), EVLOG_BUFFERED, -1, NULL, &err));
    FAILS(EVLOG_E_HANDLE, evlog_batch_add(not_a_batch, 0, bytes_of("x"), &err));
    CHECK(evlog_batch_free(not_a_batch) == EVLOG_E_HANDLE);
    CHECK(evlog_batch_free(b) == EVLOG_OK);
    CHECK(evlog_batch_free(b) == EVLOG_E_HANDLE);
    next = evlog_batch_new(0);
    FAILS(EVLOG_E_HANDLE, evlog_batch_add(b, 0, bytes_of("x"), &err));
    CHECK(evlog_batch_free(b) == EVLOG_E_HANDLE);
    OK(evlog_batch_add(next, 0, bytes_of("x"), &err));
    CHECK(evlog_batch_free(next) == EVLOG_OK);
}

static void bad_pointers(evlog_store *s, evlog_topic *t) {
    evlog_options *o = evlog_options_new(EVLOG_ABI);
    evlog_reader *r = NULL;
    evlog_event events[2];
    evlog_slice slice, many[2];
    evlog_extent extent;
    evlog_topic *other = NULL;
    uint64_t room[2], position = 7;
    size_t count = 0;
    char larger[sizeof(evlog_read) + 16];
    evlog_read what;

    slice.data = NULL;
    slice.len = 1;
    FAILS(EVLOG_E_INVALID, evlog_append(t, slice, EVLOG_BUFFERED, -1, &position, &err));
    slice.len = 0;
    OK(evlog_append(t, slice, EVLOG_BUFFERED, -1, NULL, &err));
    slice.data = (const uint8_t *)"x";
    slice.len = SIZE_MAX;
    FAILS(EVLOG_E_INVALID, evlog_append(t, slice, EVLOG_BUFFERED, -1, &position, &err));
    slice.len = SIZE_MAX / 2;
    FAILS(EVLOG_E_TOO_LARGE, evlog_append(t, slice, EVLOG_BUFFERED, -1, &position, &err));
    slice.data = (const uint8_t *)(uintptr_t)(UINTPTR_MAX - 8);
    slice.len = 64;
    FAILS(EVLOG_E_INVALID, evlog_append(t, slice, EVLOG_BUFFERED, -1, &position, &err));
    many[0] = bytes_of("x");
    many[1] = slice;
    FAILS(EVLOG_E_INVALID, evlog_append_many(t, many, 2, EVLOG_ANY, EVLOG_BUFFERED, -1, &position, &err));
    FAILS(EVLOG_E_INVALID, evlog_append_many(t, NULL, 1, EVLOG_ANY, EVLOG_BUFFERED, -1, &position, &err));
    FAILS(EVLOG_E_INVALID, evlog_append_many(t, many, SIZE_MAX / 8, EVLOG_ANY, EVLOG_BUFFERED, -1, &position, &err));
    OK(evlog_append_many(t, NULL, 0, EVLOG_ANY, EVLOG_BUFFERED, -1, NULL, &err));
    FAILS(EVLOG_E_INVALID, evlog_append(t, bytes_of("x"), 3, -1, &position, &err));
    FAILS(EVLOG_E_INVALID,
          evlog_append(t, bytes_of("x"), EVLOG_SYNCED, -1, (uint64_t *)(void *)((char *)room + 1), &err));
    FAILS(EVLOG_E_INVALID, evlog_find(t, 0, NULL, &err));
    FAILS(EVLOG_E_INVALID, evlog_topic_open(s, "x", -1, NULL, &err));
    FAILS(EVLOG_E_INVALID, evlog_topic_open(s, NULL, -1, &other, &err));
    FAILS(EVLOG_E_INVALID, evlog_topic_open(s, "\xff\xfe", -1, &other, &err));
    FAILS(EVLOG_E_INVALID, evlog_options_set(o, NULL, "x", &err));
    FAILS(EVLOG_E_INVALID, evlog_options_set(o, "wrap", NULL, &err));
    FAILS(EVLOG_E_INVALID, evlog_open(NULL, NULL, NULL, &err));
    CHECK(position == 7 && other == NULL);
    /* Nobody wants the error. */
    CHECK(evlog_find(t, 0, NULL, NULL) == EVLOG_E_INVALID);

    extent.size = 3;
    FAILS(EVLOG_E_INVALID, evlog_topic_extent(t, &extent, &err));
    FAILS(EVLOG_E_INVALID, evlog_topic_extent(t, NULL, &err));
    memset(&what, 0, sizeof what);
    FAILS(EVLOG_E_INVALID, evlog_reader_open(t, &what, &r, &err));
    /* A later version of the structure, with nothing new asked for, and with something. */
    what.size = sizeof larger;
    memset(larger, 0, sizeof larger);
    memcpy(larger, &what, sizeof what);
    OK(evlog_reader_open(t, (evlog_read *)(void *)larger, &r, &err));
    larger[sizeof what + 3] = 1;
    CHECK(evlog_reader_free(r) == EVLOG_OK);
    FAILS(EVLOG_E_UNSUPPORTED, evlog_reader_open(t, (evlog_read *)(void *)larger, &r, &err));

    OK(evlog_reader_open(t, NULL, &r, &err));
    FAILS(EVLOG_E_INVALID, evlog_reader_next(r, 0, NULL, &err));
    FAILS(EVLOG_E_INVALID, evlog_reader_next_many(r, 0, events, 0, &count, &err));
    FAILS(EVLOG_E_INVALID, evlog_reader_next_many(r, 0, NULL, 2, &count, &err));
    FAILS(EVLOG_E_INVALID, evlog_reader_next_many(r, 0, events, SIZE_MAX, &count, &err));
    FAILS(EVLOG_E_INVALID, evlog_reader_next_many(r, 0, events, 2, NULL, &err));
    FAILS(EVLOG_E_INVALID, evlog_reader_seek_place(r, NULL, &err));
    CHECK(evlog_reader_free(r) == EVLOG_OK && count == 0);
    CHECK(evlog_options_free(o) == EVLOG_OK);
}

/* The child of a fork finds none of its parent's handles, and can work with its own. */
static void forked(char **argv, evlog_store *s, evlog_topic *t) {
    evlog_batch *b = evlog_batch_new(0);
    int status = 0;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        evlog_store *own = NULL;
        evlog_topic *topic = NULL;
        uint64_t position = 99;
        FAILS(EVLOG_E_HANDLE, evlog_append(t, bytes_of("x"), EVLOG_SYNCED, -1, NULL, &err));
        FAILS(EVLOG_E_HANDLE, evlog_batch_add(b, 0, bytes_of("x"), &err));
        FAILS(EVLOG_E_HANDLE, evlog_close(s, -1, &err));
        CHECK(evlog_batch_free(b) == EVLOG_E_HANDLE && evlog_topic_free(t) == EVLOG_E_HANDLE);
        OK(evlog_open(in_folder(argv, "child"), NULL, &own, &err));
        OK(evlog_topic_open(own, "t", -1, &topic, &err));
        OK(evlog_append(topic, bytes_of("x"), EVLOG_SYNCED, -1, &position, &err));
        CHECK(position == 0 && evlog_topic_free(topic) == EVLOG_OK);
        OK(evlog_close(own, -1, &err));
        _exit(42);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 42 || getenv("UNDER_VALGRIND") != NULL);
    OK(evlog_append(t, bytes_of("still here"), EVLOG_SYNCED, -1, NULL, &err));
    CHECK(evlog_batch_free(b) == EVLOG_OK);
}

/* There is an end of handles, and it is a status. */
static void too_many(void) {
    size_t most = (size_t)1 << 20, made = 0;
    evlog_batch **all = (evlog_batch **)calloc(most + 1, sizeof *all);
    evlog_store *s = NULL;
    if (getenv("UNDER_VALGRIND") != NULL) {
        free(all);
        return;
    }
    while (made <= most && (all[made] = evlog_batch_new(0)) != NULL) {
        made++;
    }
    CHECK(made > most / 2 && made <= most);
    CHECK(evlog_options_new(EVLOG_ABI) == NULL);
    err = (evlog_error *)(void *)all;
    CHECK(evlog_open("/nowhere/at/all", NULL, &s, &err) == EVLOG_E_IO && err == NULL);
    CHECK(evlog_batch_free(all[--made]) == EVLOG_OK);
    FAILS(EVLOG_E_IO, evlog_open("/nowhere/at/all", NULL, &s, &err));
    while (made > 0) {
        CHECK(evlog_batch_free(all[--made]) == EVLOG_OK);
    }
    free(all);
}

static void too_many_for_a_result(char **argv) {
    size_t most = (size_t)1 << 20, made = 0;
    evlog_batch **all = (evlog_batch **)calloc(most + 1, sizeof *all);
    evlog_store *s = NULL;
    evlog_topic *t = NULL;
    if (getenv("UNDER_VALGRIND") == NULL) {
        OK(evlog_open(in_folder(argv, "crowded"), NULL, &s, &err));
        while (made <= most && (all[made] = evlog_batch_new(0)) != NULL) {
            made++;
        }
        CHECK(evlog_topic_open(s, "t", -1, &t, &err) == EVLOG_E_NO_MEMORY && t == NULL && err == NULL);
        while (made > 0) {
            CHECK(evlog_batch_free(all[--made]) == EVLOG_OK);
        }
        OK(evlog_close(s, -1, &err));
    }
    free(all);
}

int main(int argc, char **argv) {
    evlog_store *s = NULL;
    evlog_topic *t = NULL;
    CHECK(argc == 2);
    nothing_there();
    OK(evlog_open(in_folder(argv, "store"), NULL, &s, &err));
    OK(evlog_topic_open(s, "orders", -1, &t, &err));
    stale_and_foreign(t);
    bad_pointers(s, t);
    forked(argv, s, t);
    OK(evlog_close(s, -1, &err));
    FAILS(EVLOG_E_HANDLE, evlog_close(s, -1, &err));
    CHECK(evlog_topic_free(t) == EVLOG_OK);
    CHECK(evlog_topic_free(t) == EVLOG_E_HANDLE);
    too_many();
    too_many_for_a_result(argv);
    puts("misused");
    return 0;
}
