/* A panic inside stays inside: a status, a handle that can only be freed, and everything else goes on. Linked with a
 * library that has the entry below, which no installed library has. */
#include "check.h"

#ifdef __cplusplus
extern "C"
#endif
evlog_status evlog_test_panic(const evlog_topic *topic, evlog_error **err);

int main(int argc, char **argv) {
    evlog_error *err = NULL;
    evlog_store *s = NULL;
    evlog_topic *t = NULL, *other = NULL;
    CHECK(argc == 2);
    OK(evlog_open(in_folder(argv, "store"), NULL, &s, &err));
    OK(evlog_topic_open(s, "orders", -1, &t, &err));
    CHECK(evlog_test_panic(t, &err) == EVLOG_E_PANIC);
    CHECK(strstr(evlog_error_message(err), "asked to, with topic orders") != NULL);
    CHECK(evlog_error_free(err) == EVLOG_OK);
    err = NULL;
    FAILS(EVLOG_E_POISONED, evlog_append(t, bytes_of("x"), EVLOG_SYNCED, -1, NULL, &err));
    FAILS(EVLOG_E_POISONED, evlog_topic_close(t, -1, &err));
    CHECK(evlog_topic_free(t) == EVLOG_E_HANDLE);
    OK(evlog_topic_open(s, "orders", -1, &other, &err));
    OK(evlog_append(other, bytes_of("x"), EVLOG_SYNCED, -1, NULL, &err));
    CHECK(evlog_topic_free(other) == EVLOG_OK);
    OK(evlog_close(s, -1, &err));
    puts("panicked");
    return 0;
}
