package images

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

func TestSupportedTellsWhatIsWrongWithAVersion(t *testing.T) {
	for _, c := range []struct{ version, want string }{
		{"3.7.0", ""},
		{"3.9.2", ""},
		{"4.3.1", ""},
		{"4.4.0-SNAPSHOT", ""},
		{"10.0.1", ""},
		{"3.6.2", ""},
		{"2.8.2", ""},
		{"0.11.0.3", ""},
		{"", "no Kafka version"},
		{"latest", `"latest" is not a Kafka version`},
		{"v4.3.1", "write it like 4.3.1"},
		{"4.3", "write it like 4.3.1"},
		{"4.3.1\nRUN rm -rf /", "is not a Kafka version"},
		{"4.3.1</version>", "is not a Kafka version"},
	} {
		checkError(t, c.version, Supported(c.version), c.want)
	}
}

func TestEveryReleaseIsFetchedForTheNewestScalaItWasCompiledFor(t *testing.T) {
	for _, c := range []struct {
		version, kafka string
		artifacts      int
	}{
		{"4.3.1", "org.apache.kafka:kafka_2.13:4.3.1", 2},
		{"2.4.1", "org.apache.kafka:kafka_2.13:2.4.1", 2},
		{"2.3.1", "org.apache.kafka:kafka_2.12:2.3.1", 2},
		{"1.1.1", "org.apache.kafka:kafka_2.12:1.1.1", 2},
		{"0.11.0.3", "org.apache.kafka:kafka_2.12:0.11.0.3", 4},
		{"0.10.2.2", "org.apache.kafka:kafka_2.11:0.10.2.2", 4},
		{"0.8.2.2", "org.apache.kafka:kafka_2.11:0.8.2.2", 3},
		{"0.9.0.1", "org.apache.kafka:kafka_2.11:0.9.0.1", 4},
	} {
		r, err := parseRelease(c.version)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.artifacts(c.version); got[0] != c.kafka || len(got) != c.artifacts {
			t.Errorf("%s is fetched as %v", c.version, got)
		}
	}
}

func TestWhatMavenPrintsBecomesOneSentence(t *testing.T) {
	for _, c := range []struct{ output, want string }{
		{"\x1b[0m[\x1b[1;31mERROR\x1b[m] Failed to execute goal on project x: Could not resolve dependencies for project x:x:jar:1: The following artifacts could not be resolved: org.apache.kafka:kafka_2.13:jar:9.9.9, org.apache.kafka:kafka-tools:jar:9.9.9: Could not find artifact org.apache.kafka:kafka_2.13:jar:9.9.9 in central (https://repo.example/) -> [Help 1]\n[ERROR]\n",
			"Maven Central has no Kafka of that version (no org.apache.kafka:kafka_2.13:9.9.9): choose a published one"},
		{"[ERROR] could not be resolved: Could not find artifact org.apache.kafka:kafka_2.12:jar:1.9.9 in central (x) -> [Help 1]",
			"Maven Central has no Kafka of that version (no org.apache.kafka:kafka_2.12:1.9.9)"},
		{"[ERROR] The following artifacts could not be resolved: a: Could not find artifact org.apache.kafka:kafka-tools-api:jar:4.4.0 in central (x) -> [Help 1]",
			"its jars are incomplete on Maven Central (no org.apache.kafka:kafka-tools-api:4.4.0): choose another version, or give a folder of jars"},
		{"[ERROR] could not be resolved: org.apache.kafka:kafka_2.13:jar:9.9.9, org.apache.kafka:kafka-tools:jar:9.9.9: org.apache.kafka:kafka_2.13:jar:9.9.9 was not found in https://repo.example during a previous attempt. This failure was cached",
			"Maven Central has no Kafka of that version (no org.apache.kafka:kafka_2.13:9.9.9)"},
		{"[ERROR] Failed: Could not transfer artifact org.apache.kafka:kafka_2.13:pom:4.3.1 from/to central (https://repo.example/): repo.example: Name or service not known -> [Help 1]\n",
			"Maven Central cannot be reached (repo.example: Name or service not known): check the network"},
		{"[ERROR] The JAVA_HOME environment variable is not defined correctly -> [Help 1]\n[ERROR] more", "mvn: The JAVA_HOME environment variable is not defined correctly"},
		{"The JAVA_HOME environment variable is not defined correctly", "mvn: The JAVA_HOME"},
		{"", "mvn: exit status 1"},
	} {
		err := explainMaven("9.9.9", c.output, errors.New("exit status 1"))
		checkError(t, c.output, err, c.want)
		if strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("not one plain line: %q", err)
		}
	}
}

