package idemcheck;

import com.google.gson.Gson;
import com.google.gson.JsonParseException;

import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Partitioner;
import org.apache.kafka.common.Cluster;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.tools.VerifiableProducer;

import java.io.PrintStream;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/**
 * The driver of Apache Kafka's VerifiableProducer (kafka-tools), which Kafka's
 * own system tests use.
 *
 * <p>As a program it cannot be driven: it reads no input, makes up its values
 * (0, 1, 2, ...) and leaves the partition to chance. But the method by which it
 * sends is public, and takes any key and value. So it runs in this process, one
 * instance for each topic around one KafkaProducer; the records that its send
 * method is given are the harness's; and what came of them is read from the JSON
 * lines that it prints, which name a record by its value. A partitioner sends
 * each record where the command says.
 *
 * <p>VerifiableProducer sets acks and retries=0, with which a KafkaProducer
 * switches its default idempotence off without a word. So it is here too where
 * nothing is said of idempotence. Where it is asked for, it is set explicitly, as
 * with a configuration file; retries then stay at the library's default, because
 * 0 would be refused. What the wire shows decides what was on.
 *
 * <p>Programs of other libraries that print the same lines cannot be driven this
 * way or any other: their values are their own. Records of which nobody knows
 * what was sent, in what order and when cannot be judged, only counted. Such a
 * library needs a driver of its own.
 */
public final class Verifiable implements Client {
    private final Opening<String, String> opening = new Opening<>();
    private final Map<String, VerifiableProducer> topics = new HashMap<>();
    private final Gson gson = new Gson();
    private final Thread caller = Thread.currentThread();
    private boolean sending; // read and written by the caller only
    private KafkaProducer<String, String> producer;
    // Guarded by itself: who waits for the answer to a value, in the order sent.
    private final Map<String, Deque<Answer>> waiting = new HashMap<>();

    public static void main(String[] args) {
        Driver.run(new Verifiable());
    }

    @Override
    public Ready open(Command open) throws Exception {
        Settings settings = new Settings(open);
        if (settings.transactional) {
            throw new Unsupported("transactional_id", "VerifiableProducer has no transactions");
        }
        if (!Boolean.TRUE.equals(open.options.idempotence) && open.options.retries == 0) {
            settings.properties.setProperty("retries", "0");
        }
        if (open.options.acks == null) {
            settings.properties.setProperty("acks", "-1"); // what it sets when it is not told
        }
        settings.properties.setProperty("partitioner.class", Commanded.class.getName());
        System.setOut(new Lines(System.err));
        producer = opening.open(
            Opening.construct(() -> new KafkaProducer<>(settings.properties, new StringSerializer(), new StringSerializer())),
            open.bootstrap);
        return settings.ready("verifiable-producer");
    }

    @Override
    public void send(Command.Record r, Answer answer) {
        synchronized (waiting) {
            waiting.computeIfAbsent(r.value, v -> new ArrayDeque<>()).add(answer);
        }
        Commanded.partition = r.partition;
        sending = true;
        // It throws nothing: what its producer throws, it prints.
        topics.computeIfAbsent(r.topic, t -> new VerifiableProducer(producer, t, -1, -1, null, null, null)).send(r.key, r.value);
        sending = false;
    }

    /** Standard output, as VerifiableProducer sees it. What else is printed goes to people. */
    private final class Lines extends PrintStream {
        Lines(PrintStream people) {
            super(people, true);
        }

        @Override
        public void println(String line) {
            Line l = null;
            try {
                l = gson.fromJson(line, Line.class);
            } catch (JsonParseException e) {
                // Not one of its lines.
            }
            if (l == null || !take(l)) {
                super.println(line);
            }
        }
    }

    /** A line of VerifiableProducer. Gson fills it in. */
    private static final class Line {
        String name;
        String value;
        int partition;
        long offset;
        String exception; // "class " and the name of the class
        String message;
    }

    private boolean take(Line l) {
        boolean success = "producer_send_success".equals(l.name);
        if (!success && !"producer_send_error".equals(l.name)) {
            return false;
        }
        Answer answer;
        synchronized (waiting) {
            Deque<Answer> same = waiting.get(l.value);
            if (same == null) {
                return false; // it was answered before
            }
            answer = same.remove();
            if (same.isEmpty()) {
                waiting.remove(l.value);
            }
        }
        if (success) {
            answer.acked(l.partition, l.offset);
        } else {
            answer.failed(failure(l));
        }
        return true;
    }

    /** The exception is made again from what the line says, for its code and kind. */
    private Failure failure(Line l) {
        String name = l.exception.replaceFirst("^class ", "");
        try {
            Throwable e = (Throwable) Class.forName(name).getConstructor(String.class).newInstance(l.message);
            return Failure.ofRecord(e, sending && Thread.currentThread() == caller, false);
        } catch (ReflectiveOperationException cannot) {
            Failure f = Failure.ofDriver(String.valueOf(l.message));
            f.type = name.substring(name.lastIndexOf('.') + 1);
            return f;
        }
    }

    /** Asked inside send, on its thread, for the record that is being sent. */
    public static final class Commanded implements Partitioner {
        private static int partition;

        @Override
        public int partition(String topic, Object key, byte[] keyBytes, Object value, byte[] valueBytes, Cluster cluster) {
            return partition;
        }

        @Override
        public void configure(Map<String, ?> configs) {
        }

        @Override
        public void close() {
        }
    }

    @Override
    public void flush() {
        producer.flush();
    }

    @Override
    public void begin() {
        throw new UnsupportedOperationException("VerifiableProducer has no transactions");
    }

    @Override
    public void commit() {
        begin();
    }

    @Override
    public void abort() {
        begin();
    }

    @Override
    public void close() {
        opening.close();
    }

    @Override
    public Failure failure(Throwable e) {
        return Failure.of(e, false);
    }
}
