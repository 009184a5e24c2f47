package checker

import "maps"

// wireCounts are the coverage counters that the wire journal feeds. They are
// fields, not a map, because every event counts several.
type wireCounts struct {
	batches           int64
	answers           int64
	droppedAcks       int64
	droppedAckRecords int64
	droppedAnswers    int64
	heldAcks          int64
	heldDelivered     int64
	forgedAnswers     int64
	withheld          int64
	requestsCut       int64
	heldRequests      int64
	lateRequests      int64
	zombieAppended    int64
	zombieFenced      int64
	sequenceResets    int64
	retries           int64
	retryRecords      int64
	deduplicated      int64
	restamped         int64
	epochBumps        int64
	leaderChanges     int64
	connections       int64
	reconnects        int64
	disconnects       int64
	notKafka          int64
	hidden            int64
	maxInFlight       int64
	idempotent        int64
	sequences         int64
	sequencesFrom0    int64
	acksAll           int64
	acksNone          int64
	attempts          attemptCounts
	noError           int64           // answers with code 0
	byCode            map[int16]int64 // the others, by error code
}

// count puts the counters into the coverage.
func (j *journal) count() {
	n := &j.n
	maps.Copy(j.coverage, map[string]int64{
		covBatches:           n.batches,
		covAnswers:           n.answers,
		covDroppedAcks:       n.droppedAcks,
		covDroppedAckRecords: n.droppedAckRecords,
		covDroppedAnswers:    n.droppedAnswers,
		covHeldAcks:          n.heldAcks,
		covHeldDelivered:     n.heldDelivered,
		covForgedAnswers:     n.forgedAnswers,
		covWithheld:          n.withheld,
		covRequestsCut:       n.requestsCut,
		covHeldRequests:      n.heldRequests,
		covLateRequests:      n.lateRequests,
		covZombieBatches:     n.zombieAppended + n.zombieFenced,
		covZombieAppended:    n.zombieAppended,
		covZombieFenced:      n.zombieFenced,
		covSequenceResets:    n.sequenceResets,
		covRetries:           n.retries,
		covRetryRecords:      n.retryRecords,
		covDeduplicated:      n.deduplicated,
		covRestamped:         n.restamped,
		covEpochBumps:        n.epochBumps,
		covLeaderChanges:     n.leaderChanges,
		covConnections:       n.connections,
		covReconnects:        n.reconnects,
		covDisconnects:       n.disconnects,
		covNotKafka:          n.notKafka,
		covHidden:            n.hidden,
		covMaxInFlight:       n.maxInFlight,
		covProducerIDs:       int64(len(j.producers)),
		covIdempotentBatches: n.idempotent,
		covSequences:         n.sequences,
		covSequencesFrom0:    n.sequencesFrom0,
		covAcksAllBatches:    n.acksAll,
		covAcksNone:          n.acksNone,
		covMostAttempts:      n.attempts.most,
		covLeastGap:          n.attempts.leastGap / 1e6,
		covMostGap:           n.attempts.mostGap / 1e6,
	})
	if n.noError > 0 {
		j.coverage[answersCounter(0)] = n.noError
	}
	for code, times := range n.byCode {
		j.coverage[answersCounter(code)] = times
	}
}