func TestAFolderOfJarsMustHoldOneKafkaThatCanBeStarted(t *testing.T) {
	for _, c := range []struct {
		name  string
		jars  map[string][]string // jar -> members
		want  string
		logs  bool
		log4j bool
	}{
		{name: "no jars", want: "holds no kafka_SCALA-VERSION.jar"},
		{name: "no broker", jars: map[string][]string{"kafka-clients-4.3.1.jar": nil}, want: "holds no kafka_SCALA-VERSION.jar"},
		{name: "two", jars: map[string][]string{"kafka_2.13-4.3.1.jar": {brokerClass}, "kafka_2.13-4.3.0.jar": {brokerClass}}, want: "more than one Kafka (kafka_2.13-4.3.0.jar, kafka_2.13-4.3.1.jar)"},
		{name: "no number", jars: map[string][]string{"kafka_2.13-4.3.jar": {brokerClass}}, want: `"4.3" is not a Kafka version`},
		{name: "stripped", jars: map[string][]string{"kafka_2.13-4.3.1.jar": {"kafka/docker/KafkaDockerWrapper.class"}}, want: "has no kafka/Kafka.class"},
		{name: "no ZooKeeper", jars: map[string][]string{"kafka_2.13-2.8.2.jar": {brokerClass}}, want: "Kafka 2.8.2, which needs ZooKeeper, but no zookeeper-VERSION.jar"},
		{name: "with ZooKeeper", jars: map[string][]string{"kafka_2.13-2.8.2.jar": {brokerClass}, "zookeeper-3.5.9.jar": nil, "zookeeper-jute-3.5.9.jar": nil, "slf4j-log4j12-1.7.30.jar": nil}, logs: true},
		{name: "sources beside", jars: map[string][]string{"kafka_2.13-4.3.1.jar": {brokerClass}, "kafka_2.13-4.3.1-sources.jar": nil, "log4j-slf4j-impl-2.25.4.jar": nil}, logs: true, log4j: true},
		{name: "unreleased", jars: map[string][]string{"kafka_2.13-4.4.0-SNAPSHOT.jar": {brokerClass}}, log4j: true},
		{name: "log4j 1", jars: map[string][]string{"kafka_2.13-3.9.2.jar": {brokerClass}, "slf4j-reload4j-1.7.36.jar": nil}, logs: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := readJars(jarsFolder(t, c.jars))
			checkError(t, c.name, err, c.want)
			if err == nil && (s.logs != c.logs || s.log4j2 != c.log4j) {
				t.Errorf("logs %v log4j2 %v, want %v %v", s.logs, s.log4j2, c.logs, c.log4j)
			}
		})
	}
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "kafka_2.13-4.3.1.jar"), []byte("half a download"), 0o644)
	_, err := readJars(dir)
	checkError(t, "damaged", err, "the file is damaged")
	_, err = readJars(filepath.Join(dir, "absent"))
	checkError(t, "absent", err, "read the folder of jars")
}

