package checker

import (
	"io"
	"iter"
	"slices"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

// memoryRun is a run in memory: what tests break on purpose.
type memoryRun struct {
	manifest history.Manifest
	plan     history.Plan
	faults   []history.FaultEvent
	ops      []history.Op
	log      []history.LogRecord
	wire     []history.WireEvent

	processed []history.Processed
	block     int // rows in a block; 0 is 3
}

var tp0 = history.TopicPartition{Topic: "t", Partition: 0}

const second = int64(time.Second)

// newMemoryRun is a sound, empty run of the given processes on one partition.
func newMemoryRun(processes ...history.Process) *memoryRun {
	m := &memoryRun{}
	m.manifest = history.Manifest{
		Schema: history.Schema, Run: "0badcafe", Scenario: "test", Ended: history.EndedComplete,
		Cluster:   history.ClusterFacts{Kind: "docker"},
		Topics:    []history.Topic{{Name: "t", Partitions: 1, Replication: 3, Starts: []int64{0}, Ends: []int64{0}, Read: []bool{true}}},
		Processes: processes,
	}
	for _, c := range Names() {
		m.manifest.Judge.Checks = append(m.manifest.Judge.Checks, c.Name)
	}
	m.manifest.Judge.Expect = "pass"
	return m
}

// idempotent is a process with idempotence on.
func idempotent(id int32) history.Process {
	return history.Process{
		ID: id, Library: "franz-go", Version: "v1", ClientID: clientID(id), Idempotence: true, Acks: "all",
		InFlight: 5, OrderPromised: true, Deadline: 30 * time.Second,
	}
}

// plain is a process with idempotence off and several requests in flight.
func plain(id int32) history.Process {
	p := idempotent(id)
	p.Idempotence, p.OrderPromised, p.OrderWhy = false, false, "idempotence is off and several requests are in flight"
	return p
}

func clientID(id int32) string { return "client-" + string(rune('a'+id)) }

// during adds a fault that was in force between two moments.
func (m *memoryRun) during(name, target string, from, to int64) *memoryRun {
	id := int32(len(m.plan.Faults))
	m.plan.Faults = append(m.plan.Faults, history.PlannedFault{ID: id, Fault: name})
	m.faults = append(m.faults, history.FaultEvent{ID: id, Fault: name, Target: target, Status: history.FaultStarted, At: from},
		history.FaultEvent{ID: id, Fault: name, Target: target, Status: history.FaultEnded, At: to})
	return m
}

// send adds an op to partition 0; its number is the next of its process.
func (m *memoryRun) send(process int32, call, ret int64, outcome history.Outcome, offset int64) *memoryRun {
	var number int64
	for _, o := range m.ops {
		if o.Process == process {
			number++
		}
	}
	m.ops = append(m.ops, history.Op{
		Process: process, Topic: "t", Number: number, Call: call, Return: ret, Outcome: outcome, Offset: offset,
	})
	return m
}

// stored adds an intact record to the log of partition 0.
func (m *memoryRun) stored(process int32, number int64) *memoryRun {
	return m.storedAs(history.LogRecord{Process: process, Number: number, ProducerID: 1000 + int64(process), Sequence: int32(number)})
}

func (m *memoryRun) storedAs(r history.LogRecord) *memoryRun {
	r.Topic, r.Offset, r.BatchRecords = "t", int64(len(m.log)), 1
	r.BatchBase = r.Offset
	m.log = append(m.log, r)
	return m
}

// sequential makes n acked records of one process, one after the other, with
// their wire events.
func (m *memoryRun) sequential(process int32, n int) *memoryRun {
	for i := range n {
		at := int64(len(m.log))
		call := second * (at + 1)
		m.send(process, call, call+second/2, history.Acked, at)
		m.stored(process, int64(i))
		m.batch(request(process, int64(i), 1, call+1)).batch(answer(process, int64(i), 1, call+2, 0, at))
	}
	return m
}

func (m *memoryRun) batch(ev history.WireEvent) *memoryRun {
	m.wire = append(m.wire, ev)
	return m
}

// request is a batch of n records from number on, stamped as its numbers say.
func request(process int32, number int64, n int32, at int64) history.WireEvent {
	return history.WireEvent{
		At: at, Kind: history.WireRequest, Action: history.ActionPassed, Fault: history.NoFault, Broker: 1,
		Conn: 10 + int64(process), Correlation: int32(number), ClientID: clientID(process), Version: 9, Acks: -1, Topic: "t",
		ProducerID: 1000 + int64(process), BaseSequence: int32(number), Records: n,
		Process: process, First: number, Last: number + int64(n) - 1, BaseOffset: -1,
	}
}

// answer is the broker's answer to request.
func answer(process int32, number int64, n int32, at int64, code int16, offset int64) history.WireEvent {
	ev := request(process, number, n, at)
	ev.Kind, ev.Error, ev.BrokerCode, ev.BaseOffset = history.WireAnswer, code, code, offset
	return ev
}

// judge finishes the manifest and judges.
func (m *memoryRun) judge() *Verdict { return m.judgeWith(Options{Version: "test"}) }

// finish fills in what the harness knows at the end.
func (m *memoryRun) finish() {
	if m.manifest.Topics[0].Ends[0] == 0 {
		m.manifest.Topics[0].Ends[0] = int64(len(m.log))
	}
	for i := range m.manifest.Processes {
		p := &m.manifest.Processes[i]
		for _, op := range m.ops {
			if op.Process == p.ID {
				p.Sent++
			}
		}
	}
}

func (m *memoryRun) judgeWith(o Options) *Verdict {
	m.finish()
	slices.SortStableFunc(m.wire, func(a, b history.WireEvent) int { return int(a.At - b.At) })
	return judge(&material{
		manifest: &m.manifest, plan: &m.plan, faults: m.faults, rows: m, damage: func() []string { return nil },
	}, o)
}

func (m *memoryRun) Lanes(tp history.TopicPartition) []int32 {
	var all []int32
	for _, o := range m.ops {
		if o.Topic == tp.Topic && o.Partition == tp.Partition {
			all = append(all, o.Process)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (m *memoryRun) size() int {
	if m.block == 0 {
		return 3
	}
	return m.block
}

func (m *memoryRun) Ops(tp history.TopicPartition, process int32) opCursor {
	var blocks []*history.OpBlock
	for _, o := range m.ops {
		if o.Topic != tp.Topic || o.Partition != tp.Partition || o.Process != process {
			continue
		}
		if len(blocks) == 0 || len(blocks[len(blocks)-1].Number) == m.size() {
			blocks = append(blocks, &history.OpBlock{})
		}
		b := blocks[len(blocks)-1]
		b.Number, b.Call, b.Return = append(b.Number, o.Number), append(b.Call, o.Call), append(b.Return, o.Return)
		b.Offset, b.Outcome = append(b.Offset, o.Offset), append(b.Outcome, o.Outcome)
	}
	return &cursor[history.OpBlock]{blocks}
}

func (m *memoryRun) Log(tp history.TopicPartition) logCursor {
	var blocks []*history.LogBlock
	for _, r := range m.log {
		if r.Topic != tp.Topic || r.Partition != tp.Partition {
			continue
		}
		if len(blocks) == 0 || len(blocks[len(blocks)-1].Number) == m.size() {
			blocks = append(blocks, &history.LogBlock{})
		}
		b := blocks[len(blocks)-1]
		b.Offset, b.Number = append(b.Offset, r.Offset), append(b.Number, r.Number)
		b.Process, b.Standing = append(b.Process, r.Process), append(b.Standing, r.Standing)
	}
	return &cursor[history.LogBlock]{blocks}
}

func (m *memoryRun) AllLog() iter.Seq2[history.LogRecord, error] {
	return func(yield func(history.LogRecord, error) bool) {
		for _, r := range m.log {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (m *memoryRun) Processed() iter.Seq2[history.Processed, error] {
	return func(yield func(history.Processed, error) bool) {
		for _, p := range m.processed {
			if !yield(p, nil) {
				return
			}
		}
	}
}

func (m *memoryRun) Wire() iter.Seq2[history.WireEvent, error] {
	return func(yield func(history.WireEvent, error) bool) {
		for _, ev := range m.wire {
			if !yield(ev, nil) {
				return
			}
		}
	}
}

func (m *memoryRun) FindOp(process int32, tp history.TopicPartition, number int64) (history.Op, bool, error) {
	for _, o := range m.ops {
		if o.Process == process && o.Topic == tp.Topic && o.Partition == tp.Partition && o.Number == number {
			return o, true, nil
		}
	}
	return history.Op{}, false, nil
}

func (m *memoryRun) FindLog(tp history.TopicPartition, offset int64) (history.LogRecord, bool, error) {
	for _, r := range m.log {
		if r.Topic == tp.Topic && r.Partition == tp.Partition && r.Offset == offset {
			return r, true, nil
		}
	}
	return history.LogRecord{}, false, nil
}

// cursor hands out blocks in memory.
type cursor[B any] struct{ blocks []*B }

func (c *cursor[B]) Next() (*B, error) {
	if len(c.blocks) == 0 {
		return nil, io.EOF
	}
	b := c.blocks[0]
	c.blocks = c.blocks[1:]
	return b, nil
}

func (c *cursor[B]) Close() error { return nil }
