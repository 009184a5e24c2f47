package checker

const promiseDuplicates = "no record is stored twice, whatever is retried, per partition and within one producer session (KIP-98, idempotent producer; Kafka documentation of enable.idempotence)"
