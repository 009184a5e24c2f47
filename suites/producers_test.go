package suites

import (
	"strings"
	"testing"
)

func TestWhatProducersCannotDoIsSaidWhereItIsAsked(t *testing.T) {
	const transactions = "name: x\nwhy: y\nworkload: {name: transactions, records: 10}\nclients:\n  - "
	client := func(text string) string {
		return "name: x\nwhy: y\nworkload: {name: unique-append, records: 10}\nclients:\n  - {idempotence: true, " + text + "}\n"
	}
	for name, c := range map[string]struct{ text, at, says string }{
		"a kill in this process":           {head + "nemesis:\n  - fault: kill-producer\n    when: {acks: 1}\n", "6:12", "kill-producer needs a producer in a process of its own: set process: true in clients[0]"},
		"a second of nobody":               {head + "nemesis:\n  - fault: second-producer\n    when: {acks: 1}\n", "6:12", "second-producer needs a producer with a transactional id: set options.transactional_id in clients[0]"},
		"a pause in a mix":                 {head + "mix: {budget: 1, gap: {acks: 5}, faults: [{fault: pause-producer, heal: {after: 1s}}]}\n", "5:51", "pause-producer needs a producer in a process of its own"},
		"an id for nothing":                {client("options: {transactional_id: a}"), "5:53", "transactional_id goes with a workload that sends in transactions: unique-append does not"},
		"a timeout for nothing":            {client("options: {transaction_timeout: 5s}"), "5:56", "transaction_timeout goes with transactional_id"},
		"transactions of nobody":           {transactions + "{idempotence: true}\n", "5:5", "the workload transactions needs a transactional id"},
		"transactions without idempotence": {transactions + "{idempotence: false, options: {transactional_id: a}}\n", "5:19", "a client with a transactional id needs idempotence: true"},
		"an id of two words":               {transactions + "{idempotence: true, options: {transactional_id: a b}}\n", "5:53", "want letters, digits, dots, dashes and underscores"},
	} {
		_, err := Parse("f.yaml", []byte(c.text), vocabulary())
		if err == nil || !strings.Contains(err.Error(), "f.yaml:"+c.at+": ") || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v\nwant at %s: %s", name, err, c.at, c.says)
		}
	}
	text := strings.Replace(client("process: true"), "unique-append, records: 10", "unique-append, producers: 2, records: 10", 1) +
		"  - {idempotence: true}\nnemesis: [{fault: kill-producer, when: {acks: 1}, target: {producer: 0}}]\n"
	if _, err := Parse("f.yaml", []byte(text), vocabulary()); err != nil {
		t.Errorf("the one that is meant has a process of its own, and: %v", err)
	}
}

func TestWhatAConsumerCannotDoIsSaidWhereItIsAsked(t *testing.T) {
	for name, c := range map[string]struct{ text, at, says string }{
		"it never commits":      {"consumer: {kill_after: 5}", "5:11", "commit_every 0: want 1 to 1000000"},
		"it ends in two ways":   {"consumer: {commit_every: 5, kill_after: 5, close_after: 6}", "5:57", "kill_after and close_after: want one of them"},
		"it ends below nought":  {"consumer: {commit_every: 5, kill_after: -5}", "5:41", "kill_after -5: want 0 to"},
		"it ends too late":      {"consumer: {commit_every: 5, kill_after: 50}", "5:11", "the consumer is to end after 50 records, and 10 are sent"},
		"it never ends thrice":  {"consumer: {commit_every: 5, times: 3}", "5:36", "times goes with kill_after or close_after"},
		"a key that is unknown": {"consumer: {commit_every: 5, kill: 5}", "5:29", `unknown key "kill" in consumer (allowed: commit_every, kill_after, close_after, times)`},
	} {
		_, err := Parse("f.yaml", []byte(head+c.text+"\n"), vocabulary())
		if err == nil || !strings.Contains(err.Error(), "f.yaml:"+c.at+": ") || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v\nwant at %s: %s", name, err, c.at, c.says)
		}
	}
	s, err := Parse("f.yaml", []byte(head+"consumer: {commit_every: 5, kill_after: 7, times: 2}\n"), vocabulary())
	if err != nil || s.Consumer.KillAfter != 7 {
		t.Fatalf("%+v, %v", s.Consumer, err)
	}
	if text, err := Write(s, vocabulary()); err != nil || !strings.Contains(string(text), "consumer: {commit_every: 5, kill_after: 7, times: 2}") {
		t.Errorf("%s, %v", text, err)
	}
}

func TestMessagesThatCannotBeAreSaidWhereTheyAreAsked(t *testing.T) {
	for name, c := range map[string]struct{ workload, at, says string }{
		"of no kind":           {"messages: all", "4:56", `messages "all": want records or spread`},
		"sent again, and none": {"resend: true", "4:54", "resend true: it goes with messages"},
		"over two topics":      {"messages: spread}\ntopics: {count: 2", "4:56", "messages spread: want one topic, not 2"},
	} {
		text := strings.Replace(head, "records: 10}", "records: 10, "+c.workload+"}", 1)
		_, err := Parse("f.yaml", []byte(text), vocabulary())
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "f.yaml:"+c.at+": ") {
			t.Errorf("%s: %v\nwant at %s: %s", name, err, c.at, c.says)
		}
	}
}
