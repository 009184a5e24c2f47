// A driver program for a client library in JavaScript: the protocol is described
// in clients/driver/PROTOCOL.md, versions 1 and 2.
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { Console } from 'node:console'
import { Commands } from './commands.mjs'
import { Events } from './events.mjs'
import { Refused, Unsupported, check } from './options.mjs'

// Whatever a library writes to standard output by itself goes elsewhere, from
// when it is loaded: main.mjs imports this first.
globalThis.console = new Console(process.stderr)

const newestProtocol = 2

// openLimit is how long a producer may take to connect, closeLimit how long it
// may take to close. In milliseconds.
const openLimit = 30_000
const closeLimit = 1_000

// mostUnanswered is how many records may be without an answer before commands
// wait, as a sensible application has it: a library in JavaScript takes any
// number, and each waits behind all the others.
const mostUnanswered = 1_000

// failedStatus is the exit status of a driver that could not do its work.
const failedStatus = 3

// serve carries out commands until the driver is closed, or until the harness is
// gone. An adapter has the library's name and its own word for its version, and
// open(bootstrap, options), which gives a producer, with options that are checked:
//
//   order, deadline, unmapped   what ready says
//   send(records)     one call of the library; a promise of an answer for each
//                     record, { partition, offset }. It is not awaited before
//                     the next call
//   failure(error)    what an error of the library is in the protocol
//   begin(), commit(), abort()   with a transactional id
//   close()
//
// With --version it says no more than that: building a driver ends with it.
export async function serve (adapter) {
  if (process.argv.includes('--version')) {
    process.stdout.write(adapter.version + '\n')
    return
  }
  const driver = new Driver(adapter)
  // Node ends a process for either, so that is what an application would see.
  process.on('uncaughtException', error => driver.broken(error))
  process.on('unhandledRejection', error => driver.broken(error))
  try {
    await driver.run()
  } catch (error) {
    await driver.giveUp(error)
  }
}

class Driver {
  #adapter
  #producer
  #pending = new Map() // records without an answer, by id
  #broken // why the library is not called any more
  #spoilt // the first failure in the transaction
  #fewer = () => {} // called when there are fewer unanswered records
  #events = new Events(error => abandon(`nobody reads the events: ${error.message}`))
  #commands = new Commands(error => this.giveUp(error))

  constructor (adapter) { this.#adapter = adapter }

  async run () {
    for (;;) {
      const command = await this.#commands.next()
      if ((command.command === 'open') !== !this.#producer) {
        throw new Error(`command ${command.command} ${this.#producer ? 'after' : 'before'} open`)
      }
      switch (command.command) {
        case 'open':
          await this.#start(command)
          break
        case 'send':
          this.#send(command.records)
          await this.#until(mostUnanswered)
          break
        case 'flush':
          await this.#until(0)
          this.#events.add({ event: 'flushed', id: command.id })
          break
        case 'commit':
        case 'abort':
          await this.#until(0)
        // fall through
        case 'begin':
          await this.#transact(command)
          break
        case 'close':
          return await this.#close()
        default:
          throw new Error(`there is no command ${command.command}`)
      }
    }
  }

  async #start ({ protocol, bootstrap, options }) {
    if (!(protocol >= 1 && protocol <= newestProtocol)) {
      throw new Unsupported('protocol', `the open asks for version ${protocol} of the protocol: this driver speaks 1 to ${newestProtocol}`)
    }
    if (protocol === 1 && (options.idempotence === undefined || options.acks === undefined)) {
      throw new Error('open lacks idempotence or acks, which may be left out from version 2 of the protocol on')
    }
    check(options)
    const opened = this.#adapter.open(bootstrap, options)
    opened.catch(() => {}) // one that comes after the limit
    const late = sleep(openLimit, undefined, { ref: false }).then(() => { throw new Error(`no producer within ${openLimit} ms: does a broker answer at ${bootstrap}?`) })
    this.#producer = await Promise.race([opened, late])
    const { order, deadline, unmapped } = this.#producer
    this.#events.add({
      event: 'ready', protocol, library: this.#adapter.library, version: this.#adapter.version, order, deadline_ms: deadline, unmapped
    })
  }

  #send (records) {
    for (const record of records) this.#pending.set(record.id, record)
    if (this.#broken) { // these never reached the library
      const failure = { ...this.#broken, appended: 'never' }
      return records.forEach(record => this.#answer(record, { failure }))
    }
    let call
    try {
      call = this.#producer.send(records)
    } catch (error) {
      call = Promise.reject(error)
    }
    call.then(
      answers => records.forEach((record, i) => this.#answer(record, answers[i])),
      error => records.forEach(record => this.#answer(record, { failure: this.#producer.failure(error) })))
  }

  #answer ({ id }, { partition, offset, failure }) {
    if (!this.#pending.delete(id)) return // the driver has answered it itself
    if (failure) {
      this.#spoilt ??= failure
      this.#events.fail({ id, ...failure })
    } else {
      this.#events.ack({ id, partition, offset })
    }
    this.#fewer()
  }

  // until waits until at most n records are without an answer.
  async #until (n) {
    while (this.#pending.size > n) {
      await new Promise(resolve => { this.#fewer = resolve })
    }
  }

  // transact begins or ends a transaction. One with a failure is not committed:
  // the libraries would, but by their documentation an application that awaits
  // its sends goes on to abort.
  async #transact ({ command, id }) {
    if (this.#broken) return this.#events.fail({ id, ...this.#broken })
    if (command === 'commit' && this.#spoilt) {
      return this.#events.fail({ id, ...this.#spoilt, appended: undefined, message: `not committed after a failure: ${this.#spoilt.message}` })
    }
    if (command === 'begin') this.#spoilt = undefined
    try {
      if (!this.#producer[command]) throw new Error('the producer was opened without a transactional id')
      await this.#producer[command]()
      this.#events.add({ event: 'done', id })
    } catch (error) {
      this.#events.fail({ id, ...this.#producer.failure(error), appended: undefined })
    }
  }

  async #close () {
    const closed = this.#producer.close().catch(error => console.error(`close: ${error.stack}`))
    await Promise.race([closed, sleep(closeLimit)])
    await turn() // what the library has answered while it closed
    this.#answerAll({ class: 'closed', message: 'the producer was closed before the library answered' })
    this.#events.add({ event: 'closed' })
    await this.#events.written()
    process.exit(0)
  }

  #answerAll (failure) {
    for (const record of this.#pending.values()) this.#answer(record, { failure })
  }

  // broken takes an exception that nobody catches: the library cannot go on.
  broken (error) {
    console.error(error)
    this.#broken ??= { class: error?.name ?? 'exception', message: `the library threw what nobody catches: ${error?.message ?? error}` }
    this.#events.add({ event: 'fatal', ...this.#broken })
    if (!this.#producer) return this.giveUp(error)
    this.#answerAll(this.#broken)
  }

  // giveUp ends the driver, which cannot do what it is told.
  async giveUp (error) {
    const unsupported = error instanceof Unsupported
    const ours = error instanceof Refused ? 'refused' : 'driver'
    this.#events.add({ event: 'fatal', class: unsupported ? 'unsupported' : ours, option: error.option, message: error.message })
    await this.#events.written()
    abandon(unsupported ? error.message : error.stack)
  }
}

function abandon (why) {
  console.error(why)
  process.exit(failedStatus)
}
