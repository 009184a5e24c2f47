// Command build-image makes a Kafka image out of published jars or a folder of
// jars, and the base image under it, and prints the image's name.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/idemcheck/idemcheck/images"
)

func main() {
	var (
		spec     images.Spec
		baseOnly bool
	)
	flag.StringVar(&spec.Version, "kafka", "", "published Kafka `version`, such as 4.3.1")
	flag.StringVar(&spec.JarsDir, "jars", "", "`folder` with all jars of a broker, instead of published ones")
	flag.StringVar(&spec.Base, "base", "", "local `image` with a Java runtime (default: made from Debian packages, "+images.BaseReference+")")
	flag.StringVar(&spec.Tag, "tag", "", "`name` of the image (default: by version)")
	flag.BoolVar(&baseOnly, "base-only", false, "make the base image and nothing else")
	flag.Parse()
	if flag.NArg() > 0 || !baseOnly && spec.Version == "" && spec.JarsDir == "" {
		flag.Usage()
		os.Exit(64)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	begun := time.Now()
	progress := func(line string) {
		fmt.Fprintf(os.Stderr, "%6.1fs  %s\n", time.Since(begun).Seconds(), line)
	}
	var ref string
	var err error
	if baseOnly {
		ref, err = images.EnsureBase(ctx, progress)
	} else {
		ref, err = images.Build(ctx, spec, progress)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build-image:", err)
		os.Exit(3)
	}
	fmt.Println(ref)
}
