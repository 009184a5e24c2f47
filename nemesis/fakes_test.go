package nemesis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/proxy"
)

// world is everything a nemesis works on, made up: three brokers, of which the
// first leads every partition, and links on which nothing flows.
type world struct {
	mu    sync.Mutex
	calls []string                 // what was done to the brokers, in order
	fail  map[string]error         // by call, "kill 0"
	enter map[string]chan struct{} // by call: it waits until this is closed
	lines []history.FaultEvent
	holds map[int32]func(string) bool // fault -> whom it keeps answers from

	controller int32              // 0 is broker 12
	after      *cluster.Replicas  // what replicas become when a broker is isolated
	ends       []int64            // high watermarks, in turn; then 100
	replicas   cluster.Replicas   // of every partition
	views      []cluster.Replicas // what a broker itself says, in turn; then replicas
	config     map[string]string  // of every topic
}

var (
	_ cluster.Cluster = (*world)(nil)
	_ cluster.Power   = (*world)(nil)
	_ cluster.Mover   = (*world)(nil)
	_ Links           = (*world)(nil)
	_ Leaders         = (*world)(nil)
)

func newWorld() *world {
	return &world{fail: map[string]error{}, enter: map[string]chan struct{}{}, holds: map[int32]func(string) bool{}}
}

func (w *world) do(format string, values ...any) error {
	call := fmt.Sprintf(format, values...)
	w.mu.Lock()
	w.calls = append(w.calls, call)
	wait, err := w.enter[call], w.fail[call]
	w.mu.Unlock()
	if wait != nil {
		<-wait
	}
	return err
}

func (w *world) did() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.calls)
}

func (w *world) Facts() history.ClusterFacts { return history.ClusterFacts{} }
func (w *world) Brokers() []cluster.Broker {
	return []cluster.Broker{{ID: 10}, {ID: 11}, {ID: 12}}
}
func (w *world) Dial(context.Context, string) (net.Conn, error) { return nil, errors.New("no network") }
func (w *world) Has(cluster.Capability) bool                    { return true }
func (w *world) Logs(context.Context, string) error             { return nil }
func (w *world) Close(context.Context) error                    { return nil }
func (w *world) Kill(_ context.Context, b int32) error          { return w.do("kill %d", b) }
func (w *world) Stop(_ context.Context, b int32) error          { return w.do("stop %d", b) }
func (w *world) Start(_ context.Context, b int32) error         { return w.do("start %d", b) }
func (w *world) Pause(_ context.Context, b int32) error         { return w.do("pause %d", b) }
func (w *world) Resume(_ context.Context, b int32) error        { return w.do("resume %d", b) }

func (w *world) MoveLeader(_ context.Context, topic string, partition int32) (int32, error) {
	return 11, w.do("move %s/%d", topic, partition)
}

func (w *world) Leader(context.Context, string, int32) (int32, int32, error) {
	return 10, 7, w.do("leader")
}

func (w *world) WaitLeader(ctx context.Context, _ string, _, not int32) (int32, error) {
	return 11, w.do("wait leader not %d", not)
}

func (w *world) Isolate(_ context.Context, cut cluster.Cut) (func(context.Context) error, error) {
	words := fmt.Sprintf("%d from %v in %v out %v", cut.Broker, cut.Peers, cut.In, cut.Out)
	w.mu.Lock()
	if w.after != nil {
		w.replicas = *w.after
	}
	w.mu.Unlock()
	return func(context.Context) error { return w.do("reunite %d", cut.Broker) }, w.do("isolate %s", words)
}

func (w *world) Controller(context.Context) (int32, int32, error) {
	return cmp.Or(w.controller, 12), 3, w.do("controller")
}

func (w *world) WaitController(_ context.Context, not int32) (int32, int32, error) {
	return 10, 4, w.do("wait controller not %d", not)
}

func (w *world) Replicas(context.Context, string, int32) (cluster.Replicas, error) {
	return w.replicas, w.do("replicas")
}

func (w *world) ViewOf(_ context.Context, broker int32, _ string, _ int32) (cluster.Replicas, error) {
	err := w.do("view of %d", broker)
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.views) == 0 {
		return w.replicas, err
	}
	view := w.views[0]
	w.views = w.views[1:]
	return view, err
}

func (w *world) WaitReplicas(_ context.Context, _ string, _ int32, what string, wanted func(cluster.Replicas) bool) (cluster.Replicas, error) {
	err := w.do("wait %s", what)
	if err == nil && !wanted(w.replicas) {
		err = errors.New("never")
	}
	return w.replicas, err
}

func (w *world) ListOffsets(_ context.Context, _ string, kind cluster.OffsetKind) ([]int64, error) {
	err := w.do("offsets: %s", kind)
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.ends) == 0 {
		return []int64{100}, err
	}
	end := w.ends[0]
	w.ends = w.ends[1:]
	return []int64{end}, err
}

func (w *world) WaitGone(_ context.Context, brokers ...int32) error { return w.do("gone %v", brokers) }

func (w *world) ElectUnclean(context.Context, string, int32) error {
	err := w.do("elect unclean")
	w.mu.Lock()
	defer w.mu.Unlock()
	w.replicas = cluster.Replicas{Leader: 11, Epoch: 9, Assigned: []int32{10, 11}, InSync: []int32{11}}
	return err
}

