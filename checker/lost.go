package checker

const promiseLost = "a record acknowledged with acks=all is in the log as long as one in-sync replica survives (Kafka documentation, Replication and acks)"
