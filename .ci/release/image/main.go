// image writes the plugin's image: from the programs that "make binaries" has built, without a container engine, and
// each time the same for the same commit and version of Go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

// run prints the digest of the images to out.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	project := flags.String("project", ".", "folder of the project")
	arches := flags.String("arches", "amd64 arm64", "architectures, separated by spaces")
	version := flags.String("version", "dev", "version of the release")
	revision := flags.String("revision", "unknown", "commit of the release")
	created := flags.Int64("created", 0, "time of the commit, in seconds since 1970")
	from := flags.String("from", "", "take the images from this OCI image layout instead of building them")
	folder := flags.String("layout", "", "write an OCI image layout with all architectures into this folder")
	archive := flags.String("archive", "", "write an archive for \"docker load\", with one architecture, into this file")
	names := flags.String("names", "", "names of the image, separated by spaces; the archive has the first one")
	push := flags.Bool("push", false, "push the image under each name; credentials are those of \"docker login\"")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unknown argument %q", flags.Arg(0))
	}
	r := release{version: *version, revision: *revision, created: time.Unix(*created, 0).UTC()}
	build := func() (v1.ImageIndex, error) { return r.index(*project, strings.Fields(*arches)) }
	if *from != "" {
		build = func() (v1.ImageIndex, error) { return readLayout(*from) }
	}
	index, err := build()
	if err != nil {
		return err
	}
	references := []name.Tag{}
	for _, text := range strings.Fields(*names) {
		reference, err := name.NewTag(text)
		if err != nil {
			return err
		}
		references = append(references, reference)
	}
	if *folder != "" {
		if err := writeLayout(*folder, r.version, index); err != nil {
			return fmt.Errorf("write %s: %w", *folder, err)
		}
	}
	if *archive != "" {
		if err := writeArchive(*archive, references, index); err != nil {
			return fmt.Errorf("write %s: %w", *archive, err)
		}
	}
	if *push {
		for _, reference := range references {
			if err := remote.WriteIndex(reference, index, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
				return fmt.Errorf("push %s: %w", reference, err)
			}
		}
	}
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, digest)
	return err
}

// readLayout returns the images of a layout that writeLayout wrote.
func readLayout(folder string) (v1.ImageIndex, error) {
	all, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", folder, err)
	}
	manifest, err := all.IndexManifest()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", folder, err)
	}
	if len(manifest.Manifests) != 1 {
		return nil, fmt.Errorf("%s has %d images, want one", folder, len(manifest.Manifests))
	}
	return all.ImageIndex(manifest.Manifests[0].Digest)
}

// writeLayout writes a new folder, because a layout keeps what was written to it before.
func writeLayout(folder, version string, index v1.ImageIndex) error {
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	path, err := layout.Write(folder, empty.Index)
	if err != nil {
		return err
	}
	return path.AppendIndex(index, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": version}))
}

func writeArchive(file string, references []name.Tag, index v1.ImageIndex) error {
	manifest, err := index.IndexManifest()
	if err != nil {
		return err
	}
	if len(references) == 0 || len(manifest.Manifests) != 1 {
		return errors.New("an archive needs a name and exactly one architecture")
	}
	image, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		return err
	}
	return tarball.WriteToFile(file, references[0], image)
}
