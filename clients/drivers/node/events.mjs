import { write } from 'node:fs'

// mostInLine is how many answers a line holds at most.
const mostInLine = 500

// Events writes a driver's events to standard output. Answers that come together
// share a line; none waits for more. A write runs beside the event loop, so that
// a harness that is slow to read does not stop the client's timers, which
// process.stdout would: its writes to a pipe block.
export class Events {
  #queue = []
  #writing = false
  #written = () => {} // called when nothing is left to write
  #lost

  // lost is called once, with the error, when nobody reads any more.
  constructor (lost) {
    this.#lost = lost
  }

  add (event) {
    this.#queue.push(event)
    if (!this.#writing) {
      this.#writing = true
      // After what else this turn of the event loop brings.
      setImmediate(() => this.#write())
    }
  }

  ack (answer) { this.#answer('ack', 'acks', answer) }

  fail (answer) { this.#answer('error', 'errors', answer) }

  #answer (event, list, answer) {
    const last = this.#queue.at(-1)
    if (last?.event === event && last[list].length < mostInLine) {
      last[list].push(answer)
    } else {
      this.add({ event, [list]: [answer] })
    }
  }

  // written waits until everything is written.
  async written () {
    while (this.#writing) {
      await new Promise(resolve => { this.#written = resolve })
    }
  }

  async #write () {
    try {
      while (this.#queue.length > 0) {
        const lines = this.#queue.map(event => JSON.stringify(event) + '\n')
        this.#queue = []
        await writeAll(Buffer.from(lines.join('')))
      }
    } catch (error) {
      this.#lost(error)
      return
    }
    this.#writing = false
    this.#written()
  }
}

async function writeAll (bytes) {
  while (bytes.length > 0) {
    bytes = bytes.subarray(await writeSome(bytes))
  }
}

function writeSome (bytes) {
  return new Promise((resolve, reject) => write(1, bytes, (error, n) => {
    if (!error) {
      resolve(n)
    } else if (error.code === 'EAGAIN') { // a full pipe that was made non-blocking
      setTimeout(resolve, 1, 0)
    } else {
      reject(error)
    }
  }))
}
