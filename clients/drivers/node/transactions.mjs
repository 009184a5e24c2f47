// Transactions of libraries that have an object for each: sends inside go
// through it, and it commits or aborts.

// addTransactions gives an opened producer begin, commit and abort, which have a
// transaction from next. send is the library's, of a transaction or, outside of
// any, of the producer itself.
export function addTransactions (opened, next, send) {
  let current
  opened.begin = async () => { current = await next() }
  const end = operation => async () => {
    if (!current) throw new Error(`${operation}: no transaction is open`)
    await current[operation]()
    current = undefined
  }
  opened.commit = end('commit')
  opened.abort = end('abort')
  opened.send = records => send(current, records)
}
