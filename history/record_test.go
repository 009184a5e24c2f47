package history

import (
	"bytes"
	"errors"
	"hash/crc32"
	"math"
	"strings"
	"testing"
)

func TestValuesAreReadBack(t *testing.T) {
	const longest = 999_999_999_999_999_999 // 18 digits
	for name, c := range map[string]struct {
		id   Identity
		size int
		want int // length; 0 is size
	}{
		"as asked":             {Identity{"0badcafe", 1, "topic", 0, 17}, 100, 0},
		"one kibibyte":         {Identity{"0badcafe", 1, "topic", 0, 17}, 1024, 0},
		"no size":              {Identity{"00000000", 0, "t", 0, 0}, 0, 32},
		"a negative size":      {Identity{"00000000", 0, "t", 0, 0}, -5, 32},
		"just below the least": {Identity{"00000000", 0, "t", 0, 0}, 31, 32},
		"exactly the least":    {Identity{"00000000", 0, "t", 0, 0}, 32, 0},
		"one dot":              {Identity{"00000000", 0, "t", 0, 0}, 33, 0},
		"the largest identity": {Identity{"ffffffff", math.MaxInt32, "a.b_c-D", math.MaxInt32, longest}, 200, 0},
	} {
		t.Run(name, func(t *testing.T) {
			value := AppendValue([]byte("before"), c.id, c.size)
			if !bytes.HasPrefix(value, []byte("before")) {
				t.Fatal("what was in dst is gone")
			}
			value = value[len("before"):]
			want := c.want
			if want == 0 {
				want = c.size
			}
			if len(value) != want {
				t.Errorf("%q is %d bytes long, want %d", value, len(value), want)
			}
			if got, err := ParseValue(value); err != nil || got != c.id {
				t.Errorf("ParseValue(%q) = %v, %v", value, got, err)
			}
			if got, ok := ParseIdentity(value); !ok || got != c.id {
				t.Errorf("ParseIdentity(%q) = %v, %v", value, got, ok)
			}
		})
	}
}

func TestTheTextFormIsAsDocumented(t *testing.T) {
	// Written out so that nobody changes the form by accident: drivers in other
	// languages write it too.
	const want = "idem1 0badcafe 3 orders 2 41 .... f6f7ddfc"
	got := string(AppendValue(nil, Identity{"0badcafe", 3, "orders", 2, 41}, len(want)))
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// sealed puts a right CRC behind a body.
func sealed(body string) string {
	return string(appendCRC([]byte(body), crc32.Checksum([]byte(body), castagnoli)))
}

func TestValuesThatAreNotOursAreToldFromDamagedOnes(t *testing.T) {
	whole := string(AppendValue(nil, Identity{"0badcafe", 3, "orders", 2, 41}, 60))
	for name, c := range map[string]struct {
		value string
		want  error
	}{
		"empty":                 {"", ErrForeign},
		"nil":                   {"", ErrForeign},
		"another tool's":        {`{"id": 5}`, ErrForeign},
		"another version":       {"idem2" + whole[5:], ErrForeign},
		"the first letters":     {"idem1", ErrForeign},
		"the magic alone":       {"idem1 ", ErrCorrupt},
		"cut short":             {whole[:len(whole)-1], ErrCorrupt},
		"one byte longer":       {whole + "0", ErrCorrupt},
		"another number":        {strings.Replace(whole, " 41 ", " 42 ", 1), ErrCorrupt},
		"upper-case CRC":        {whole[:len(whole)-8] + strings.ToUpper(whole[len(whole)-8:]), ErrCorrupt},
		"a padding byte":        {strings.Replace(whole, "..", ".,", 1), ErrCorrupt},
		"a number with a sign":  {sealed("idem1 0badcafe 3 orders 2 +41  "), ErrCorrupt},
		"a negative number":     {sealed("idem1 0badcafe 3 orders 2 -41  "), ErrCorrupt},
		"a leading zero":        {sealed("idem1 0badcafe 3 orders 2 041  "), ErrCorrupt},
		"a process too large":   {sealed("idem1 0badcafe 2147483648 orders 2 41  "), ErrCorrupt},
		"a partition too large": {sealed("idem1 0badcafe 3 orders 2147483648 41  "), ErrCorrupt},
		"19 digits":             {sealed("idem1 0badcafe 3 orders 2 1000000000000000000  "), ErrCorrupt},
		"no topic":              {sealed("idem1 0badcafe 3  2 41  "), ErrCorrupt},
		"a field too few":       {sealed("idem1 0badcafe 3 orders 41 "), ErrCorrupt},
		"whole":                 {whole, nil},
	} {
		if _, err := ParseValue([]byte(c.value)); !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("%s: %q: %v, want %v", name, c.value, err, c.want)
		}
	}
}

