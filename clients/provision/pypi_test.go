package provision

import (
	"errors"
	"strings"
	"testing"
)

func TestALibraryIsNotBoundByAConstraintMeantForAnother(t *testing.T) {
	all := "# a remark\nkafka-python==2.0.2\nlz4==4.4.5\n"
	if got := without("kafka-python", all); got != "# a remark\nlz4==4.4.5\n" {
		t.Errorf("%q", got)
	}
	if got := without("kafka", all); got != all {
		t.Errorf("%q", got)
	}
}

func TestAVersionThatPyPIHasNotIsSaidInALine(t *testing.T) {
	p := pypiLibrary{pack: "aiokafka"}
	none := "pip: exit status 1; it said last: ERROR: Could not find a version that satisfies the requirement %s | ERROR: No matching distribution found for "
	for _, c := range []struct{ said, want string }{
		{"it said last: (from versions: 0.13.0, 0.14.0) | ERROR: No matching distribution found for aiokafka==9.9", "no aiokafka 9.9, or no wheel of it for Python 3.11.7"},
		{"it said last: (from versions: none) | ERROR: No matching distribution found for aiokafka==9.9", "can't be reached"},
		{none + "lz4==1.0", none + "lz4==1.0"},
	} {
		if got := p.refused(errors.New(c.said), "9.9", "3.11.7").Error(); !strings.Contains(got, c.want) || len(got) > len(c.said)+40 {
			t.Errorf("%q", got)
		}
	}
}

func TestAPythonDriverIsMadeOfItsOwnPartAndTheSharedOne(t *testing.T) {
	for _, l := range pypiLibraries() {
		source := l.source()
		for _, name := range []string{"main.py", "idemcheck_driver.py", constraintsName} {
			if len(source[name]) == 0 {
				t.Errorf("%s lacks %s", l.Name, name)
			}
		}
	}
	if l, err := ByName("confluent-kafka"); err != nil || l.Name != "confluent-kafka-python" {
		t.Errorf("%+v, %v", l.Name, err)
	}
}
