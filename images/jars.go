package images

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
)

// jarSet is a folder of jars that holds a Kafka broker.
type jarSet struct {
	dir       string
	names     []string // sorted, so that the class path is the same everywhere
	version   string
	digest    string // hex SHA-256 over names and contents
	release   release
	log4j2    bool // Kafka's logging is log4j 2 (4.0 and later), not log4j 1
	zookeeper bool // ZooKeeper is among them (before 4.0)
	logs      bool // something binds slf4j to log4j: without it a broker is silent
}

// kafkaJar is the name of the broker's core jar: kafka_SCALA-VERSION.jar. The
// version starts with two numbers, which keeps out kafka_2.13-4.3.1-sources.jar's
// relatives only together with notCode.
var (
	kafkaJar = regexp.MustCompile(`^kafka_\d+\.\d+-(\d+\.\d+.*)\.jar$`)
	notCode  = regexp.MustCompile(`-(sources|javadoc|test|test-sources|scaladoc)\.jar$`)
	binding  = regexp.MustCompile(`^(log4j-slf4j2?-impl|slf4j-reload4j|slf4j-log4j12|logback-classic)-\d.*\.jar$`)
	zooJar   = regexp.MustCompile(`^zookeeper-\d.*\.jar$`)
	log4jJar = regexp.MustCompile(`^log4j-core-(\d+\.\d+\.\d+.*)\.jar$`)
)

// brokerClass is what the images start.
const brokerClass = "kafka/Kafka.class"

// readJars looks at a folder of jars, and refuses one that holds no Kafka broker.
func readJars(dir string) (jarSet, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return jarSet{}, fmt.Errorf("read the folder of jars: %w", err)
	}
	s := jarSet{dir: dir}
	var core []string
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() || !strings.HasSuffix(name, ".jar") || notCode.MatchString(name) {
			continue
		}
		s.names = append(s.names, name)
		if m := kafkaJar.FindStringSubmatch(name); m != nil {
			core = append(core, name)
			s.version = m[1]
		}
		s.zookeeper = s.zookeeper || zooJar.MatchString(name)
		s.logs = s.logs || binding.MatchString(name)
	}
	switch len(core) {
	case 1:
	case 0:
		return jarSet{}, fmt.Errorf("%s holds no kafka_SCALA-VERSION.jar: give the folder with all jars of a broker, such as libs/ of an unpacked Kafka release", dir)
	default:
		return jarSet{}, fmt.Errorf("%s holds more than one Kafka (%s): keep the jars of one version only", dir, strings.Join(core, ", "))
	}
	if s.release, err = parseRelease(s.version); err != nil {
		return jarSet{}, fmt.Errorf("jars in %s: %w", dir, err)
	}
	if ok, err := jarHolds(filepath.Join(dir, core[0]), brokerClass); err != nil {
		return jarSet{}, err
	} else if !ok {
		return jarSet{}, fmt.Errorf("%s has no %s: it is no broker; give the jars of a Kafka release", filepath.Join(dir, core[0]), brokerClass)
	}
	if !s.release.kraft() && !s.zookeeper {
		return jarSet{}, fmt.Errorf("%s holds Kafka %s, which needs ZooKeeper, but no zookeeper-VERSION.jar: give all jars of the release", dir, s.version)
	}
	s.log4j2 = s.release.log4j2()
	sort.Strings(s.names)
	s.digest, err = digestFiles(dir, s.names)
	return s, err
}

// log4jVersion is the version of the log4j 2 among the jars, or "".
func (s jarSet) log4jVersion() string {
	for _, name := range s.names {
		if m := log4jJar.FindStringSubmatch(name); m != nil {
			return m[1]
		}
	}
	return ""
}

func jarHolds(jar, member string) (bool, error) {
	r, err := zip.OpenReader(jar)
	if err != nil {
		return false, fmt.Errorf("open %s: %w: the file is damaged, get it again", jar, err)
	}
	defer r.Close()
	for _, f := range r.File {
		if f.Name == member {
			return true, nil
		}
	}
	return false, nil
}

func digestFiles(dir string, names []string) (string, error) {
	sum := sha256.New()
	for _, name := range names {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			return "", fmt.Errorf("read a jar: %w", err)
		}
		one := sha256.New()
		_, err = io.Copy(one, f)
		f.Close()
		if err != nil {
			return "", fmt.Errorf("read %s: %w", f.Name(), err)
		}
		fmt.Fprintf(sum, "%s %x\n", name, one.Sum(nil))
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
