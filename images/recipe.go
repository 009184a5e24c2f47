package images

import (
	"archive/tar"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// files are what goes into an image besides jars. They are plain files, not
// strings, so that a shell's and an editor's tools work on them.
//
//go:embed recipe
var files embed.FS

// recipe is what the content of a Kafka image is a function of.
type recipe struct {
	version    string
	base       string
	jarsDigest string // empty: the published jars of version
}

// member is one embedded file on its way into the image.
type member struct {
	source string // below recipe/
	target string // in the build context; etc/ becomes /etc/kafka/docker/
	mode   int64
	fits   func(jarSet) bool // which jars it is for; nil is all
}

// members lists the embedded files of every image.
func members() []member {
	log4j1 := func(j jarSet) bool { return !j.log4j2 }
	log4j2 := func(j jarSet) bool { return j.log4j2 }
	return []member{
		{"run.sh", "etc/run", 0o755, nil},
		{"common.sh", "etc/common", 0o644, nil},
		{"properties.awk", "etc/properties.awk", 0o644, nil},
		{"train.sh", "train", 0o755, nil},
		{"zookeeper.sh", "etc/zookeeper", 0o755, func(j jarSet) bool { return j.zookeeper }},
		// A broker that needs a ZooKeeper cannot do without variables.
		{"server.properties", "etc/server.properties", 0o644, func(j jarSet) bool { return j.release.kraft() }},
		{"log4j.properties", "etc/log4j.properties", 0o644, log4j1},
		{"tools-log4j.properties", "etc/tools-log4j.properties", 0o644, log4j1},
		{"log4j2.yaml", "etc/log4j2.yaml", 0o644, log4j2},
		{"tools-log4j2.yaml", "etc/tools-log4j2.yaml", 0o644, log4j2},
	}
}

// digest is the label that tells whether an image is the one that would be built
// now. It covers this package's own files, so a newer idemcheck rebuilds.
func (r recipe) digest() string {
	sum := sha256.New()
	_, _ = io.WriteString(sum, r.dockerfile(""))
	_, _ = io.WriteString(sum, r.jarsDigest)
	for _, m := range members() {
		content, err := files.ReadFile("recipe/" + m.source)
		if err != nil {
			panic(err) // it is embedded: only a wrong name in members gets here, and every test would
		}
		fmt.Fprintf(sum, "%s %s %o %d\n", m.source, m.target, m.mode, len(content))
		sum.Write(content)
	}
	return hex.EncodeToString(sum.Sum(nil))[:24]
}

// dockerfile is the build's script. Labels come first, so that what a broken
// build leaves behind carries them as well.
func (r recipe) dockerfile(digest string) string {
	return strings.Join([]string{
		"FROM " + r.base,
		fmt.Sprintf("LABEL %s=kafka %s=%q %s=%q %s=%q", Label, labelVersion, r.version, labelBase, r.base, labelRecipe, digest),
		"COPY libs /opt/kafka/libs",
		"COPY classpath /opt/kafka/classpath",
		"COPY etc /etc/kafka/docker",
		"COPY train /tmp/idemcheck-train.sh",
		"RUN /tmp/idemcheck-train.sh && rm /tmp/idemcheck-train.sh",
		"WORKDIR /",
		"EXPOSE 9092",
		"STOPSIGNAL SIGTERM",
		"ENTRYPOINT []",
		`CMD ["/etc/kafka/docker/run"]`,
		"",
	}, "\n")
}

// stamp is the modification time of every file in an image. A class-data archive
// is refused when a jar is not of the very time it was trained with, and whole
// seconds are what survives every storage driver.
func stamp() time.Time { return time.Unix(1_700_000_000, 0) }

// writeContext writes the build context, a tar stream, to w.
func (r recipe) writeContext(w io.Writer, jars jarSet) error {
	t := tar.NewWriter(w)
	add := func(name string, mode, size int64, content io.Reader) error {
		h := &tar.Header{Name: name, Mode: mode, Size: size, ModTime: stamp(), Typeflag: tar.TypeReg}
		if err := t.WriteHeader(h); err != nil {
			return fmt.Errorf("write the build context: %w", err)
		}
		if _, err := io.Copy(t, content); err != nil {
			return fmt.Errorf("write %s to the build context: %w", name, err)
		}
		return nil
	}
	text := func(name string, mode int64, content string) error {
		return add(name, mode, int64(len(content)), strings.NewReader(content))
	}
	if err := text("Dockerfile", 0o644, r.dockerfile(r.digest())); err != nil {
		return err
	}
	var classpath []string
	for _, name := range jars.names {
		classpath = append(classpath, "/opt/kafka/libs/"+name)
	}
	if err := text("classpath", 0o644, strings.Join(classpath, ":")+"\n"); err != nil {
		return err
	}
	for _, m := range members() {
		if m.fits != nil && !m.fits(jars) {
			continue
		}
		content, err := files.ReadFile("recipe/" + m.source)
		if err != nil {
			return fmt.Errorf("read the embedded recipe: %w", err)
		}
		if err := text(m.target, m.mode, string(content)); err != nil {
			return err
		}
	}
	for _, name := range jars.names {
		if err := addFile(add, filepath.Join(jars.dir, name), "libs/"+name); err != nil {
			return err
		}
	}
	if err := t.Close(); err != nil {
		return fmt.Errorf("write the build context: %w", err)
	}
	return nil
}

func addFile(add func(string, int64, int64, io.Reader) error, path, name string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read a jar: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("read a jar: %w", err)
	}
	return add(name, 0o644, info.Size(), f)
}
