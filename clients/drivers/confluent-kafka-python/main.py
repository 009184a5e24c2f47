"""The driver of confluent-kafka: librdkafka, in Python."""

import functools
import threading
import time

import idemcheck_driver as driver  # before the library: it keeps standard output to itself

import confluent_kafka
from confluent_kafka import KafkaError, KafkaException

# Seconds. Above 0.2 the library's poll() no longer returns with the first
# callbacks in newer versions (Producer.c, Producer_poll0: it polls again until
# its time is up).
POLL = 0.1

# How long reports of purged records are waited for. Seconds.
PURGE_LIMIT = 1

# The library's own defaults, for the deadline.
REQUEST_TIMEOUT_MS = 60_000
DELIVERY_TIMEOUT_MS = 300_000
TRANSACTION_TIMEOUT_MS = 60_000

# Without it the library takes no value of 1 MiB.
MESSAGE_MAX_BYTES = 2 << 20

# retries -1: the greatest number that the library takes, and its default.
NO_LIMIT = 2147483647

# The librdkafka that came to have retry.backoff.max.ms (KIP-580).
BACKOFF_GROWS = 0x02030000

# Another producer has taken the transactional id over: in librdkafka's word, in
# brokers', and in that of brokers before KIP-588, which they still give to
# produce requests.
FENCED = (
    KafkaError._FENCED,
    KafkaError.PRODUCER_FENCED,
    KafkaError.INVALID_PRODUCER_EPOCH,
)

NAMES = {
    "client_id": "client.id",
    "acks": "acks",
    "in_flight": "max.in.flight.requests.per.connection",
    "linger_ms": "linger.ms",
    "batch_size": "batch.size",
    "compression": "compression.type",
    # The first is how long the client waits, the second the broker.
    "request_timeout_ms": ("socket.timeout.ms", "request.timeout.ms"),
    "delivery_timeout_ms": "delivery.timeout.ms",
    "metadata_max_age_ms": "topic.metadata.refresh.interval.ms",
    "transactional_id": "transactional.id",
    "transaction_timeout_ms": "transaction.timeout.ms",
}


