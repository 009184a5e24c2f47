package nemesis

import (
	"context"
	"time"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/history"
)

// Links is what can be done to the links between producers and brokers beyond
// single frames. A broker is named by its index.
type Links interface {
	// HoldAnswers lets nothing pass to matching clients of a broker until heal
	// is called.
	HoldAnswers(broker int, fault int32, match func(clientID string) bool) (heal func())
	// Silence lets nothing pass in the chosen directions between matching clients
	// and a broker, on connections open and to come, until heal is called. No
	// connection is closed; what was held passes after heal unless a side has
	// closed meanwhile. match nil is all clients.
	Silence(broker int, fault int32, toClient, toBroker bool, match func(clientID string) bool) (heal func())
	// StallReads stops reading from matching clients of a broker, each in the
	// middle of its next produce request. heal says how many stood still.
	StallReads(broker int, match func(clientID string) bool) (heal func() int)
	// Refuse refuses new connections to a broker until allow is called.
	Refuse(broker int) (allow func() error, err error)
	// Reset ends the open connections of matching clients (nil: all) to a broker
	// with RST, and returns how many.
	Reset(broker int, fault int32, match func(clientID string) bool) int
	// AddToxic puts a toxic on every connection of a broker, in one direction.
	AddToxic(broker int, kind, stream string, attributes map[string]any) (remove func() error, err error)
}

// Leaders looks up who leads what, past the proxies.
type Leaders interface {
	Leader(ctx context.Context, topic string, partition int32) (broker, epoch int32, err error)
	WaitLeader(ctx context.Context, topic string, partition, not int32) (int32, error)
	WaitWhole(ctx context.Context) error
}

// Controllers looks up who is the active controller, past the proxies. An
// epoch of -1 is one that is not known.
type Controllers interface {
	Controller(ctx context.Context) (broker, epoch int32, err error)
	WaitController(ctx context.Context, not int32) (broker, epoch int32, err error)
}

// Replicas looks up a partition's replicas, and has one of them elected.
type Replicas interface {
	Replicas(ctx context.Context, topic string, partition int32) (cluster.Replicas, error)
	// ViewOf is what one broker itself knows, however old.
	ViewOf(ctx context.Context, broker int32, topic string, partition int32) (cluster.Replicas, error)
	// WaitReplicas waits until they are as wanted, which what says in words.
	WaitReplicas(ctx context.Context, topic string, partition int32, what string, wanted func(cluster.Replicas) bool) (cluster.Replicas, error)
	// ListOffsets gives one kind of offset of every partition, by their leaders.
	ListOffsets(ctx context.Context, topic string, kind cluster.OffsetKind) ([]int64, error)
	// WaitGone waits until no other broker holds any of these for alive.
	WaitGone(ctx context.Context, brokers ...int32) error
	ElectUnclean(ctx context.Context, topic string, partition int32) error
	TopicConfig(ctx context.Context, topic, property string) (string, error)
}

// Producers is what can be done to the workload's producers, named by index.
// Only one of these is under way for a producer at a time.
type Producers interface {
	// Current says who the producer is at the moment.
	Current(producer int) Instance
	// Kill ends the producer's process with SIGKILL. A new process, with an
	// identity of its own, goes on with what is still to be sent. In between,
	// when the old one is gone, ended is told how, from its wait status, and how
	// many records it left unanswered.
	Kill(ctx context.Context, producer int, ended func(how string, unanswered int64)) (Instance, error)
	Pause(ctx context.Context, producer int) error  // SIGSTOP; returns when it stands still
	Resume(ctx context.Context, producer int) error // SIGCONT
	// Restart closes the producer, gently after a flush, and opens it again as a
	// new process. What the old one did not answer is given up.
	Restart(ctx context.Context, producer int, gently bool, ended func(how string, unanswered int64)) (Instance, error)
	// Second opens another instance with the same transactional id, which goes
	// on in its place; the first one stays open and sends on until it is fenced.
	Second(ctx context.Context, producer int) (Instance, error)
}

// Instance is one producer instance.
type Instance struct {
	Process  int32
	ClientID string
	PID      int // 0: it runs in this process
}

// Env is what a nemesis works on.
type Env struct {
	Cluster     cluster.Cluster
	Leaders     Leaders
	Controllers Controllers
	Replicas    Replicas
	Links       Links
	Producers   Producers // nil when nothing can be done to them
	State       State     // nil when nothing can be done to what brokers keep
	Topics      []string
	Replication int
	Producer    func(clientID string) int32 // index of the producer, or history.Any
	Now         func() int64                // ns since the run's clock base
	Record      func(history.FaultEvent)
	// Quiet is how long nothing may move before Settle believes that no further
	// trigger will come; 0 is 3 s. It must be longer than the clients' request
	// timeout and backoff, after which they try again.
	Quiet time.Duration
}
