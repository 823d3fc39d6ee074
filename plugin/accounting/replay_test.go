package accounting_test

import (
	"cmp"
	"maps"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/accounting"
)

// totals returns the totals that are shown, in thousandths.
func totals(t *testing.T, ledger *accounting.Ledger) map[string]*big.Int {
	t.Helper()
	result := map[string]*big.Int{}
	if ledger == nil {
		return result
	}
	for namespace, account := range ledger.Accounts {
		for name, total := range account.Totals {
			r, ok := new(big.Rat).SetString(total.String())
			if !ok {
				t.Fatalf("%q is no number", total)
			}
			if r.Mul(r, big.NewRat(1000, 1)); !r.IsInt() {
				t.Fatalf("%q has more than three decimals", total)
			}
			result[namespace+" "+name] = r.Num()
		}
	}
	return result
}

// hours is how long a day of the tests is: the race detector makes each of its steps ten times as slow. pods is how
// many run on it.
var hours, pods = int64(24), 300

func init() {
	if testkit.Race {
		hours, pods = 8, 100
	}
}

// step is the pause between two looks at a day, in seconds: no divisor of a minute, so that everything happens at
// any distance to an update.
const step = 7

// play replays the hours of a day: each step calls act, and then tells what kubelets have reported since the step
// before.
func (s *site) play(day []*workload, until int64, act func(now int64)) {
	type report struct {
		at int64
		of *workload
	}
	var reports []report
	deletes := slices.Clone(day) // those that no plugin has carried out yet
	for _, w := range day {
		for _, at := range w.reports() {
			reports = append(reports, report{at, w})
		}
	}
	slices.SortStableFunc(reports, func(a, b report) int { return cmp.Compare(a.at, b.at) })
	heard := time.Now().Unix()
	for now := time.Now().Unix(); now < until; now = time.Now().Unix() {
		act(now)
		for len(reports) > 0 && reports[0].at <= now {
			w := reports[0].of
			s.report(w.uid, w.pod(now))
			reports = reports[1:]
		}
		deletes = slices.DeleteFunc(deletes, func(w *workload) bool {
			if w.deleted > now || !s.mayDelete(w) {
				return false
			}
			s.report(w.uid, nil)
			w.deleted, w.missed = now, slices.ContainsFunc(s.replicas, func(r *replica) bool { return r.cut })
			return true
		})
		if now-heard >= 60 {
			heard = now
			for _, r := range s.replicas {
				if !r.cut {
					r.hear()
				}
			}
		}
		synctest.Wait()
		s.look()
		time.Sleep(step * time.Second)
	}
}

// mayDelete reports whether a replica sees how a pod that is deleted now has ended. Without one, an end that no
// plugin ever sees cannot be counted exactly (docs/accounting.md).
func (s *site) mayDelete(*workload) bool {
	return slices.ContainsFunc(s.replicas, func(r *replica) bool { return !r.cut })
}

func compare(t *testing.T, got map[string]*big.Int, day []*workload) {
	t.Helper()
	want := map[string]*big.Int{}
	for _, w := range day {
		w.truth(want)
	}
	if len(want) < 20 {
		t.Fatalf("the day has only %d totals", len(want))
	}
	for key, sum := range want {
		if got[key] == nil || got[key].Cmp(sum) != 0 {
			t.Errorf("%s is %v, want %v", key, got[key], sum)
		}
	}
	for key := range maps.Keys(got) {
		if want[key] == nil {
			t.Errorf("%s is %v, and no pod used it", key, got[key])
		}
	}
}

