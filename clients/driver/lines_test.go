package driver

import (
	"bufio"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

var commandLines = []string{
	`{"command":"send","records":[{"id":1,"topic":"t","partition":0,"value":"a"}]}`,
	`{"command":"send","records":[{"id":1,"topic":"t","partition":0,"key":"k","value":"a"},{"id":2,"topic":"t","partition":-1,"value":""}]}`,
	` { "command" : "send" , "records" : [ { "value" : "a" , "id" : 9223372036854775807 , "topic" : "t" , "partition" : 2147483647 } ] } ` + "\r\n",
	`{"command":"send","records":[{"id":1,"topic":"t","partition":0,"value":"a\"\\\u00e9"}]}`,
	`{"command":"send","records":[{"id":1,"topic":"t","partition":0,"value":"é"}]}`,
	`{"command":"send","records":[{"id":1,"topic":"t","partition":0,"value":"` + "\xff" + `"}]}`,
	`{"command":"send","records":[{"id":1,"topic":"t","partition":0,"value":"a","later":[1,{}]}]}`,
	`{"command":"send","records":[{"id":1,"id":2,"topic":"t","partition":0,"value":"a"}]}`,
	`{"command":"send","records":[{"id":1,"topic":"t","value":"a"}],"later":null}`,
	`{"command":"send","records":[]}`, `{"command":"send"}`, `{"records":[{"id":1}],"command":"send"}`,
	`{"command":"send","records":[{"id":01,"topic":"t","partition":0,"value":"a"}]}`,
	`{"command":"send","records":[{"id":-0,"topic":"t","partition":0,"value":"a"}]}`,
	`{"command":"send","records":[{"id":1e2,"topic":"t","partition":2147483648,"value":"a"}]}`,
	`{"command":"send","records":[{"id":1,"topic":"t","partition":0,"value":"a"},]}`,
	`{"command":"send","records":[{"id":1,"topic":"t","partition":0,"value":"a"}]} x`,
	`{"command":"send","records":[{"id":1,"topic":"t","partition":0,"value":"a"}]}` + "\x00",
	`{"command":"send","records":[{"id":1,"topic":"t","partition":0,"value":"a`,
	`{"command":"flush","id":3}`, `{"command":"close"}`, `{}`, ``, `null`, "\x00\x00\x00",
	`{"command":"open","protocol":1,"bootstrap":["a:1"],"options":{"client_id":"c","idempotence":true,"acks":"all"}}`,
}

var eventLines = []string{
	`{"event":"ack","acks":[{"id":1,"partition":0,"offset":17},{"id":3,"partition":1,"offset":-1}]}`,
	`{"event": "ack", "acks": [{"offset": 17, "partition": 0, "id": 1}]}`,
	`{"event":"ack","acks":[{"id":1,"partition":0}]}`, `{"event":"ack","acks":[{"partition":0,"offset":1}]}`, `{"event":"ack","acks":[{"id":1,"offset":1}]}`,
	`{"event":"ack","acks":[{"id":1,"partition":0,"offset":null}]}`, `{"event":"ack","acks":[{"id":1,"partition":0,"offset":"5"}]}`,
	`{"event":"ack","acks":[{"id":1,"partition":0,"offset":1,"timestamp":5}],"later":1}`,
	`{"event":"ack","acks":[{"id":1,"partition":0,"offset":17}]}` + "\x00",
	`{"event":"ack","acks":[]}`, `{"event":"ack"}`, `{"event":"ack","acks":[{}]}`, `{"acks":[],"event":"ack"}`,
	`{"event":"flushed","id":4}`, `{"event":"closed"}`, `{"id":4}`, `[]`, `{"event":"ready","protocol":1,"library":"x","version":"1","order":{"promised":true,"why":"y"}}`,
	`{"event":"error","errors":[{"id":2,"class":"REQUEST_TIMED_OUT","code":7,"retriable":true,"message":"the broker did not answer in time"}]}`,
}

// byJSON is what the two parsers must agree with.
func byJSON[T any](line string) (T, error) {
	var v T
	err := json.Unmarshal([]byte(line), &v)
	return v, err
}

func commandAgrees(t *testing.T, line string) {
	got, err := ParseCommand([]byte(line))
	want, wantErr := byJSON[Command](line)
	if (err == nil) != (wantErr == nil) || err == nil && !reflect.DeepEqual(got, want) {
		t.Errorf("%q: %+v (%v), encoding/json has %+v (%v)", line, got, err, want, wantErr)
	}
	if err == nil {
		again, err := ParseCommand(AppendCommand(nil, got))
		if err != nil || !reflect.DeepEqual(again, got) && len(got.Records) > 0 {
			t.Errorf("%q: written and read again it is %+v (%v)", line, again, err)
		}
	}
}

func eventAgrees(t *testing.T, line string) {
	got, err := ParseEvent([]byte(line))
	want, wantErr := byJSON[Event](line)
	if err == nil && (wantErr != nil || !reflect.DeepEqual(got, want)) {
		t.Errorf("%q: %+v, encoding/json has %+v (%v)", line, got, want, wantErr)
	}
	if err != nil && wantErr == nil && want.Event != "" && whole(want, []byte(line)) == nil {
		t.Errorf("%q: %v, encoding/json has %+v", line, err, want)
	}
}

func TestLinesAreReadAndWrittenAsByEncodingJSON(t *testing.T) {
	for _, line := range commandLines {
		commandAgrees(t, line)
	}
	for _, line := range eventLines {
		eventAgrees(t, line)
	}
	c := Command{Command: Send, Records: []Record{{1, "t", 2, "", "plain"}, {2, "t", 0, "k\"", "é\n\u2028<\x00"}}}
	if back, err := byJSON[Command](string(AppendCommand(nil, c))); err != nil || !reflect.DeepEqual(back, c) {
		t.Errorf("%+v, %v", back, err)
	}
}

func TestAnAckThatLacksAFieldIsAnError(t *testing.T) {
	for line, want := range map[string]string{
		`{"event":"ack","acks":[{"id":1,"partition":0,"offset":3},{"id":2,"partition":0}]}`: "the ack of 2 has no offset",
		`{"event":"ack","acks":[{"id":1,"offset":0}]}`:                                      "the ack of 1 has no partition",
		`{"event":"ack","acks":[{}]}`:                                                       "an ack has no id",
		`{"id":1}`:                                                                          "no field event",
	} {
		if _, err := ParseEvent([]byte(line)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestALongLineIsReadWhole(t *testing.T) {
	long := strings.Repeat("x", 1<<20) + "\n"
	r := bufio.NewReader(strings.NewReader("a\n" + long + "b\nrest"))
	for _, want := range []string{"a\n", long, "b\n"} {
		if got, err := ReadLine(r); err != nil || string(got) != want {
			t.Errorf("%d bytes, want %d: %v", len(got), len(want), err)
		}
	}
	if got, err := ReadLine(r); err == nil || string(got) != "rest" {
		t.Errorf("%q, %v", got, err)
	}
}

func FuzzCommandLines(f *testing.F) {
	for _, line := range commandLines {
		f.Add(line)
	}
	f.Fuzz(commandAgrees)
}

func FuzzEventLines(f *testing.F) {
	for _, line := range eventLines {
		f.Add(line)
	}
	f.Fuzz(eventAgrees)
}
