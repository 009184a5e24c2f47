package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// script writes a driver program. PROGRAM in it stands for this one.
func script(t *testing.T, dir, name, text string) string {
	t.Helper()
	text = "#!/bin/sh\n" + strings.ReplaceAll(text, "PROGRAM", program) + "\n"
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return "./" + name
}

const isReady = `echo '{"event":"ready","protocol":1,"library":"sh","version":"1","order":{"promised":false,"why":"it is a script"},"deadline_ms":1000}'`

func TestAMatrixGoesOnWhateverAClientDoes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := write(t, dir, "mine.yaml", "RECORDS", "40", "RATE", "50/s")
	clients := []string{
		script(t, dir, "garbage", "read line; echo 'WARNING: deprecated'; read line"),
		script(t, dir, "dies", "read line; "+isReady+"; echo 'out of memory' >&2; exit 7"),
		script(t, dir, "lies", "read line; "+isReady+`; read line; echo '{"event":"ack","acks":[{"id":99,"partition":0,"offset":1}]}'; cat >/dev/null`),
		script(t, dir, "twice", "read line; "+isReady+`; read line; echo '{"event":"ack","acks":[{"id":1,"partition":0,"offset":1},{"id":1,"partition":0,"offset":1}]}'; cat >/dev/null`),
		script(t, dir, "lacks", `read line; echo '{"event":"fatal","class":"unsupported","option":"idempotence","message":"a script has no idempotent producer"}'; exit 3`),
		script(t, dir, "good", "exec PROGRAM driver franz-go"),
	}
	c := cli(t, dir, "run", "--client", strings.Join(clients, ","), "--summary", "s.md", "--junit", "j.xml", file)
	c.want(t, exitBroken, "is no event of the protocol", "out of memory", "ack of 99", "ack of 1,",
		"lacks cannot run it: idempotence: a script has no idempotent producer", "ok   mine good", "1 as expected, 4 broken, 1 skipped")
	page, err := os.ReadFile(filepath.Join(dir, "s.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"| scenario | garbage | dies | lies | twice | lacks | good |", "--client ", "| mine |", "](runs/"} {
		if !strings.Contains(string(page), text) {
			t.Errorf("the page does not say %q:\n%s", text, page)
		}
	}
	if text, err := os.ReadFile(filepath.Join(dir, "j.xml")); err != nil || !strings.Contains(string(text), `name="scenario files with good"`) {
		t.Errorf("%v\n%s", err, text)
	}
}

func TestAClientThatIsNotToBeHadIsSaidAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := write(t, dir, "mine.yaml", "RECORDS", "40", "RATE", "50/s")
	c := cli(t, dir, "run", "--cache", filepath.Join(dir, "cache"), "--client", "franz-go@0.0.0-nonsense,franz-go", file, file)
	c.want(t, exitBroken, "client franz-go@0.0.0-nonsense cannot be built: ", "the whole output is in ", "is not to be had, as was said before", "2 as expected, 2 broken")
}

func TestAClientIsNamedWell(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "text"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for client, says := range map[string]string{
		"sarma":                       `unknown client library "sarma" (there are aiokafka, `,
		"sarama@":                     "want LIBRARY or LIBRARY@VERSION",
		"sarama@1.0;rm":               "with a version as its registry has it",
		"./nobody":                    "no such file",
		"./text":                      "not a program that can be run (chmod +x it",
		"sarama,IBM/sarama":           "twice",
		"kafkajs@2.2.4,kafkajs@2.2.4": "twice",
	} {
		cli(t, dir, "run", "--client", client, "smoke/ack-loss").want(t, exitUsage, says)
	}
}

func TestAScenarioFileMayNameADriverOfItsOwn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	driver := script(t, dir, "mine", "exec PROGRAM driver franz-go")
	text := strings.Replace(text("RECORDS", "40", "RATE", "50/s"), "library: franz-go", "driver: ["+driver+"]", 1)
	if err := os.WriteFile(filepath.Join(dir, "own.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cli(t, dir, "run", "own.yaml").want(t, exitAsExpected, "every guarantee held")
}
