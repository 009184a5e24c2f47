package images

import (
	"os/exec"
	"sort"
	"strings"
	"testing"
)

func TestVariablesBecomePropertiesByTheRulesOfTheOfficialImage(t *testing.T) {
	if _, err := exec.LookPath("awk"); err != nil {
		t.Skip("needs awk, as every image has it")
	}
	cmd := exec.Command("awk", "-f", "recipe/properties.awk")
	cmd.Env = []string{
		"PATH=/usr/bin:/bin", "CLUSTER_ID=x", "NOT_KAFKA_A=x", "KAFKA_=x",
		"KAFKA_NODE_ID=1",
		"KAFKA_LISTENERS=A://:1,B://:2",
		"KAFKA_LISTENER_NAME_A_SASL__X_Y___Z=one two  three=3",
		`KAFKA_SASL_JAAS_CONFIG=a "b" \` + "\n" + `c $HOME 'd' \u0041 %s & *`,
		"KAFKA_NUMBER=0x10", "KAFKA_EMPTY=",
		"KAFKA_VERSION=4.3.1", "KAFKA_HEAP_OPTS=x", "KAFKA_LOG4J_OPTS=x", "KAFKA_OPTS=x", "KAFKA_JMX_OPTS=x",
		"KAFKA_JVM_PERFORMANCE_OPTS=x", "KAFKA_GC_LOG_OPTS=x", "KAFKA_LOG4J_ROOT_LOGLEVEL=x",
		"KAFKA_LOG4J_LOGGERS=x", "KAFKA_TOOLS_LOG4J_LOGLEVEL=x", "KAFKA_JMX_HOSTNAME=x",
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	// The order of variables is nobody's promise.
	got := strings.Split(strings.ReplaceAll(strings.TrimSuffix(string(out), "\n"), "\\\n", "CONTINUED"), "\n")
	sort.Strings(got)
	want := []string{
		"empty=",
		"listener.name.a.sasl_x.y-z=one two  three=3",
		"listeners=A://:1,B://:2",
		"node.id=1",
		"number=0x10",
		`sasl.jaas.config=a "b" CONTINUEDc $HOME 'd' \u0041 %s & *`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
