package checker

const promisePayload = "what is in the log is what was sent, byte for byte, in the partition it was sent to and at the offset that was acknowledged, and nothing else (Kafka protocol, Produce response base_offset; CRC of the record batch)"
