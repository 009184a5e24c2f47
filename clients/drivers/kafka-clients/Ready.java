package idemcheck;

import java.util.ArrayList;
import java.util.List;

/** The event that says that the producer is open. Gson writes its fields. */
final class Ready {
    final String event = "ready";
    int protocol;
    String library;
    String version; // as the library says it
    Order order;
    long deadline_ms;
    List<Unmapped> unmapped = new ArrayList<>();

    /** What the library promises about the order of sends. */
    static final class Order {
        final boolean promised;
        final String why;

        Order(boolean promised, String why) {
            this.promised = promised;
            this.why = why;
        }
    }

    /** An option that is not in force as it was asked for. */
    static final class Unmapped {
        final String option;
        final String why;

        Unmapped(String option, String why) {
            this.option = option;
            this.why = why;
        }
    }
}
