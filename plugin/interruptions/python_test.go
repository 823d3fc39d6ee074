package interruptions

import (
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/faulty"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Objects of the Python plugin have the UID label, but neither an instance nor an owner, and names that are cut at 63
// characters, so that they can lack the UID. They stay in service, and deletes leave nothing (docs/from-python.md).
func TestPodsOfThePythonPlugin(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.createNamespace()
	long := strings.Repeat("a-long-name", 8)
	all := []wire.CreateRequest{named("short", 1), named(long, 1), named("variables", 2), named(strings.Repeat("another-long-name", 5), 2)}
	jids := make([]string, len(all))
	for n, r := range all {
		jids[n] = s.createAsPython(r)
	}
	s.eventuallyRunning(all...)
	before := s.versions()

	i := s.start()
	for n, r := range all {
		if status, err := i.status(r, jids[n]); err != nil || status.Containers[0].State.Running == nil {
			t.Errorf("%s has the status %+v, %v", r.Pod.Name, status, err)
		}
		if log, err := i.log(r); err != nil || log != "log of "+s.pod(r).Name {
			t.Errorf("%s has the log %q, %v", r.Pod.Name, log, err)
		}
		if jid := i.create(r); jid == "" {
			t.Errorf("%s is not found", r.Pod.Name)
		}
	}
	if after := s.versions(); len(after) != len(before) {
		t.Errorf("after second creates these objects exist: %v, before %v", after, before)
	}
	if writes := i.link.writes(); len(writes) > 0 {
		t.Errorf("these requests change something: %v", writes)
	}
	for n, r := range all {
		i.delete(r, jids[n])
	}
	s.eventuallyNothingLeft()
}

// The same, but the calls arrive before the plugin's cache of pods is filled, and it is filled while they look for the
// pod: they cannot know its name.
func TestPodsOfThePythonPluginWhileTheCacheIsFilled(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.createNamespace()
	for name, do := range map[string]func(*instance, wire.CreateRequest) error{
		"create": func(i *instance, r wire.CreateRequest) error {
			_, err := i.tryCreate(r)
			return err
		},
		"status": func(i *instance, r wire.CreateRequest) error {
			status, err := i.status(r, "a-job")
			if err == nil && status.Containers[0].State.Running == nil {
				t.Errorf("the status is %+v", status)
			}
			return nil // an error is right, too: the pod cannot be known
		},
		"delete": func(i *instance, r wire.CreateRequest) error { return i.tryDelete(r, "") },
	} {
		r := named(name+strings.Repeat("-long-name", 8), 1)
		s.createAsPython(r)
		s.eventuallyRunning(r)
		i, release := s.startWithoutCache()
		looked := false
		i.link.on(func(c call) faulty.Fault {
			if c.String() == "GET pods/name" && c.isFor(r) && !looked {
				looked = true
				release()
				i.waitUntilReady()
			}
			return ""
		})
		if err := do(i, r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !looked {
			t.Errorf("%s: the plugin does not look for the pod", name)
		}
		if name != "delete" {
			if pods := podsOf(s.versions()); len(pods) != 1 {
				t.Errorf("%s: these pods exist: %v", name, pods)
			}
			i.delete(r, "")
		}
		s.eventuallyNothingLeft()
	}
}

func (s *site) createNamespace() {
	s.t.Helper()
	_, err := s.admin.CoreV1().Namespaces().Create(context.Background(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.namespace}}, metav1.CreateOptions{})
	s.must(err)
	testkit.Eventually(s.t, "the namespace has its service account", func() bool {
		_, err := s.admin.CoreV1().ServiceAccounts(s.namespace).Get(context.Background(), "default", metav1.GetOptions{})
		return err == nil
	})
}

// createAsPython creates the objects of a request as the Python plugin does, and returns the job ID.
func (s *site) createAsPython(r wire.CreateRequest) string {
	s.t.Helper()
	ctx, core, uid := context.Background(), s.admin.CoreV1(), string(r.Pod.UID)
	name := func(local string) string {
		scoped := local + "-" + uid
		return scoped[:min(len(scoped), 63)]
	}
	meta := func(local string) metav1.ObjectMeta {
		return metav1.ObjectMeta{
			Name:   name(local),
			Labels: map[string]string{"interlink.io": "offloading", "interlink.io/source.pod_uid": uid},
			Annotations: map[string]string{
				"interlink.io/source.name": local, "interlink.io/source.namespace": r.Pod.Namespace, "interlink.io/source.uid": uid},
		}
	}
	spec := *r.Pod.Spec.DeepCopy()
	for n := range spec.Volumes {
		if v := &spec.Volumes[n]; v.ConfigMap != nil {
			v.ConfigMap.Name = name(v.ConfigMap.Name)
		} else if v.Secret != nil {
			v.Secret.SecretName = name(v.Secret.SecretName)
		}
	}
	for _, e := range spec.Containers[0].Env {
		e.ValueFrom.ConfigMapKeyRef.Name = name(e.ValueFrom.ConfigMapKeyRef.Name)
	}
	for _, e := range spec.Containers[0].EnvFrom {
		e.SecretRef.Name = name(e.SecretRef.Name)
	}
	_, err := core.ConfigMaps(s.namespace).Create(ctx, &corev1.ConfigMap{ObjectMeta: meta("app"), Data: map[string]string{"key": "value"}}, metav1.CreateOptions{})
	s.must(err)
	_, err = core.Secrets(s.namespace).Create(ctx, &corev1.Secret{ObjectMeta: meta("keys"), Data: map[string][]byte{"KEY": []byte("value")}}, metav1.CreateOptions{})
	s.must(err)
	pod, err := core.Pods(s.namespace).Create(ctx, &corev1.Pod{ObjectMeta: meta(r.Pod.Name), Spec: spec}, metav1.CreateOptions{})
	s.must(err)
	return string(pod.UID)
}
