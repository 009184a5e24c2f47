// never lists the errors after which a record is certainly not in the log, now
// or later, each with the reason why that is certain. Everything else is
// unknown: a broker's refusal too, since an earlier attempt of the same send()
// may have been appended and its answer lost.
const never = [
  // producer/index.js, transactionGuard: rejects instead of calling the function that sends.
  ['KafkaJSNonRetriableError', 'Cannot continue to use transaction once ended'],
  // producer/messageProducer.js, validateConnectionStatus: thrown before a send() has begun.
  ['KafkaJSNonRetriableError', "The producer is disconnecting; therefore, it can't safely accept messages anymore"],
  ['KafkaJSError', 'The producer is disconnected'],
  // producer/messageProducer.js, sendBatch: thrown before anything is done with the messages.
  ['KafkaJSNonRetriableError', "Not requiring ack for all messages invalidates the idempotent producer's EoS guarantees"]
]

// fencing are the codes by which a broker says that another instance has taken
// over the transactional id (KIP-588).
const fencing = [47, 90]

// failureOf says what came of a record or a command that failed.
export function failureOf (error, transactional) {
  const code = codeOf(error)
  return {
    class: error.name,
    code: code || undefined,
    retriable: error.retriable === true || undefined,
    fenced: (transactional && fencing.includes(code)) || undefined,
    appended: never.some(([name, message]) => error.name === name && error.message === message) ? 'never' : undefined,
    message: String(error.message).slice(0, 2000)
  }
}

// codeOf is Kafka's code in an error or in what caused it. Connection errors have
// a code as well, the system's: ECONNREFUSED.
function codeOf (error) {
  for (let depth = 0; error && depth < 5; depth++) {
    // A code that KafkaJS does not know, 90 among them, is in the message only.
    const unknown = /^Unknown error code (-?\d+)$/.exec(error.message)
    if (unknown) return Number(unknown[1])
    if (error.type && Number.isInteger(error.code)) return error.code
    error = error.cause ?? error.originalError
  }
  return 0
}
