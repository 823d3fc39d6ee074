package lifecycle_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/policy"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// A user who mends one reason must not find the next one by the next pod.
func TestRefusalNamesEachReason(t *testing.T) {
	r := fullRequest()
	r.Pod.Annotations = map[string]string{wire.AnnotationService: "Not A Name"}
	r.Pod.Spec.HostNetwork = true
	r.Pod.Spec.Volumes = append(r.Pod.Spec.Volumes, corev1.Volume{Name: "of-the-node", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/etc"}}})
	main := &r.Pod.Spec.Containers[0]
	main.VolumeMounts = append(main.VolumeMounts, corev1.VolumeMount{Name: "of-the-node", MountPath: "/host"})
	options := translate.Options{Scope: scope.Scope{Instance: "default"}}
	options.UnsupportedVolumes = config.RefuseVolumes
	objects, err := lifecycle.Objects(r, options, policy.Options{})
	reasons := errdefs.Reasons(err)
	if objects != nil || !errdefs.Is(err, errdefs.Refused) || len(reasons) < 3 {
		t.Fatalf("objects %v, error %v (%s)", objects, err, errdefs.KindOf(err))
	}
	if codes, want := errdefs.Codes(err), []string{"invalid", "pod_security", "volumes"}; !slices.Equal(codes, want) {
		t.Errorf("the codes are %v, want %v", codes, want)
	}
	for _, want := range []string{`annotation interlink.io/service: "Not A Name"`, "volume of-the-node (hostPath)", "spec.hostNetwork must not be true"} {
		if !slices.ContainsFunc(reasons, func(reason string) bool { return strings.Contains(reason, want) }) || !strings.Contains(err.Error(), want) {
			t.Errorf("no reason says %q: %q", want, reasons)
		}
	}
}

// A pod that the remote site does not accept is refused before anything is created for it:
// no request is sent.
func TestPodThatIsNotAcceptedSendsNoRequest(t *testing.T) {
	for _, test := range []struct {
		name    string
		options option
		change  func(*wire.CreateRequest)
		want    string
	}{
		{"a privileged container", func(*lifecycle.Options) {}, func(r *wire.CreateRequest) {
			r.Pod.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{Privileged: ptr.To(true)}
		}, "spec.containers[main].securityContext.privileged must not be true"},
		{"the network of the node", func(*lifecycle.Options) {}, func(r *wire.CreateRequest) {
			r.Pod.Spec.HostNetwork = true
		}, "spec.hostNetwork must not be true"},
		{"the restricted standard", func(o *lifecycle.Options) { o.Policy.PodSecurity = config.PodSecurityRestricted },
			func(*wire.CreateRequest) {}, "spec.containers[main].securityContext.runAsNonRoot must be true"},
		{"a namespace that may not offload", func(o *lifecycle.Options) { o.Policy.Namespaces = []string{"team-*"} },
			func(*wire.CreateRequest) {}, "does not accept pods of namespace demo"},
		{"a pod of a DaemonSet", func(*lifecycle.Options) {}, func(r *wire.CreateRequest) {
			r.Pod.OwnerReferences = []metav1.OwnerReference{{Kind: "DaemonSet", APIVersion: "apps/v1", Name: "agent", UID: "1", Controller: ptr.To(true)}}
		}, "pods of DaemonSets are not offloaded"},
		{"a namespace of Kubernetes, without a prefix", func(o *lifecycle.Options) { o.Translate.Scope.Prefix = "" },
			func(r *wire.CreateRequest) { r.Pod.Namespace = "kube-system" }, "remote namespace kube-system belongs to Kubernetes"},
		{"a namespace of Kubernetes, by the prefix", func(o *lifecycle.Options) { o.Translate.Scope.Prefix = "kube" },
			func(r *wire.CreateRequest) { r.Pod.Namespace = "system" }, "remote namespace kube-system belongs to Kubernetes"},
		{"a namespace of the plugin, by an exclusion", func(o *lifecycle.Options) {
			o.Translate.Scope.Exclusions = []string{"tcp-tunnel"}
			o.Policy.Reserved = []string{"tcp-tunnel"}
		}, func(r *wire.CreateRequest) { r.Pod.Namespace = "tcp-tunnel" }, "remote namespace tcp-tunnel belongs to the plugin"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := newEnv(t, test.options)
			r := fullRequest()
			test.change(r)
			e.faults.set(nil)
			_, err := e.Create(t.Context(), r)
			if !errdefs.Is(err, errdefs.Refused) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the create returned %v (%s), want %q", err, errdefs.KindOf(err), test.want)
			}
			if calls := e.faults.seen(); len(calls) > 0 {
				t.Errorf("the create sent %v", calls)
			}
		})
	}
}

// What the plugin adds is not judged, whatever the policy is; a user's container is, also if
// it has the name of one of the plugin's.
func TestOnlyTheUsersPartOfAPodIsJudged(t *testing.T) {
	const script = "cat <<'EOFMESH' > $TMPDIR/mesh.sh\n#!/bin/sh\nsleep 1\nEOFMESH\n"
	e := newEnv(t, func(o *lifecycle.Options) {
		o.Translate.Mesh = config.Mesh{Enabled: true, Scripts: config.AnyScript, InitContainer: true, StartupProbe: true, Image: "alpine:3.22", Privileged: true}
	})
	r := plainRequest()
	r.Pod.Annotations = map[string]string{wire.AnnotationPreExec: script}
	e.create(r)
	privileged := false
	for _, c := range e.remotePod(r).Spec.InitContainers {
		privileged = privileged || c.SecurityContext != nil && ptr.Deref(c.SecurityContext.Privileged, false)
	}
	if !privileged {
		t.Error("the remote pod has no privileged container of the plugin, so this test shows nothing")
	}

	for _, name := range []string{"mesh-setup", "wstunnel-client", "other"} {
		r = plainRequest()
		r.Pod.Spec.InitContainers = []corev1.Container{{Name: name, Image: "busybox", SecurityContext: &corev1.SecurityContext{Privileged: ptr.To(true)}}}
		if _, err := e.Create(t.Context(), r); !errdefs.Is(err, errdefs.Refused) && !errdefs.Is(err, errdefs.Invalid) {
			t.Errorf("a user's privileged container %s: the create returned %v", name, err)
		}
	}
}

// A stored request is judged like one that has just arrived: the configuration may have
// changed since, and others may write Secrets of that namespace.
func TestStoredRequestIsJudged(t *testing.T) {
	e := newEnv(t)
	r := fullRequest()
	r.Pod.Spec.HostPID = true
	e.faults.set(nil)
	err := e.CreateStored(t.Context(), r, func(context.Context) (bool, error) {
		t.Error("the stored request was removed as if its pod existed")
		return true, nil
	})
	if !errdefs.Is(err, errdefs.Refused) || !strings.Contains(err.Error(), "spec.hostPID") {
		t.Errorf("the create returned %v (%s)", err, errdefs.KindOf(err))
	}
	if calls := e.faults.seen(); len(calls) > 0 {
		t.Errorf("the create sent %v", calls)
	}
}
