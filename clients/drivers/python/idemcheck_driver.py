"""The driver protocol (clients/driver/PROTOCOL.md), for drivers in Python.

A driver is a class derived from Producer that is handed to serve(). What it is
told to do was read from standard input; what the library says goes to standard
output through Answers. It needs nothing but the standard library.
"""

import asyncio
import itertools
import json
import logging
import os
import queue
import sys
import threading
import time

PROTOCOL = 2  # the newest version; all before it are spoken too

OPEN_LIMIT = 30  # seconds; the harness has a limit of its own

# Commands that are read ahead; then the harness waits.
_READ_AHEAD = 64

# Answers that a line holds at most, and characters of a message: a line has to
# stay below 8 MiB.
_MOST_IN_LINE = 500
_LONGEST_MESSAGE = 2000

# How long after a close command, or the end of the input, the driver ends
# whatever the library is at: it may stand in a call that does not return while
# brokers are away. And how long the last callbacks of a library that has closed
# are waited for. Seconds.
_CLOSE_LIMIT = 3
_CLOSE_CALLBACKS = 1

# Nothing but events may go to standard output, whatever a library prints: file
# descriptor 1 is standard error from here on.
_stdout = os.dup(1)
os.dup2(2, 1)

logging.basicConfig(
    stream=sys.stderr,
    level=logging.INFO,
    format="%(asctime)s %(levelname)s %(name)s: %(message)s",
)
log = logging.getLogger("idemcheck")


class Unsupported(Exception):
    """The library has no such thing as an option asks for."""

    def __init__(self, option, why):
        super().__init__(why)
        self.option = option


class Refused(Exception):
    """The library itself refuses the options. What it is made of is its error."""

    def __init__(self, error):
        name, words = type(error).__name__, str(error)
        super().__init__(words if words.startswith(name) else f"{name}: {words}")


class Ready:
    """What an opened producer says of itself.

    unmapped has the options that are not in force as they were asked: pairs of
    the option's name in the vocabulary and what is in force instead.
    """

    def __init__(self, *, ordered, why, deadline_ms, unmapped=()):
        self.ordered = ordered
        self.why = why
        self.deadline_ms = deadline_ms
        self.unmapped = unmapped


class Producer:
    """One producer of a library.

    Its methods may block: nothing runs in the event loop that calls them but
    what the library itself has put there. What they raise is told to the
    harness in the words of failure().
    """

    library = ""  # what idemcheck calls it

    def __init__(self, answers):
        self.answers = answers

    @staticmethod
    def version():
        """Return the library's own word for its version."""
        raise NotImplementedError

    async def open(self, bootstrap, options):
        """Open the producer, connect, and return Ready."""
        raise NotImplementedError

    async def send(self, records):
        """Hand the records to the library, in this order.

        Each gets one answer, now or later, from any thread. It may wait while
        the library takes no more, and never for an answer.
        """
        raise NotImplementedError

    async def flush(self):
        raise NotImplementedError

    async def begin(self):
        raise NotImplementedError

    async def commit(self):
        raise NotImplementedError

    async def abort(self):
        raise NotImplementedError

    async def close(self):
        """Close at once, and leave to Answers what is then unanswered."""
        raise NotImplementedError

    def failure(self, error):
        """Return an exception of the library in the protocol's words."""
        return failure(type(error).__name__, error)


def failure(name, message, code=0, retriable=False, fenced=False):
    """Return the fields of an error event's entry but its id.

    code is Kafka's: a number that a library has for itself is left out.
    """
    told = {
        "class": name,
        "message": " ".join(str(message).split())[:_LONGEST_MESSAGE] or name,
    }
    if code > 0:
        told["code"] = code
    if retriable:
        told["retriable"] = True
    if fenced:
        told["fenced"] = True
    return told


