package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/history"
)

// waitDown waits until a broker's port refuses connections: its process is gone.
func waitDown(t *testing.T, s stage, id int32) bool {
	t.Helper()
	return within(t, 20*time.Second, fmt.Sprintf("broker %d goes down", id), func(ctx context.Context) bool {
		conn, err := s.cluster.Dial(ctx, advertised(t, s.cluster, id))
		if err == nil {
			conn.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	})
}

func advertised(t *testing.T, c cluster.Cluster, id int32) string {
	t.Helper()
	for _, b := range c.Brokers() {
		if b.ID == id {
			return b.Advertised
		}
	}
	t.Fatalf("no broker %d", id)
	return ""
}

// within polls until it holds, and complains when it does not in time.
func within(t *testing.T, limit time.Duration, what string, holds func(context.Context) bool) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	for ctx.Err() == nil {
		if holds(ctx) {
			return true
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("not within %s: %s", limit, what)
	return false
}

// struck is the broker that a fault says it hit: "broker 2 (leader of ...".
func struck(t *testing.T, e history.FaultEvent) (id int32, topic string, partition int32) {
	t.Helper()
	var rest string
	if _, err := fmt.Sscanf(e.Target, "broker %d (leader of %s", &id, &rest); err != nil {
		t.Errorf("target %q: %v", e.Target, err)
	}
	for i := len(rest) - 1; i > 0; i-- {
		if rest[i] == '/' {
			topic = rest[:i]
			_, _ = fmt.Sscanf(rest[i+1:], "%d", &partition)
			break
		}
	}
	return id, topic, partition
}

// leadsNoMore waits until somebody else leads the partition.
func leadsNoMore(t *testing.T, s stage, id int32, topic string, partition int32) {
	t.Helper()
	within(t, 20*time.Second, fmt.Sprintf("another than broker %d leads %s/%d", id, topic, partition), func(ctx context.Context) bool {
		leader, _, err := s.admin.Leader(ctx, topic, partition)
		return err == nil && leader >= 0 && leader != id
	})
}

func TestAKilledLeaderIsGoneAndAnotherLeads(t *testing.T) {
	prove(t, onBrokers, "faults/kill-leader", during{"kill-leader": func(s stage) {
		id, topic, partition := struck(t, s.event)
		waitDown(t, s, id)
		leadsNoMore(t, s, id, topic, partition)
		if s.admin.Whole(t.Context()) == nil {
			t.Error("the cluster says it is whole while a broker is dead")
		}
	}})
}

func TestARestartedLeaderWasGone(t *testing.T) {
	prove(t, onBrokers, "faults/restart-leader", during{"restart-leader": func(s stage) {
		id, topic, partition := struck(t, s.event)
		waitDown(t, s, id)
		leadsNoMore(t, s, id, topic, partition)
	}})
}

func TestARollingRestartTakesEveryBrokerDownInTurn(t *testing.T) {
	prove(t, onBrokers, "faults/rolling-restart", during{"rolling-restart": func(s stage) {
		for _, b := range s.cluster.Brokers() {
			waitDown(t, s, b.ID)
		}
	}})
}

func TestFollowersAreDownInTurnAndTheirLeaderIsNot(t *testing.T) {
	prove(t, onBrokers, "faults/restart-followers", during{"restart-followers": func(s stage) {
		followers, leader := following(t, s.event)
		for _, id := range followers {
			waitDown(t, s, id)
			conn, err := s.cluster.Dial(t.Context(), advertised(t, s.cluster, leader))
			if err != nil {
				t.Errorf("broker %d leads, and does not answer while broker %d is down: %v", leader, id, err)
				continue
			}
			conn.Close()
		}
	}})
}

// following reads from a fault on followers who they are, and who leads.
func following(t *testing.T, e history.FaultEvent) (followers []int32, leader int32) {
	t.Helper()
	followers = make([]int32, 2)
	_, rest, _ := strings.Cut(e.Target, ", which ")
	if _, err := fmt.Sscanf(e.Target, "brokers [%d %d]", &followers[0], &followers[1]); err != nil {
		t.Fatalf("target %q: %v", e.Target, err)
	}
	if _, err := fmt.Sscanf(rest, "broker %d leads", &leader); err != nil {
		t.Fatalf("target %q: %v", e.Target, err)
	}
	return followers, leader
}

func TestAMovedLeaderLeadsNoMore(t *testing.T) {
	p := prove(t, onBrokers, "faults/move-leader", during{"move-leader": func(s stage) {
		id, topic, partition := struck(t, s.event)
		leadsNoMore(t, s, id, topic, partition)
	}})
	refused := p.wire(t, func(e history.WireEvent) bool { return e.Kind == history.WireAnswer && e.Error == 6 })
	if len(refused) == 0 {
		t.Error("no broker said that it leads no more")
	}
}
