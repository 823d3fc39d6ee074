package lifecycle

import (
	"context"
	"fmt"
	"log/slog"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/policy"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
)

// Site has the options that can change while the Lifecycle runs. It is replaced as a whole: what has
// begun with one site ends with it.
type Site struct {
	// Translate says what a pod becomes. Its Scope never changes: the names of remote objects follow from it.
	Translate translate.Options
	// Policy says which pods are created at all.
	Policy policy.Options
	// Maintenance keeps new pods waiting.
	Maintenance bool
}

// currentSite is a site; replaced is closed when another one takes its place.
type currentSite struct {
	Site
	replaced chan struct{}
}

// Site returns the options as they are now.
func (l *Lifecycle) Site() Site { return l.site.Load().Site }

// SetSite replaces the options for everything that begins after it. The Scope must be the same.
func (l *Lifecycle) SetSite(site Site) {
	if before := l.site.Swap(&currentSite{Site: site, replaced: make(chan struct{})}); before != nil {
		close(before.replaced)
	}
}

// maintenanceWords is what the user of a pod sees that is refused because of a maintenance.
const maintenanceWords = "the remote cluster is in maintenance, and takes no new pods: create the pod again later"

// explain adds to the failure of a remote call that a maintenance is on.
func (s *Site) explain(err error) error {
	if s.Maintenance && errdefs.Is(err, errdefs.Unavailable) {
		return fmt.Errorf("%w (the remote cluster is in maintenance)", err)
	}
	return err
}

// afterMaintenance waits until no maintenance is on, and returns the site of then. InterLink calls a create only once, and a
// pod whose create fails has failed for good (docs/contract.md, CREATE-4): so a short maintenance costs no pod. After four
// fifths of the create timeout the error is of kind Unavailable. When the process is about to end, it does not wait.
func (l *Lifecycle) afterMaintenance(ctx context.Context, pod *corev1.Pod, log *slog.Logger) (Site, error) {
	site := l.site.Load()
	if !site.Maintenance {
		return site.Site, nil
	}
	log.Info("the pod waits for the end of the maintenance")
	uid := string(pod.UID)
	l.inMaintenance.Store(uid, struct{}{})
	defer l.inMaintenance.Delete(uid)
	ctx, cancel := context.WithDeadlineCause(ctx, l.waitsUntil(ctx), errdefs.New(errdefs.Unavailable, "%s", maintenanceWords))
	defer cancel()
	for ; site.Maintenance; site = l.site.Load() {
		select {
		case <-site.replaced:
		case <-ctx.Done():
			return Site{}, context.Cause(ctx)
		case <-l.refusals.ended:
			return Site{}, errdefs.New(errdefs.Unavailable, "%s", maintenanceWords)
		}
	}
	return site.Site, nil
}

// waitsForMaintenance reports whether a create of a local pod waits for the end of a maintenance here.
func (l *Lifecycle) waitsForMaintenance(uid string) bool {
	_, ok := l.inMaintenance.Load(uid)
	return ok
}
