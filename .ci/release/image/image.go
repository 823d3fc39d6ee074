package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"path"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	program = "interlink-kubernetes-plugin"
	source  = "https://github.com/interlink-hq/interlink-kubernetes-plugin"
	// user is the one of InterLink's own image, so that InterLink in the same pod can use a socket of mode 0660.
	// It is a number, so that a kubelet can verify that the user is not root.
	user = "65532:65532"
)

// release is what all images of a release have in common.
type release struct {
	version  string
	revision string    // the commit
	created  time.Time // the time of the commit, so that each build of it gives the same image
}

// file is a file of the image.
type file struct {
	from string // on this machine
	mode int64
}

// image returns the image of one architecture: the static program and the license, and nothing else. It contains
// no certificate authorities: a kubeconfig contains its own, and for a remote cluster with a public certificate the
// program contains Mozilla's. The program uses a bundle that is mounted at /etc/ssl/certs/ca-certificates.crt instead.
//
// The program writes only the unix socket. Its folder, /var/run by default, must be a volume that the user can write
// to. The root file system can be read-only.
func (r release) image(arch, binary, license string) (v1.Image, error) {
	archive, err := r.archive(file{license, 0o644}, file{binary, 0o755})
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive)), nil },
		tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err = mutate.Append(image, mutate.Addendum{Layer: layer, MediaType: types.OCILayer, History: v1.History{
		Created: v1.Time{Time: r.created}, CreatedBy: "make release",
	}})
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = "linux", arch, v1.Time{Time: r.created}
	config.Config = v1.Config{User: user, Entrypoint: []string{"/" + program}, Labels: r.labels()}
	return mutate.ConfigFile(image, config)
}

// labels are those of https://specs.opencontainers.org/image-spec/annotations/.
func (r release) labels() map[string]string {
	return map[string]string{
		"org.opencontainers.image.title":       "InterLink Kubernetes plugin",
		"org.opencontainers.image.description": "Runs the pods of an InterLink virtual node in a remote Kubernetes cluster",
		"org.opencontainers.image.source":      source,
		"org.opencontainers.image.url":         source,
		"org.opencontainers.image.licenses":    "Apache-2.0",
		"org.opencontainers.image.version":     r.version,
		"org.opencontainers.image.revision":    r.revision,
	}
}

// archive returns an archive of files in the root folder. Owners and times do not depend on this machine.
func (r release) archive(files ...file) ([]byte, error) {
	var buffer bytes.Buffer
	writer := tar.NewWriter(&buffer)
	for _, f := range files {
		content, err := os.ReadFile(f.from)
		if err != nil {
			return nil, err
		}
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: path.Base(f.from), Mode: f.mode, Size: int64(len(content)), ModTime: r.created, Format: tar.FormatPAX,
		}
		if err := writer.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("add %s: %w", f.from, err)
		}
		if _, err := writer.Write(content); err != nil {
			return nil, fmt.Errorf("add %s: %w", f.from, err)
		}
	}
	return buffer.Bytes(), writer.Close()
}

// index returns the images of all architectures under one name. The program of an architecture is
// bin/linux-<arch>/interlink-kubernetes-plugin, as "make binaries" writes it.
func (r release) index(project string, arches []string) (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, arch := range arches {
		image, err := r.image(arch, path.Join(project, "bin", "linux-"+arch, program), path.Join(project, "LICENSE"))
		if err != nil {
			return nil, fmt.Errorf("image for %s: %w", arch, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}
	return mutate.Annotations(index, r.labels()).(v1.ImageIndex), nil
}
