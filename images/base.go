package images

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/moby/moby/client"
)

// BaseReference is the name of the base image that EnsureBase makes: Debian's
// smallest system and its Java 17 runtime, which every Kafka runs on.
const BaseReference = "idemcheck/jre:17"

const (
	baseSuite   = "bookworm"
	basePackage = "openjdk-17-jre-headless"
)

// leftOut are the files of a fresh Debian that no container needs: they are a
// third of it.
func leftOut() []string {
	return []string{"./var/cache/apt/*", "./var/lib/apt/lists/*", "./var/log/*", "./usr/share/doc/*", "./usr/share/man/*", "./usr/share/locale/*", "./usr/share/info/*"}
}

// EnsureBase makes the base image unless it is there, and returns its name. It
// needs root, debootstrap and a Debian mirror: about 45 s and 500 MB below the
// folder for temporary files, all removed again.
func EnsureBase(ctx context.Context, progress func(string)) (ref string, err error) {
	say := sayer(progress)
	e, err := connect(ctx)
	if err != nil {
		return "", err
	}
	defer e.close()
	have, err := e.labels(ctx, BaseReference)
	if err != nil {
		return "", err
	}
	if have[Label] == "base" && have[labelRecipe] == baseDigest() {
		say("base image %s is there already", BaseReference)
		return BaseReference, nil
	}
	if f := checkDebootstrap(); !f.OK {
		return "", fmt.Errorf("make base image %s: %s: %s; or name an image with a Java 17 runtime as the base", BaseReference, f.Detail, f.Fix)
	}
	dir, err := os.MkdirTemp("", "idemcheck-base-")
	if err != nil {
		return "", fmt.Errorf("make base image %s: %w", BaseReference, err)
	}
	defer func() {
		if rerr := os.RemoveAll(dir); rerr != nil && err == nil {
			err = fmt.Errorf("remove the files that base image %s was made from: %w", BaseReference, rerr)
		}
	}()
	begun := time.Now()
	say("installing Debian %s with %s into %s (about 40 s)", baseSuite, basePackage, dir)
	if err := debootstrap(ctx, dir); err != nil {
		return "", fmt.Errorf("make base image %s: %w", BaseReference, err)
	}
	say("installed in %s; importing it as image %s", since(begun), BaseReference)
	begun = time.Now()
	if err := e.importDir(ctx, dir, BaseReference); err != nil {
		return "", fmt.Errorf("make base image %s: %w", BaseReference, err)
	}
	say("imported in %s", since(begun))
	return BaseReference, nil
}

func baseDigest() string {
	sum := sha256.Sum256([]byte(strings.Join(append(leftOut(), baseSuite, basePackage), "\n")))
	return hex.EncodeToString(sum[:])[:24]
}

// debootstrap runs in mount and process namespaces of its own: when it is
// interrupted, everything it started ends and everything it mounted is gone
// before its folder is removed.
func debootstrap(ctx context.Context, dir string) error {
	cmd := exec.CommandContext(ctx, "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
		"debootstrap", "--variant=minbase", "--include="+basePackage, baseSuite, dir)
	cmd.WaitDelay = 2 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("debootstrap: %w: %s", err, lastLines(out.String(), 5))
	}
	return nil
}

// importDir makes an image of the content of a folder.
func (e *engine) importDir(ctx context.Context, dir, ref string) error {
	args := []string{"--directory", dir, "--create", "--numeric-owner"}
	for _, pattern := range leftOut() {
		args = append(args, "--exclude="+pattern)
	}
	tar := exec.CommandContext(ctx, "tar", append(args, ".")...)
	var complaint bytes.Buffer
	tar.Stderr = &complaint
	content, w := io.Pipe()
	tar.Stdout = w
	tar.WaitDelay = 2 * time.Second
	go func() {
		err := tar.Run()
		if err != nil {
			err = fmt.Errorf("tar: %w: %s", err, lastLines(complaint.String(), 3))
		}
		w.CloseWithError(err)
	}()
	defer content.Close()
	res, err := e.api.ImageImport(ctx, client.ImageImportSource{Source: content, SourceName: "-"}, ref, client.ImageImportOptions{
		Message: "made by idemcheck from Debian packages",
		Changes: []string{
			fmt.Sprintf("LABEL %s=base %s=%q", Label, labelRecipe, baseDigest()),
			"ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8",
			`CMD ["/bin/sh"]`,
		},
	})
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	defer res.Close()
	for dec := json.NewDecoder(res); ; {
		var m struct {
			Error string `json:"error"`
		}
		if err := dec.Decode(&m); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("import: read the engine's answer: %w", err)
		}
		if m.Error != "" {
			return fmt.Errorf("import: %s", m.Error)
		}
	}
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "\n")
}
