package idemcheck;

/**
 * A client library, as the driver sees it. One thread calls everything but
 * close, in the order of the commands.
 */
interface Client {
    /** Opens the producer and sees that a broker answers it. */
    Ready open(Command open) throws Exception;

    /** Hands one record over. It may block while the library takes no more. */
    void send(Command.Record record, Answer answer);

    /** Waits until everything sent was answered. */
    void flush();

    void begin();

    void commit();

    void abort();

    /**
     * Ends the producer at once, and returns when everything that the library
     * answers was answered. Any thread may call it, at any time and more than
     * once: it is what ends a call that hangs.
     */
    void close();

    /** What to say of a call above that failed. */
    Failure failure(Throwable e);

    /** Takes the answer to a record, from any thread. Only the first one counts. */
    interface Answer {
        void acked(int partition, long offset);

        void failed(Failure failure);
    }

    /** The library itself refuses the options; the message is its own. */
    final class Refused extends Exception {
        private static final long serialVersionUID = 1;

        Refused(Exception e) {
            super(Failure.words(e), e);
        }
    }

    /** The library has no such thing as an option asks for. */
    final class Unsupported extends Exception {
        private static final long serialVersionUID = 1;
        final String option;

        Unsupported(String option, String why) {
            super(why);
            this.option = option;
        }
    }
}
