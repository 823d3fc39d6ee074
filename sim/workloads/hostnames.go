package workloads

import (
	"strconv"
	"strings"
)

// Indexes are the hostnames of all pods of a template: a prefix, and for each count an index
// below it, such as train-workers-1-0.
type Indexes struct {
	Prefix string
	// First is the smallest index of the last count.
	First  int
	Counts []int
}

// HasHostname reports whether the pod, or another pod of the same template, has a hostname.
func (p *Pod) HasHostname(name string) bool {
	return name != "" && (name == p.Spec.Hostname || p.Hostnames.has(name))
}

// has compares numbers, so that a workload of many pods needs no list of names.
func (x Indexes) has(name string) bool {
	rest, ok := strings.CutPrefix(name, x.Prefix+"-")
	if !ok || len(x.Counts) == 0 {
		return false
	}
	parts := strings.Split(rest, "-")
	if len(parts) != len(x.Counts) {
		return false
	}
	for i, part := range parts {
		first := 0
		if i == len(parts)-1 {
			first = x.First
		}
		index, err := strconv.Atoi(part)
		if err != nil || strconv.Itoa(index) != part || index < first || index >= first+x.Counts[i] {
			return false
		}
	}
	return true
}
