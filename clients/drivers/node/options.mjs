// Unsupported is thrown by open when a library has no such thing as an option
// asks for, and nothing can stand in for it.
export class Unsupported extends Error {
  constructor (option, why) {
    super(why)
    this.option = option // its name in the vocabulary: compression
  }
}

// Refused is thrown by open when the library itself refuses the options, with
// what it threw.
export class Refused extends Error {
  constructor (error, words = error.message) {
    super(words, { cause: error })
  }
}

// acksCodes are Kafka's numbers for the option.
export const acksCodes = { all: -1, 1: 1, 0: 0 }

const numbers = [
  'in_flight', 'linger_ms', 'batch_size', 'retry_backoff_ms', 'request_timeout_ms', 'delivery_timeout_ms', 'metadata_max_age_ms', 'transaction_timeout_ms'
]

// check throws for values that are nonsense in any library.
export function check (o) {
  if (!o.client_id) throw new Error('client_id is missing')
  for (const name of ['idempotence', 'literal', 'no_retries']) {
    if (typeof (o[name] ?? false) !== 'boolean') throw new Error(`${name} ${o[name]}: want true or false`)
  }
  if (!Object.hasOwn(acksCodes, o.acks ?? 'all')) throw new Error(`acks ${o.acks}: want all, 1 or 0`)
  for (const name of numbers) {
    if (!Number.isInteger(o[name] ?? 0) || o[name] < 0) throw new Error(`${name} ${o[name]}: want a whole number from 0`)
  }
  if (!Number.isInteger(o.retries ?? 0) || o.retries < -1) throw new Error(`retries ${o.retries}: want a whole number from -1`)
  if (!['none', 'gzip', 'snappy', 'lz4', 'zstd'].includes(o.compression || 'none')) {
    throw new Error(`compression ${o.compression}: want none, gzip, snappy, lz4 or zstd`)
  }
  if (o.retries && o.no_retries) throw new Error('retries and no_retries: want one of them')
  if (o.transactional_id && !o.idempotence && !o.literal) throw new Error(`transactional_id ${o.transactional_id}: transactions need idempotence`)
}

// unmapped lists the options that were asked for and are not in force, from
// their names in the vocabulary and what is in force instead.
export function unmapped (o, table) {
  return Object.entries(table)
    .filter(([option]) => o[option] || o[option + '_ms'])
    .map(([option, why]) => ({ option, why }))
}

// given leaves out what has no value, so that the library's own default holds.
export function given (options) {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined && value !== 0 && value !== ''))
}

// deadline is how long a record may take, in milliseconds: two requests that
// run into their timeout, with reconnecting and pauses before they are repeated.
export function deadline (requestTimeout) {
  return 2 * requestTimeout + 10_000
}
