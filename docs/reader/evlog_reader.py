#!/usr/bin/env python3
"""Reads an evlog log without evlog, and without writing: everything here comes from docs/FORMAT.md.

usage: evlog_reader.py FOLDER [--topic NAME]

Prints what `evlog read TOPIC --format json` prints: a line for each event and for each gap. Exit code 0: all read; 4: there were
gaps, or the log was refused; 3: the system could not read; 2: wrong usage. Needs Python 3.9 and nothing else. A segment is read as a
whole, so there must be memory for the largest one.
"""

import argparse
import base64
import json
import os
import re
import stat
import struct
import sys
from collections import Counter, namedtuple
from zlib import crc32

PAGE, LARGEST_BATCH, MOST_EVENTS, LARGEST_SEGMENT, LAST = 4096, 1 << 26, 1 << 20, 2**32 - 1, 2**64 - 1
EVENTS, SEAL, CLOSE, PAYLOAD_CRC, ORIGIN = 1, 3, 4, 1, 2
SEGMENT_NAME = re.compile(r"([0-9]{20})-([0-9]{10})\.seg")
SEGMENT_HEADER = struct.Struct("<8sIH2sII16sQQQQIIqQB31s")
BATCH_HEADER = struct.Struct("<4sIQQIIIIIIIIBB6s")
HINT = struct.Struct("<4sIQQI4s")
TABLE_ENTRY = struct.Struct("<qII")

SegmentHeader = namedtuple(
    "SegmentHeader",
    "magic crc version reserved required optional incarnation salt ordinal base previous_salt previous_end leftover"
    " created start cause more_reserved",
)
BatchHeader = namedtuple(
    "BatchHeader",
    "magic crc salt base offset synced length payload_bytes count table_crc payload_crc schema kind flags reserved",
)
Segment = namedtuple("Segment", "path base ordinal header")
Stretch = namedtuple("Stretch", "start to expected base_behind")
Event = namedtuple("Event", "position timestamp payload")
Gap = namedtuple("Gap", "start to reason")


class Refused(Exception):
    """The log cannot be read at all: it is unsupported, or none, or nobody can tell what belongs to it."""


def round_up(number):
    return (number + 7) // 8 * 8


# Section 5: the segment header.


def good_header(page, path, base, ordinal):
    """The good copy of the segment header that counts, or None."""
    other = None
    for at in (0, 2048):
        copy = page[at : at + SEGMENT_HEADER.size]
        if len(copy) < SEGMENT_HEADER.size:
            continue
        header = SegmentHeader._make(SEGMENT_HEADER.unpack(copy))
        if header.magic != b"EVLOGSEG" or header.crc != crc32(copy[12:]):
            continue
        if header.version != 0 or header.required != 0:
            if other:
                break
            raise Refused(f"{path}: unsupported version {header.version}, required features {header.required:#x}")
        zeros = not any(header.reserved + header.more_reserved)
        if header.ordinal == 0:
            previous = header.previous_end == header.previous_salt == 0
        else:
            previous = header.previous_end >= PAGE and header.previous_end % 8 == 0
        if zeros and header.salt and 1 <= header.cause <= 4 and header.ordinal < 10**10 and previous:
            if (header.base, header.ordinal) == (base, ordinal):
                return header
            other = other or header
    return other


# Section 7: sound, good, fitting.


def sound(data, at, salt, limit):
    """The batch header at `at`, if it is sound."""
    if at < PAGE or at % 8 or at + BATCH_HEADER.size > min(limit, len(data)):
        return None
    h = BatchHeader._make(BATCH_HEADER.unpack_from(data, at))
    if h.magic != b"EVB1" or h.crc != crc32(data[at + 8 : at + 64]) or h.salt != salt or h.offset != at:
        return None
    if h.kind == 0 or 6 <= h.kind < 128 or h.flags & ~(PAYLOAD_CRC | ORIGIN):
        raise Refused(f"unsupported: a batch of kind {h.kind} with flags {h.flags:#x} at offset {at}")
    origin = 16 if h.flags & ORIGIN else 0
    checks = (
        not any(h.reserved) and (h.flags & PAYLOAD_CRC or h.payload_crc == 0),
        PAGE <= h.synced <= h.offset,
        h.synced % 8 == h.payload_bytes % 8 == h.length % 8 == 0,
        1 <= h.count <= MOST_EVENTS if h.kind == EVENTS else h.count == 0,
        64 + h.payload_bytes + origin + 16 * h.count <= h.length <= LARGEST_BATCH and at + h.length <= limit,
        h.base + h.count <= LAST,
    )
    return h if all(checks) else None


def fits(h, expected, stretch, synced):
    return expected <= h.base <= expected + stretch // 16 and h.synced >= synced


def table_of(data, h):
    """The table entries, or None if the table (for kinds other than events: the origin) is not good."""
    start = h.offset + 64 + h.payload_bytes
    table = start + (16 if h.flags & ORIGIN else 0)
    stop = table + 16 * h.count
    if crc32(data[start:stop]) != h.table_crc:
        return None
    entries = list(TABLE_ENTRY.iter_unpack(data[table:stop]))
    begin = 0
    for _, end, _ in entries:
        if end < begin:
            return None
        begin = round_up(end)
    return entries if h.kind != EVENTS or begin == h.payload_bytes else None


