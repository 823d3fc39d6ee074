package play

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// maxIdleWait limits waitUntilIdle, in real time. A few milliseconds are usual; with a real quota
// controller on a busy machine it can be more than a minute.
const maxIdleWait = 5 * time.Minute

// waitUntilIdle waits until the simulated nodes have done all that is due, and until
// they and, if that is known, the plugin have observed all changes of the remote pods, and no
// pod waits for a quota that has room. Then it records the pods.
func waitUntilIdle(ctx context.Context, e *environment) error {
	timeout := time.After(maxIdleWait)
	for pause := 100 * time.Microsecond; ; pause = min(2*pause, 20*time.Millisecond) {
		pods, err := e.ifIdle(ctx)
		if err == nil {
			e.recordPods(pods)
			return nil
		}
		select {
		case <-time.After(pause):
		case <-timeout:
			return errors.Join(err, fmt.Errorf("the plugin and the nodes were not idle within %s", maxIdleWait))
		case <-ctx.Done():
			return errors.Join(err, context.Cause(ctx))
		}
	}
}

// ifIdle returns the remote pods if nothing is to be done before the clock advances, or else
// an error that says what is.
func (e *environment) ifIdle(ctx context.Context) ([]corev1.Pod, error) {
	if !e.nodes.Idle() { // checked first, since a list of many pods is expensive
		return nil, errors.New("the nodes have something to do")
	}
	pods, err := e.remotePods(ctx)
	if err != nil {
		return nil, err
	}
	mustTry, err := e.mustTryAgain(ctx)
	switch {
	case err != nil:
		return nil, err
	case mustTry:
		return nil, errors.New("a pod waits for a quota that has room")
	case !e.nodes.UpToDate(resourceVersions(pods)):
		return nil, errors.New("the nodes have not seen the latest state of the pods")
	case !pluginIsUpToDate(e, pods):
		return nil, errors.New("the plugin has not seen the latest state of the pods")
	}
	return pods, nil
}

func resourceVersions(pods []corev1.Pod) map[types.UID]string {
	versions := make(map[types.UID]string, len(pods))
	for i := range pods {
		versions[pods[i].UID] = pods[i].ResourceVersion
	}
	return versions
}

// pluginIsUpToDate reports whether the plugin's cache has these remote pods and no
// others. If one local pod has several remote pods, the cache needs to have one. It is
// always true for a plugin whose cache is not known.
func pluginIsUpToDate(e *environment, pods []corev1.Pod) bool {
	if e.processed == nil {
		return true
	}
	versions := make(map[types.UID][]string, len(e.keys))
	for uid := range e.keys {
		versions[uid] = nil
	}
	for i := range pods {
		uid := types.UID(pods[i].Labels[wire.LabelPodUID])
		versions[uid] = append(versions[uid], pods[i].ResourceVersion)
	}
	for uid, candidates := range versions {
		if len(candidates) == 0 {
			candidates = []string{""}
		}
		if !slices.ContainsFunc(candidates, func(version string) bool { return e.processed(string(uid), version) }) {
			return false
		}
	}
	return true
}

// pluginIsIdle reports whether the plugin deletes nothing in the background; true for a
// plugin that runs elsewhere.
func (e *environment) pluginIsIdle() bool {
	return e.plugin == nil || e.plugin.Idle()
}
