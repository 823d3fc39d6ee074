package accounting_test

import (
	"maps"
	"math/big"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/accounting"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
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

// play replays the hours of a day second by second: each calls act, and then tells what kubelets report.
func (s *site) play(day []*workload, until int64, act func(now int64)) {
	reports := map[int64][]*workload{}
	deletes := map[int64][]*workload{}
	for _, w := range day {
		for _, at := range w.reports() {
			reports[at] = append(reports[at], w)
		}
		deletes[w.deleted] = append(deletes[w.deleted], w)
	}
	var waiting []*workload // deletes that no plugin has carried out yet
	for now := time.Now().Unix(); now < until; now = time.Now().Unix() {
		act(now)
		for _, w := range reports[now] {
			s.report(w.uid, w.pod(now))
		}
		waiting = append(waiting, deletes[now]...)
		for _, w := range waiting {
			if s.mayDelete(w) {
				s.report(w.uid, nil)
				w.deleted = now
			}
		}
		waiting = remaining(waiting, s.pods)
		if now%60 == 0 {
			for _, r := range s.replicas {
				if !r.cut {
					r.hear()
				}
			}
		}
		synctest.Wait()
		if now%10 == 0 {
			s.look()
		}
		time.Sleep(time.Second)
	}
}

// mayDelete reports whether a replica deletes a pod now and sees how it ends. Without one, an end that no
// plugin ever sees cannot be counted.
func (s *site) mayDelete(*workload) bool {
	for _, r := range s.replicas {
		if !r.cut {
			return true
		}
	}
	return false
}

func remaining[V any](list []*workload, pods map[types.UID]V) []*workload {
	var result []*workload
	for _, w := range list {
		if _, ok := pods[w.uid]; ok {
			result = append(result, w)
		}
	}
	return result
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

// A day of hundreds of pods with one plugin that is restarted, whose watch is interrupted, and whose
// calls to the store fail: the totals are exactly those of the pods' own times.
func TestDayIsExactOverRestarts(t *testing.T) {
	for _, test := range []struct {
		name     string
		replicas int
	}{{"one replica", 1}, {"two replicas", 2}} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(1, uint64(test.replicas)))
				begin := time.Now().Unix()
				end := begin + 24*60*60
				day := workloads(random, 300, begin, end)
				s := &site{t: t, store: &memory{}, pods: map[types.UID]*corev1.Pod{}}
				calls := 0
				if test.replicas > 1 {
					calls = -1 << 60 // what only one replica saw must be stored before another one moves on
				}
				s.store.fail = func(verb string) (error, bool) {
					if calls++; calls > 0 && calls%7 == 0 {
						return errdefs.New(errdefs.Unavailable, "%s: injected", verb), calls%2 == 0
					}
					return nil, false
				}
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
					switch random.IntN(1800) {
					case 0:
						if due == 0 {
							restarts++
							s.store.failNoMore() // the last update can fail: see TestKillLosesLittle
							s.end(random.IntN(len(s.replicas)), false)
							due = now + random.Int64N(600)
						}
					case 1:
						for _, r := range s.replicas {
							r.cut = true
							cuts++
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
				if restarts < 10 || cuts < 10 {
					t.Errorf("the day has %d restarts and %d interruptions", restarts, cuts)
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
		end := begin + 24*60*60
		day := workloads(random, 300, begin, end)
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
			if due == 0 && random.IntN(900) == 0 {
				s.end(0, true)
				due = now + random.Int64N(600)
				kills = append(kills, span{now, due})
			}
		})
		if len(kills) < 20 {
			t.Fatalf("the day has only %d kills", len(kills))
		}
		// A pod can lose what it ran since the last update before the kill had counted.
		const behind = int64((accounting.Settle + 2*accounting.Every + time.Minute) / time.Second)
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
