package checker

const promiseRealTime = "a record acknowledged before another was sent, by anyone, stands before it: each partition is linearizable (Kafka documentation, Design: a partition is one totally ordered log with one leader)"
