package checker

const promiseOrder = "records sent one after the other by one producer to one partition stand in that order, retries included (Kafka documentation, max.in.flight.requests.per.connection: at most 5 with idempotence, 1 without)"
