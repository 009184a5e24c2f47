// The adapter of @platformatic/kafka, version 2.
import { Producer, clientSoftwareVersion } from '@platformatic/kafka'
import { locate } from './node/answers.mjs'
import { Refused, acksCodes, deadline, given, unmapped } from './node/options.mjs'
import { addTransactions } from './node/transactions.mjs'
import { failureOf, messageOf } from './errors.mjs'

export const library = 'platformatic-kafka'
export const version = clientSoftwareVersion

const defaultRequestTimeout = 30_000

export async function open (bootstrap, o) {
  try {
    return await start(bootstrap, o)
  } catch (error) {
    if (error instanceof Refused) throw error
    throw new Error(messageOf(error), { cause: error })
  }
}

async function start (bootstrap, o) {
  const producer = create({
    clientId: o.client_id,
    bootstrapBrokers: bootstrap,
    ...(o.no_retries && { retries: 0 }),
    ...given({
      idempotent: o.idempotence,
      maxInflights: o.in_flight,
      compression: o.compression,
      retries: o.retries < 0 ? true : o.retries, // true is without limit
      retryDelay: o.retry_backoff_ms,
      requestTimeout: o.request_timeout_ms,
      metadataMaxAge: o.metadata_max_age_ms,
      transactionalId: o.transactional_id,
      // The one option that the transaction timeout is taken from, and else how
      // long a broker may wait for its replicas.
      timeout: o.transaction_timeout_ms
    })
  })
  await producer.metadata({ topics: [] })
  // The constructor's acks are not looked at: each send() has its own.
  const how = o.acks === undefined && !o.idempotence ? {} : { acks: o.idempotence && !o.literal ? acksCodes.all : acksCodes[o.acks] }
  const opened = {
    order: {
      promised: false,
      in_call: true,
      why: 'the messages of one send() for a partition are one batch, which is repeated as it is; send() calls that overlap may overtake each other'
    },
    deadline: deadline(o.request_timeout_ms || defaultRequestTimeout),
    unmapped: unmapped(o, {
      linger: 'every send() is a request of its own at once',
      batch_size: 'a batch is what one send() has for a partition',
      delivery_timeout: `none: a send() ends with its retries (${limit(o)} here)`,
      ...(o.idempotence && !o.literal && o.acks !== 'all' && { acks: 'all: an idempotent producer takes nothing else' }),
      ...(o.idempotence && o.no_retries && { no_retries: 'without limit: the constructor of an idempotent producer sets that for 0' }),
      ...(o.idempotence && o.in_flight > 1 && { in_flight: '1: the constructor of an idempotent producer sets it' }),
      ...(o.idempotence && o.retries === 1 && { retries: 'without limit: the constructor of an idempotent producer sets that for 1' })
    }),
    send: records => send(producer, records, how),
    failure: error => failureOf(error, !!o.transactional_id),
    close: () => producer.close()
  }
  if (o.transactional_id) {
    await takeOver(producer)
    addTransactions(opened, () => producer.beginTransaction(), (current, records) => send(current ?? producer, records, how))
  } else if (o.idempotence) {
    await producer.initIdempotentProducer({})
  }
  return opened
}

// create makes the producer, which connects to nothing yet.
function create (options) {
  try {
    return new Producer(options)
  } catch (error) {
    throw new Refused(error, messageOf(error))
  }
}

function limit (o) {
  return o.retries > 1 || (o.retries === 1 && !o.idempotence) ? o.retries : o.idempotence || o.retries < 0 ? 'without limit' : 3
}

// takeOver takes the transactional id over, which fences an older instance: the
// first transaction does that. cancel() ends it without a word to a broker, and
// keeps the producer id.
async function takeOver (producer) {
  const first = await producer.beginTransaction()
  await first.cancel()
}

function send (via, records, how) {
  const messages = records.map(({ topic, partition, key, value }) => ({
    topic, partition, key: key === undefined ? undefined : Buffer.from(key), value: Buffer.from(value)
  }))
  return via.send({ ...how, messages }).then(({ offsets = [] }) => locate(records, (topic, partition) =>
    offsets.find(w => w.topic === topic && w.partition === partition)?.offset))
}
