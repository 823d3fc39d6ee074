package play

import (
	"fmt"
	"maps"
	"slices"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/judge"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

// staleStatuses are the status calls of one pod, of one rule, whose answers changed
// nothing.
type staleStatuses struct {
	first judge.Difference
	count int
}

// addStale keeps a status call of a created pod that changed nothing. The plugin breaks
// no promise to the user with it, unless the user sees something wrong in the end.
func (p *player) addStale(at string, stale *virtualkubelet.StaleStatus) {
	key := p.env.keys[stale.UID]
	if p.stale[key] == nil {
		p.stale[key] = map[string]*staleStatuses{}
	}
	kept := p.stale[key][stale.Rule]
	if kept == nil {
		kept = &staleStatuses{first: judge.Difference{Rule: stale.Rule, Text: at + stale.Error()}}
		p.stale[key][stale.Rule] = kept
	}
	kept.count++
}

// reportStale returns the stale statuses of pods whose shown state is wrong
// in the end as violations, and the others as notes.
func (p *player) reportStale() (violations []judge.Difference, notes []string) {
	p.keepStatuses()
	for _, key := range slices.Sorted(maps.Keys(p.stale)) {
		wrong := len(judge.StatusDifferences(key, p.env.file.Expect.Pods[key], p.seen.Pods[key])) > 0
		for _, rule := range slices.Sorted(maps.Keys(p.stale[key])) {
			kept := p.stale[key][rule]
			text := kept.first.Text
			if kept.count > 1 {
				text += fmt.Sprintf(" (and %d more times)", kept.count-1)
			}
			switch {
			case wrong && p.env.kubelet.IsStale(key):
				violations = append(violations, judge.StaleStatus(key, rule, text))
			case wrong:
				violations = append(violations, judge.Difference{Rule: rule, Text: text})
			default:
				notes = append(notes, fmt.Sprintf("%s, which the user does not notice: %s.", rule, text))
			}
		}
	}
	return violations, notes
}
