package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/bench/bare"
)

const (
	// callerPatience is how long the caller of a create waits: after 120 s, InterLink's virtual kubelet gives
	// the pod up (docs/contract.md, HTTP-5).
	callerPatience = 120 * time.Second
	// burstUser is the plugin's user and the peer's. The API server's fairness treats it like the service
	// account that a plugin has, while administrators are exempt from it.
	burstUser, burstGroup = "bench-burst", "system:serviceaccounts"
	// burstRounds is small, because a round takes a minute and more.
	burstRounds = 1
	// bareAtOnce is the number of pods that the bare loop creates at the same time.
	bareAtOnce = 64
	// deletesAtOnce is the number of deletes at the same time.
	deletesAtOnce = 300
	// small is the number of small namespaces in a burst, and of the pods of each.
	small = 10
)

var burstKind = podKind{name: "6 ConfigMaps each", configMaps: 6}

// burst measures many creates at once, of one large local namespace and of some small ones, and their
// deletes at once.
func burst() Measurement {
	return Measurement{"burst", func(ctx context.Context, b *Bench) (lines []Line, err error) {
		p, err := b.startAsUser(ctx)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, p.stop()) }()
		if err := b.bareNamespace(ctx, peerNamespace); err != nil {
			return nil, err
		}
		var total burstResult
		for range min(burstRounds, b.sizes.Rounds) {
			if err := b.burstOfPlugin(ctx, p, &total); err != nil {
				return nil, err
			}
			if err := b.burstOfPeer(ctx, &total); err != nil {
				return nil, err
			}
		}
		n := fmt.Sprintf("%d at once, %s", b.sizes.Burst, burstKind.name)
		return []Line{
			ratioLine("burst, "+n+": pods that landed in time", "bare client-go loop, the same time", "pods/s", total.landed[0], total.landed[1], atLeast(0.9)),
			{Name: "burst: objects of pods that did not land", Figure: total.left, Value: total.left, Goal: atMost(0)},
			{Name: "burst: creates that were refused", Figure: float64(total.refused), Value: float64(total.refused)},
			ratioLine(fmt.Sprintf("burst: last answer to the namespaces with %d pods", small), "last answer of all", "s", total.smallLast, total.last, nil),
			ratioLine(fmt.Sprintf("burst: %d deletes at once, last answer", min(deletesAtOnce, b.sizes.Burst)), "bare client-go deletes", "s", total.deleted[0], total.deleted[1], nil),
		}, nil
	}}
}

// burstResult has one value for each round; pairs are those of the plugin and of the peer.
type burstResult struct {
	landed, deleted [2][]float64
	last, smallLast []float64
	left            float64
	refused         int
}

// startAsUser starts a plugin that is no administrator, with its default configuration.
func (b *Bench) startAsUser(ctx context.Context) (*program, error) {
	user, err := b.server.AddUser(burstUser, burstGroup)
	if err != nil {
		return nil, err
	}
	all := []string{"*"}
	if err := b.server.Grant(ctx, burstUser, "", rbacv1.PolicyRule{APIGroups: all, Resources: all, Verbs: all}); err != nil {
		return nil, err
	}
	kubeconfig, err := user.KubeConfig()
	if err != nil {
		return nil, err
	}
	if b.burstClient, err = bare.NewClient(user.Config()); err != nil {
		return nil, err
	}
	path := b.path("kubeconfig")
	if err := os.WriteFile(path, kubeconfig, 0o600); err != nil {
		return nil, err
	}
	return b.start(ctx, "--k8s-kubeconfig-path="+path)
}

// burstPods returns the pods of a burst by local namespace. The small namespaces come last, as if somebody
// had started the large number of pods a moment earlier.
func (b *Bench) burstPods() (large, others []workload, err error) {
	count := small
	if b.sizes.Burst < 2*small*small {
		count = 1
	}
	for i := range count {
		pods, err := workloads(burstKind, fmt.Sprintf("burst-small-%d", i), count)
		if err != nil {
			return nil, nil, err
		}
		others = append(others, pods...)
	}
	large, err = workloads(burstKind, "burst", b.sizes.Burst-len(others))
	return large, others, err
}

