package idemcheck;

import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;

import java.nio.charset.StandardCharsets;

/** The driver of Apache Kafka's Java producer, kafka-clients 2.8 and later. */
public final class KafkaClients implements Client {
    private final Opening<byte[], byte[]> opening = new Opening<>();
    private KafkaProducer<byte[], byte[]> producer;
    private boolean transactional;

    public static void main(String[] args) {
        Driver.run(new KafkaClients());
    }

    @Override
    public Ready open(Command open) throws Exception {
        Settings settings = new Settings(open);
        transactional = settings.transactional;
        producer = opening.open(
            Opening.construct(() -> new KafkaProducer<>(settings.properties, new ByteArraySerializer(), new ByteArraySerializer())),
            open.bootstrap);
        if (transactional) {
            producer.initTransactions();
        }
        return settings.ready("kafka-clients");
    }

    @Override
    public void send(Command.Record r, Answer answer) {
        Sent sent = new Sent(answer);
        try {
            byte[] key = r.key == null ? null : r.key.getBytes(StandardCharsets.UTF_8);
            producer.send(new ProducerRecord<>(r.topic, r.partition, key, r.value.getBytes(StandardCharsets.UTF_8)), sent);
        } catch (RuntimeException e) {
            // What is no ApiException is thrown, and not called back by send.
            answer.failed(Failure.ofRecord(e, true, transactional));
        }
        sent.caller = null;
    }

    private final class Sent implements Callback {
        private final Answer answer;
        private Thread caller = Thread.currentThread(); // until send has returned

        Sent(Answer answer) {
            this.answer = answer;
        }

        @Override
        public void onCompletion(RecordMetadata metadata, Exception e) {
            if (e == null) {
                // The offset is -1 where the broker tells none: acks 0, or a batch
                // that it has and no longer knows where.
                answer.acked(metadata.partition(), metadata.offset());
            } else {
                answer.failed(Failure.ofRecord(e, Thread.currentThread() == caller, transactional));
            }
        }
    }

    @Override
    public void flush() {
        producer.flush();
    }

    @Override
    public void begin() {
        producer.beginTransaction();
    }

    @Override
    public void commit() {
        producer.commitTransaction();
    }

    @Override
    public void abort() {
        producer.abortTransaction();
    }

    @Override
    public void close() {
        opening.close();
    }

    @Override
    public Failure failure(Throwable e) {
        return Failure.of(e, transactional);
    }
}
