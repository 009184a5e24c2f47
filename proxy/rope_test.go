package proxy

import (
	"testing"

	"github.com/Shopify/toxiproxy/v2/stream"
)

func TestAnOutboxKnowsItsSizeThoughReceiversCutWhatTheyGot(t *testing.T) {
	var o outbox
	o.addBytes(make([]byte, 10), nil)
	o.add(&stream.StreamChunk{Data: make([]byte, 5)}, 0, 5)
	for _, want := range []int{10, 5} {
		chunk, size := o.first()
		if size != want {
			t.Errorf("the next chunk has %d bytes, want %d", size, want)
		}
		chunk.Data = chunk.Data[:0] // as toxiproxy's bandwidth does when it has sent a part
		o.pop(size)
	}
	if o.size != 0 || !o.empty() {
		t.Errorf("%d bytes are left in an empty outbox", o.size)
	}
}
