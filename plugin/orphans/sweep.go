package orphans

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
)

// looks remembers the findings of earlier looks. Only the search uses it.
type looks struct {
	// first is when a finding was found first, and has been found in each look since.
	first map[string]time.Time
	// reported has what is already in the log: findings that are kept, and kinds that
	// cannot be listed.
	reported map[string]bool
}

// forget forgets all looks: another replica may have searched since.
func (l *looks) forget() { *l = looks{first: map[string]time.Time{}, reported: map[string]bool{}} }

// once reports whether something is to be written to the log, which it is only once.
func (l *looks) once(what string) bool {
	if l.reported[what] {
		return false
	}
	l.reported[what] = true
	return true
}

// sweep looks for objects without a pod, and deletes those that all looks of a grace have
// found. It returns false if it did nothing, because the pod cache is not filled yet.
func (o *Orphans) sweep(ctx context.Context) bool {
	if !o.cluster.Synced() {
		return false
	}
	l := o.newLook(o.evidence.hasLocal)
	l.objects(ctx)
	l.emptyNamespaces(ctx)
	if ctx.Err() != nil {
		return true
	}
	for kind, err := range l.failed {
		if errdefs.Is(err, errdefs.Refused) && o.looks.once(kind) {
			o.log.Info("orphans of this kind are not searched: the account may not list them", "kind", kind, "error", err)
		}
	}
	now, found := time.Now(), map[string]bool{}
	for i := range l.findings {
		f := &l.findings[i]
		found[f.key()] = true
		switch first, again := o.looks.first[f.key()]; {
		case f.Kept:
			if o.looks.once(f.key()) {
				o.log.Info("found, and left alone", f.attributes()...)
			}
		case !again:
			o.looks.first[f.key()] = now
		case now.Sub(first) < o.options.objectGrace():
		case o.options.Report:
			if o.looks.once(f.key()) {
				o.log.Warn("found an object without a pod", f.attributes()...)
			}
		default:
			o.remove(ctx, f)
		}
	}
	o.counts.setSearched(o.options.Now())
	for key := range o.looks.first {
		if !found[key] && !l.failedKind(key) {
			delete(o.looks.first, key)
		}
	}
	return true
}

// failedKind reports whether the finding with a key is of a kind that could not be listed.
func (l *look) failedKind(key string) bool {
	for kind := range l.failed {
		if len(key) > len(kind) && key[:len(kind)+1] == kind+"/" {
			return true
		}
	}
	return false
}

// remove deletes a finding, and logs it.
func (o *Orphans) remove(ctx context.Context, f *Finding) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	deleted, err := o.deleteFinding(ctx, f)
	switch {
	case err != nil:
		o.log.Warn("cannot delete an object without a pod", append(f.attributes(), "error", err)...)
	case deleted:
		o.counts.addDeleted(f.Kind)
		o.log.Warn("deleted an object without a pod", f.attributes()...)
	}
}

// deleteFinding deletes what a look has found, if it is still so. It reports whether it
// deleted it.
func (o *Orphans) deleteFinding(ctx context.Context, f *Finding) (bool, error) {
	if f.localUID != "" && f.Kind != pods {
		switch err := o.cluster.EachPod(ctx, o.options.Scope.Namespace, scope.PodSelector(f.localUID), func(*corev1.Pod) error { return errFound }); {
		case errors.Is(err, errFound):
			return false, nil
		case err != nil:
			return false, fmt.Errorf("check that %s %s/%s has no pod: %w", f.Kind, f.Namespace, f.Name, err)
		}
	}
	if f.Kind == claims {
		switch used, err := o.isClaimUsed(ctx, f.Namespace, f.Name); {
		case err != nil:
			return false, fmt.Errorf("check that no pod uses %s %s/%s: %w", f.Kind, f.Namespace, f.Name, err)
		case used:
			return false, nil
		}
	}
	var err error
	if f.Kind == releases {
		err = o.options.Tunnels.Close(ctx, o.ofInstance(scope.TunnelSelector(f.localUID)))
	} else {
		err = o.cluster.Delete(ctx, f.object, nil, true)
	}
	switch errdefs.KindOf(err) {
	case "":
		return true, nil
	case errdefs.NotFound, errdefs.Conflict: // it is gone, or is used again
		return false, nil
	}
	return false, err
}

// attributes describe a finding in the log.
func (f *Finding) attributes() []any {
	return []any{"kind", f.Kind, "remote", f.Namespace + "/" + f.Name, "local", f.Local, "since", f.Since, "why", f.Why}
}
