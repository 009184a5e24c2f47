package idemcheck;

import com.google.gson.annotations.SerializedName;

import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.protocol.Errors;

/** A record or a command that failed. Gson writes its fields. */
final class Failure {
    private static final int LONGEST = 1000; // message, in characters

    long id;
    @SerializedName("class")
    String type;
    Short code; // Kafka's, null for none
    Boolean retriable;
    Boolean fenced;
    String appended; // "never" or null
    String message;

    /**
     * Errors after which a record cannot be in the log, if send raised them on
     * the thread that called it. Most of the same classes also stand for a
     * broker's answer, or for the end of the delivery timeout: then the library
     * calls back on its own thread, and nothing is certain.
     *
     * <p>KafkaProducer.doSend raises them in the order below, and each before
     * RecordAccumulator.append has put the record into a batch, so that the
     * sender thread never saw it. What it raises after that, in
     * TransactionManager.maybeAddPartition since 3.3 (ProducerFencedException,
     * InvalidProducerEpochException, KafkaException, IllegalStateException), is
     * not in the table: then the record is in a batch, and the library calls
     * back a second time when it gives that up.
     */
    private static final Class<?>[] NEVER_APPENDED = {
        // waitOnMetadata: the topic's metadata says that nobody may write to it.
        InvalidTopicException.class, TopicAuthorizationException.class,
        // The serializers run before anything is kept.
        SerializationException.class,
        // ensureValidRecordSize: above max.request.size or buffer.memory.
        RecordTooLargeException.class,
        // waitOnMetadata: max.block.ms passed without metadata of the partition. Or
        // BufferPool.allocate (BufferExhaustedException): it passed without memory
        // for the batch that the record was to begin.
        TimeoutException.class,
    };

    /** A failure of a record, from a callback or thrown by send. */
    static Failure ofRecord(Throwable e, boolean raisedInSend, boolean transactional) {
        Failure f = of(e, transactional);
        for (Class<?> certain : NEVER_APPENDED) {
            if (raisedInSend && certain.isInstance(e)) {
                f.appended = "never";
                f.code = null; // no broker saw the record
            }
        }
        return f;
    }

    /** A failure of a command. */
    static Failure of(Throwable e, boolean transactional) {
        Failure f = new Failure();
        f.type = e.getClass().getSimpleName();
        f.message = words(e);
        f.retriable = e instanceof RetriableException ? true : null;
        f.code = code(e);
        for (Throwable cause = e; cause != null && transactional; cause = cause.getCause()) {
            // INVALID_PRODUCER_EPOCH is what brokers answered for a fenced producer
            // before PRODUCER_FENCED (KIP-588), and still answer to produce requests.
            if (cause instanceof ProducerFencedException || cause instanceof InvalidProducerEpochException) {
                f.fenced = true;
            }
        }
        return f;
    }

    /** A failure that the library said nothing of. */
    static Failure ofDriver(String message) {
        Failure f = new Failure();
        f.message = message;
        return f;
    }

    /**
     * Kafka's code of an error. A TimeoutException has one only where it is the
     * broker's own REQUEST_TIMED_OUT: of that there is one instance, and the end
     * of a timeout of the client makes a new one.
     */
    private static Short code(Throwable e) {
        while (e != null && !(e instanceof ApiException)) {
            e = e.getCause();
        }
        if (e == null || e instanceof TimeoutException && e != Errors.REQUEST_TIMED_OUT.exception()) {
            return null;
        }
        Errors error = Errors.forException(e);
        boolean known = error != Errors.UNKNOWN_SERVER_ERROR || error.exception().getClass() == e.getClass();
        return known ? error.code() : null;
    }

    /** What an error and its causes say, in a line. */
    static String words(Throwable e) {
        StringBuilder all = new StringBuilder(e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage());
        for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
            all.append(": ").append(cause.getClass().getSimpleName());
            if (cause.getMessage() != null) {
                all.append(": ").append(cause.getMessage());
            }
        }
        String line = all.toString().replaceAll("\\s+", " ");
        return line.length() > LONGEST ? line.substring(0, LONGEST) + "..." : line;
    }
}