func (w *world) TopicConfig(_ context.Context, _, property string) (string, error) {
	return w.config[property], w.do("config %s", property)
}

func (w *world) WaitWhole(context.Context) error { return w.do("whole") }

func (w *world) HoldAnswers(broker int, fault int32, match func(string) bool) func() {
	_ = w.do("hold %d", broker)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.holds[fault] = match
	return func() {
		_ = w.do("unhold %d", broker)
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.holds, fault)
	}
}

func (w *world) Silence(broker int, fault int32, toClient, toBroker bool, match func(string) bool) func() {
	_ = w.do("silence %d, to client %v, to broker %v", broker, toClient, toBroker)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.holds[fault] = match
	return func() {
		_ = w.do("end silence %d", broker)
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.holds, fault)
	}
}

func (w *world) StallReads(broker int, _ func(string) bool) func() int {
	_ = w.do("stall %d", broker)
	return func() int {
		_ = w.do("read on %d", broker)
		return 2
	}
}

func (w *world) Refuse(broker int) (func() error, error) {
	if err := w.do("refuse %d", broker); err != nil {
		return nil, err
	}
	return func() error { return w.do("allow %d", broker) }, nil
}

func (w *world) Reset(broker int, _ int32, _ func(string) bool) int {
	_ = w.do("reset %d", broker)
	return 3
}

func (w *world) AddToxic(broker int, kind, stream string, attributes map[string]any) (func() error, error) {
	if err := w.do("%s %s on %d: %v", kind, stream, broker, attributes); err != nil {
		return nil, err
	}
	return func() error { return w.do("remove %s on %d", kind, broker) }, nil
}

func (w *world) record(e history.FaultEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, e)
}

// journal is what was recorded of one fault.
func (w *world) journal(id int32) []history.FaultEvent {
	w.mu.Lock()
	defer w.mu.Unlock()
	var of []history.FaultEvent
	for _, e := range w.lines {
		if e.ID == id {
			of = append(of, e)
		}
	}
	return of
}

// statuses is the same in words: "started ended".
func (w *world) statuses(id int32) string {
	var words []string
	for _, e := range w.journal(id) {
		words = append(words, string(e.Status))
	}
	return strings.Join(words, " ")
}

// begin arms a nemesis with a plan whose ids, and whose places that say
// nothing, are filled in. It is healed at the end of the test in any case.
func begin(t *testing.T, w *world, plan ...history.PlannedFault) *Nemesis {
	t.Helper()
	for i := range plan {
		plan[i].ID = int32(i)
	}
	began := time.Now()
	n, err := New(plan, Env{
		Cluster: w, Leaders: w, Controllers: w, Replicas: w, Links: w, Topics: []string{"t"}, Replication: 3, Record: w.record,
		Producer: func(clientID string) int32 {
			var i int32
			if _, err := fmt.Sscanf(clientID, "p%d", &i); err != nil {
				return history.Any
			}
			return i
		},
		Now:   func() int64 { return int64(time.Since(began)) },
		Quiet: 150 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Heal)
	n.Arm()
	return n
}

// planned is a fault with a trigger on any producer and partition.
func planned(name string, kind history.TriggerKind, count int64) history.PlannedFault {
	return history.PlannedFault{
		Fault:   name,
		Trigger: history.Trigger{Kind: kind, Count: count, Producer: history.Any, Partition: history.Any},
		Target:  history.Target{Broker: brokerOf(name), Partition: partitionOf(name), Producer: history.Any},
	}
}

func brokerOf(name string) int32 {
	if kind, err := ByName(name); err == nil && kind.role == "broker" {
		return 1
	}
	return history.Any
}

func partitionOf(name string) int32 {
	if kind, err := ByName(name); err == nil && kind.role == "leader" {
		return 0
	}
	return history.Any
}

func narrowed(f history.PlannedFault, producer, partition int32) history.PlannedFault {
	f.Trigger.Producer, f.Trigger.Partition = producer, partition
	return f
}

// frames makes exchanges as the proxy would: each next request of a producer
// on its connection, a batch of three records per partition named.
type frames struct {
	correlation map[int64]int32
	offset      int64
}

func (fr *frames) next(producer int32, partitions ...int32) *proxy.Exchange {
	return fr.on(100+int64(producer), producer, partitions...)
}

func (fr *frames) on(conn int64, producer int32, partitions ...int32) *proxy.Exchange {
	if fr.correlation == nil {
		fr.correlation = map[int64]int32{}
	}
	fr.correlation[conn]++
	e := &proxy.Exchange{Broker: 10, Conn: conn, Correlation: fr.correlation[conn], ClientID: fmt.Sprintf("p%d", producer), Acks: -1}
	for _, p := range partitions {
		fr.offset += 3
		e.Batches = append(e.Batches, proxy.Batch{
			Topic: "t", Partition: p, ProducerID: 1000 + int64(producer), BaseSequence: 3 * (fr.correlation[conn] - 1),
			Records: 3, Process: producer, BaseOffset: fr.offset,
		})
	}
	return e
}

// eventually waits for what other goroutines are about to do.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

func (w *world) awaits(t *testing.T, id int32, statuses string) {
	t.Helper()
	eventually(t, fmt.Sprintf("fault %d %s", id, statuses), func() bool { return w.statuses(id) == statuses })
}
