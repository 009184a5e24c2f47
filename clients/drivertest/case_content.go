package drivertest

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/idemcheck/idemcheck/clients/driver"
)

func contentCases() []Case {
	return []Case{
		{Name: "text", Why: "keys and values are any text, in UTF-8 on the wire, and what has no key has none", run: text},
		{Name: "large-values", Why: "values up to 1 MiB come in lines as long, and arrive as they are", run: largeValues},
	}
}

// texts are what a reader of JSON, or a writer of bytes, may stumble over.
var texts = []string{
	"plain", "grüße", "мир", "世界", "🎉 and 👩‍👩‍👧", "\u2028\u2029\ufeff", "\"quoted\\\"", "a\tb\r\nc", "\x00\x01\x1f\x7f", "<&>", "e\u0301 and é", "",
}

func text(ctx context.Context, t *trial) error {
	d, err := t.open(ctx)
	if err != nil {
		return err
	}
	for i, s := range texts {
		for _, escaped := range []bool{false, true} {
			r := d.values(1, int32(i)%Brokers, 0)[0]
			r.Value += s
			if i%3 > 0 {
				r.Key = s
			}
			if err := d.sendBy(ctx, inText(r, escaped), r); err != nil {
				return t.told(d, err)
			}
		}
	}
	return t.orderly(ctx, d, toAnswer)
}

// inText is a send command with everything that can be escaped, or as little.
func inText(r driver.Record, escaped bool) []byte {
	quote := func(s string) string {
		if !escaped {
			var b strings.Builder
			e := json.NewEncoder(&b)
			e.SetEscapeHTML(false)
			_ = e.Encode(s) // a string can be written
			return strings.TrimSpace(b.String())
		}
		var b strings.Builder
		b.WriteByte('"')
		for _, unit := range utf16.Encode([]rune(s)) {
			b.WriteString(`\u`)
			hex := strconv.FormatUint(uint64(unit), 16)
			b.WriteString("0000"[len(hex):] + hex)
		}
		b.WriteByte('"')
		return b.String()
	}
	key := ""
	if r.Key != "" {
		key = `,"key":` + quote(r.Key)
	}
	return []byte(`{"command":"send","records":[{"id":` + strconv.FormatInt(r.ID, 10) + `,"topic":"t","partition":` +
		strconv.Itoa(int(r.Partition)) + key + `,"value":` + quote(r.Value) + `}]}`)
}

// Sizes of values. Every library takes the first by default; the second is more
// than some take.
const (
	sizeOfAll  = 900_000
	sizeOfMost = 1 << 20
)

func largeValues(ctx context.Context, t *trial) error {
	d, err := t.open(ctx)
	if err != nil {
		return err
	}
	for p := range int32(Brokers) {
		if err := d.send(ctx, d.values(1, p, sizeOfAll)...); err != nil {
			return t.told(d, err)
		}
	}
	if err := d.allAcked(ctx, toAnswer); err != nil {
		return t.told(d, err)
	}
	r := d.values(1, 0, sizeOfMost)[0]
	if err := d.send(ctx, r); err != nil {
		return t.told(d, err)
	}
	if err := d.answered(ctx, toAnswer); err != nil {
		return t.told(d, err)
	}
	if f := d.records[r.ID].failed; f != nil {
		t.note("the library takes no value of 1 MiB by default: %s", f.Message)
	}
	if err := d.close(ctx); err != nil {
		return t.told(d, err)
	}
	return t.verify(ctx, true)
}
