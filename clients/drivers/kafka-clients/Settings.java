package idemcheck;

import org.apache.kafka.clients.producer.ProducerConfig;

import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.Properties;

/**
 * The options of an open command as the producer's properties. Properties go by
 * name: not every version has a constant for each. Nothing is checked here; what
 * the library refuses is reported in its own words.
 */
final class Settings {
    /** On the wire a record is a little longer than its value, which may have 1 MiB. */
    private static final int MAX_REQUEST_SIZE = 2 << 20;
    /** Metadata, a reconnect and the backoffs between them, on a healthy cluster. */
    private static final long MARGIN_MS = 10_000;

    final Properties properties = new Properties();
    final boolean transactional;
    private final Command.Options options;
    private final Map<String, Object> defaults = ProducerConfig.configDef().defaultValues();

    Settings(Command open) {
        Command.Options o = open.options;
        options = o;
        transactional = given(o.transactional_id);
        set("bootstrap.servers", String.join(",", open.bootstrap));
        set("client.id", o.client_id);
        // Explicitly, also when false: the default differs by version, and one
        // that acks or retries contradict is switched off in silence.
        if (o.idempotence != null) {
            set("enable.idempotence", o.idempotence);
        }
        if (given(o.acks)) {
            set("acks", o.acks);
        }
        set("max.request.size", MAX_REQUEST_SIZE);
        if (o.in_flight != 0) {
            set("max.in.flight.requests.per.connection", o.in_flight);
        }
        if (o.linger_ms != 0) {
            set("linger.ms", o.linger_ms);
        }
        if (o.batch_size != 0) {
            set("batch.size", o.batch_size);
        }
        if (given(o.compression)) {
            set("compression.type", o.compression);
        }
        if (o.retries != 0 || o.no_retries) {
            set("retries", o.retries == -1 ? Integer.MAX_VALUE : o.retries);
        }
        if (o.retry_backoff_ms != 0) {
            set("retry.backoff.ms", o.retry_backoff_ms);
            if (defaults.containsKey("retry.backoff.max.ms")) { // since 3.7 it grows (KIP-580)
                set("retry.backoff.max.ms", o.retry_backoff_ms);
            }
        }
        if (o.request_timeout_ms != 0) {
            set("request.timeout.ms", o.request_timeout_ms);
        }
        if (o.delivery_timeout_ms != 0) {
            set("delivery.timeout.ms", o.delivery_timeout_ms);
        }
        if (o.metadata_max_age_ms != 0) {
            set("metadata.max.age.ms", o.metadata_max_age_ms);
        }
        if (transactional) {
            set("transactional.id", o.transactional_id);
        }
        if (o.transaction_timeout_ms != 0) {
            set("transaction.timeout.ms", o.transaction_timeout_ms);
        }
        // A send that waits for room or for metadata is backpressure, not an error,
        // for as long as the records before it may take; so is a commit that waits.
        set("max.block.ms", Math.max(deliveryTimeout(), ((Number) defaults.get("delivery.timeout.ms")).longValue()));
    }

    private static boolean given(String text) {
        return text != null && !text.isEmpty();
    }

    private void set(String property, Object value) {
        properties.setProperty(property, String.valueOf(value));
    }

    private long number(String property) {
        String text = properties.getProperty(property);
        return text == null ? ((Number) defaults.get(property)).longValue() : Long.parseLong(text);
    }

    /** As the library takes it: a default gives way to longer requests. */
    private long deliveryTimeout() {
        return Math.max(number("delivery.timeout.ms"), number("linger.ms") + number("request.timeout.ms"));
    }

    /** What the opened producer says of itself. */
    Ready ready(String library) throws IOException {
        Ready r = new Ready();
        r.library = library;
        r.version = version();
        r.order = order();
        // A record is given up at the end of its delivery timeout, in flight or
        // not; before it is taken at all, metadata may wait for a lost answer.
        r.deadline_ms = deliveryTimeout() + number("request.timeout.ms") + MARGIN_MS;
        return r;
    }

    /** What AppInfoParser reads; that class itself has moved in 4.4. */
    private static String version() throws IOException {
        Properties file = new Properties();
        try (InputStream in = ProducerConfig.class.getResourceAsStream("/kafka/kafka-version.properties")) {
            file.load(in);
        }
        return file.getProperty("version");
    }

    private Ready.Order order() {
        long inFlight = number("max.in.flight.requests.per.connection");
        if (Boolean.TRUE.equals(options.idempotence)) {
            return new Ready.Order(true,
                "idempotent writes keep the order of send calls through retries, with up to " + inFlight + " requests in flight");
        }
        if (inFlight == 1) {
            return new Ready.Order(true, "one request in flight per broker: a retry cannot be overtaken");
        }
        if (options.idempotence == null) {
            // Whether it is on depends on the version and on the other options.
            return new Ready.Order(false, "nothing is said of idempotence, and " + inFlight + " requests may be in flight");
        }
        return new Ready.Order(false, "idempotence off and " + inFlight + " requests in flight: a retry may be overtaken");
    }
}
