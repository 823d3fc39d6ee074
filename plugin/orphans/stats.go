package orphans

import (
	"maps"
	"sync"
	"time"
)

// Stats are what this replica knows of orphans, for metrics.
type Stats struct {
	// Marked is the number of remote pods with a mark.
	Marked int
	// Deleted has the number of orphans that this replica has deleted, by each kind.
	Deleted map[string]int
	// Searched is when this replica has last looked for orphans; zero if it has not.
	Searched time.Time
}

// Kinds has the kinds in [Stats.Deleted].
var Kinds = []string{pods, configMaps, secrets, services, claims, releases}

// counts counts what the search does. The zero value is ready for use.
type counts struct {
	mu       sync.Mutex
	deleted  map[string]int
	searched time.Time
}

func (c *counts) addDeleted(kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.deleted == nil {
		c.deleted = map[string]int{}
	}
	c.deleted[kind]++
}

func (c *counts) setSearched(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.searched = at
}

// Stats returns what this replica knows of orphans.
func (o *Orphans) Stats() Stats {
	o.counts.mu.Lock()
	defer o.counts.mu.Unlock()
	return Stats{Marked: o.evidence.marked(), Deleted: maps.Clone(o.counts.deleted), Searched: o.counts.searched}
}

// marked returns the number of pods with a mark.
func (e *evidence) marked() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, pod := range e.pods {
		if pod.mark != "" {
			n++
		}
	}
	return n
}
