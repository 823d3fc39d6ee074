package chaos

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// A Sample is what the plugin's metrics say at one moment of a soak.
type Sample struct {
	After      time.Duration
	Memory     float64 // resident, in MiB
	Heap       float64 // in use, in MiB
	Goroutines int
	Pods       int64 // that were created, polled, logged and deleted until then
}

func (s Sample) String() string {
	return fmt.Sprintf("after %7s: %6.1f MiB resident, %5.1f MiB heap, %4d goroutines, %6d pods", s.After.Round(time.Second), s.Memory, s.Heap, s.Goroutines, s.Pods)
}

// A Soak creates, polls, logs and deletes pods for a long time.
type soak struct {
	*site
	remote *recorder
	plugin *instance
	admin  string
	pods   atomic.Int64

	mu       sync.Mutex
	findings []Finding
}

const (
	// soakWorkers is the number of pods at a time.
	soakWorkers = 12
	// samples is the number of looks at the metrics.
	samples = 60
)

// Soak creates, polls, logs and deletes pods of all shapes, a dozen at a time, until the
// time is over. It returns what the plugin's metrics said from time to time, and what
// must not have happened; memory and goroutines that grow are a finding.
func (c *Chaos) Soak(ctx context.Context, during time.Duration) (all []Sample, found []Finding, err error) {
	site, err := c.newSite()
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, site.close()) }()
	s := &soak{site: site, remote: c.remote}
	if s.admin, err = freeAddress(); err != nil {
		return nil, nil, err
	}
	if s.plugin, err = site.start(ctx, 0, false, "--app-admin-address="+s.admin, "--log-level=INFO"); err != nil {
		return nil, nil, err
	}
	site.poll(ctx)
	for n := range someLocals {
		_, objects := fullPod(localOf(n), "any")
		s.kubelet.Apply(objects)
	}
	churn, stop := context.WithCancel(ctx)
	var workers sync.WaitGroup
	for n := range soakWorkers {
		workers.Go(func() {
			for k := 0; churn.Err() == nil; k++ {
				s.live(ctx, localOf(n), fmt.Sprintf("%d-%d", n, k))
			}
		})
	}
	start := time.Now()
	for n := range samples {
		select {
		case <-time.After(time.Until(start.Add(during * time.Duration(n+1) / samples))):
		case <-ctx.Done():
		}
		sample, err := s.sample(ctx)
		if err != nil {
			s.add(Otherwise, "read the metrics: %v", err)
			break
		}
		sample.After, sample.Pods = time.Since(start), s.pods.Load()
		all = append(all, sample)
		c.options.Log("%s", sample)
	}
	stop()
	workers.Wait()
	for n := range someLocals {
		namespace := s.namespace(localOf(n))
		if !s.chaos.eventually(ctx, func() bool { return len(s.remote.left(namespace)) == 0 }) {
			s.add(Left, "%v", s.remote.left(namespace))
		}
	}
	for _, text := range append(site.vkPanics(), growth(all)...) {
		s.add(Otherwise, "%s", text)
	}
	return all, s.findings, s.plugin.end()
}

func (s *soak) add(kind, format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.findings = append(s.findings, Finding{kind, fmt.Sprintf(format, args...)})
}

// live is the life of one pod: it ends by itself or is deleted while it runs or starts.
func (s *soak) live(ctx context.Context, namespace, id string) {
	pod := plainPod(namespace, "pod-"+id)
	shape := rand.IntN(4)
	switch shape {
	case 0:
		pod, _ = fullPod(namespace, "pod-"+id)
	case 1:
		pod = plainPod(namespace, shortPod+id)
	}
	name := namespace + "/" + pod.Name
	if err := s.kubelet.Create(ctx, pod); err != nil {
		s.add(Failed, "%v", err)
	}
	if shape != 2 { // otherwise it is deleted while it starts
		want := map[bool]corev1.PodPhase{true: corev1.PodSucceeded, false: corev1.PodRunning}[shape == 1]
		if !s.chaos.eventually(ctx, func() bool { return s.kubelet.Status(name).Phase == want }) {
			s.add(Lost, "%s shows %s, want %s", name, s.kubelet.Status(name).Phase, want)
		}
		s.readLog(ctx, name)
	}
	if err := s.kubelet.Delete(ctx, name); err != nil {
		s.add(Otherwise, "%v", err)
	}
	s.pods.Add(1)
}

// readLog reads a pod's log, and leaves while it follows it.
func (s *soak) readLog(ctx context.Context, name string) {
	for _, follow := range []bool{false, true} {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		log, err := s.kubelet.Logs(ctx, name, "main", wire.LogOpts{Follow: follow})
		if err == nil {
			_, _ = io.Copy(io.Discard, log) // a log that is followed ends with the context
			_ = log.Close()
		} else if ctx.Err() == nil {
			s.add(Otherwise, "%v", err)
		}
		cancel()
	}
}

// sample reads the plugin's metrics.
func (s *soak) sample(ctx context.Context) (sample Sample, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.admin+"/metrics", nil)
	if err != nil {
		return sample, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return sample, err
	}
	defer response.Body.Close() //nolint:errcheck // it was read
	values := map[string]float64{}
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if name, value, found := strings.Cut(lines.Text(), " "); found {
			values[name], _ = strconv.ParseFloat(value, 64) // 0 for a comment
		}
	}
	const mib = 1 << 20
	return Sample{
		Memory: values["process_resident_memory_bytes"] / mib, Heap: values["go_memstats_heap_inuse_bytes"] / mib,
		Goroutines: int(values["go_goroutines"]),
	}, nil
}

// growth says what has grown between the middle of a soak and its end. At the beginning,
// the plugin's memory fills.
func growth(all []Sample) (grown []string) {
	if len(all) < 10 {
		return nil
	}
	middle, end := all[len(all)*4/10:len(all)*6/10], all[len(all)*8/10:]
	for _, what := range []struct {
		name  string
		of    func(Sample) float64
		spare float64 // what may be more at the end
	}{
		{"MiB of resident memory", func(s Sample) float64 { return s.Memory }, 10},
		{"MiB of heap", func(s Sample) float64 { return s.Heap }, 10},
		{"goroutines", func(s Sample) float64 { return float64(s.Goroutines) }, 20},
	} {
		before, after := medianOf(middle, what.of), medianOf(end, what.of)
		if after > 1.15*before+what.spare {
			grown = append(grown, fmt.Sprintf("%.1f %s in the middle of the soak, and %.1f at its end", before, what.name, after))
		}
	}
	return grown
}

func medianOf(all []Sample, of func(Sample) float64) float64 {
	var values []float64
	for _, s := range all {
		values = append(values, of(s))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// freeAddress returns a TCP address on which no program listens at the moment.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
