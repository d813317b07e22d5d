/* What the test programs share: a check that stops the program, and a folder of its own. C99, POSIX and C++11. */
#ifndef CHECK_H
#define CHECK_H

#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700
#endif

#include <evlog.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(holds)                                                                    \
    do {                                                                                \
        if (!(holds)) {                                                                 \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds);  \
            exit(1);                                                                    \
        }                                                                               \
    } while (0)

/* A call that succeeds. It gives its error to `err`, which has to be declared. */
#define OK(call) check_ok((call), &err, __FILE__, __LINE__)

/* A call that answers this status, with an error of the same status where it is one. */
#define FAILS(status, call) check_fails((status), (call), &err, __FILE__, __LINE__)

static inline void check_ok(evlog_status status, evlog_error **err, const char *file, int line) {
    if (status != EVLOG_OK) {
        fprintf(stderr, "%s:%d: %s: %s\n", file, line, evlog_status_name(status),
                *err ? evlog_error_message(*err) : "no error");
        exit(1);
    }
    if (*err != NULL) {
        fprintf(stderr, "%s:%d: an error beside success\n", file, line);
        exit(1);
    }
}

static inline void check_fails(evlog_status expected, evlog_status status, evlog_error **err, const char *file, int line) {
    if (status != expected) {
        fprintf(stderr, "%s:%d: %s instead of %s: %s\n", file, line, evlog_status_name(status),
                evlog_status_name(expected), *err ? evlog_error_message(*err) : "no error");
        exit(1);
    }
    if ((status < 0) != (*err != NULL) || (status < 0 && evlog_error_status(*err) != expected) ||
        (status < 0 && strlen(evlog_error_message(*err)) < 8)) {
        fprintf(stderr, "%s:%d: the error does not fit %s\n", file, line, evlog_status_name(expected));
        exit(1);
    }
    CHECK(evlog_error_free(*err) == EVLOG_OK);
    *err = NULL;
}

static inline evlog_slice bytes_of(const char *text) {
    evlog_slice slice;
    slice.data = (const uint8_t *)text;
    slice.len = strlen(text);
    return slice;
}

static inline int is_text(const evlog_event *event, const char *text) {
    return event->payload.len == strlen(text) && memcmp(event->payload.data, text, event->payload.len) == 0;
}

/* The path of `name` in the folder that the first argument of the program says. */
static inline const char *in_folder(char **argv, const char *name) {
    static char path[4096];
    CHECK(argv[1] != NULL);
    CHECK(snprintf(path, sizeof path, "%s/%s", argv[1], name) < (int)sizeof path);
    return path;
}

#endif
