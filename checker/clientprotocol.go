package checker

const promiseClientProtocol = "an idempotent client numbers its batches without gap or reuse, sends them with a producer id and acks=all, and has at most five requests in flight on a connection (KIP-98, KIP-360, KIP-679)"