func (b *Bench) burstOfPlugin(ctx context.Context, p *program, total *burstResult) error {
	large, others, err := b.burstPods()
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var landed []workload
	var last, smallLast time.Duration
	var refused int
	var all sync.WaitGroup
	start := time.Now()
	for i, w := range append(large, others...) {
		all.Go(func() {
			create, cancel := context.WithTimeout(ctx, callerPatience)
			defer cancel()
			_, err := p.call(create, http.MethodPost, "/create", w.create)
			took := time.Since(start)
			mu.Lock()
			defer mu.Unlock()
			last = max(last, took)
			if err != nil {
				if refused++; refused == 1 {
					b.options.Log("the first create that failed: %v", err)
				}
				return
			}
			landed = append(landed, w)
			if i >= len(large) {
				smallLast = max(smallLast, took)
			}
		})
	}
	all.Wait()
	total.landed[0] = append(total.landed[0], float64(len(landed))/last.Seconds())
	total.last = append(total.last, last.Seconds())
	total.smallLast = append(total.smallLast, smallLast.Seconds())
	total.refused += refused
	b.options.Log("burst: %d pods landed within %s, %d were refused; the last of the small namespaces after %s", len(landed), last, refused, smallLast)

	// What a failed create made is deleted a moment later. What stays is left.
	left := 0
	expected := len(landed) * (1 + burstKind.configMaps)
	for range 60 {
		objects, err := b.burstObjects(ctx)
		if err != nil {
			return err
		}
		if left = objects - expected; left <= 0 {
			break
		}
		time.Sleep(time.Second)
	}
	total.left = max(total.left, float64(left))

	deleted, err := deleteAll(landed, func(w workload) error { _, err := p.call(ctx, http.MethodPost, "/delete", w.delete); return err })
	if err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	total.deleted[0] = append(total.deleted[0], deleted)
	// The plugin deletes what the pods owned. That must not disturb the peer.
	return b.patiently(ctx, "the end of all objects of the burst", func() (bool, error) {
		objects, err := b.burstObjects(ctx)
		return objects == 0, err
	})
}

func (b *Bench) burstOfPeer(ctx context.Context, total *burstResult) error {
	large, others, err := b.burstPods()
	if err != nil {
		return err
	}
	pods := append(large, others...)
	for _, w := range pods {
		forPeer(w.remote, peerNamespace)
	}
	peer := &Bench{client: b.burstClient}
	landed, err := perSecond(pods, bareAtOnce, func(w workload) error { return peer.bareCreate(ctx, w.remote) })
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	total.landed[1] = append(total.landed[1], landed)
	b.options.Log("burst: the bare loop created %.3g pods/s", landed)
	deleted, err := deleteAll(pods, func(w workload) error { return peer.bareDelete(ctx, w.remote.Pod) })
	if err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	total.deleted[1] = append(total.deleted[1], deleted)
	return b.clear(ctx, peerNamespace)
}

// burstNamespaces returns the remote namespaces of a burst.
func burstNamespaces() []string {
	all := []string{"offloading-burst"}
	for i := range small {
		all = append(all, fmt.Sprintf("offloading-burst-small-%d", i))
	}
	return all
}

// burstObjects returns the number of objects in the remote namespaces of a burst.
func (b *Bench) burstObjects(ctx context.Context) (all int, err error) {
	for _, namespace := range burstNamespaces() {
		count, err := b.leftovers(ctx, namespace)
		if err != nil {
			return 0, err
		}
		all += count
	}
	return all, nil
}

// deleteAll deletes pods, and returns the seconds until the last answer to the first deletesAtOnce.
func deleteAll(pods []workload, remove func(workload) error) (float64, error) {
	first := min(deletesAtOnce, len(pods))
	took, err := lastAnswer(pods[:first], remove)
	if err == nil {
		_, err = perSecond(pods[first:], bareAtOnce, remove)
	}
	return took, err
}

// lastAnswer calls do for all items at once, and returns the seconds until the last answer.
func lastAnswer[T any](items []T, do func(T) error) (float64, error) {
	start := time.Now()
	var group errgroup.Group
	for _, item := range items {
		group.Go(func() error { return do(item) })
	}
	err := group.Wait()
	return time.Since(start).Seconds(), err
}
