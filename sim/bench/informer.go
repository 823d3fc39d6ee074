package bench

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/bench/bare"
)

// startInformer starts a bare informer of what the plugin watches, and waits until it is filled. changed is
// called for every change after that; it may be nil.
func (b *Bench) startInformer(ctx context.Context, changed func(*corev1.Pod)) (stop func(), err error) {
	client, err := bare.NewClient(b.server.Config) // with a cache of its own, as each plugin has
	if err != nil {
		return nil, err
	}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTweakListOptions(func(options *metav1.ListOptions) {
		options.LabelSelector = wire.LabelOffloading + "=" + wire.Offloading
	}))
	informer := factory.Core().V1().Pods().Informer()
	if changed != nil {
		_, err = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{UpdateFunc: func(_, object any) {
			if pod, ok := object.(*corev1.Pod); ok {
				changed(pod)
			}
		}})
		if err != nil {
			return nil, err
		}
	}
	running, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() { informer.RunWithContext(running) })
	stop = func() { cancel(); done.Wait() }
	for !informer.HasSynced() {
		select {
		case <-ctx.Done():
			stop()
			return nil, ctx.Err()
		case <-time.After(poll):
		}
	}
	return stop, nil
}
