package driver

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/idemcheck/idemcheck/clients/internal/memory"
)

const opening = `{"command":"open","protocol":1,"options":{"client_id":"c","idempotence":true,"acks":"all"},"later":"ignored"}` + "\n"

func TestADriverDoesWhatItIsToldInOrder(t *testing.T) {
	var out bytes.Buffer
	err := Serve(memory.Library{}, strings.NewReader(opening+
		`{"command":"send","records":[{"id":1,"topic":"t","partition":0,"value":"a"},{"id":2,"topic":"t","partition":0,"value":"lose"}]}`+"\n"+
		`{"command":"flush","id":3}`+"\n"+`{"command":"begin","id":4}`+"\n"+`{"command":"begin","id":5}`+"\n"+`{"command":"close"}`+"\n"), &out)
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, want := range []string{
		`"event":"ready"`, `"acks":[{"id":1,"partition":0,"offset":0}]`, `"errors":[{"id":2,"class":"REQUEST_TIMED_OUT","code":7,"retriable":true`,
		`{"event":"flushed","id":3}`, `{"event":"done","id":4}`, `"errors":[{"id":5,`, `{"event":"closed"}`,
	} {
		found := strings.Index(out.String()[at:], want)
		if found < 0 {
			t.Fatalf("want %s after byte %d of\n%s", want, at, out.String())
		}
		at += found
	}
}

func TestADriverRefusesWhatIsNoProtocol(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"a newer harness":             {`{"command":"open","protocol":3,"options":{}}` + "\n", "version 3"},
		"a send before open":          {`{"command":"send"}` + "\n", "before open"},
		"two producers":               {opening + opening, "second open"},
		"an unknown command":          {opening + `{"command":"dance"}` + "\n", `no command "dance"`},
		"what is no JSON":             {opening + "hello\n", "no command of the protocol"},
		"an input that ends":          {opening, "the harness is gone"},
		"an input that ends too soon": {"", "the harness is gone"},
		"options that cannot be":      {`{"command":"open","protocol":1,"options":{"idempotence":false,"acks":"impossible"}}` + "\n", "no such thing"},
		"no idempotence in version 1": {`{"command":"open","protocol":1,"options":{"acks":"all"}}` + "\n", "from version 2"},
		"no acks in version 1":        {`{"command":"open","protocol":1,"options":{"idempotence":true}}` + "\n", "from version 2"},
	} {
		var out bytes.Buffer
		err := Serve(memory.Library{}, strings.NewReader(c.in), &out)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(out.String(), `"event":"fatal"`) {
			t.Errorf("%s: %v\n%s", name, err, out.String())
		}
	}
}

type deaf struct{}

func (deaf) Write([]byte) (int, error) { return 0, errors.New("nobody listens") }

func TestADriverThatNobodyReadsEnds(t *testing.T) {
	in, theirs := io.Pipe()
	defer theirs.Close()
	ended := make(chan error)
	go func() { ended <- Serve(memory.Library{}, in, deaf{}) }()
	_, _ = theirs.Write([]byte(opening))
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "nobody reads the events") {
		t.Errorf("%v", err)
	}
}
