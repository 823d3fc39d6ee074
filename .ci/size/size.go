package main

import (
	"cmp"
	"debug/elf"
	"debug/gosym"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// codeOf returns how many bytes of machine code each package has. It reads the table of functions that a Go program
// keeps for its stack traces, also after "-s -w".
func codeOf(file string) (map[string]uint64, error) {
	program, err := elf.Open(file)
	if err != nil {
		return nil, err
	}
	defer program.Close() //nolint:errcheck // it is only read
	text, lines := program.Section(".text"), program.Section(".gopclntab")
	if text == nil || lines == nil {
		return nil, errors.New("it is no Go program")
	}
	data, err := lines.Data()
	if err != nil {
		return nil, err
	}
	table, err := gosym.NewTable(nil, gosym.NewLineTable(data, text.Addr))
	if err != nil {
		return nil, err
	}
	code := map[string]uint64{}
	for _, function := range table.Funcs {
		code[packageOf(function.Sym)] += function.End - function.Entry
	}
	return code, nil
}

// packageOf returns the path of the package of a function. The linker writes a dot in its last element as %2e.
func packageOf(function *gosym.Sym) string {
	name := strings.ReplaceAll(function.PackageName(), "%2e", ".")
	return cmp.Or(name, "runtime") // assembly without a package
}

const (
	standard = "Go's runtime and standard library"
	others   = "other libraries"
)

// features says which packages a part of the program consists of. The longest prefix decides. A library that several
// parts use counts once, where most of its use is.
var features = map[string][]string{
	"this plugin":           {"main", "github.com/interlink-hq"},
	"Kubernetes: API types": {"k8s.io/api", "k8s.io/kube-openapi", "github.com/google/gnostic-models"},
	"Kubernetes: client": {
		"k8s.io", "sigs.k8s.io", "github.com/gogo/protobuf", "github.com/fxamacker/cbor", "github.com/modern-go",
		"github.com/json-iterator", "github.com/go-json-experiment", "github.com/go-openapi", "go.yaml.in", "gopkg.in/inf.v0", "gopkg.in/evanphx", "github.com/evanphx",
		"github.com/davecgh", "github.com/emicklei", "golang.org/x/oauth2", "golang.org/x/time", "github.com/go-logr/logr",
	},
	"Helm: TCP tunnels": {
		"helm.sh", "k8s.io/cli-runtime", "k8s.io/kubectl", "k8s.io/apiextensions-apiserver", "k8s.io/apiserver", "k8s.io/component-base",
		"sigs.k8s.io/kustomize", "oras.land", "github.com/Masterminds", "github.com/BurntSushi", "github.com/santhosh-tekuri",
		"github.com/gobwas", "github.com/xeipuu", "github.com/huandu", "github.com/mitchellh", "github.com/containerd",
		"github.com/opencontainers", "github.com/cyphar", "github.com/jmoiron", "github.com/lib/pq", "github.com/rubenv", "github.com/go-gorp",
		"github.com/shopspring", "github.com/asaskevich", "github.com/chai2010", "github.com/MakeNowJust", "github.com/exponent-io",
		"github.com/russross", "github.com/peterbourgon", "github.com/gregjones", "github.com/google/btree",
		"github.com/liggitt", "github.com/sirupsen", "github.com/moby", "github.com/fatih", "github.com/go-errors", "golang.org/x/text",
		"github.com/ProtonMail", "github.com/cloudflare/circl", "github.com/lann", "github.com/gosuri", "github.com/monochromegane",
		"github.com/agnivade", "github.com/hashicorp", "dario.cat/mergo",
	},
	"gRPC and OTLP: traces": {
		"go.opentelemetry.io", "google.golang.org", "github.com/grpc-ecosystem", "github.com/cenkalti", "github.com/felixge", "github.com/go-logr/stdr",
	},
	"Prometheus: metrics":     {"github.com/prometheus", "github.com/beorn7", "github.com/cespare", "github.com/munnerz"},
	"cobra: commands":         {"github.com/spf13", "github.com/inconshreveable"},
	"TLS, HTTP and addresses": {"crypto", "net", "golang.org/x/crypto", "golang.org/x/net", "vendor/golang.org/x"},
}

type part struct {
	name     string
	code     uint64
	packages map[string]uint64
}

// parts groups packages, the largest part first.
func parts(code map[string]uint64) []part {
	found := map[string]*part{}
	for name, size := range code {
		feature := featureOf(name)
		if found[feature] == nil {
			found[feature] = &part{name: feature, packages: map[string]uint64{}}
		}
		found[feature].code += size
		found[feature].packages[name] = size
	}
	var list []part
	for _, p := range found {
		list = append(list, *p)
	}
	slices.SortFunc(list, func(a, b part) int { return cmp.Or(cmp.Compare(b.code, a.code), cmp.Compare(a.name, b.name)) })
	return list
}

func featureOf(name string) string {
	best, length := "", 0
	for feature, prefixes := range features {
		for _, prefix := range prefixes {
			if (name == prefix || strings.HasPrefix(name, prefix+"/")) && len(prefix) > length {
				best, length = feature, len(prefix)
			}
		}
	}
	if best != "" {
		return best
	}
	if first, _, _ := strings.Cut(name, "/"); strings.Contains(first, ".") {
		return others
	}
	return standard
}

// write prints one line for each part. Types, texts and the tables of the runtime grow with the code, and a program
// does not say which package they belong to: a part's share of the file is that of the code.
func write(out io.Writer, file string, size int64, list []part, packages bool) error {
	var code uint64
	for _, p := range list {
		code += p.code
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(p part, indent string) {
		share := float64(p.code) / float64(max(code, 1))
		_, _ = fmt.Fprintf(table, "%.2f MB\t%.0f %%\t%.1f MB\t  %s%s\n", megabytes(p.code), 100*share, share*megabytes(uint64(size)), indent, p.name)
	}
	_, _ = fmt.Fprintf(table, "code\tshare\tof the file\t  %s\n", file)
	for _, p := range list {
		line(p, "")
		if !packages {
			continue
		}
		names := slices.SortedFunc(maps.Keys(p.packages), func(a, b string) int {
			return cmp.Or(cmp.Compare(p.packages[b], p.packages[a]), cmp.Compare(a, b))
		})
		for _, name := range names {
			line(part{name: name, code: p.packages[name]}, "  ")
		}
	}
	line(part{name: "total", code: code}, "")
	return table.Flush()
}

func megabytes(bytes uint64) float64 { return float64(bytes) / 1e6 }
