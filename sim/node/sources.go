package node

import (
	"fmt"
	"strings"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
)

// How long a kubelet pauses before it tries again what failed because a ConfigMap or a
// Secret is missing. A mount is tried after twice the time of the last pause, a
// container with each synchronization of its pod.
const (
	mountPauseFirst   = time.Second
	mountPauseMax     = 2 * time.Minute
	configErrorsPause = 10 * time.Second
)

// mustWait reports whether a container that is due to start must wait for a ConfigMap or
// a Secret that does not exist yet. The pod waits as a whole for its volumes, also for
// those of other containers; a container waits for its variables.
func (p *podState) mustWait(c *container, now time.Time) bool {
	if p.take == nil {
		return false
	}
	if !p.mounted {
		if now.Before(p.mountAgainAt) {
			c.due = p.mountAgainAt
			return true
		}
		if p.mounted = p.canMount(); !p.mounted {
			p.mountPause = min(max(mountPauseFirst, 2*p.mountPause), mountPauseMax)
			p.mountAgainAt = now.Add(p.mountPause)
			c.due = p.mountAgainAt
			return true
		}
	}
	sources := inspect.VariableSources(&c.spec)
	if sources.Empty() || c.behavior.ImagePullError != "" { // the image comes first
		return false
	}
	message := ""
	snapshot, err := p.take(sources)
	if err != nil {
		message = err.Error()
	} else if missing := snapshot.MissingVariable(p.object, c.spec.Name); missing != nil {
		message = kubeletMessage(p.object.Namespace, missing)
	}
	if message != "" {
		c.block(now.Add(configErrorsPause), message)
	}
	if err == nil {
		p.absent(c.spec.Name, snapshot.Absent(p.object.Namespace, sources), message != "")
	}
	return message != ""
}

// canMount reports whether all sources of the mounted volumes exist.
func (p *podState) canMount() bool {
	sources := inspect.VolumeSources(p.object)
	if sources.Empty() {
		return true
	}
	snapshot, err := p.take(sources)
	if err != nil || snapshot.MissingVolume(p.object) != nil {
		return false
	}
	p.absent("", snapshot.Absent(p.object.Namespace, sources), false)
	return true
}

// absent reports what the kubelet has not found.
func (p *podState) absent(container string, absent inspect.Sources, waits bool) {
	if p.reportAbsent != nil && !absent.Empty() {
		p.reportAbsent(p.object, container, absent, waits)
	}
}

// kubeletMessage returns what a kubelet reports of a container whose variables lack
// something.
func kubeletMessage(namespace string, missing *inspect.MissingError) string {
	if missing.Key != "" {
		return fmt.Sprintf("couldn't find key %s in %s %s/%s", missing.Key, missing.Kind, namespace, missing.Name)
	}
	return fmt.Sprintf("%s %q not found", strings.ToLower(missing.Kind), missing.Name)
}
