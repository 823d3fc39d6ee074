package lifecycle_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tunnel"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// hookedTunnels are Helm's tunnels with a function that runs before and after each
// call. It can let the call fail or wait.
type hookedTunnels struct {
	lifecycle.Tunnels
	mu   sync.Mutex
	hook func(call string) error
}

func (t *hookedTunnels) set(hook func(call string) error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hook = hook
}

func (t *hookedTunnels) runHook(call string) error {
	t.mu.Lock()
	hook := t.hook
	t.mu.Unlock()
	if hook == nil {
		return nil
	}
	return hook(call)
}

func (t *hookedTunnels) Open(ctx context.Context, release string, labels map[string]string, port int32, target string) error {
	if err := t.runHook(fmt.Sprintf("open %d", port)); err != nil {
		return err
	}
	if err := t.Tunnels.Open(ctx, release, labels, port, target); err != nil {
		return err
	}
	return t.runHook(fmt.Sprintf("opened %d", port))
}

func (t *hookedTunnels) Close(ctx context.Context, selector string) error {
	if err := t.runHook("close"); err != nil {
		return err
	}
	return t.Tunnels.Close(ctx, selector)
}

// newTunnelEnv returns an env that exposes the TCP ports of pods.
func newTunnelEnv(t *testing.T) (*env, *hookedTunnels) {
	t.Helper()
	tunnels := &hookedTunnels{}
	e := newEnv(t, func(o *lifecycle.Options) {
		o.Translate.Tunnels = true
		o.Tunnels = tunnels
		remote := rest.CopyConfig(apiserver.ForTest(t).Config)
		remote.QPS, remote.Burst = 1000, 1000
		helm, err := tunnel.New(remote, tunnel.Options{
			TCPTunnel: config.TCPTunnel{
				BastionNamespace: o.Translate.Scope.Prefix + "-tunnels", GatewayHost: "gateway", GatewayPort: 22, GatewayUser: "user",
				GatewaySSHPrivateKey: "-----BEGIN OPENSSH PRIVATE KEY-----\nZXhhbXBsZQ==\n-----END OPENSSH PRIVATE KEY-----\n",
			},
			Log: o.Log,
		})
		if err != nil {
			t.Fatal(err)
		}
		tunnels.Tunnels = helm
	})
	return e, tunnels
}

// requestWithPorts returns a create request for a pod with two TCP ports and a UDP port.
func requestWithPorts() *wire.CreateRequest {
	r := plainRequest()
	r.Pod.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 8080}, {ContainerPort: 443}, {ContainerPort: 53, Protocol: corev1.ProtocolUDP}}
	return r
}

// existing lists the pod, its Service, its Helm releases and their Deployments.
func (e *env) existing(r *wire.CreateRequest, namespace string) []string {
	e.t.Helper()
	names := e.remaining(r)
	for i := range names {
		names[i], _, _ = strings.Cut(names[i], " ")
	}
	records, err := e.admin.CoreV1().Secrets(namespace).List(context.Background(), metav1.ListOptions{LabelSelector: "owner=helm," + scope.TunnelSelector(string(r.Pod.UID))})
	e.must(err)
	for range records.Items {
		names = append(names, "release")
	}
	bastions, err := e.admin.AppsV1().Deployments(namespace).List(context.Background(), metav1.ListOptions{LabelSelector: scope.TunnelSelector(string(r.Pod.UID))})
	e.must(err)
	for range bastions.Items {
		names = append(names, "bastion")
	}
	slices.Sort(names)
	return names
}

// exposed is what existing lists for a pod with two TCP ports.
var exposed = []string{"bastion", "bastion", "pod", "release", "release", "service"}

func TestTunnelsAreCreatedAndDeletedWithThePod(t *testing.T) {
	e, tunnels := newTunnelEnv(t)
	r := requestWithPorts()
	first, err := e.Create(t.Context(), r)
	e.must(err)
	if got := e.existing(r, tunnels.Namespace()); !slices.Equal(got, exposed) {
		t.Errorf("these objects exist: %v, want %v", got, exposed)
	}
	service, err := e.admin.CoreV1().Services(e.namespace).Get(t.Context(), scope.Scope{}.ServiceName(string(r.Pod.UID)), metav1.GetOptions{})
	e.must(err)
	if service.Spec.ClusterIP != corev1.ClusterIPNone || len(service.Spec.Ports) != 2 || service.Spec.Selector[wire.LabelPodUID] != string(r.Pod.UID) {
		t.Errorf("the Service is %+v", service.Spec)
	}
	second, err := e.Create(t.Context(), r)
	e.must(err)
	if second != first {
		t.Errorf("the second create returned %v, want %v", second, first)
	}
	other := requestWithPorts()
	_, err = e.Create(t.Context(), other)
	e.must(err)
	pod := localPod(r, first.PodJID)
	e.must(e.Delete(t.Context(), &pod))
	e.eventually("all objects are deleted", func() bool { return len(e.existing(r, tunnels.Namespace())) == 0 })
	if got := e.existing(other, tunnels.Namespace()); !slices.Equal(got, exposed) {
		t.Errorf("of the other pod these objects remain: %v", got)
	}
	none := plainRequest()
	_, err = e.Create(t.Context(), none)
	e.must(err)
	if got := e.existing(none, tunnels.Namespace()); !slices.Equal(got, []string{"pod"}) {
		t.Errorf("for a pod without ports these objects exist: %v", got)
	}
}

