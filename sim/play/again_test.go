package play

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// crashing is a liar whose process ends once, while it has three creates: two of them are lost,
// and a pod is answered by what comes after it.
type crashing struct {
	liar
	three    sync.WaitGroup
	deleted  chan struct{} // closed when a caller has noticed that its create was lost
	once     sync.Once
	counting sync.Mutex
	seen     int
}

func (c *crashing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/create":
		c.counting.Lock()
		c.seen++
		n := c.seen
		c.counting.Unlock()
		if n > 3 {
			break
		}
		c.three.Done()
		c.three.Wait()
		if n < 3 {
			closeConnection(w)
			return
		}
		<-c.deleted
	case "/delete":
		c.once.Do(func() { close(c.deleted) })
	}
	c.liar.ServeHTTP(w, r)
}

// If the plugin's process ends, each scenario that was being played and failed is played once more.
func TestCrashFailsOnlyItsCause(t *testing.T) {
	plugin := &crashing{deleted: make(chan struct{})}
	plugin.three.Add(3)
	result, err := Run(t.Context(), scenarios(t, "exit-code", "killed-by-signal", "two-containers-one-fails"), Options{
		Plugin: serveOutside(t, plugin), virtual: true, Parallel: 3, sameMoment: time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range result.Scenarios {
		if strings.Contains(strings.Join(s.Texts(), ""), "did not answer") || strings.Count(strings.Join(s.Notes, "\n"), "played twice") != 1 {
			t.Errorf("%s is %s: %q, notes %q", s.Name, s.Verdict, s.Texts(), s.Notes)
		}
	}
}

// A call that one scenario alone loses is its own fault: it is played once.
func TestOneLostCallIsNotPlayedAgain(t *testing.T) {
	lost := false
	plugin := &liar{before: func(w http.ResponseWriter, path string, _ []corev1.Pod) bool {
		if lost || path != "/create" {
			return false
		}
		lost = true
		closeConnection(w)
		return true
	}}
	result, err := Run(t.Context(), scenarios(t, "exit-code", "plain-pod"), Options{Plugin: plugin.serve(t), virtual: true, Parallel: 1, sameMoment: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	first := result.Scenarios[0]
	if !strings.Contains(strings.Join(first.Texts(), ""), "HTTP-5: the plugin did not answer") || strings.Contains(strings.Join(first.Notes, ""), "played twice") {
		t.Errorf("%s is %s: %q, notes %q", first.Name, first.Verdict, first.Texts(), first.Notes)
	}
}

// Only what others lost while a scenario was played can be why it failed.
func TestLossesOfOthers(t *testing.T) {
	start := time.Now()
	l := losses{at: map[string]time.Time{"own": start.Add(time.Second), "other": start.Add(3 * time.Second)}}
	for _, c := range []struct {
		from, until time.Duration
		want        bool
	}{{0, 2 * time.Second, false}, {0, 3 * time.Second, true}, {4 * time.Second, 9 * time.Second, false}} {
		if got := l.ofOthers("own", start.Add(c.from), start.Add(c.until)); got != c.want {
			t.Errorf("from %s until %s: %v", c.from, c.until, got)
		}
	}
}
