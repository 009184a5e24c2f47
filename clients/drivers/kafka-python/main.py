"""The driver of kafka-python."""

import functools

import idemcheck_driver as driver  # before the library: it keeps standard output to itself

import kafka
from kafka import KafkaProducer, errors

# What a version can be told: its options differ widely.
HAS = KafkaProducer.DEFAULT_CONFIG

MAJOR = int(kafka.__version__.split(".")[0])

# Without it the library takes no value of 1 MiB. It bounds a request as well,
# which for all partitions of a broker together stays below that.
MAX_REQUEST_SIZE = 2 << 20

# retries -1 where the library's own default has a limit.
NO_LIMIT = 2147483647

NAMES = {
    "client_id": "client_id",
    "in_flight": "max_in_flight_requests_per_connection",
    "linger_ms": "linger_ms",
    "batch_size": "batch_size",
    "retry_backoff_ms": "retry_backoff_ms",
    "request_timeout_ms": "request_timeout_ms",
    "delivery_timeout_ms": "delivery_timeout_ms",
    "metadata_max_age_ms": "metadata_max_age_ms",
    "transactional_id": "transactional_id",
    "transaction_timeout_ms": "transaction_timeout_ms",
}

FENCED = tuple(
    getattr(errors, name)
    for name in ("ProducerFencedError", "InvalidProducerEpochError")
    if hasattr(errors, name)
)


# What the constructor raises for options alone. It also connects, and has errors
# of its own for what goes wrong with that.
REFUSALS = (AssertionError, TypeError, ValueError) + tuple(
    getattr(errors, name) for name in ("KafkaConfigurationError",) if hasattr(errors, name)
)


class Producer(driver.Producer):
    library = "kafka-python"

    @staticmethod
    def version():
        return kafka.__version__

    async def open(self, bootstrap, options):
        settings, unmapped = configuration(options)
        try:
            self._producer = KafkaProducer(bootstrap_servers=bootstrap, **settings)
        except REFUSALS as error:
            raise driver.Refused(error) from error
        if options.get("transactional_id"):
            self._producer.init_transactions()
        return describe(options, unmapped)

    async def send(self, records):
        for record in records:
            key = record.get("key")
            try:
                sent = self._producer.send(
                    record["topic"],
                    value=record["value"].encode(),
                    key=None if key is None else key.encode(),
                    partition=record["partition"],
                )
            except Exception as error:
                # Certain from 3.0 on: after the record is in its batch nothing
                # follows but a wake-up, which swallows its errors
                # (producer/kafka.py, send; net/selector.py, wakeup). Before,
                # the wake-up raises them, KafkaTimeoutError too
                # (client_async.py, wakeup), and the record is sent all the same.
                self.answers.failed(record["id"], self.failure(error), never=MAJOR >= 3)
                continue
            sent.add_callback(functools.partial(self._acked, record["id"]))
            sent.add_errback(functools.partial(self._failed, record["id"]))
            # Versions before 2.3 lose a callback that is added while the record
            # is being answered: their futures have no lock.
            if sent.is_done and self.answers.waits_for(record["id"]):
                if sent.succeeded():
                    self._acked(record["id"], sent.value)
                else:
                    self._failed(record["id"], sent.exception)

    def _acked(self, record_id, metadata):
        self.answers.acked(record_id, metadata.partition, metadata.offset)

    def _failed(self, record_id, error):
        self.answers.failed(record_id, self.failure(error))

    async def flush(self):
        self._producer.flush()

    async def begin(self):
        self._producer.begin_transaction()

    async def commit(self):
        self._producer.commit_transaction()

    async def abort(self):
        self._producer.abort_transaction()

    async def close(self):
        self._producer.close(timeout=0)

    def failure(self, error):
        if not isinstance(error, errors.KafkaError):
            return super().failure(error)
        # A class of error has Kafka's number also where the library itself
        # raises it: RequestTimedOutError for an answer that did not come, in
        # old versions.
        return driver.failure(
            type(error).__name__,
            error,
            code=getattr(error, "errno", None) or 0,
            retriable=bool(getattr(error, "retriable", False)),
            fenced=isinstance(error, FENCED),
        )


def configuration(options):
    """Return the library's settings, and what it has no place for."""
    if options.get("idempotence") and "enable_idempotence" not in HAS:
        raise driver.Unsupported("idempotence", f"kafka-python {kafka.__version__} has none")
    unmapped = []
    settings = driver.renamed(options, NAMES)
    codec = driver.compression(options, has_codec)
    settings["compression_type"] = None if codec == "none" else codec
    if "acks" in options:
        settings["acks"] = "all" if options["acks"] == "all" else int(options["acks"])
    settings["max_request_size"] = MAX_REQUEST_SIZE
    if "enable_idempotence" in HAS and "idempotence" in options:
        settings["enable_idempotence"] = options["idempotence"]
    if "api_version_auto_timeout_ms" in HAS:
        settings["api_version_auto_timeout_ms"] = driver.OPEN_LIMIT * 1000
    if options.get("idempotence") and MAJOR < 3 and not options.get("literal"):
        # Another number is an error of the constructor.
        if settings.pop("max_in_flight_requests_per_connection", 1) != 1:
            unmapped.append(("in_flight", "one request in flight per broker when idempotent"))
    if options.get("no_retries"):
        settings["retries"] = 0
    if options.get("retries"):
        settings["retries"] = options["retries"]
        if options["retries"] < 0:
            settings["retries"] = max(NO_LIMIT, HAS["retries"])
    if "delivery_timeout_ms" not in HAS and settings.pop("delivery_timeout_ms", None):
        why = "none; a batch that could not be sent for the request timeout expires"
        unmapped.append(("delivery_timeout", why))
    return settings, unmapped


def has_codec(name):
    """Say whether the library can compress with it: some need a package."""
    codecs = KafkaProducer._COMPRESSORS
    return name in codecs and codecs[name][0]()


def describe(options, unmapped):
    """Return what is promised with these options."""
    in_flight = options.get("in_flight") or HAS["max_in_flight_requests_per_connection"]
    if options.get("idempotence"):
        ordered = True
        why = "idempotent writes keep send() order: one batch of a partition in flight"
    elif in_flight == 1:
        ordered = True
        why = "one request in flight per broker: a retry cannot be overtaken"
    else:
        ordered = False
        why = f"idempotence off and {in_flight} requests in flight: a retry may be overtaken"
    request = options.get("request_timeout_ms") or HAS["request_timeout_ms"]
    deadline = 2 * request + 10_000
    if "delivery_timeout_ms" in HAS:
        deadline += options.get("delivery_timeout_ms") or HAS["delivery_timeout_ms"]
    return driver.Ready(ordered=ordered, why=why, deadline_ms=deadline, unmapped=unmapped)


if __name__ == "__main__":
    driver.serve(Producer)