// A create fails permanently at each step: no object remains.
func TestTunnelsAreRolledBack(t *testing.T) {
	for _, step := range []string{"open 443", "opened 443", "open 8080", "opened 8080", "POST services", "POST pods"} {
		t.Run(step, func(t *testing.T) {
			e, tunnels := newTunnelEnv(t)
			tunnels.set(func(call string) error {
				if call == step {
					return errdefs.New(errdefs.Refused, "injected")
				}
				return nil
			})
			e.failAlways(step, forbidden)
			r := requestWithPorts()
			if _, err := e.Create(t.Context(), r); !errdefs.Is(err, errdefs.Refused) || !strings.Contains(err.Error(), "injected") {
				t.Errorf("the create returned %v", err)
			}
			e.eventually("all objects are deleted", func() bool { return len(e.existing(r, tunnels.Namespace())) == 0 })
		})
	}
}

// Transient failures to open and to close a tunnel are retried.
func TestTunnelsAreRetried(t *testing.T) {
	e, tunnels := newTunnelEnv(t)
	failed := map[string]bool{}
	tunnels.set(func(call string) error {
		if failed[call] {
			return nil
		}
		failed[call] = true
		return errdefs.New(errdefs.Unavailable, "injected")
	})
	r := requestWithPorts()
	answer, err := e.Create(t.Context(), r)
	e.must(err)
	if got := e.existing(r, tunnels.Namespace()); !slices.Equal(got, exposed) {
		t.Errorf("these objects exist: %v, want %v", got, exposed)
	}
	pod := localPod(r, answer.PodJID)
	e.must(e.Delete(t.Context(), &pod))
	e.eventually("all objects are deleted", func() bool { return len(e.existing(r, tunnels.Namespace())) == 0 })
}

// A delete arrives while a release is being installed, again and again: it ends the create.
func TestDeleteDuringTheInstallOfATunnel(t *testing.T) {
	for _, at := range []string{"open 443", "opened 443", "opened 8080"} {
		t.Run(at, func(t *testing.T) {
			e, tunnels := newTunnelEnv(t)
			r := requestWithPorts()
			var deleting sync.WaitGroup
			var once sync.Once
			tunnels.set(func(call string) error {
				if call != at {
					return nil
				}
				once.Do(func() {
					deleting.Go(func() {
						pod := localPod(r, "")
						e.must(e.Delete(context.Background(), &pod))
					})
				})
				return errdefs.New(errdefs.Unavailable, "injected") // without the delete, the create would go on
			})
			if _, err := e.Create(t.Context(), r); !errdefs.Is(err, errdefs.Canceled) {
				t.Errorf("the create returned %v (%s)", err, errdefs.KindOf(err))
			}
			deleting.Wait()
			e.eventually("all objects are deleted", func() bool { return len(e.existing(r, tunnels.Namespace())) == 0 })
		})
	}
}

// The plugin stops during a create. After its restart, a create of the same pod
// finishes the work, and a delete deletes everything.
func TestTunnelsAfterARestart(t *testing.T) {
	for _, then := range []string{"create", "delete"} {
		t.Run(then, func(t *testing.T) {
			e, tunnels := newTunnelEnv(t)
			e.createNamespace()
			r := requestWithPorts()
			uid := string(r.Pod.UID)
			_, err := e.admin.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: tunnels.Namespace()}}, metav1.CreateOptions{})
			e.must(err)
			labels := map[string]string{wire.LabelTunnelUID: uid, wire.LabelAttempt: "earlier"}
			e.must(tunnels.Tunnels.Open(t.Context(), scope.Scope{}.ReleaseName(443, uid), labels, 443, "target"))
			if then == "create" {
				_, err := e.Create(t.Context(), r)
				e.must(err)
				if got := e.existing(r, tunnels.Namespace()); !slices.Equal(got, exposed) {
					t.Errorf("these objects exist: %v, want %v", got, exposed)
				}
			}
			pod := localPod(r, "")
			e.must(e.Delete(t.Context(), &pod))
			e.eventually("all objects are deleted", func() bool { return len(e.existing(r, tunnels.Namespace())) == 0 })
		})
	}
}

// A user deletes the namespace of the tunnels: the next create creates it again.
func TestDeletedTunnelNamespaceIsCreatedAgain(t *testing.T) {
	e, tunnels := newTunnelEnv(t)
	failed := false
	tunnels.set(func(call string) error {
		if call == "open 443" && !failed {
			failed = true
			return errdefs.New(errdefs.NotFound, "namespaces %q not found", tunnels.Namespace())
		}
		return nil
	})
	if _, err := e.Create(t.Context(), requestWithPorts()); err != nil {
		t.Error(err)
	}
}
