package checker

const promiseLiveness = "once the last fault has healed, every record is answered within its client's own deadline (KIP-91, delivery.timeout.ms, and its like in other clients)"
