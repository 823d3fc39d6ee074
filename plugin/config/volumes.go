package config

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// NFSExport is a folder of NFS servers that pods may mount. The patterns stand for whole
// folders only: what is below a folder is another one.
type NFSExport struct {
	// Server and Path are patterns.
	Server, Path string
	// ReadOnly makes each mount read-only.
	ReadOnly bool
}

// HostPath is a folder of the remote nodes that pods may read.
type HostPath struct {
	// Path is a pattern.
	Path string
	// Slave lets pods see file systems that the node mounts below the folder later. They are
	// read-only only if they are so on the node.
	Slave bool
}

// PlacementValue is a value that pods may choose for a field of their placement.
type PlacementValue struct {
	// Field is one of [PlacementFields], and Value a pattern.
	Field, Value string
}

// PlacementFields are the fields of a placement that a pod can choose.
var PlacementFields = []string{
	"runtimeClass", "priorityClass", "serviceAccount", "scheduler", "nodeSelector", "tolerations", "imagePullSecrets", "affinity",
}

// pairs accepts a list of texts "name=value".
func pairs(s string) (map[string]string, error) {
	items, err := list(s)
	if err != nil || len(items) == 0 {
		return nil, err
	}
	m := map[string]string{}
	for _, item := range items {
		name, value, ok := strings.Cut(item, "=")
		if name, value = strings.TrimSpace(name), strings.TrimSpace(value); !ok || name == "" || value == "" {
			return nil, fmt.Errorf("%q must be a pair such as local=remote", item)
		}
		if _, twice := m[name]; twice {
			return nil, fmt.Errorf("%q is there twice", name)
		}
		m[name] = value
	}
	return m, nil
}

// storageClasses checks the names of storage classes. "*" matches all local ones.
func storageClasses(classes map[string]string) error {
	for _, local := range slices.Sorted(maps.Keys(classes)) {
		if local != "*" {
			if err := subdomain(local); err != nil {
				return err
			}
		}
		if err := subdomain(classes[local]); err != nil {
			return err
		}
	}
	return nil
}

// nfsExports accepts a list of texts "server:/path" or "server:/path:ro".
func nfsExports(s string) ([]NFSExport, error) {
	items, err := list(s)
	if err != nil {
		return nil, err
	}
	var exports []NFSExport
	for _, item := range items {
		rest, readOnly := strings.CutSuffix(item, ":ro")
		rest = strings.TrimSuffix(rest, ":rw")
		at := strings.Index(rest, ":/")
		if at <= 0 || pattern(rest[:at]) != nil || absolutePath(rest[at+1:]) != nil {
			return nil, fmt.Errorf("%q must be such as nfs.example.org:/export/data, or with :ro at the end for read-only mounts", item)
		}
		exports = append(exports, NFSExport{Server: rest[:at], Path: rest[at+1:], ReadOnly: readOnly})
	}
	return exports, nil
}

// hostPaths accepts a list of texts "/path", "/path:ro" or "/path:ro:slave"; there is no mode in
// which pods can write.
func hostPaths(s string) ([]HostPath, error) {
	items, err := list(s)
	if err != nil {
		return nil, err
	}
	var paths []HostPath
	for _, item := range items {
		folder, slave := strings.CutSuffix(item, ":ro:slave")
		if !slave {
			folder = strings.TrimSuffix(item, ":ro")
		}
		if err := absolutePath(folder); err != nil || folder == "/" || strings.Contains(folder, ":") {
			return nil, fmt.Errorf("%q must be a folder of the nodes such as /cvmfs:ro, or /cvmfs:ro:slave with what is mounted below it later: pods can only read it", item)
		}
		paths = append(paths, HostPath{Path: folder, Slave: slave})
	}
	return paths, nil
}

// absolutePath checks a pattern of a path.
func absolutePath(s string) error {
	if _, err := path.Match(s, ""); err != nil || !path.IsAbs(s) || path.Clean(s) != s {
		return errors.New("must be an absolute path")
	}
	return nil
}

// placementValues accepts a list of texts "field=pattern".
func placementValues(s string) ([]PlacementValue, error) {
	items, err := list(s)
	if err != nil {
		return nil, err
	}
	var values []PlacementValue
	for _, item := range items {
		field, value, ok := strings.Cut(item, "=")
		if !ok || pattern(value) != nil {
			return nil, fmt.Errorf("%q must be a field and a pattern such as runtimeClass=nvidia", item)
		}
		if !slices.Contains(PlacementFields, field) {
			return nil, fmt.Errorf("%q is no field of a placement: they are %s", field, strings.Join(PlacementFields, ", "))
		}
		values = append(values, PlacementValue{Field: field, Value: value})
	}
	return values, nil
}
