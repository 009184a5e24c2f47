package checker

const promiseBrokerProtocol = "a broker that gets one of the last five batches of a producer id again acknowledges it at its first offset and stores nothing, and acknowledges nothing that it did not store (KIP-98, KAFKA-5494 for the window of five)"