def items_of(data, h):
    """The events of a batch of kind 1, and gaps for those that are not good."""
    entries = table_of(data, h)
    if entries is None:
        yield Gap(h.base, h.base + h.count, "table")
        return
    begin = h.offset + 64
    for position, (timestamp, end, crc) in enumerate(entries, h.base):
        payload = data[begin : h.offset + 64 + end]
        good = crc32(payload) == crc
        yield Event(position, timestamp, payload) if good else Gap(position, position + 1, "payload")
        begin = h.offset + 64 + round_up(end)


def body_good(data, h):
    if h.kind == EVENTS:
        return all(isinstance(item, Event) for item in items_of(data, h))
    payloads = data[h.offset + 64 : h.offset + 64 + h.payload_bytes]
    return table_of(data, h) is not None and (not h.flags & PAYLOAD_CRC or crc32(payloads) == h.payload_crc)


# Section 8: judging a segment.


def can_reach(base, position, offset):
    """Whether the batches before that offset can hold the events up to that position."""
    return base <= position <= base + (offset - PAGE) // 16


def finished(data, base, salt):
    """The seal or close that ends the file, if there is one."""
    at = len(data) - 96
    h = sound(data, at, salt, len(data))
    if not h or h.kind not in (SEAL, CLOSE) or (h.length, h.payload_bytes, h.flags) != (96, 32, PAYLOAD_CRC):
        return None
    if not can_reach(base, h.base, at):
        return None
    return h if crc32(data[at + 64 :]) == h.payload_crc and not any(data[at + 92 :]) else None


def proof_of_hint(data, base, salt, limit):
    """The offset of the hint if it is good, else that of the first batch."""
    magic, crc, hint_salt, position, offset, reserved = HINT.unpack(data[1024:1056])
    if magic != b"EVHT" or crc != crc32(data[1032:1056]) or hint_salt != salt or any(reserved):
        return PAGE
    h = sound(data, offset, salt, limit)
    return offset if h and h.base == position and can_reach(base, position, offset) else PAGE


def headers_and_stretches(data, base, salt, limit):
    """Part one: every byte from 4,096 to the limit as sound headers and stretches."""
    at, position, synced = PAGE, base, 0
    while at < limit:
        h = sound(data, at, salt, limit)
        if h and fits(h, position, 0, synced):
            yield h
            at, position, synced = at + h.length, h.base + h.count, h.synced
            continue
        start, behind = at, None
        while behind is None and (at := data.find(b"EVB1", at + 1, limit)) >= 0:
            h = sound(data, at, salt, limit)
            behind = h if h and fits(h, position, at - start, synced) else None
        at = behind.offset if behind else limit
        yield Stretch(start, at, position, behind.base if behind else None)
        position = behind.base if behind else position


def judge(data, base, salt, successor, stated_end):
    """What stands in the segment below its end, and the position there."""
    limit = min(len(data), stated_end or LARGEST_SEGMENT)
    close = None if stated_end else finished(data, base, salt)
    found = list(headers_and_stretches(data, base, salt, limit))
    if successor or close:
        return found, close.base if close else base
    proven = max([h.synced for h in found if isinstance(h, BatchHeader)] + [PAGE])
    if len(data) >= PAGE:
        proven = max(proven, proof_of_hint(data, base, salt, limit))
    accepted, position = [], base
    for item in found:
        if isinstance(item, Stretch):
            if item.start < proven:
                accepted.append(item)
                position = position if item.base_behind is None else item.base_behind
            if item.start >= proven or item.base_behind is None or item.to > proven:
                break
        else:
            if item.offset >= proven and not body_good(data, item):
                break
            accepted.append(item)
            position = item.base + item.count
    return accepted, position


# Section 10: reading a log.


def named_segments(folder):
    """The files with names of segments, by rising ordinal, as far as their own headers allow; and the other ordinals."""
    segments, foreign = [], set()
    for name in os.listdir(folder):
        match = SEGMENT_NAME.fullmatch(name)
        if not match or int(match[1]) > LAST:
            continue
        path = os.path.join(folder, name)
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise Refused(f"{path} is not a regular file")
        base, ordinal = int(match[1]), int(match[2])
        with open(path, "rb") as file:
            header = good_header(file.read(PAGE), path, base, ordinal)
        if header and (header.base, header.ordinal) != (base, ordinal):
            foreign.add(ordinal)
        else:
            segments.append(Segment(path, base, ordinal, header))
    return sorted(segments, key=lambda s: (s.ordinal, s.base)), foreign


def incarnation_of(segments):
    """The incarnation of the log; None if no header is good."""
    found = [s.header.incarnation if s.header else None for s in segments]
    if found[0] is not None and found[0] == found[-1]:
        return found[0]
    most = Counter(i for i in found if i is not None).most_common(2)
    if len(most) == 2 and most[0][1] == most[1][1]:
        raise Refused("which of several logs this is cannot be told")
    return most[0][0] if most else None


