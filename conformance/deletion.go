package conformance

import (
	"fmt"
	"slices"
	"time"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/conformance/matrix"
)

func deletionCases() []Case {
	group := func(number int, name, source, promise string, n need, alone bool, converse func(*talk)) Case {
		return Case{Case: matrix.Case{Number: number, Name: name, Group: "deletion", Promise: promise, Source: source}, needs: n, alone: alone, converse: converse}
	}
	return []Case{
		group(39, "records-deleted", "DeleteRecords; ProducerStateManager.truncateHead keeps producer ids (KIP-360)",
			"a leader still recognizes a batch whose records were deleted, and answers its offset, which is below the log's start", need{}, false,
			func(t *talk) {
				to, b := t.topic(), t.producer().at(0, 2)
				at := t.appends(to, b)
				t.deleteRecords(to)
				t.repeats(to, b, at)
				t.appends(to, b.next(1))
			}),
		group(40, "records-deleted-restart", "ProducerStateManager.truncateAndReload removes snapshots up to the log's start",
			"after a restart a broker knows nothing of a producer all of whose records were deleted: it may go on from wherever it is, and a repetition is stored again", needs(1, cluster.CanPower), true,
			func(t *talk) {
				to, p, q := t.topicOf(layout{replication: 1}).partitions[0], t.producer(), t.producer()
				b := p.at(0, 2)
				t.appends(to, b)
				t.appends(to, q.at(0, 1))
				t.deleteRecords(to)
				t.restart(t.leader(to), cluster.Power.Stop, "stop")
				t.remembers(to, p.id, false)
				t.produce(to, b, acceptsUnknown())
				t.produce(to, q.at(7, 1), acceptsUnknown())
			}),
		group(41, "reassigned-after-deletion", "ReplicaFetcher: a new replica builds its state from the records that it copies",
			"a replica that is new, and was given none of the deleted records, knows nothing of their producer: as leader it stores a repetition again", needs(2, cluster.CanReplicate, cluster.CanMoveLeader), false,
			func(t *talk) {
				to, p := t.topicOf(layout{replication: 1}).partitions[0], t.producer()
				b := p.at(0, 2)
				t.appends(to, b)
				t.deleteRecords(to)
				t.reassign(to)
				t.remembers(to, p.id, false)
				t.produce(to, b, always(appended()))
			}),
		group(42, "compacted", "LogCleaner keeps the last batch of a producer id, empty if need be",
			"a batch is recognized when compaction has removed its records, and the producer can go on", needs(1, cluster.CanConfigure, cluster.CanReplicate), false, compacted),
		group(43, "topic-created-again", "a topic of the same name is another (KIP-516)",
			"a topic that was deleted and created again knows nothing of producer ids of before: going on is as with any unknown id, and 0 begins", need{}, false,
			func(t *talk) {
				old := t.topic()
				p := t.producer()
				t.appends(old, p.at(0, 3))
				again := t.again(old)
				got := t.produce(again, p.at(3, 1), acceptsUnknownWhereWritten())
				q := t.producer()
				t.appends(again, q.at(0, 1))
				if got.code == 0 {
					t.appends(again, p.at(4, 1))
				}
			}),
	}
}

// deleteRecords deletes all that a log holds.
func (t *talk) deleteRecords(to *partition) {
	t.must(t.on.Admin.DeleteRecords(t.ctx, to.topic.name, to.number, to.end))
	to.trim(to.end)
	start, frames := t.offset(to, -2)
	t.check(fmt.Sprintf("delete the records of %s before offset %d, and ask where the log begins", to, to.end), fmt.Sprint(start), fmt.Sprint(to.end), start == to.end, frames...)
}

// reassign gives a partition of one replica to another broker.
func (t *talk) reassign(to *partition) {
	from := t.leader(to)
	brokers := t.on.Cluster.Brokers()
	i := slices.IndexFunc(brokers, func(b cluster.Broker) bool { return b.ID != from })
	target := brokers[i].ID
	t.must(t.on.Admin.Reassign(t.ctx, to.topic.name, to.number, []int32{target}))
	t.leaders[to] = target
	t.done(fmt.Sprintf("reassign %s from broker %d", to, from), fmt.Sprintf("broker %d is its only replica, and leads", target))
}

// again deletes a topic and creates it under the same name.
func (t *talk) again(old *partition) *partition {
	t.must(t.on.Admin.RemoveTopic(t.ctx, old.topic.name, len(old.topic.partitions)))
	t.topics = slices.DeleteFunc(t.topics, func(other *topic) bool { return other == old.topic })
	clear(t.leaders)
	id, err := t.on.Admin.CreateTopic(t.ctx, old.topic.name, len(old.topic.partitions), old.topic.replication, nil)
	t.must(err)
	top := newTopic(old.topic.name, len(old.topic.partitions), old.topic.replication)
	top.id = id
	t.topics = append(t.topics, top)
	t.done(fmt.Sprintf("delete topic %s and create it again", old.topic.name), "created")
	return top.partitions[0]
}

// compactionLimit is how long a cleaner may take; by default it looks every 15 s.
const compactionLimit = 40 * time.Second

// compacted fills a compacted log so that the cleaner removes a batch's record.
func compacted(t *talk) {
	to := t.topicWith("cleanup.policy", "compact", "min.cleanable.dirty.ratio", "0.001", "segment.ms", "200", "min.compaction.lag.ms", "0", "max.compaction.lag.ms", "1000", "delete.retention.ms", "100")
	p, other := t.producer(), t.producer()
	keyed := func(b *batch) { b.key = "the same" }
	b := p.at(0, 1).with(keyed)
	at := t.appends(to, b)
	next := other.at(0, 1).with(keyed)
	gone := func() bool {
		seen, _, _, err := t.readLog(to)
		t.must(err)
		return !slices.ContainsFunc(seen, func(f found) bool { return f.id == p.id && f.n > 0 })
	}
	for deadline := time.Now().Add(compactionLimit); !gone(); {
		if time.Now().After(deadline) {
			t.stop(matrix.NotApplicable, "the record of a key that was written over was still there after %s: nothing is compacted here, or not that soon", compactionLimit)
		}
		t.pause(300 * time.Millisecond) // the segment is older than segment.ms
		t.appends(to, next)
		next = next.next(1).with(keyed)
	}
	t.done("wait for compaction", fmt.Sprintf("the record of %s is gone", t.name(p.id)))
	to.loose = true // what the cleaner has left is its own affair
	t.repeats(to, b, at)
	t.appends(to, b.next(1).with(keyed))
}