def renamed(options, names):
    """Return those options that are set, under the library's names for them.

    names has a library's name, or several, by the name in the vocabulary. 0 is
    as good as not set: the library's own default stays in force.
    """
    found = {}
    for option, theirs in names.items():
        if options.get(option):
            for name in (theirs,) if isinstance(theirs, str) else theirs:
                found[name] = options[option]
    return found


def check(options):
    """Raise ValueError for options that are nonsense for any library."""
    for name, allowed in (
        ("acks", ("all", "1", "0")),
        ("idempotence", (True, False)),
        ("literal", (True, False)),
        ("no_retries", (True, False)),
        ("compression", ("none", "gzip", "snappy", "lz4", "zstd", "")),
    ):
        value = options.get(name)
        if value not in allowed and name in options:
            raise ValueError(f"{name} {value!r}: want one of {allowed}")
    for name, value in options.items():
        if name.endswith("_ms") or name in ("in_flight", "batch_size", "retries"):
            least = -1 if name == "retries" else 0
            if type(value) is not int or value < least:
                raise ValueError(f"{name} {value!r}: want a whole number from {least}")
    if options.get("retries") and options.get("no_retries"):
        raise ValueError("retries and no_retries: want one of them")
    if options.get("transactional_id") and not (options.get("idempotence") or options.get("literal")):
        raise ValueError("transactional_id: transactions need idempotence")


def compression(options, library_has):
    """Return the compression to set, None for the library's default.

    library_has says whether the library can compress with it here.
    """
    name = options.get("compression")
    if not name or name == "none":
        return name or None
    if not library_has(name):
        raise Unsupported("compression", f"the library has no {name} here")
    return name


class Answers:
    """Gives every record its one answer. Any thread may call it."""

    def __init__(self, events):
        self._events = events
        self._open = {}  # partition by id; each access is atomic
        # acks 0: no broker gave the offset that a library may tell.
        self.unconfirmed = False

    def expect(self, records):
        for record in records:
            self._open[record["id"]] = record["partition"]

    def waits_for(self, record_id):
        return record_id in self._open

    def acked(self, record_id, partition, offset):
        """Say that the library reported success, with this offset or -1."""
        if self._closes(record_id):
            offset = -1 if self.unconfirmed else offset
            self._events.ack({"id": record_id, "partition": partition, "offset": offset})

    def failed(self, record_id, told, never=False):
        """Say that the library reported failure.

        never: it is certain that no attempt ever handed the record to the
        network. The reason stands where a driver says so.
        """
        if self._closes(record_id):
            entry = dict(told, id=record_id)
            if never:
                entry["appended"] = "never"
            self._events.error(entry)

    def fatal(self, told):
        """Say that the library can do nothing more."""
        self._events.add({"event": "fatal", "class": told["class"], "message": told["message"]})

    def _closes(self, record_id):
        if self._open.pop(record_id, None) is not None:
            return True
        log.error("the library answered record %d again", record_id)
        return False

    async def complete(self, limit=None):
        """Wait until every record has its answer, for limit seconds at most."""
        end = None if limit is None else time.monotonic() + limit
        while self._open and (end is None or time.monotonic() < end):
            await asyncio.sleep(0.002)

    def left(self):
        """Return the ids of the records without an answer."""
        return list(self._open)


class _Events:
    """Writes events from a thread of its own.

    So no callback of a library waits for a harness that is slow to read.
    Answers that come together share a line; none waits for more.
    """

    def __init__(self, fd):
        self._queue = queue.SimpleQueue()
        self._out = open(fd, "wb", buffering=1 << 16)
        self._thread = threading.Thread(target=self._write, name="events", daemon=True)
        self._thread.start()

    def add(self, event):
        self._queue.put(("", event))

    def ack(self, entry):
        self._queue.put(("ack", entry))

    def error(self, entry):
        self._queue.put(("error", entry))

    def close(self, last=None):
        """Write what is left and the last event, and end."""
        self._queue.put(("last", last))
        self._thread.join()

    def _write(self):
        ending = False
        while not ending:
            some = [self._queue.get()]
            while some[-1][0] != "last" and len(some) < _MOST_IN_LINE and not self._queue.empty():
                some.append(self._queue.get())
            ending = some[-1][0] == "last"
            try:
                for line in _lines(some):
                    self._out.write(line)
                self._out.flush()
            except OSError as error:
                _die(f"nobody reads the events: {error}")


