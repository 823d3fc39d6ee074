package orphans

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Kinds of findings. Those of objects are the resources of their lists.
const (
	pods       = "pods"
	configMaps = "configmaps"
	secrets    = "secrets"
	services   = "services"
	claims     = "persistentvolumeclaims"
	releases   = "helm releases"
	namespaces = "namespaces"
)

// Finding is something that no request will delete.
type Finding struct {
	Kind            string
	Namespace, Name string
	// Local is the name of the local pod or claim, with its namespace; empty if the
	// object does not say it.
	Local string
	// Since is when a pod was marked, or when an object was created.
	Since time.Time
	Why   string
	// Kept is true for what is only reported.
	Kept bool
	// Due is true if it may be deleted now, as far as one look shows.
	Due bool

	object   metav1.Object
	localUID string
}

// key identifies a finding in several looks.
func (f *Finding) key() string {
	uid := f.localUID
	if f.object != nil {
		uid = string(f.object.GetUID())
	}
	return f.Kind + "/" + f.Namespace + "/" + f.Name + "/" + uid
}

// look is one look at the remote cluster.
type look struct {
	*Orphans
	// hasPod reports whether a local pod has a remote pod of this instance.
	hasPod   func(uid string) bool
	findings []Finding
	// failed has the kinds that could not be listed, and why.
	failed map[string]error
	// used has the remote namespaces with objects of this instance.
	used map[string]bool
	// mounted has, by namespace, the claims that pods use.
	mounted map[string]map[string]bool
	// awaited has the claims that pods which wait for a quota will use, as namespace/name.
	awaited map[string]bool
}

// newLook begins a look.
func (o *Orphans) newLook(hasPod func(uid string) bool) *look {
	return &look{Orphans: o, hasPod: hasPod, failed: map[string]error{}, used: map[string]bool{}, mounted: map[string]map[string]bool{}, awaited: map[string]bool{}}
}

// selector selects the objects of this instance.
func (o *Orphans) selector() string {
	return o.ofInstance(scope.Selector())
}

// ofInstance limits a selector to the objects of this instance.
func (o *Orphans) ofInstance(selector string) string {
	return selector + "," + wire.LabelInstance + "=" + o.options.Scope.Instance
}

// each lists the metadata of a resource, and records why it could not.
func (l *look) each(ctx context.Context, kind, resource, namespace, selector string, handle func(*metav1.ObjectMeta) error) {
	if err := l.cluster.EachMetadata(ctx, resource, namespace, selector, handle); err != nil {
		l.failed[kind] = err
		l.findings = slices.DeleteFunc(l.findings, func(f Finding) bool { return f.Kind == kind }) // a part of them may mislead
	}
}

// isOld reports whether an object has existed for a grace.
func (l *look) isOld(meta *metav1.ObjectMeta) bool {
	return l.options.Now().Sub(meta.CreationTimestamp.Time) >= l.options.objectGrace()
}

// objects finds what has no pod: objects of earlier versions, stored requests without a
// marker, claims that no pod uses, and the releases of tunnels. What a pod owns is
// left to the garbage collector.
func (l *look) objects(ctx context.Context) {
	markers := map[string]bool{} // the ConfigMaps that may mark a stored request
	l.each(ctx, configMaps, configMaps, l.options.Scope.Namespace, l.selector(), func(meta *metav1.ObjectMeta) error {
		markers[meta.Namespace+"/"+meta.Name] = true
		l.waitingFor(meta)
		l.withoutPod(configMaps, meta)
		return nil
	})
	l.each(ctx, secrets, secrets, l.options.Scope.Namespace, l.selector(), func(meta *metav1.ObjectMeta) error {
		if isStoredRequest(meta) {
			l.storedRequest(meta, markers)
		} else {
			l.withoutPod(secrets, meta)
		}
		return nil
	})
	if l.options.Tunnels != nil {
		l.each(ctx, services, services, l.options.Scope.Namespace, l.selector(), func(meta *metav1.ObjectMeta) error {
			l.withoutPod(services, meta)
			return nil
		})
		l.releases(ctx)
	}
	l.each(ctx, claims, claims, l.options.Scope.Namespace, l.selector(), func(meta *metav1.ObjectMeta) error {
		return l.claim(ctx, meta)
	})
}

// withoutPod finds an object of an earlier version, which no pod owns, if its pod does not
// exist.
func (l *look) withoutPod(kind string, meta *metav1.ObjectMeta) {
	l.used[meta.Namespace] = true
	uid := meta.Labels[wire.LabelPodUID]
	if uid == "" || isStoredRequest(meta) || len(meta.OwnerReferences) > 0 || meta.DeletionTimestamp != nil || !l.isOld(meta) || l.hasPod(uid) {
		return
	}
	l.add(kind, meta, "its pod does not exist, and nothing owns it")
}

