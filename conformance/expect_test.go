package conformance

import (
	"testing"

	"github.com/idemcheck/idemcheck/history"
)

func version(t *testing.T, text string) history.KafkaVersion {
	t.Helper()
	v, err := history.ParseKafkaVersion(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestARuleIsOfItsVersion(t *testing.T) {
	for _, c := range []struct {
		kafka string
		want  answer
	}{
		{"0.11.0.3", refused(45)}, {"1.0.0", refused(59)}, {"2.4.1", refused(59)}, {"2.5.0", appended()}, {"4.4.0", appended()}, {"4.5.0", refused(45)}, {"5.0.0", refused(45)},
	} {
		if got := acceptsUnknownWhereWritten().of(version(t, c.kafka)).want; got != c.want {
			t.Errorf("Kafka %s: %v, want %v", c.kafka, got, c.want)
		}
	}
}

func TestAnAnswerIsHeldToWhatItTells(t *testing.T) {
	const end = 7
	for _, c := range []struct {
		name      string
		got, want answer
		is        bool
	}{
		{"appended at the log's end", answer{offset: 7}, appended(), true},
		{"appended elsewhere", answer{offset: 6}, appended(), false},
		{"a repetition at its first offset", answer{offset: 3}, original(3), true},
		{"a repetition at another", answer{offset: 4}, original(3), false},
		{"a repetition that was appended", answer{offset: 7}, original(3), false},
		{"the code that was expected", answer{code: 45, offset: -1}, refused(45), true},
		{"another code", answer{code: 46, offset: -1}, refused(45), false},
		{"success in place of a refusal", answer{offset: 7}, refused(45), false},
		{"a refusal in place of success", answer{code: 45}, appended(), false},
		{"a closed connection", answer{closed: true}, appended(), false},
		{"a closed connection that was expected", answer{closed: true}, answer{closed: true}, true},
		{"silence", answer{silent: true}, appended(), false},
	} {
		if got := c.got.is(c.want, end); got != c.is {
			t.Errorf("%s: %v against %v is %v", c.name, c.got, c.want, got)
		}
	}
}

func TestAnAnswerOfAnotherVersionIsNamed(t *testing.T) {
	if got := acceptsUnknown().elsewhere(answer{code: 59}, 0); got != "Kafka from 1.0 before 2.5" {
		t.Errorf("%q", got)
	}
	if got := acceptsUnknown().elsewhere(answer{code: 2}, 0); got != "" {
		t.Errorf("%q", got)
	}
}