def _lines(items):
    for kind, group in itertools.groupby(items, key=lambda item: item[0]):
        events = [event for _, event in group if event]
        if kind in ("ack", "error"):
            events = [{"event": kind, kind + "s": events}]
        for event in events:
            yield json.dumps(event, separators=(",", ":")).encode() + b"\n"


def _die(why):
    """End the process, whatever the library's threads are at."""
    log.error("%s", why)
    os._exit(3)


class _Commands:
    """Commands from standard input.

    A thread of their own reads them ahead, so that a close command and the end
    of the input are seen while another command is carried out. overdue is
    called from it, with the command that came too long ago, or None for the
    end of the input, if the process is still there.
    """

    def __init__(self, loop, overdue):
        self._loop = loop
        self._overdue = overdue
        self._queue = queue.Queue(_READ_AHEAD)
        self._news = asyncio.Event()
        self._waiting = False  # next() has found nothing and wants to be woken
        self._gone = False
        threading.Thread(target=self._read, name="commands", daemon=True).start()

    def _read(self):
        closing = None
        for line in sys.stdin.buffer:
            try:
                command = json.loads(line)
                name = command["command"]
            except (ValueError, TypeError, KeyError) as error:
                name = "nonsense"
                command = {"command": name, "why": repr(error)}
            if name == "close":
                closing = command
                threading.Timer(_CLOSE_LIMIT, self._overdue, [command]).start()
            self._queue.put(command)
            if self._waiting:
                self._loop.call_soon_threadsafe(self._news.set)
            if closing:
                return
        self._gone = True
        self._loop.call_soon_threadsafe(self._news.set)
        time.sleep(_CLOSE_LIMIT)
        self._overdue(None)

    async def next(self):
        """Return the next command, None when the harness is gone."""
        while not self._gone:
            self._news.clear()
            self._waiting = self._queue.empty()
            try:
                return self._queue.get_nowait()
            except queue.Empty:
                await self._news.wait()
        return None

    def rest(self):
        """Return the commands that will not be carried out."""
        rest = []
        while not self._queue.empty():
            rest.append(self._queue.get())
        return rest