def chain(folder):
    """The segments that belong to the log, by rising ordinal, and the ordinals of foreign files."""
    segments, foreign = named_segments(folder)
    if not segments:
        raise Refused(f"{folder}: missing segments")
    incarnation, log = incarnation_of(segments), []
    for ordinal in sorted({s.ordinal for s in segments}, reverse=True):
        here = [s for s in segments if s.ordinal == ordinal and (not s.header or s.header.incarnation == incarnation)]
        if log and log[0].header and log[0].ordinal == ordinal + 1:
            here = [s for s in here if not s.header or s.header.salt == log[0].header.previous_salt]
        here = [s for s in here if s.header] or here
        if len(here) > 1:
            before = {(s.header.salt, s.base) for s in segments if s.ordinal == ordinal - 1 and s.header}
            follows = lambda s: any(s.header.previous_salt == salt and s.base >= base for salt, base in before)
            here = [s for s in here if s.header and follows(s)]
            if len(here) != 1:
                raise Refused(f"{folder}: which file with the ordinal {ordinal} belongs to the log cannot be told")
        log = here + log
    log = [s for n, s in enumerate(log) if s.header or all(s.base <= t.base for t in log[n:] if t.header)]
    highest = [max(s.base for s in log[: n + 1]) for n in range(len(log))]
    log = [s for s, base in zip(log, highest) if s.base == base]
    return log, foreign | {s.ordinal for s in segments} - {s.ordinal for s in log}


def salt_of(segment, stating, data):
    """The salt of a segment, 0 if it cannot be found."""
    if segment.header or stating:
        return segment.header.salt if segment.header else stating.previous_salt
    salt = int.from_bytes(data[PAGE + 8 : PAGE + 16], "little")
    return salt if sound(data, PAGE, salt, LARGEST_SEGMENT) else 0


def read(folder):
    """All events and gaps of the log in that folder, in order."""
    log, foreign = chain(folder)
    for segment, following in zip(log, log[1:] + [None]):
        with open(segment.path, "rb") as file:
            data = file.read(LARGEST_SEGMENT)
        skipped = range(segment.ordinal + 1, following.ordinal) if following else ()
        successor = following if following and not skipped else None
        stating = successor.header if successor else None
        salt = salt_of(segment, stating, data)
        if not salt and len(log) == 1:
            raise Refused(f"{folder}: not a log")
        found, end = [], segment.base
        if salt:
            found, end = judge(data, segment.base, salt, successor, stating and stating.previous_end)
        position, ceiling = segment.base, following.base if following else end
        reason = "segment-header" if not salt else "header"
        if salt and skipped:
            reason = "foreign-segment" if foreign & set(skipped) else "missing-segment"
        for item in found:
            if isinstance(item, BatchHeader):
                position = item.base + item.count
                yield from below(items_of(data, item) if item.kind == EVENTS else [], ceiling)
            elif item is found[-1]:
                reason = "header"
            else:
                position = item.base_behind
                yield from below([Gap(item.expected, position, "header")], ceiling)
        yield from below([Gap(position, ceiling, reason)], ceiling)


def below(items, ceiling):
    """The items without those that claim positions of the next segment, and without empty gaps."""
    for item in items:
        if isinstance(item, Event) and item.position < ceiling:
            yield item
        elif isinstance(item, Gap) and item.start < min(item.to, ceiling):
            yield item._replace(to=min(item.to, ceiling))


def line(topic, item):
    """One line of JSON, as bytes."""
    fields = {"topic": topic}
    if isinstance(item, Gap):
        fields["gap"] = {"from": item.start, "to": item.to, "reason": item.reason}
    else:
        fields.update(position=item.position, timestamp=item.timestamp)
        try:
            fields["payload"] = item.payload.decode("utf-8")
        except UnicodeDecodeError:
            fields["payload_base64"] = base64.b64encode(item.payload).decode("ascii")
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8") + b"\n"


def put_out(folder, topic):
    """Writes the lines of a log to the standard output. Returns the exit code."""
    name = os.path.basename(os.path.abspath(folder))
    topic = topic or (name[2:] if name.startswith("t-") else name)
    gaps = False
    for item in read(folder):
        gaps |= isinstance(item, Gap)
        sys.stdout.buffer.write(line(topic, item))
    sys.stdout.flush()
    return 4 if gaps else 0


def main():
    arguments = argparse.ArgumentParser(description="Print the events of an evlog topic as JSON lines.")
    arguments.add_argument("folder", help="the topic's folder, with the segments in it")
    arguments.add_argument("--topic", help="the name to print (default: the folder's, without t-)")
    arguments = arguments.parse_args()
    try:
        return put_out(arguments.folder, arguments.topic)
    except BrokenPipeError:
        os._exit(0)  # nobody wants to know more
    except (Refused, OSError) as why:
        sys.stdout.flush()
        print(f"error: {why}", file=sys.stderr)
        return 4 if isinstance(why, Refused) else 3


if __name__ == "__main__":
    sys.exit(main())