func TestTheDigestOfJarsIsOfNamesAndContents(t *testing.T) {
	digest := func(jars map[string][]string) string {
		s, err := readJars(jarsFolder(t, jars))
		if err != nil {
			t.Fatal(err)
		}
		return s.digest
	}
	one := digest(map[string][]string{"kafka_2.13-4.3.1.jar": {brokerClass}, "a.jar": {"x"}})
	if one != digest(map[string][]string{"kafka_2.13-4.3.1.jar": {brokerClass}, "a.jar": {"x"}}) {
		t.Error("the same jars have two digests")
	}
	if one == digest(map[string][]string{"kafka_2.13-4.3.1.jar": {brokerClass}, "a.jar": {"y"}}) {
		t.Error("a changed jar was not noticed")
	}
	if one == digest(map[string][]string{"kafka_2.13-4.3.1.jar": {brokerClass}, "b.jar": {"x"}}) {
		t.Error("a renamed jar was not noticed")
	}
}

func TestTheRecipeIsLabelledAndReproducible(t *testing.T) {
	r := recipe{version: "4.3.1", base: "base:1"}
	want := `FROM base:1
LABEL org.idemcheck.image=kafka org.idemcheck.image.kafka="4.3.1" org.idemcheck.image.base="base:1" org.idemcheck.image.recipe="d"
COPY libs /opt/kafka/libs
COPY classpath /opt/kafka/classpath
COPY etc /etc/kafka/docker
COPY train /tmp/idemcheck-train.sh
RUN /tmp/idemcheck-train.sh && rm /tmp/idemcheck-train.sh
WORKDIR /
EXPOSE 9092
STOPSIGNAL SIGTERM
ENTRYPOINT []
CMD ["/etc/kafka/docker/run"]
`
	if got := r.dockerfile("d"); got != want {
		t.Errorf("the Dockerfile is\n%s\nwant\n%s", got, want)
	}
	if strings.Contains(r.dockerfile("d"), "VOLUME") {
		t.Error("a volume would take the data out of the container")
	}
	digests := map[string]bool{}
	for _, r := range []recipe{r, {version: "4.3.0", base: "base:1"}, {version: "4.3.1", base: "base:2"}, {version: "4.3.1", base: "base:1", jarsDigest: "x"}} {
		digests[r.digest()] = true
	}
	if len(digests) != 4 {
		t.Errorf("four recipes have %d digests", len(digests))
	}
}

func TestTheContextHoldsJarsInOrderAndWhatTheirKafkaNeeds(t *testing.T) {
	common := []string{"Dockerfile", "classpath", "etc/common", "etc/properties.awk", "etc/run", "train"}
	for _, c := range []struct {
		kafka, last string
		extra       []string
	}{
		{"kafka_2.12-1.1.1.jar", "zookeeper-3.4.10.jar", []string{"etc/log4j.properties", "etc/tools-log4j.properties", "etc/zookeeper"}},
		{"kafka_2.13-3.9.2.jar", "zookeeper-3.8.4.jar", []string{"etc/log4j.properties", "etc/tools-log4j.properties", "etc/zookeeper", "etc/server.properties"}},
		{"kafka_2.13-4.3.1.jar", "z.jar", []string{"etc/log4j2.yaml", "etc/tools-log4j2.yaml", "etc/server.properties"}},
	} {
		jars, err := readJars(jarsFolder(t, map[string][]string{c.kafka: {brokerClass}, c.last: nil, "a.jar": nil}))
		if err != nil {
			t.Fatal(err)
		}
		var b, again bytes.Buffer
		r := recipe{version: jars.version, base: "b"}
		if err := r.writeContext(&b, jars); err != nil {
			t.Fatal(err)
		}
		if err := r.writeContext(&again, jars); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
			t.Errorf("two contexts of one recipe differ (%v)", err)
		}
		content, modes := untar(t, &b)
		want := append([]string{"libs/a.jar", "libs/" + c.kafka, "libs/" + c.last}, append(common, c.extra...)...)
		sort.Strings(want)
		var got []string
		for name := range content {
			got = append(got, name)
		}
		sort.Strings(got)
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("the context holds\n%v\nwant\n%v", got, want)
		}
		if p := "/opt/kafka/libs/"; content["classpath"] != p+"a.jar:"+p+c.kafka+":"+p+c.last+"\n" {
			t.Errorf("class path %q", content["classpath"])
		}
		if modes["etc/run"] != 0o755 || modes["train"] != 0o755 {
			t.Errorf("scripts that cannot be run: %v", modes)
		}
	}
}

