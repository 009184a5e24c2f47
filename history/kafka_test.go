package history

import "testing"

func TestKafkaVersionsAreOrderedByTheirNumbers(t *testing.T) {
	rising := []string{"0.11.0.3", "1.1.1", "2.4.1", "2.8.2", "3.3.2", "3.9.2", "4.0.2", "4.2.1", "4.3.1", "4.10.0"}
	for i, a := range rising {
		for j, b := range rising {
			v, err := ParseKafkaVersion(a)
			w, err2 := ParseKafkaVersion(b)
			if err != nil || err2 != nil {
				t.Fatal(err, err2)
			}
			if got := v.Compare(w); (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%s against %s is %d", a, b, got)
			}
		}
		v, _ := ParseKafkaVersion(a)
		if v.KRaft() != (i >= 4) || v.String() != a || (KafkaVersion{}).Compare(v) >= 0 {
			t.Errorf("%s: KRaft %t", v, v.KRaft())
		}
	}
	rc, err := ParseKafkaVersion("4.4.0-rc1")
	if err != nil || !rc.From(4, 4) || rc.From(4, 5) {
		t.Errorf("%s, %v", rc, err)
	}
}

func TestWhatIsNoKafkaVersionIsRefused(t *testing.T) {
	for _, text := range []string{"", "banana", "4", "4.3", "4.3.1.", "v4.3.1", "4.3.x", "4.3.1/../x", "1.2.3.4.5", "4.3.1 "} {
		if v, err := ParseKafkaVersion(text); err == nil {
			t.Errorf("%q is taken for %s", text, v)
		}
	}
}
