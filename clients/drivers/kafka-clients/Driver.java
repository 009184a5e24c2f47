package idemcheck;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;

import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Drives one producer by clients/driver/PROTOCOL.md: one thread reads commands
 * ahead, this one carries them out in order, and one writes events.
 */
final class Driver {
    static final int PROTOCOL = 2; // the newest; all before it are spoken too

    /** How much is read ahead, in characters, before reading slows down. */
    private static final int AHEAD = 1 << 20;
    /**
     * How much is read per millisecond while that much waits. Reading never stops:
     * the end of the input, or a close command, must be found behind sends that
     * the library does not take. At this pace what a pipe holds takes a second.
     */
    private static final int SLOWLY = 64;
    /** How long a command may hold up the close command that follows it. */
    private static final long HELD_UP_MS = 2000;
    private static final int BROKEN = 3; // exit status
    private static final String END = ""; // in place of a command: there are no more
    private static final String ALONE = "standard input ended without a close command: the harness is gone";

    private final Gson gson = new Gson();
    private final Client client;
    private final Events events;
    private final BlockingQueue<Command> commands = new LinkedBlockingQueue<>();
    private final AtomicLong ahead = new AtomicLong(); // what waits in commands, in characters
    private final Set<Sent> unanswered = ConcurrentHashMap.newKeySet();
    private final CountDownLatch closing = new CountDownLatch(1);

    private Driver(Client client) {
        this.client = client;
        // Standard output belongs to the protocol, whatever a library prints. The
        // plain stream also tells when nobody reads: a PrintStream does not.
        events = new Events(new FileOutputStream(FileDescriptor.out), () -> abandon("nobody reads the events"));
        System.setOut(System.err);
    }

    /** Runs the program to its end. */
    static void run(Client client) {
        Driver d = new Driver(client);
        Thread listener = new Thread(d::listen, "commands");
        listener.setDaemon(true);
        listener.start();
        int status = BROKEN;
        try {
            d.serve();
            status = 0;
        } catch (Client.Unsupported e) {
            d.fatal("unsupported", e.option, e.getMessage());
        } catch (Client.Refused e) {
            System.err.println(e.getMessage());
            d.fatal("refused", null, e.getMessage());
        } catch (Misled e) {
            System.err.println(e.getMessage());
            d.fatal("driver", null, e.getMessage());
        } catch (Throwable e) {
            e.printStackTrace();
            d.fatal(e.getClass().getSimpleName(), null, Failure.words(e));
        }
        d.exit(status);
    }

    private void serve() throws Exception {
        open(take());
        for (;;) {
            Command c = take();
            switch (c.command) {
                case "send":
                    c.records.forEach(this::send);
                    break;
                case "flush":
                    reply(c.id, "flushed", client::flush);
                    break;
                case "begin":
                    reply(c.id, "done", client::begin);
                    break;
                case "commit":
                    reply(c.id, "done", client::commit);
                    break;
                case "abort":
                    reply(c.id, "done", client::abort);
                    break;
                case "close":
                    close();
                    return;
                case END:
                    closing.countDown();
                    client.close();
                    throw new Misled(ALONE);
                case "open":
                    throw new Misled("a second open command: a driver has one producer");
                default:
                    throw new Misled("there is no command \"" + c.command + "\"");
            }
        }
    }

    private Command take() throws InterruptedException {
        Command c = commands.take();
        ahead.addAndGet(-c.length);
        return c;
    }

    private void open(Command c) throws Exception {
        if (!c.command.equals("open")) {
            throw new Misled("command \"" + c.command + "\" before open");
        }
        if (c.protocol < 1 || c.protocol > PROTOCOL) {
            throw new Client.Unsupported("protocol", "the open asks for version " + c.protocol + " of the protocol: this driver speaks 1 to " + PROTOCOL);
        }
        if (c.options == null || c.bootstrap == null) {
            throw new Misled("open has no options or no bootstrap");
        }
        if (c.protocol == 1 && (c.options.idempotence == null || c.options.acks == null)) {
            throw new Misled("open lacks idempotence or acks, which may be left out from version 2 of the protocol on");
        }
        Ready ready = client.open(c);
        ready.protocol = c.protocol;
        events.add(gson.toJson(ready));
    }

