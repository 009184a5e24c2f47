// locate answers the records of one call from the first offset that the call
// reported for each partition: within it they lie in the order of the call. first
// gives that offset of a topic and a partition; what it has no offset for is
// reported as written at -1, an offset that the library does not tell.
export function locate (records, first) {
  const before = new Map() // records of the same partition
  return records.map(({ topic, partition }) => {
    const key = `${topic}/${partition}`
    const n = before.get(key) ?? 0
    before.set(key, n + 1)
    const base = Number(first(topic, partition) ?? -1)
    return { partition, offset: base < 0 ? -1 : base + n }
  })
}
