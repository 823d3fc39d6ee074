package orphans

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// List looks once at the remote cluster, without the pod cache, and returns what no request
// will delete. A pod is in the list if a running plugin has marked it, since only that has
// heard the virtual nodes. List leaves out kinds that may not be listed; skipped says
// which, and why.
func (o *Orphans) List(ctx context.Context) (findings []Finding, skipped []string, err error) {
	exists := map[string]bool{}
	l := o.newLook(func(uid string) bool { return exists[uid] })
	err = o.cluster.EachPod(ctx, o.options.Scope.Namespace, o.selector(), func(pod *corev1.Pod) error {
		exists[pod.Labels[wire.LabelPodUID]] = true
		l.used[pod.Namespace] = true
		if pod.Annotations[wire.AnnotationUnaskedSince] != "" && pod.DeletionTimestamp == nil {
			l.findings = append(l.findings, o.markedPod(pod))
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	l.objects(ctx)
	l.emptyNamespaces(ctx)
	for _, kind := range slices.Sorted(maps.Keys(l.failed)) {
		if !errdefs.Is(l.failed[kind], errdefs.Refused) {
			return nil, nil, l.failed[kind]
		}
		skipped = append(skipped, fmt.Sprintf("%s: %v", kind, l.failed[kind]))
	}
	return l.findings, skipped, nil
}

// markedPod returns the finding of a marked pod.
func (o *Orphans) markedPod(pod *corev1.Pod) Finding {
	since, err := time.Parse(time.RFC3339Nano, pod.Annotations[wire.AnnotationUnaskedSince])
	f := Finding{
		Kind: pods, Namespace: pod.Namespace, Name: pod.Name, Local: localName(&pod.ObjectMeta), Since: since,
		Why:    "virtual node " + pod.Annotations[wire.AnnotationSourceNode] + " asks about other pods, and not about this one",
		Due:    err == nil && o.options.Now().Sub(since) >= o.options.Grace,
		object: reference(pods, &pod.ObjectMeta), localUID: pod.Labels[wire.LabelPodUID],
	}
	if !f.Due {
		f.Why += "; it is due when it has been marked for " + o.options.Grace.String()
	}
	return f
}

// Delete deletes those of the findings that are due. It reports the number of those that
// it deleted: some may be gone, or in use again. It tries all of them.
func (o *Orphans) Delete(ctx context.Context, findings []Finding) (int, error) {
	var failures []error
	count := 0
	for i := range findings {
		f := &findings[i]
		if !f.Due || f.Kept {
			continue
		}
		deleted, err := o.deleteFinding(ctx, f)
		if err != nil {
			failures = append(failures, err)
		}
		if deleted {
			count++
		}
	}
	if len(failures) > 1 {
		return count, fmt.Errorf("%d deletes failed; the first: %w", len(failures), failures[0])
	}
	return count, errors.Join(failures...)
}
