package idemcheck;

import java.util.List;

/**
 * One line of standard input, as clients/driver/PROTOCOL.md has it. Gson fills
 * it in by the names of the fields; what a line lacks stays 0 or null.
 */
final class Command {
    String command;
    long id; // flush, begin, commit, abort
    List<Record> records; // send
    int protocol; // open, with the next two
    List<String> bootstrap;
    Options options;
    transient int length; // of the line

    /** One record to send. */
    static final class Record {
        long id;
        String topic;
        int partition;
        String key; // null for none
        String value;
    }

    /** What the producer is to be like; 0 and null are the library's default. */
    static final class Options {
        String client_id;
        Boolean idempotence; // null: nothing is said of it
        String acks; // null: nothing is said of them
        boolean literal; // what is asked is what the library gets
        int in_flight;
        long linger_ms;
        int batch_size;
        String compression;
        int retries; // -1 is without limit
        boolean no_retries; // retries 0 is the default
        long retry_backoff_ms;
        long request_timeout_ms;
        long delivery_timeout_ms;
        long metadata_max_age_ms;
        String transactional_id;
        long transaction_timeout_ms;
    }
}
