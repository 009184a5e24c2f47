// The adapter of KafkaJS, versions 1.15 to 2.2.
import { createRequire } from 'node:module'
import { locate } from './node/answers.mjs'
import { Refused, Unsupported, acksCodes, deadline, given, unmapped } from './node/options.mjs'
import { addTransactions } from './node/transactions.mjs'
import { failureOf } from './errors.mjs'

const require = createRequire(import.meta.url)
const { Kafka, CompressionTypes } = require('kafkajs')

export const library = 'kafkajs'
export const { version } = require('kafkajs/package.json')

const old = version.startsWith('1.')
const defaultRequestTimeout = 30_000

export async function open (bootstrap, o) {
  const producer = create(bootstrap, o)
  const how = { acks: o.idempotence && !o.literal ? -1 : acksCodes[o.acks], compression: compression(o) }
  await producer.connect()
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
      delivery_timeout: `none: a send() ends with its retries (${o.retries || 5} here)`,
      ...(o.idempotence && !o.literal && o.acks !== 'all' && { acks: 'all: send() of an idempotent producer throws for anything else' }),
      ...(o.idempotence && !old && o.in_flight > 1 && { in_flight: '1: an idempotent producer waits for each answer of a broker' })
    }),
    send: records => send(producer, records, how),
    failure: error => failureOf(error, !!o.transactional_id),
    close: () => producer.disconnect()
  }
  if (o.transactional_id) {
    addTransactions(opened, await transactions(producer), (current, records) => send(current ?? producer, records, how))
  }
  return opened
}

// create makes the producer, which connects to nothing yet.
function create (bootstrap, o) {
  try {
    const kafka = new Kafka({ clientId: o.client_id, brokers: bootstrap, logCreator, ...timeouts(o), retry: retrying(o) })
    return kafka.producer(given({
      idempotent: o.idempotence,
      maxInFlightRequests: o.in_flight,
      metadataMaxAge: o.metadata_max_age_ms,
      transactionalId: o.transactional_id,
      transactionTimeout: o.transaction_timeout_ms
    }))
  } catch (error) {
    throw new Refused(error)
  }
}

// transactions begins the first transaction right away, since that is when
// KafkaJS asks for the transactional producer id, which fences an older
// instance. Brokers hear of a transaction with its first record only.
async function transactions (producer) {
  let prepared = await producer.transaction()
  return async () => {
    const next = prepared ?? await producer.transaction()
    prepared = undefined
    return next
  }
}

// send makes one call: send() for one topic, sendBatch() for several.
function send (via, records, how) {
  const topics = new Map()
  for (const { topic, partition, key, value } of records) {
    if (!topics.has(topic)) topics.set(topic, [])
    topics.get(topic).push({ partition, key: key ?? null, value })
  }
  const topicMessages = Array.from(topics, ([topic, messages]) => ({ topic, messages }))
  const call = topicMessages.length === 1 ? via.send({ ...how, ...topicMessages[0] }) : via.sendBatch({ ...how, topicMessages })
  return call.then(written => locate(records, (topic, partition) => {
    const one = written.find(w => w.topicName === topic && w.partition === partition)
    return one?.baseOffset ?? one?.offset // offset: brokers before 0.11
  }))
}

// timeouts has 1.x enforce the timeout, which it does only on request.
function timeouts (o) {
  return o.request_timeout_ms ? { requestTimeout: o.request_timeout_ms, enforceRequestTimeout: true } : {}
}

// retrying is given to the client, as KafkaJS's documentation has it: the
// producer takes it over, and so does what connects to brokers.
function retrying (o) {
  return {
    ...given({
      retries: o.retries < 0 ? Number.MAX_SAFE_INTEGER : o.retries,
      initialRetryTime: o.retry_backoff_ms,
      maxRetryTime: o.retry_backoff_ms
    }),
    ...(o.no_retries && { retries: 0 })
  }
}

function compression (o) {
  switch (o.compression || 'none') {
    case 'none': return CompressionTypes.None
    case 'gzip': return CompressionTypes.GZIP
    default: throw new Unsupported('compression', `${o.compression}: KafkaJS has gzip alone; others come with packages of their own`)
  }
}

// logCreator logs to standard error: KafkaJS would use standard output.
function logCreator () {
  return ({ namespace, label, log }) => {
    const { timestamp, message, logger, ...more } = log
    process.stderr.write(`${timestamp} ${label} [${namespace}] ${message} ${JSON.stringify(more)}\n`)
  }
}
