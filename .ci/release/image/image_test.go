package main

import (
	"archive/tar"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// project writes what "make binaries" has built, with the mode and time that this machine gives.
func project(t *testing.T) string {
	folder := t.TempDir()
	files := map[string]string{"LICENSE": "license"}
	for _, arch := range []string{"amd64", "arm64"} {
		files["bin/linux-"+arch+"/"+program] = "program for " + arch
	}
	for path, text := range files {
		path = filepath.Join(folder, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func build(t *testing.T, args ...string) string {
	t.Helper()
	var out strings.Builder
	args = append([]string{"-version", "1.2.3", "-revision", "abc", "-created", "1700000000"}, args...)
	if err := run(t.Context(), args, &out); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out.String())
}

func content(t *testing.T, image v1.Image) map[string]string {
	t.Helper()
	reader := mutate.Extract(image)
	defer reader.Close() //nolint:errcheck // in memory
	files := map[string]string{}
	for archive := tar.NewReader(reader); ; {
		header, err := archive.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		if header.Uid != 0 || header.Gid != 0 || header.ModTime.Unix() != 1700000000 {
			t.Errorf("%s: owner %d:%d, time %s", header.Name, header.Uid, header.Gid, header.ModTime)
		}
		files[header.Name+" "+os.FileMode(header.Mode).String()] = string(text)
	}
}

func TestImagesOfAllArchitectures(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	folder := filepath.Join(t.TempDir(), "layout")
	digest := build(t, "-project", project(t), "-layout", folder, "-push", "-names", host+"/plugin:1.2.3 "+host+"/plugin:1.2")
	if again := build(t, "-project", project(t), "-layout", folder); again != digest {
		t.Errorf("digests of two builds: %s, %s", digest, again)
	}
	if later := build(t, "-from", folder, "-push", "-names", host+"/plugin:latest"); later != digest {
		t.Errorf("digests of the build %s and of what is pushed later %s", digest, later)
	}
	for _, tag := range []string{"1.2.3", "1.2", "latest"} {
		reference, err := name.NewTag(host + "/plugin:" + tag)
		if err != nil {
			t.Fatal(err)
		}
		pushed, err := remote.Get(reference)
		if err != nil {
			t.Fatal(err)
		}
		if pushed.Digest.String() != digest {
			t.Errorf("%s has the digest %s, want %s", tag, pushed.Digest, digest)
		}
		for _, arch := range []string{"amd64", "arm64"} {
			image, err := remote.Image(reference, remote.WithPlatform(v1.Platform{OS: "linux", Architecture: arch}))
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{"LICENSE -rw-r--r--": "license", program + " -rwxr-xr-x": "program for " + arch}
			if got := content(t, image); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: files %v, want %v", arch, got, want)
			}
			config, err := image.ConfigFile()
			if err != nil {
				t.Fatal(err)
			}
			if config.Architecture != arch || config.OS != "linux" || config.Config.User != "65532:65532" ||
				!reflect.DeepEqual(config.Config.Entrypoint, []string{"/" + program}) || !config.Created.Equal(time.Unix(1700000000, 0)) ||
				config.Config.Labels["org.opencontainers.image.version"] != "1.2.3" || config.Config.Labels["org.opencontainers.image.revision"] != "abc" {
				t.Errorf("%s: configuration %+v", arch, config)
			}
		}
	}
	written, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := written.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != 1 || manifest.Manifests[0].Digest.String() != digest {
		t.Errorf("the layout has %+v, want only %s", manifest.Manifests, digest)
	}
}

func TestArchiveForOneArchitecture(t *testing.T) {
	file := filepath.Join(t.TempDir(), "image.tar")
	build(t, "-project", project(t), "-arches", "arm64", "-archive", file, "-names", "example.org/plugin:1.2.3")
	image, err := tarball.ImageFromPath(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := content(t, image)[program+" -rwxr-xr-x"]; got != "program for arm64" {
		t.Errorf("program: %q", got)
	}
}

func TestErrors(t *testing.T) {
	folder := project(t)
	away := httptest.NewServer(nil)
	away.Close()
	for text, args := range map[string][]string{
		"needs a name and exactly one":    {"-archive", filepath.Join(t.TempDir(), "a.tar"), "-names", "example.org/plugin:1"},
		"needs a name and exactly one ":   {"-archive", filepath.Join(t.TempDir(), "a.tar"), "-arches", "amd64"},
		"linux-riscv64":                   {"-arches", "riscv64"},
		"unknown argument":                {"more"},
		"read ":                           {"-from", folder},
		"can only contain the characters": {"-names", "Not A Name"},
		"push ":                           {"-push", "-names", strings.TrimPrefix(away.URL, "http://") + "/plugin:1"},
	} {
		err := run(t.Context(), append([]string{"-project", folder}, args...), io.Discard)
		if err == nil || !strings.Contains(err.Error(), strings.TrimSpace(text)) {
			t.Errorf("%v: error %v, want %q", args, err, text)
		}
	}
}
