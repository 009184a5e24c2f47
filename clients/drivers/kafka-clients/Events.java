package idemcheck;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Writes the driver's events, from a thread of its own, so that no callback of
 * a client waits for a harness that is slow to read. Answers that come together
 * share a line, and go out as soon as the writer is free.
 */
final class Events {
    /** How many answers a line holds at most: with their messages far below 8 MiB. */
    private static final int MOST_IN_LINE = 500;

    private final OutputStream out;
    private final Runnable unread;
    private final Thread writer = new Thread(this::write, "events");
    // Guarded by this: the lines to write, the last of them perhaps open for more.
    private StringBuilder lines = new StringBuilder();
    private String open = ""; // "ack" or "error" while the last line is one, and open
    private int answers; // in the open line
    private boolean ending;

    /** When nobody reads any more, unread is run, and everything is dropped from then on. */
    Events(OutputStream out, Runnable unread) {
        this.out = out;
        this.unread = unread;
        writer.setDaemon(true);
        writer.start();
    }

    /** Adds a line, which is one event as JSON. */
    synchronized void add(String event) {
        end();
        lines.append(event).append('\n');
        notifyAll();
    }

    synchronized void ack(long id, int partition, long offset) {
        answer("ack", "{\"event\":\"ack\",\"acks\":[");
        lines.append("{\"id\":").append(id).append(",\"partition\":").append(partition)
            .append(",\"offset\":").append(offset).append('}');
    }

    /** Adds a failure as JSON, with the id of what failed in it. */
    synchronized void fail(String failure) {
        answer("error", "{\"event\":\"error\",\"errors\":[");
        lines.append(failure);
    }

    private void answer(String event, String start) {
        if (open.equals(event) && answers < MOST_IN_LINE) {
            lines.append(',');
            answers++;
            return;
        }
        end();
        lines.append(start);
        open = event;
        answers = 1;
        notifyAll();
    }

    private void end() {
        if (!open.isEmpty()) {
            lines.append("]}\n");
            open = "";
        }
    }

    private void write() {
        try {
            for (String some = next(); !some.isEmpty(); some = next()) {
                out.write(some.getBytes(StandardCharsets.UTF_8));
            }
        } catch (IOException e) {
            new Thread(unread, "unread").start();
        }
    }

    /** Everything that is there; empty at the end. */
    private synchronized String next() {
        while (lines.length() == 0 && !ending) {
            try {
                wait();
            } catch (InterruptedException e) {
                return "";
            }
        }
        end();
        String some = lines.toString();
        lines = new StringBuilder();
        return some;
    }

    /** Writes what is left. */
    void close() throws InterruptedException {
        synchronized (this) {
            ending = true;
            notifyAll();
        }
        writer.join();
    }
}