class Producer(driver.Producer):
    library = "confluent-kafka-python"

    @staticmethod
    def version():
        return confluent_kafka.__version__

    async def open(self, bootstrap, options):
        try:
            self._producer = confluent_kafka.Producer(self._configuration(bootstrap, options))
        except Exception as error:  # it waits for no broker
            raise driver.Refused(error) from error
        self._producer.list_topics(timeout=driver.OPEN_LIMIT)  # connects, or raises
        if options.get("transactional_id"):
            self._producer.init_transactions(driver.OPEN_LIMIT)
        self._over = False
        self._poller = threading.Thread(target=self._poll, name="poll", daemon=True)
        self._poller.start()
        return self._describe(options)

    def _configuration(self, bootstrap, options):
        settings = {
            "bootstrap.servers": ",".join(bootstrap),
            "message.max.bytes": max(MESSAGE_MAX_BYTES, options.get("batch_size", 0)),
            "error_cb": self._error,
            **driver.renamed(options, NAMES),
        }
        if "idempotence" in options:
            settings["enable.idempotence"] = options["idempotence"]
        if options.get("no_retries"):
            settings["retries"] = 0
        if options.get("retries"):
            settings["retries"] = NO_LIMIT if options["retries"] < 0 else options["retries"]
        if options.get("retry_backoff_ms"):
            settings["retry.backoff.ms"] = options["retry_backoff_ms"]
            if confluent_kafka.libversion()[1] >= BACKOFF_GROWS:
                settings["retry.backoff.max.ms"] = options["retry_backoff_ms"]
        return settings

    def _describe(self, options):
        in_flight = options.get("in_flight") or "up to 1000000"
        if options.get("idempotence"):
            ordered = True
            why = "idempotent writes keep the order of produce() calls through retries"
        elif in_flight == 1:
            ordered = True
            why = "one request in flight per broker: a retry cannot be overtaken"
        else:
            ordered = False
            why = f"idempotence off and {in_flight} requests in flight: a retry may be overtaken"
        why += f" (librdkafka {confluent_kafka.libversion()[0]})"
        # A record ends by its delivery timeout, but not before the request that
        # it is in. Where none is set, a transactional producer's is that of its
        # transactions.
        timeout = DELIVERY_TIMEOUT_MS
        if options.get("transactional_id"):
            timeout = options.get("transaction_timeout_ms") or TRANSACTION_TIMEOUT_MS
        timeout = options.get("delivery_timeout_ms") or timeout
        request = options.get("request_timeout_ms") or REQUEST_TIMEOUT_MS
        unmapped = []
        if options.get("retries", 0) > 0:
            # rd_kafka_handle_Produce_error counts no attempt after which it asks for
            # new metadata, but for lost connections and storage errors.
            unmapped.append(("retries", "attempts that a broker refused since it does not lead the partition "
                                        "(3, 5, 6) are not counted: these go on until the delivery timeout"))
        return driver.Ready(ordered=ordered, why=why, deadline_ms=timeout + 2 * request + 10_000,
                            unmapped=unmapped)

    def _poll(self):
        """Have the library call back: it does so only while it is polled.

        A fatal error is raised here, and the error callback not called
        (confluent_kafka.c, error_cb). What the library gives up for it is
        reported by further polls.
        """
        while not self._over:
            try:
                self._producer.poll(POLL)
            except KafkaException as error:
                self._error(error.args[0])

    def _error(self, error):
        driver.log.warning("%s: %s", error.name(), error.str())
        if error.fatal():
            self.answers.fatal(self._told(error))

    # There is a call for several records, produce_batch(), in newer versions.
    # It is not taken: in a full queue it refuses some of them and takes others
    # after them (rdkafka_msg.c, rd_kafka_produce_batch), so that what it
    # refused could not be handed over again in order.
    async def send(self, records):
        for record in records:
            report = functools.partial(self._report, record["id"])
            try:
                while not self._hand_over(record, report):
                    self._producer.poll(POLL)  # which makes room
            except Exception as error:
                # Certain: produce() raises before the record is in a queue, and
                # nothing of it remains (rdkafka_msg.c, rd_kafka_producev: each
                # error returns before rd_kafka_toppar_enq_msg, the last thing
                # that it does; Producer.c, Producer_produce, adds nothing after
                # it). That is so for a value too large, an unknown topic or
                # partition, a fatal error and a wrong state of a transaction.
                self.answers.failed(record["id"], self.failure(error), never=True)

    def _hand_over(self, record, report):
        try:
            self._producer.produce(
                record["topic"],
                value=record["value"],
                key=record.get("key"),
                partition=record["partition"],
                on_delivery=report,
            )
        except BufferError:  # the queue is full, and the record is not in it
            return False
        return True

    def _report(self, record_id, error, message):
        if error is not None:
            # The C library knows whether a record may have been persisted
            # (rd_kafka_message_status), and Python is not told: unknown.
            self.answers.failed(record_id, self._told(error))
            return
        offset = message.offset()  # None without an acknowledgement, or for a duplicate
        self.answers.acked(record_id, message.partition(), -1 if offset is None else offset)

    async def flush(self):
        self._producer.flush()

    async def begin(self):
        self._producer.begin_transaction()

    async def commit(self):
        self._producer.commit_transaction()

    async def abort(self):
        self._producer.abort_transaction()

    async def close(self):
        self._producer.purge(in_queue=True, in_flight=True, blocking=False)
        end = time.monotonic() + PURGE_LIMIT
        while len(self._producer) and time.monotonic() < end:
            self._producer.poll(POLL)
        self._over = True
        self._poller.join()

    def failure(self, error):
        if isinstance(error, KafkaException):
            return self._told(error.args[0])
        return super().failure(error)

    @staticmethod
    def _told(error):
        return driver.failure(
            error.name(),
            error.str(),
            code=error.code(),
            retriable=error.retriable(),
            fenced=error.code() in FENCED,
        )


if __name__ == "__main__":
    driver.serve(Producer)
