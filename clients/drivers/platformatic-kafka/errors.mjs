// never lists the errors after which a record is certainly not in the log, now
// or later, by their message, each with the reason why that is certain.
// Everything else is unknown: a broker's refusal too, since an earlier attempt of
// the same send() may have been appended and its answer lost.
const never = [
  // clients/producer/transaction.js, send: returns before it calls the producer.
  'Cannot produce to an already completed transaction.',
  // clients/producer/producer.js, send: returns before anything is done with the messages.
  'The producer is in use by another transaction.',
  'The producer is in use by a transaction.',
  'Client is closed.',
  // clients/producer/producer.js, send: calls back before anything is done with the messages.
  'Idempotent producer requires acks to be ALL (-1).'
]

// fencing are the codes by which a broker says that another instance has taken
// over the transactional id (KIP-588).
const fencing = [47, 90]

// failureOf says what came of a record or a command that failed.
export function failureOf (error, transactional) {
  const last = lastOf(error)
  const code = last.apiCode ?? 0
  return {
    class: last.apiId ?? last.constructor?.name,
    code: code || undefined,
    // The library retries when no error in the chain says otherwise.
    retriable: (typeof error.findBy === 'function' && !error.findBy('canRetry', false)) || undefined,
    fenced: (transactional && fencing.includes(code)) || undefined,
    appended: error === last && never.includes(error.message) ? 'never' : undefined,
    message: messageOf(error)
  }
}

// messageOf is what an error says, and what it came from.
export function messageOf (error) {
  const words = []
  for (let e = error; e; e = e.errors?.at(-1) ?? e.cause) words.push(e.message)
  return words.join(' ').slice(0, 2000)
}

// lastOf is the error that the last attempt failed with: an error of several
// attempts, destinations or partitions holds theirs, in order.
function lastOf (error) {
  while (error.errors?.length > 0) error = error.errors.at(-1)
  return error
}