class _Driver:
    """One producer being driven."""

    def __init__(self, producer_class):
        self._class = producer_class
        self._events = _Events(_stdout)
        self._answers = Answers(self._events)
        self._producer = None
        self._doing = {}  # the command that is being carried out
        self._ending = threading.Lock()  # taken once, by who ends the process

    async def run(self):
        """Carry out commands to the end of the process."""
        self._commands = _Commands(asyncio.get_running_loop(), self._overdue)
        try:
            while True:
                self._doing = command = await self._commands.next()
                if command is None:
                    log.error("standard input ended without a close command: the harness is gone")
                    if self._producer is not None:
                        await self._producer.close()
                    self._end(3)
                if self._producer is None:
                    await self._open(command)
                elif command["command"] == "close":
                    await self._close()
                else:
                    await self._do(command)
        except Unsupported as lacks:
            self._fatal("unsupported", lacks, option=lacks.option)
        except Refused as refused:
            log.error("the library refuses the options: %s", refused)
            self._fatal("refused", refused)
        except Exception as error:  # whatever it is, the harness has to be told
            log.exception("the driver cannot go on")
            name, words = type(error).__name__, str(error)
            self._fatal("driver", words if words.startswith(name) else f"{name}: {words}")

    def _fatal(self, name, message, **more):
        told = failure(name, message)
        self._end(3, dict(more, event="fatal", message=told["message"], **{"class": name}))

    async def _open(self, command):
        if command["command"] != "open":
            why = command.get("why", "")
            raise ValueError(f"command {command['command']!r} before open: {why}")
        protocol = command.get("protocol")
        if protocol not in range(1, PROTOCOL + 1):
            raise Unsupported(
                "protocol",
                f"the open asks for version {protocol} of the protocol:"
                f" this driver speaks 1 to {PROTOCOL}",
            )
        options = command["options"]
        if protocol == 1 and not ("idempotence" in options and "acks" in options):
            raise ValueError(
                "open lacks idempotence or acks, which may be left out"
                " from version 2 of the protocol on"
            )
        check(options)
        self._answers.unconfirmed = options.get("acks") == "0"
        self._transactional = bool(options.get("transactional_id"))
        producer = self._class(self._answers)
        ready = await producer.open(command["bootstrap"], options)
        self._producer = producer
        self._events.add({
            "event": "ready",
            "protocol": protocol,
            "library": producer.library,
            "version": producer.version(),
            "order": {"promised": ready.ordered, "why": ready.why},
            "deadline_ms": ready.deadline_ms,
            "unmapped": [{"option": option, "why": why} for option, why in ready.unmapped],
        })

    async def _do(self, command):
        name = command["command"]
        if name == "send":
            self._answers.expect(command["records"])
            await self._producer.send(command["records"])
        elif name == "flush":
            await self._reply(command, "flushed", self._producer.flush)
        elif name not in ("begin", "commit", "abort"):
            raise ValueError(f"there is no command {name!r} here: {command.get('why', '')}")
        elif self._transactional:
            await self._reply(command, "done", getattr(self._producer, name))
        else:
            told = failure("driver", "the producer was opened without a transactional id")
            self._events.error(dict(told, id=command["id"]))

    async def _reply(self, command, done, work):
        try:
            await work()
        except Exception as error:  # the library's word, and the harness's to judge
            log.warning("%s: %r", command["command"], error)
            self._events.error(dict(self._producer.failure(error), id=command["id"]))
            return
        await self._answers.complete()
        self._events.add({"event": done, "id": command["id"]})

    async def _close(self):
        try:
            await self._producer.close()
        except Exception:  # there is no event for it, and the process ends anyway
            log.exception("close")
        await self._answers.complete(_CLOSE_CALLBACKS)
        self._end(0, {"event": "closed"})

    def _overdue(self, command):
        """End now. The event loop, or the library, stands still meanwhile."""
        if command is None:
            log.error("the producer did not close")
            self._end(3)
        log.warning("close: the library is still at %s, or did not close", self._doing["command"])
        self._end(0, {"event": "closed"})

    def _end(self, status, event=None):
        """Answer what is left, give the last event, and end the process.

        Neither the event loop nor the library's threads are waited for: nothing
        may be sent any more.
        """
        with self._ending:
            told = failure("closed", "the producer was closed before the library had answered")
            for record_id in self._answers.left():
                self._answers.failed(record_id, told)
            if self._doing and self._doing.get("id"):
                self._events.error(dict(told, id=self._doing["id"]))
            told = failure("closed", "the producer was closed before it came to this")
            for command in self._commands.rest():
                # Certain: the library was never called for these records.
                for record in command.get("records", ()):
                    self._events.error(dict(told, id=record["id"], appended="never"))
                if command.get("id"):
                    self._events.error(dict(told, id=command["id"]))
            self._events.close(event)
            logging.shutdown()
            os._exit(status)


def serve(producer_class):
    """Be the driver program of a library. It does not return.

    With the argument --version it prints the library's version and ends: so
    provisioning finds out whether the library can be loaded.
    """
    if sys.argv[1:] == ["--version"]:
        os.write(_stdout, producer_class.version().encode() + b"\n")
        os._exit(0)
    asyncio.run(_Driver(producer_class).run())
