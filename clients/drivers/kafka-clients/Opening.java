package idemcheck;

import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.config.ConfigException;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** The beginning and the end of a KafkaProducer, which may meet: any thread may close. */
final class Opening<K, V> {
    /** How long a broker may take to answer; the harness has a limit of its own. */
    private static final long LIMIT_MS = 20_000;
    private static final long POLL_MS = 2;

    private KafkaProducer<K, V> producer;
    private boolean closed;

    /**
     * Waits until a broker has answered the producer. The constructor asks for
     * metadata on its own, but waits for nothing: that bytes have come in is the
     * first sign, and looking for it sends nothing that the producer would not.
     */
    KafkaProducer<K, V> open(KafkaProducer<K, V> opened, List<String> bootstrap) throws Exception {
        synchronized (this) {
            producer = opened;
        }
        Metric received = received(opened);
        long end = System.nanoTime() + LIMIT_MS * 1_000_000;
        while (((Number) received.metricValue()).doubleValue() == 0) {
            synchronized (this) {
                if (closed) {
                    throw new IOException("closed before a broker answered");
                }
            }
            if (System.nanoTime() > end) {
                close();
                throw new IOException("no broker answers at " + String.join(", ", bootstrap) + " within " + LIMIT_MS / 1000 + " s");
            }
            Thread.sleep(POLL_MS);
        }
        return opened;
    }

    /** Constructs the producer, and tells configurations that it refuses from other errors. */
    static <T> T construct(Supplier<T> constructor) throws Client.Refused {
        try {
            return constructor.get();
        } catch (KafkaException e) {
            for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                if (cause instanceof ConfigException) {
                    throw new Client.Refused((ConfigException) cause);
                }
            }
            throw e;
        }
    }

    private static Metric received(KafkaProducer<?, ?> producer) {
        for (Map.Entry<MetricName, ? extends Metric> m : producer.metrics().entrySet()) {
            if (m.getKey().group().equals("producer-metrics") && m.getKey().name().equals("incoming-byte-total")) {
                return m.getValue();
            }
        }
        throw new IllegalStateException("the library has no metric incoming-byte-total");
    }

    /** Ends the producer at once: what it has not sent it fails, and calls back. */
    void close() {
        KafkaProducer<K, V> p;
        synchronized (this) {
            closed = true;
            p = producer;
        }
        if (p != null) {
            p.close(Duration.ZERO);
        }
    }
}
