package proxy

import (
	"bytes"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/history"
)

func TestAnAPIIsFoundByTheNameThatKafkaHasForIt(t *testing.T) {
	for name, want := range map[string]int16{"Produce": keyProduce, "InitProducerId": keyInitProducerID, "ApiVersions": keyAPIVersions, "InitProducer": -1, "": -1} {
		key, ok := APIKey(name)
		if ok != (want >= 0) || ok && key != want {
			t.Errorf("%q is %d, %v: want %d", name, key, ok, want)
		}
	}
}

// listed is a broker's list of APIs, in one version of the list.
func listed(version int16, keys ...int16) *kmsg.ApiVersionsResponse {
	m := kmsg.NewPtrApiVersionsResponse()
	m.Version = version
	for _, key := range keys {
		k := kmsg.NewApiVersionsResponseApiKey()
		k.ApiKey, k.MaxVersion = key, 3
		m.ApiKeys = append(m.ApiKeys, k)
	}
	return m
}

// framed is a list of APIs on the wire: its header never has tags.
func framed(m *kmsg.ApiVersionsResponse) []byte {
	return rewritable{m, []byte{0, 0, 0, 0, 0, 0, 0, 7}}.encode()
}

func TestHiddenAPIsAreLeftOutOfTheListInEveryVersionAndNothingElseIs(t *testing.T) {
	r := newRig(t, nil)
	r.f.Hide([]int16{keyInitProducerID})
	for version := int16(0); version <= kmsg.NewPtrApiVersionsRequest().MaxVersion(); version++ {
		req := kmsg.NewPtrApiVersionsRequest()
		req.Version = version
		want := framed(listed(version, keyProduce, keyMetadata))
		if got := r.ask(req, framed(listed(version, keyProduce, keyMetadata, keyInitProducerID))); !bytes.Equal(got, want) {
			t.Errorf("version %d:\n got %q\nwant %q", version, got, want)
		}
		if got := r.ask(req, want); !bytes.Equal(got, want) {
			t.Errorf("version %d, nothing to hide:\n got %q\nwant %q", version, got, want)
		}
	}
	// A broker that does not know the version answers in version 0 (KIP-511).
	req := kmsg.NewPtrApiVersionsRequest()
	req.Version = 3
	unknown := listed(0, keyAPIVersions)
	unknown.ErrorCode = 35
	if got, want := r.ask(req, framed(unknown)), framed(unknown); !bytes.Equal(got, want) {
		t.Errorf("an answer in version 0:\n got %q\nwant %q", got, want)
	}
	if n := len(r.j.of(history.WireHidden)); n != int(kmsg.NewPtrApiVersionsRequest().MaxVersion())+1 {
		t.Errorf("%d lists were journaled", n)
	}
}

func TestAListPassesAsItIsWhereNothingIsHidden(t *testing.T) {
	r := newRig(t, nil)
	r.f.Hide(nil)
	list := framed(listed(3, keyProduce, keyInitProducerID))
	req := kmsg.NewPtrApiVersionsRequest()
	req.Version = 3
	if got := r.ask(req, list); !bytes.Equal(got, list) {
		t.Errorf("got %q", got)
	}
	if n := len(r.j.of(history.WireHidden)); n > 0 {
		t.Errorf("%d lists were journaled", n)
	}
}

func TestAHiddenAPIThatIsAskedForEndsTheConnection(t *testing.T) {
	r := newRig(t, nil)
	r.f.Hide([]int16{keyInitProducerID})
	client, broker := r.connect()
	write(t, client, requestFrame(7, kmsg.NewPtrInitProducerIDRequest()))
	ends(t, client)
	ends(t, broker) // which has got nothing
	hidden := r.j.of(history.WireHidden)
	if len(hidden) != 1 || hidden[0].Action != history.ActionCut {
		t.Errorf("journaled: %+v", hidden)
	}
}
