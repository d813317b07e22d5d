#!/usr/bin/env python3
"""Shows the events of a topic as somebody else appends them, through libevlog and nothing but Python's own ctypes.

    follow.py LIBEVLOG STORE TOPIC COUNT
"""

import ctypes
import sys
from ctypes import POINTER, byref, c_char_p, c_int32, c_int64, c_size_t, c_ubyte, c_uint32, c_uint64, c_void_p

ABI = 1
OK = 0
READ_DURABLE = 0
MANY = 256
NO_LIMIT = -1


class Slice(ctypes.Structure):
    _fields_ = [("data", POINTER(c_ubyte)), ("len", c_size_t)]


class Event(ctypes.Structure):
    _fields_ = [("position", c_uint64), ("timestamp_us", c_int64), ("payload", Slice), ("schema", c_uint32)]


class EvlogError(Exception):
    """What the library says, with the status as `status`."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


# What each function takes behind its first arguments, the last of which is always where an error goes.
FUNCTIONS = {
    "evlog_open_read_only": [c_char_p, c_void_p, POINTER(c_void_p)],
    "evlog_topic_open_existing": [c_void_p, c_char_p, c_int64, POINTER(c_void_p)],
    "evlog_follow": [c_void_p, c_char_p, c_int32, POINTER(c_void_p)],
    "evlog_reader_next_many": [c_void_p, c_int64, POINTER(Event), c_size_t, POINTER(c_size_t)],
    "evlog_close": [c_void_p, c_int64],
}


class Library:
    """libevlog, with errors as exceptions."""

    def __init__(self, path):
        self.lib = ctypes.CDLL(path)
        if self.lib.evlog_abi() != ABI:
            raise SystemExit(f"{path} has another interface")
        for name, arguments in FUNCTIONS.items():
            getattr(self.lib, name).argtypes = arguments + [POINTER(c_void_p)]
        self.lib.evlog_error_message.restype = c_char_p
        for name in ["evlog_error_message", "evlog_error_free", "evlog_topic_free", "evlog_reader_free"]:
            getattr(self.lib, name).argtypes = [c_void_p]

    def call(self, name, *arguments):
        """Calls a function; gives its status where that is no error."""
        error = c_void_p()
        status = getattr(self.lib, name)(*arguments, byref(error))
        if status >= 0:
            return status
        text = self.lib.evlog_error_message(error).decode()
        self.lib.evlog_error_free(error)
        raise EvlogError(status, text)

    def handle(self, name, *arguments):
        """Calls a function that gives a handle."""
        handle = c_void_p()
        self.call(name, *arguments, byref(handle))
        return handle


def follow(evlog, topic, timeout_ms):
    """Yields (position, timestamp, payload) for ever, or until nothing has come for so long."""
    reader = evlog.handle("evlog_follow", topic, b"oldest", READ_DURABLE)
    events, count = (Event * MANY)(), c_size_t()
    try:
        while evlog.call("evlog_reader_next_many", reader, timeout_ms, events, MANY, byref(count)) == OK:
            for event in events[: count.value]:
                # The bytes are the reader's until the next call: a copy lasts.
                payload = ctypes.string_at(event.payload.data, event.payload.len)
                yield event.position, event.timestamp_us, payload
    finally:
        evlog.lib.evlog_reader_free(reader)


def main():
    library, store, topic, count = sys.argv[1:]
    evlog, left = Library(library), int(count)
    opened = evlog.handle("evlog_open_read_only", store.encode(), None)
    try:
        orders = evlog.handle("evlog_topic_open_existing", opened, topic.encode(), NO_LIMIT)
        for position, _, payload in follow(evlog, orders, 20_000):
            print(position, payload.decode(errors="replace"), flush=True)
            left -= 1
            if left == 0:
                break
        evlog.lib.evlog_topic_free(orders)
    finally:
        evlog.call("evlog_close", opened, NO_LIMIT)
    return 0 if left == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