// A day of hundreds of pods with a plugin that is restarted, whose watch is interrupted, and whose calls to the
// store fail in each way: the totals are exactly those of the pods' own times.
func TestDayIsExactOverRestarts(t *testing.T) {
	for _, test := range []struct {
		name     string
		replicas int
	}{{"one replica", 1}, {"two replicas", 2}} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(1, uint64(test.replicas)))
				begin := time.Now().Unix()
				end := begin + hours*60*60
				day := workloads(random, pods, begin, end)
				s := &site{t: t, store: &memory{}, pods: map[types.UID]*corev1.Pod{}}
				s.store.failOften()
				for range test.replicas {
					s.start()
				}
				var due int64 // when the next replica starts
				restarts, cuts := 0, 0
				s.play(day, end, func(now int64) {
					if due != 0 && now >= due {
						s.start()
						due = 0
					}
					switch random.IntN(1800 / step) {
					case 0:
						if due == 0 {
							restarts++
							s.end(random.IntN(len(s.replicas)), false)
							due = now + random.Int64N(600)
						}
					case 1:
						for _, r := range s.replicas {
							if all := random.IntN(2) == 0; all || random.IntN(2) == 0 {
								r.cut = true
								cuts++
							}
						}
					case 2, 3, 4:
						for _, r := range s.replicas {
							if r.cut {
								s.list(r)
							}
						}
					}
					for _, r := range s.replicas { // not longer than the runs of containers
						if r.cut && time.Since(r.followed) > 9*time.Minute {
							s.list(r)
						}
					}
				})
				if int64(restarts) < 10*hours/24 || int64(cuts) < 10*hours/24 || int64(s.store.failures()) < 100*hours/24 {
					t.Errorf("the day has %d restarts, %d interruptions and %d failures", restarts, cuts, s.store.failures())
				}
				for _, r := range s.replicas {
					compare(t, totals(t, r.accounting.Ledger()), day)
				}
				for len(s.replicas) > 0 {
					s.end(0, false)
				}
			})
		})
	}
}

// A plugin that is killed never counts too much. It loses only time of pods that are gone before a
// plugin looks again: what they ran since the time until which the ledger has counted.
func TestKillLosesLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(3, 4))
		begin := time.Now().Unix()
		end := begin + hours*60*60
		day := workloads(random, pods, begin, end)
		s := &site{t: t, store: &memory{}, pods: map[types.UID]*corev1.Pod{}}
		s.start()
		type span struct{ from, to int64 }
		var kills []span
		var due int64
		s.play(day, end, func(now int64) {
			if due != 0 && now >= due {
				s.start()
				due = 0
			}
			if due == 0 && random.IntN(900/step) == 0 {
				s.end(0, true)
				due = now + random.Int64N(600)
				kills = append(kills, span{now, due})
			}
		})
		if int64(len(kills)) < 20*hours/24 {
			t.Fatalf("the day has only %d kills", len(kills))
		}
		// A pod can lose what it ran since the last update before the kill had counted.
		const behind = int64((accounting.Settle+2*accounting.Every+time.Minute)/time.Second) + step
		most := map[string]*big.Int{}
		want := map[string]*big.Int{}
		lost := 0
		for _, w := range day {
			w.truth(want)
			for _, k := range kills {
				if w.deleted < k.from-int64(accounting.Every/time.Second)-1 || w.deleted > k.to {
					continue
				}
				lost++
				part := *w
				part.runs = nil
				for _, runs := range w.runs {
					var cut []run
					for _, r := range runs {
						if c := (run{max(r.start, k.from-int64(accounting.Every/time.Second)-behind), r.end}); c.start < c.end {
							cut = append(cut, c)
						}
					}
					part.runs = append(part.runs, cut)
				}
				part.truth(most)
			}
		}
		if lost == 0 {
			t.Fatal("no pod is gone near a kill")
		}
		got := totals(t, s.replicas[0].accounting.Ledger())
		for key, sum := range want {
			if got[key] == nil {
				t.Fatalf("%s is not counted", key)
			}
			miss := new(big.Int).Sub(sum, got[key])
			limit := most[key]
			if limit == nil {
				limit = &big.Int{}
			}
			if miss.Sign() < 0 || miss.Cmp(limit) > 0 {
				t.Errorf("%s misses %v of %v; at most %v may be lost", key, miss, sum, limit)
			}
		}
		s.end(0, false)
	})
}
