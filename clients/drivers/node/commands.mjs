// mostAhead is how many characters of commands are read ahead.
const mostAhead = 1 << 20

// Commands reads commands from standard input, ahead of their being carried
// out, so that the end of the input is seen meanwhile.
export class Commands {
  #commands = []
  #ahead = 0
  #rest = ''
  #closed = false // the close command has come
  #came = () => {} // called when commands have come
  #alone

  // alone is called when the input ends or breaks without a close command, with
  // the reason: nobody gives commands any more.
  constructor (alone) {
    this.#alone = alone
    process.stdin.setEncoding('utf8')
    process.stdin.on('data', text => this.#take(text))
    process.stdin.on('end', () => this.#end('standard input ended without a close command: the harness is gone'))
    process.stdin.on('error', error => this.#end(`standard input: ${error.message}`))
  }

  // next is the next command; it waits for one.
  async next () {
    while (this.#commands.length === 0) {
      await new Promise(resolve => { this.#came = resolve })
    }
    const [command, length] = this.#commands.shift()
    this.#ahead -= length
    if (this.#ahead <= mostAhead && process.stdin.isPaused()) {
      process.stdin.resume()
    }
    return command
  }

  #take (text) {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop()
    for (const line of lines) {
      let command
      try {
        command = JSON.parse(line)
      } catch (error) {
        this.#end(`a line of standard input is no command of the protocol: ${error.message}`)
        return
      }
      this.#commands.push([command, line.length])
      this.#ahead += line.length
      this.#closed ||= command.command === 'close'
    }
    if (this.#ahead > mostAhead) {
      process.stdin.pause()
    }
    this.#came()
  }

  #end (why) {
    if (!this.#closed) {
      this.#closed = true
      this.#alone(new Error(why))
    }
  }
}
