"""The driver of aiokafka."""

import asyncio
import functools

import idemcheck_driver as driver  # before the library: it keeps standard output to itself

import aiokafka
from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced

# The library's own default, for the deadline.
REQUEST_TIMEOUT_MS = 40_000

# Without it the library takes no value of 1 MiB. It bounds a record, and no
# request.
MAX_REQUEST_SIZE = 2 << 20

# How long the library may take to close its connections. Seconds.
CLOSE_LIMIT = 1

NAMES = {
    "client_id": "client_id",
    "linger_ms": "linger_ms",
    "batch_size": "max_batch_size",
    "retry_backoff_ms": "retry_backoff_ms",
    "request_timeout_ms": "request_timeout_ms",
    "metadata_max_age_ms": "metadata_max_age_ms",
    "transactional_id": "transactional_id",
    "transaction_timeout_ms": "transaction_timeout_ms",
}


class Producer(driver.Producer):
    library = "aiokafka"

    @staticmethod
    def version():
        return aiokafka.__version__

    async def open(self, bootstrap, options):
        settings = driver.renamed(options, NAMES)
        codec = driver.compression(options, has_codec)
        if "idempotence" in options:
            settings["enable_idempotence"] = options["idempotence"]
        if "acks" in options:
            settings["acks"] = "all" if options["acks"] == "all" else int(options["acks"])
        try:
            self._producer = AIOKafkaProducer(
                bootstrap_servers=bootstrap,
                compression_type=None if codec == "none" else codec,
                max_request_size=MAX_REQUEST_SIZE,
                **settings,
            )
        except Exception as error:  # it connects to nothing yet
            raise driver.Refused(error) from error
        # With idempotence it asks for its producer id here, and with a
        # transactional id takes that over.
        await asyncio.wait_for(self._producer.start(), driver.OPEN_LIMIT)
        return driver.Ready(
            ordered=True,
            why="one produce request in flight per broker, whatever the options; "
            "a batch that is retried goes to the head of its partition's queue",
            deadline_ms=2 * (options.get("request_timeout_ms") or REQUEST_TIMEOUT_MS) + 10_000,
            unmapped=unmapped(options),
        )

    async def send(self, records):
        for record in records:
            key = record.get("key")
            try:
                sent = await self._producer.send(
                    record["topic"],
                    value=record["value"].encode(),
                    key=None if key is None else key.encode(),
                    partition=record["partition"],
                )
            except Exception as error:
                # Certain: send() raises before the record is in a batch, since
                # nothing follows the append but the return of its future
                # (producer.py, send; message_accumulator.py, add_message). That
                # is so for a value too large, an unknown partition, no room in
                # time (KafkaTimeoutError), and a producer that is closed or has
                # failed.
                self.answers.failed(record["id"], self.failure(error), never=True)
            else:
                sent.add_done_callback(functools.partial(self._report, record))

    def _report(self, record, sent):
        error = sent.exception()
        if error is not None:
            self.answers.failed(record["id"], self.failure(error))
            return
        metadata = sent.result()
        if metadata is None:  # acks 0: no broker confirms it
            self.answers.acked(record["id"], record["partition"], -1)
        else:
            self.answers.acked(record["id"], metadata.partition, metadata.offset)

    async def flush(self):
        await self._producer.flush()

    async def begin(self):
        await self._producer.begin_transaction()

    async def commit(self):
        await self._producer.commit_transaction()

    async def abort(self):
        await self._producer.abort_transaction()

    async def close(self):
        # stop() sends first what is left, for as long as it takes. That is not
        # "at once"; without it the end of the process closes the connections.
        if not self.answers.left():
            await asyncio.wait_for(self._producer.stop(), CLOSE_LIMIT)

    def failure(self, error):
        if not isinstance(error, KafkaError):
            return super().failure(error)
        # A class of error has Kafka's number also where the library itself
        # raises it: RequestTimedOutError for an answer that did not come.
        return driver.failure(
            type(error).__name__,
            error,
            code=getattr(error, "errno", None) or 0,
            retriable=bool(getattr(error, "retriable", False)),
            fenced=isinstance(error, (ProducerFenced, InvalidProducerEpoch)),
        )


def has_codec(name):
    """Say whether the library can compress with it: some need a package."""
    codecs = AIOKafkaProducer._COMPRESSORS
    return name in codecs and codecs[name][0]()


def unmapped(options):
    """Return the options that the library has no place for."""
    lacks = []
    idempotent = options.get("idempotence", False)  # its own default
    if options.get("in_flight", 1) not in (0, 1):
        lacks.append(("in_flight", "one produce request in flight per broker, always"))
    until = "without limit" if idempotent else "until it is as old as the request timeout"
    retries = options.get("retries", 0)
    if retries and not (retries < 0 and idempotent):
        lacks.append(("retries", f"a batch is tried again {until}"))
    if options.get("no_retries"):
        lacks.append(("no_retries", f"a batch is tried again {until}"))
    if options.get("delivery_timeout_ms"):
        lacks.append(("delivery_timeout", f"none; a batch is tried again {until}"))
    return lacks


if __name__ == "__main__":
    driver.serve(Producer)
