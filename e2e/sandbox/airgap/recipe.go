package airgap

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

const (
	// BusyBox is the image that the tests' pods run.
	BusyBox = "docker.io/library/busybox:1.37"
	// pause is the image of kubeadm's sandboxes, for this release of Kubernetes.
	pause = "registry.k8s.io/pause:3.10.1"
	// debian is the Debian release of the node. Later releases have a systemd that does not
	// start on a host with control groups of version 1.
	debian = "bookworm"
	// Repository of the node image. The tag is a hash of the image's inputs.
	Repository       = "interlink-e2e/node"
	debianRepository = "interlink-e2e/debian"
)

// packages of the node, in addition to Debian's required ones: those of kind's base image
// without the ones for special storage, and Debian's runc and network plugins.
var packages = []string{
	"systemd", "conntrack", "iptables", "nftables", "ipset", "iproute2", "ethtool", "util-linux", "mount", "kmod", "libseccomp2",
	"bash", "ca-certificates", "curl", "jq", "procps", "runc", "containernetworking-plugins", "socat", "busybox-static",
}

// recipe describes the inputs of a node image.
type recipe struct {
	dir  string // folder of this package
	kind string // folder of kind's module
	// versions as in v1.34.4
	kubernetes, etcd, coredns string
	programs                  string // hash of the inputs of all programs
	key                       string // hash of all inputs
}

// readRecipe reads the recipe from the folders of the project and of kind's module.
func readRecipe(project, kind string) (recipe, error) {
	r := recipe{dir: filepath.Join(project, "e2e", "sandbox", "airgap"), kind: kind}
	var modules, all strings.Builder
	fmt.Fprintln(&modules, runtime.Version(), runtime.GOARCH, buildFlags)
	var containerd string // is in no name
	for _, find := range []struct {
		module, of string
		version    *string
	}{
		{"containerd", "github.com/containerd/containerd/v2", &containerd},
		{"kubernetes", "k8s.io/kubernetes", &r.kubernetes},
		{"kubernetes", "go.etcd.io/etcd/server/v3", &r.etcd},
		{"coredns", "github.com/coredns/coredns", &r.coredns},
	} {
		for _, name := range []string{"go.mod", "go.sum"} {
			text, err := os.ReadFile(filepath.Join(r.dir, find.module, name))
			if err != nil {
				return r, err
			}
			modules.Write(text)
			if found := regexp.MustCompile(`(?m)^(?:require)?\s+` + regexp.QuoteMeta(find.of) + ` (v[0-9.]+)`).FindSubmatch(text); name == "go.mod" && found != nil {
				*find.version = string(found[1])
			}
		}
		if *find.version == "" {
			return r, fmt.Errorf("%s/%s/go.mod does not require a release of %s", r.dir, find.module, find.of)
		}
	}
	for _, folder := range []string{filepath.Join(r.dir, "pause"), filepath.Join(filepath.Dir(r.dir), "engine", "runc-shim")} {
		if err := writeContents(&modules, folder); err != nil {
			return r, err
		}
	}
	r.programs = key(modules.String())
	fmt.Fprintln(&all, r.programs, packages, debian, pause, BusyBox)
	for _, folder := range []string{r.dir, filepath.Join(filepath.Dir(r.dir), "wstunnel"), filepath.Join(kind, "images", "base", "files")} {
		if err := writeContents(&all, folder); err != nil {
			return r, err
		}
	}
	r.key = key(all.String())
	return r, nil
}

// writeContents writes the files of a folder that the image depends on.
func writeContents(to *strings.Builder, folder string) error {
	return fs.WalkDir(os.DirFS(folder), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, ".md") {
			return err
		}
		text, err := os.ReadFile(filepath.Join(folder, name))
		fmt.Fprintf(to, "%s %d\n%s\n", name, len(text), text)
		return err
	})
}

func key(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text)))[:12] }

// image returns the name of the node image.
func (r recipe) image() string { return Repository + ":" + r.kubernetes + "-" + r.key }

// imageOf returns the name of a component's image, as kubeadm of this release expects it
// ("kubeadm config images list").
func (r recipe) imageOf(component string) string {
	switch component {
	case "etcd":
		return "registry.k8s.io/etcd:" + strings.TrimPrefix(r.etcd, "v") + "-0"
	case "coredns":
		return "registry.k8s.io/coredns/coredns:" + r.coredns
	}
	return "registry.k8s.io/" + component + ":" + r.kubernetes
}