func TestAFailedStepIsToldInItsOwnWords(t *testing.T) {
	stream := `{"stream":"Step 6/12 : RUN /tmp/idemcheck-train.sh"}
{"stream":"noise\n"}{"stream":"idemcheck-train: this Kafka does not start; the end of its log:\n"}{"stream":"java.lang.Boom\n"}
{"errorDetail":{"code":1,"message":"The command returned a non-zero code: 1"},"error":"The command returned a non-zero code: 1"}`
	err := followBuild(strings.NewReader(stream), func(string, ...any) {})
	if err == nil || err.Error() != "this Kafka does not start; the end of its log:\njava.lang.Boom" {
		t.Errorf("got %v", err)
	}
	err = followBuild(strings.NewReader(`{"error":"no space left on device"}`), func(string, ...any) {})
	checkError(t, "no step", err, "no space left on device")
	err = followBuild(strings.NewReader(`{"stream":"Step 1/12 : FROM b"}{"str`), func(string, ...any) {})
	checkError(t, "cut off", err, "read the engine's answer")
	var said []string
	err = followBuild(strings.NewReader(`{"stream":"idemcheck-train: one\nidemcheck-train: two\n"}{"stream":"Successfully built\n"}`), func(f string, a ...any) { said = append(said, a[0].(string)) })
	if err != nil || strings.Join(said, ",") != "one,two" {
		t.Errorf("said %q, %v", said, err)
	}
}

func TestNoEngineIsAClearErrorAndAFinding(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(t.TempDir(), "none.sock"))
	_, err := Build(context.Background(), Spec{Version: "4.3.1"}, nil)
	checkError(t, "build", err, "no container engine answers at unix://")
	_, err = EnsureBase(context.Background(), nil)
	checkError(t, "base", err, "setup-debian.sh")
	missing := Missing(Check(context.Background(), "4.3.1"))
	if len(missing) < 3 || missing[0].Name != "container engine" || missing[1].Name != "Kafka image" || missing[2].Name != "base image" {
		t.Fatalf("missing: %+v", missing)
	}
	for _, f := range missing {
		if f.Detail == "" || f.Fix == "" {
			t.Errorf("a finding that leaves the user alone: %+v", f)
		}
	}
}

func TestWithoutMavenTheErrorSaysWhatToInstall(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := fetchJars(context.Background(), "4.3.1", t.TempDir(), func(string, ...any) {})
	checkError(t, "fetch", err, "apt-get install maven")
	if f := checkMaven(); f.OK || f.Fix == "" {
		t.Errorf("finding %+v", f)
	}
	if f := checkDebootstrap(); f.OK || !strings.Contains(f.Fix, "debootstrap") {
		t.Errorf("finding %+v", f)
	}
}

func TestTheScriptsOfTheImageParse(t *testing.T) {
	for _, name := range []string{"recipe/run.sh", "recipe/common.sh", "recipe/zookeeper.sh", "recipe/train.sh"} {
		if out, err := exec.Command("sh", "-n", name).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", name, err, out)
		}
		if path, err := exec.LookPath("shellcheck"); err == nil {
			if out, err := exec.Command(path, "-x", name).CombinedOutput(); err != nil {
				t.Errorf("shellcheck %s: %s", name, out)
			}
		}
	}
}

// checkError wants an error that holds want, or none when want is empty.
func checkError(t *testing.T, what string, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("%q: %v", what, err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("%q: error %v, want one with %q", what, err, want)
	}
}

// jarsFolder makes a folder of jars whose members are empty files.
func jarsFolder(t *testing.T, jars map[string][]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, members := range jars {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for _, m := range members {
			if _, err := z.Create(m); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func untar(t *testing.T, r io.Reader) (content map[string]string, modes map[string]int64) {
	t.Helper()
	content, modes = map[string]string{}, map[string]int64{}
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return content, modes
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		content[h.Name], modes[h.Name] = string(body), h.Mode
	}
}