func TestAnyFlippedBitIsNoticed(t *testing.T) {
	whole := AppendValue(nil, Identity{"0badcafe", 3, "orders", 2, 41}, 60)
	for bit := range len(whole) * 8 {
		value := bytes.Clone(whole)
		value[bit/8] ^= 1 << (bit % 8)
		if id, err := ParseValue(value); err == nil {
			t.Fatalf("%q reads as %v", value, id)
		}
	}
}

func FuzzParseValue(f *testing.F) {
	f.Add(AppendValue(nil, Identity{"0badcafe", 3, "orders", 2, 41}, 60))
	f.Add([]byte("idem1 0badcafe 3 orders 2 41  "))
	f.Add([]byte("idem1 x 0 t 0 0 "))
	f.Fuzz(func(t *testing.T, value []byte) {
		id, err := ParseValue(value)
		switch {
		case errors.Is(err, ErrForeign), errors.Is(err, ErrCorrupt):
			if id != (Identity{}) {
				t.Fatalf("%q is refused, and reads as %v", value, id)
			}
			return
		case err != nil:
			t.Fatalf("%q: %v", value, err)
		}
		if again, ok := ParseIdentity(value); !ok || again != id {
			t.Fatalf("%q: ParseIdentity says %v, %v, ParseValue %v", value, again, ok, id)
		}
		// What was read writes the same identity again.
		if again, err := ParseValue(AppendValue(nil, id, len(value))); err != nil || again != id {
			t.Fatalf("%q reads as %v, written again as %v: %v", value, id, again, err)
		}
	})
}

func FuzzAppendValue(f *testing.F) {
	f.Add(uint32(0xbadcafe), int32(3), "orders", int32(2), int64(41), 60)
	f.Fuzz(func(t *testing.T, run uint32, process int32, topic string, partition int32, number int64, size int) {
		// The names Kafka allows, and numbers the form can hold.
		topic = strings.Map(func(c rune) rune {
			if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-' {
				return c
			}
			return -1
		}, topic)
		number &= 1<<59 - 1
		if topic == "" || process < 0 || partition < 0 || size > 1<<20 {
			t.Skip()
		}
		id := Identity{string(appendCRC(nil, run)), process, topic, partition, number}
		value := AppendValue(nil, id, size)
		if len(value) < size {
			t.Fatalf("%d bytes, want %d", len(value), size)
		}
		for _, c := range value {
			if c < ' ' || c > '~' {
				t.Fatalf("%q is not printable ASCII", value)
			}
		}
		if got, err := ParseValue(value); err != nil || got != id {
			t.Fatalf("%q reads as %v, %v", value, got, err)
		}
	})
}

func TestWordsAreOnePerMember(t *testing.T) {
	for name, words := range map[string][]string{
		"outcome": wordsOf(Pending, Unknown), "standing": wordsOf(Intact, Misplaced),
		"kind": wordsOf(WireRequest, WireMetadata)[1:], "action": wordsOf(ActionPassed, ActionForged)[1:],
	} {
		seen := map[string]bool{}
		for _, word := range words {
			if word == "" || seen[word] {
				t.Errorf("%s: %q is empty or used twice in %q", name, word, words)
			}
			seen[word] = true
		}
	}
}