    private void send(Command.Record record) {
        Sent sent = new Sent(record.id);
        unanswered.add(sent);
        client.send(record, sent);
    }

    /** A record, from its command to its answer. */
    private final class Sent implements Client.Answer {
        private final long id;

        Sent(long id) {
            this.id = id;
        }

        @Override
        public void acked(int partition, long offset) {
            if (unanswered.remove(this)) {
                events.ack(id, partition, offset);
            } else {
                System.err.println("record " + id + " was answered again: acked at offset " + offset);
            }
        }

        @Override
        public void failed(Failure failure) {
            if (unanswered.remove(this)) {
                fail(id, failure);
            } else {
                System.err.println("record " + id + " was answered again: " + failure.message);
            }
        }
    }

    private void reply(long id, String event, Runnable command) {
        try {
            command.run();
        } catch (RuntimeException e) {
            fail(id, client.failure(e));
            return;
        }
        JsonObject done = new JsonObject();
        done.addProperty("event", event);
        done.addProperty("id", id);
        events.add(done.toString());
    }

    private void fail(long id, Failure failure) {
        failure.id = id;
        events.fail(gson.toJson(failure));
    }

    private void close() {
        closing.countDown();
        client.close();
        for (Sent sent : unanswered) {
            sent.failed(Failure.ofDriver("closed before the library answered"));
        }
        events.add("{\"event\":\"closed\"}");
    }

    /** Reads commands, so that their end is seen while one is carried out. */
    private void listen() {
        try {
            BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8), 1 << 16);
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                Command c = parse(line);
                queue(c);
                // A flush or a send may wait for brokers that are gone.
                if (c.command.equals("close")) {
                    if (!closing.await(HELD_UP_MS, TimeUnit.MILLISECONDS)) {
                        client.close();
                    }
                    return;
                }
            }
            Command end = new Command();
            end.command = END;
            queue(end);
            if (!closing.await(HELD_UP_MS, TimeUnit.MILLISECONDS)) {
                abandon(ALONE);
            }
        } catch (Misled e) {
            fatal("driver", null, e.getMessage());
            exit(BROKEN);
        } catch (IOException | InterruptedException e) {
            abandon("standard input: " + e);
        }
    }

    private Command parse(String line) throws Misled {
        Command c = null;
        try {
            c = gson.fromJson(line, Command.class);
        } catch (JsonParseException e) {
            System.err.println(e.getMessage());
        }
        if (c == null || c.command == null) {
            throw new Misled("a line of standard input is no command of the protocol: " + line.substring(0, Math.min(line.length(), 200)));
        }
        c.length = line.length();
        return c;
    }

    private void queue(Command c) throws InterruptedException {
        ahead.addAndGet(c.length);
        commands.add(c);
        for (int ms = c.length / SLOWLY; ms >= 0 && ahead.get() > AHEAD; ms--) {
            Thread.sleep(1);
        }
    }

    private void fatal(String type, String option, String message) {
        JsonObject event = new JsonObject();
        event.addProperty("event", "fatal");
        event.addProperty("class", type);
        event.addProperty("option", option);
        event.addProperty("message", message);
        events.add(gson.toJson(event)); // which leaves out what is null
    }

    /** Closes what can be closed quickly, and ends. */
    private void abandon(String why) {
        System.err.println(why);
        Thread closer = new Thread(() -> {
            client.close();
            exit(BROKEN);
        }, "close");
        closer.setDaemon(true);
        closer.start();
        try {
            closer.join(HELD_UP_MS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        System.exit(BROKEN);
    }

    private void exit(int status) {
        try {
            events.close();
        } catch (InterruptedException e) {
            status = BROKEN;
        }
        System.exit(status);
    }

    /** The harness says what makes no sense. */
    private static final class Misled extends Exception {
        private static final long serialVersionUID = 1;

        Misled(String message) {
            super(message);
        }
    }
}
