package checker

const promiseFailedVisible = "a record that the client reported as certainly not appended is never in the log (Kafka protocol, error codes that refuse a batch before the append)"