func (l *look) add(kind string, meta *metav1.ObjectMeta, why string) {
	l.findings = append(l.findings, Finding{
		Kind: kind, Namespace: meta.Namespace, Name: meta.Name, Local: localName(meta), Since: meta.CreationTimestamp.Time, Why: why,
		Due: true, object: reference(kind, meta), localUID: meta.Labels[wire.LabelPodUID],
	})
}

// releases finds the Helm releases of tunnels whose pods do not exist. A release has one
// record or several.
func (l *look) releases(ctx context.Context) {
	selector := l.ofInstance("owner=helm," + wire.LabelTunnelUID)
	seen := map[string]bool{}
	l.each(ctx, releases, secrets, l.options.Tunnels.Namespace(), selector, func(meta *metav1.ObjectMeta) error {
		uid, name := meta.Labels[wire.LabelTunnelUID], meta.Labels["name"]
		if seen[name] || l.hasPod(uid) || !l.isOld(meta) {
			return nil
		}
		seen[name] = true
		l.findings = append(l.findings, Finding{
			Kind: releases, Namespace: meta.Namespace, Name: name, Since: meta.CreationTimestamp.Time,
			Why: "the pod of this tunnel does not exist", Due: true, localUID: uid,
		})
		return nil
	})
}

// emptyNamespaces finds the namespaces that the plugin made and that hold nothing any more.
// It is called after objects. Nothing deletes them: a user may still need one.
func (l *look) emptyNamespaces(ctx context.Context) {
	if l.options.Scope.Namespace != "" {
		return // the plugin made none
	}
	var candidates []metav1.ObjectMeta
	l.each(ctx, namespaces, namespaces, "", l.selector(), func(meta *metav1.ObjectMeta) error {
		if meta.DeletionTimestamp == nil && l.isOld(meta) && !l.used[meta.Name] {
			candidates = append(candidates, *meta)
		}
		return nil
	})
	for i := range candidates {
		switch empty, err := l.isEmpty(ctx, candidates[i].Name); {
		case err != nil:
			l.failed[namespaces] = err
			return
		case empty:
			l.findings = append(l.findings, Finding{
				Kind: namespaces, Name: candidates[i].Name, Local: candidates[i].Annotations[wire.AnnotationSourceName],
				Since: candidates[i].CreationTimestamp.Time, Why: "the plugin made it, and it holds nothing any more", Kept: true,
			})
		}
	}
}

// errFound ends a list at the first object.
var errFound = errors.New("found")

// isEmpty reports whether a namespace has only what Kubernetes and the namespace template put
// into each namespace.
// Resources that the plugin may not list are left out.
func (l *look) isEmpty(ctx context.Context, namespace string) (bool, error) {
	for _, resource := range []string{pods, claims, configMaps, services, secrets} {
		if l.failed[resource] != nil || resource == services && l.options.Tunnels == nil {
			continue // it may not be listed
		}
		err := l.cluster.EachMetadata(ctx, resource, namespace, "", func(meta *metav1.ObjectMeta) error {
			if strings.HasSuffix(meta.Name, "service-ca.crt") || meta.Name == "kube-root-ca.crt" || meta.Annotations[corev1.ServiceAccountNameKey] != "" ||
				meta.Labels[wire.LabelNamespaceTemplate] != "" {
				return nil
			}
			return errFound
		})
		switch {
		case errors.Is(err, errFound):
			return false, nil
		case err != nil:
			return false, err
		}
	}
	return true, nil
}

// localName returns the name of the local object in the metadata of a remote one.
func localName(meta *metav1.ObjectMeta) string {
	name := meta.Annotations[wire.AnnotationSourceName]
	if namespace := meta.Annotations[wire.AnnotationSourceNamespace]; namespace != "" && name != "" {
		return namespace + "/" + name
	}
	return name
}

// reference returns an object that has only the metadata which a delete needs.
func reference(kind string, meta *metav1.ObjectMeta) metav1.Object {
	short := metav1.ObjectMeta{Namespace: meta.Namespace, Name: meta.Name, UID: meta.UID, ResourceVersion: meta.ResourceVersion}
	switch kind {
	case configMaps:
		return &corev1.ConfigMap{ObjectMeta: short}
	case secrets:
		return &corev1.Secret{ObjectMeta: short}
	case services:
		return &corev1.Service{ObjectMeta: short}
	case claims:
		return &corev1.PersistentVolumeClaim{ObjectMeta: short}
	}
	return &corev1.Pod{ObjectMeta: short}
}
