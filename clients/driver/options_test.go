package driver

import (
	"encoding/json"
	"testing"

	"github.com/idemcheck/idemcheck/clients"
)

func TestWhatIsNotSaidIsLeftOutAndNeedsVersionTwo(t *testing.T) {
	for name, c := range map[string]struct {
		options  clients.Options
		line     string
		protocol int
	}{
		"everything said":        {clients.Options{ClientID: "c", Acks: "1"}, `{"client_id":"c","acks":"1","idempotence":false}`, 1},
		"acks forgotten are all": {clients.Options{ClientID: "c", Idempotence: true}, `{"client_id":"c","acks":"all","idempotence":true}`, 1},
		"nothing said":           {clients.Options{ClientID: "c", Defaults: true}, `{"client_id":"c"}`, 2},
		"acks said":              {clients.Options{ClientID: "c", Defaults: true, Acks: "1"}, `{"client_id":"c","acks":"1"}`, 2},
		"no retries": {clients.Options{ClientID: "c", Idempotence: true, Acks: "all", NoRetries: true},
			`{"client_id":"c","acks":"all","no_retries":true,"idempotence":true}`, 2},
		"taken literally": {clients.Options{ClientID: "c", Acks: "all", Literal: true},
			`{"client_id":"c","acks":"all","literal":true,"idempotence":false}`, 2},
	} {
		written := FromOptions(c.options)
		text, err := json.Marshal(written)
		if err != nil || string(text) != c.line || written.Protocol() != c.protocol {
			t.Errorf("%s: %s, version %d, %v", name, text, written.Protocol(), err)
		}
		var read Options
		if err := json.Unmarshal(text, &read); err != nil || read != *written {
			t.Errorf("%s: read back as %+v, %v", name, read, err)
		}
	}
}
