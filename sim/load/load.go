package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

// Options of a load.
type Options struct {
	// Plugin is its address, unix:///path or http://host:port.
	Plugin string
	// Pods is how many are created; Concurrency how many creates, and deletes, are
	// sent at the same time.
	Pods, Concurrency int
	// Rate is how many creates a second are sent at most; 0 is as fast as it goes.
	Rate float64
	// Interval is the pause between two rounds of polling; the default is the
	// virtual kubelet's 5 s.
	Interval time.Duration
	// CallTimeout is how long an answer may take; the default is InterLink's 120 s.
	CallTimeout time.Duration
	// Wait is how long pods may take to end once all are created; the default is
	// 10 minutes.
	Wait time.Duration
	// Progress, if it is there, is told how far it is.
	Progress func(string)
}

func (o Options) complete() (Options, error) {
	o.Interval = cmp.Or(o.Interval, 5*time.Second)
	o.CallTimeout = cmp.Or(o.CallTimeout, 120*time.Second)
	o.Wait = cmp.Or(o.Wait, 10*time.Minute)
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	if o.Pods < 1 || o.Concurrency < 1 || o.Rate < 0 {
		return o, errors.New("pods and concurrency must be at least 1, the rate not negative")
	}
	return o, nil
}

// undoTime bounds the deletes of a load that is interrupted.
const undoTime = time.Minute

// Run loads a plugin. An error means that there is none at the address, or that
// ctx ended: then the pods that were created are deleted all the same, and the
// result says what was done until then.
func Run(ctx context.Context, options Options) (*Result, error) {
	o, err := options.complete()
	if err != nil {
		return nil, err
	}
	m := newMeter()
	kubelet, err := virtualkubelet.New(virtualkubelet.Config{
		Plugin: o.Plugin, HeaderTimeout: 2 * o.CallTimeout, CallTimeout: o.CallTimeout, Observe: m.observe,
	})
	if err != nil {
		return nil, err
	}
	defer kubelet.Close()
	if err := kubelet.CheckPlugin(ctx); err != nil {
		return nil, err
	}
	l := &load{options: o, kubelet: kubelet, meter: m, begun: map[string]bool{}}
	began := time.Now()
	l.run(ctx)
	result := m.result(o, time.Since(began))
	for name := range l.begun {
		result.Pods.count(kubelet.Status(name).Phase)
	}
	result.Pods.Undeleted = l.undeleted
	return result, ctx.Err()
}

type load struct {
	options Options
	kubelet *virtualkubelet.Kubelet
	meter   *meter

	mu        sync.Mutex
	begun     map[string]bool // creates that were sent
	undeleted int
}

func (l *load) run(ctx context.Context) {
	created := make(chan struct{})
	patient, giveUp := context.WithCancel(ctx)
	defer giveUp()
	var polling sync.WaitGroup
	polling.Go(func() { l.poll(patient, created) })
	l.options.Progress(fmt.Sprintf("creating %d pods", l.options.Pods))
	l.meter.phase("CreatePod", func() { l.create(ctx) })
	close(created)
	l.options.Progress("waiting until they end")
	defer time.AfterFunc(l.options.Wait, giveUp).Stop()
	polling.Wait()
	l.options.Progress("deleting them")
	l.meter.phase("DeletePod", func() { l.delete(ctx) })
}

func name(i int) string { return fmt.Sprintf("load-%d", i) }

// manifest is a pod that ends by itself and carries something along.
func manifest(i int) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name(i)},
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever,
			Volumes: []corev1.Volume{{Name: "config", VolumeSource: corev1.VolumeSource{
				ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "load"}},
			}}},
			Containers: []corev1.Container{{
				Name: "main", Image: "busybox:1.37", Command: []string{"sleep", "1"},
				VolumeMounts: []corev1.VolumeMount{{Name: "config", MountPath: "/config"}},
			}},
		},
	}
}

func (l *load) create(ctx context.Context) {
	l.kubelet.Apply(interlink.Objects{ConfigMaps: []corev1.ConfigMap{{
		ObjectMeta: metav1.ObjectMeta{Name: "load"}, Data: map[string]string{"greeting": "hello"},
	}}})
	limiter := rate.NewLimiter(rate.Inf, 1)
	if l.options.Rate > 0 {
		limiter.SetLimit(rate.Limit(l.options.Rate))
	}
	var group errgroup.Group
	group.SetLimit(l.options.Concurrency)
	for i := range l.options.Pods {
		if limiter.Wait(ctx) != nil {
			break // interrupted
		}
		group.Go(func() error {
			if ctx.Err() != nil {
				return nil
			}
			pod := manifest(i)
			l.mu.Lock()
			l.begun[pod.Name] = true
			l.mu.Unlock()
			if err := l.kubelet.Create(ctx, pod); err != nil && ctx.Err() == nil {
				l.fail("CreatePod", pod.Name, err)
			}
			return nil
		})
	}
	_ = group.Wait() // no function of the group fails
}

// poll is the virtual kubelet's status loop: round after round, until all pods are
// created and have ended.
func (l *load) poll(ctx context.Context, created <-chan struct{}) {
	for {
		all := false
		select {
		case <-created:
			all = true
		default:
		}
		var err error
		took := l.meter.phase("GetStatus", func() { err = l.kubelet.Poll(ctx) })
		l.failed(err)
		if ctx.Err() != nil {
			return // in the middle of a round
		}
		l.meter.round(took)
		if errors.As(err, new(*virtualkubelet.Panic)) || all && l.ended() {
			return
		}
		select {
		case <-time.After(l.options.Interval):
		case <-ctx.Done():
			return
		}
	}
}

// failed counts each of the errors that a round of polling has joined, but for the
// one that says that it was given up.
func (l *load) failed(err error) {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return
	}
	for _, err := range joined.Unwrap() {
		var stale *virtualkubelet.StaleStatus
		var panicked *virtualkubelet.Panic
		switch {
		case errors.As(err, &stale):
			l.fail("GetStatus", stale.Pod, err)
		case errors.As(err, &panicked):
			l.fail("GetStatus", panicked.Pod, err)
		}
	}
}

// fail counts an error by its words, without what is the pod's own.
func (l *load) fail(call, pod string, err error) {
	own := strings.NewReplacer(string(l.kubelet.Pod(pod).UID), "<uid>", pod, "<pod>")
	l.meter.fail(call, own.Replace(said(err)))
}

func (l *load) ended() bool {
	for i := range l.options.Pods {
		switch l.kubelet.Status(name(i)).Phase {
		case corev1.PodSucceeded, corev1.PodFailed:
		default:
			return false
		}
	}
	return true
}

// delete deletes all pods whose create was sent, also after an interruption.
func (l *load) delete(ctx context.Context) {
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), undoTime)
		defer cancel()
	}
	var group errgroup.Group
	group.SetLimit(l.options.Concurrency)
	for name := range l.begun {
		group.Go(func() error {
			if err := l.kubelet.Delete(ctx, name); err != nil {
				l.fail("DeletePod", name, err)
				l.mu.Lock()
				l.undeleted++
				l.mu.Unlock()
			}
			return nil
		})
	}
	_ = group.Wait() // no function of the group fails
}
