package play

import (
	"context"
	"sync"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// defaultSameMoment is that of Options.sameMoment, in real time.
const defaultSameMoment = 2 * time.Second

// playedTwice is the note on a scenario that was played once more.
const playedTwice = "It was played twice: the first time, the plugin lost a call while several scenarios were played, or nothing listened at its address."

// losses are when scenarios lost their first calls together with the connections: the process
// of the plugin may have ended then, and with it the pods of all scenarios. It is safe for
// concurrent use.
type losses struct {
	mu sync.Mutex
	at map[string]time.Time // by scenario
}

func (l *losses) add(scenario string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.at == nil {
		l.at = map[string]time.Time{}
	}
	if _, known := l.at[scenario]; !known {
		l.at[scenario] = time.Now()
	}
}

// concern reports whether a scenario that has just failed may have to be played again: whether it
// does is known when all have ended.
func (l *losses) concern(scenario string, h held) bool {
	if h.noServer || l.ofOthers(scenario, h.start, h.end) {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, lost := l.at[scenario]
	return lost
}

// ofOthers reports whether another scenario lost a call from a time until another.
func (l *losses) ofOthers(scenario string, from, until time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, at := range l.at {
		if name != scenario && !at.Before(from) && !at.After(until) {
			return true
		}
	}
	return false
}

// held is a scenario that failed and may not be the cause of it.
type held struct {
	index      int
	start, end time.Time
	noServer   bool
}

// playAgain plays a scenario once more, alone, if nothing listened at the plugin's address, or
// if another scenario lost a call meanwhile. Otherwise, and if the plugin does not answer any
// more, the first result stays.
func playAgain(ctx context.Context, file *scenario.File, options Options, plugin *health, first report.Scenario, h held) report.Scenario {
	if !h.noServer && !plugin.losses.ofOthers(file.Name, h.start, h.end.Add(options.sameMoment)) || ctx.Err() != nil || plugin.recovered(ctx) != "" {
		return first
	}
	result, _ := playOnce(ctx, file, options, plugin)
	if ctx.Err() != nil {
		return first
	}
	result.Notes = append(result.Notes, playedTwice)
	return result
}
