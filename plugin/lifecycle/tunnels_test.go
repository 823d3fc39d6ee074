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

// tunnels are Helm's, of which a call can be made to fail, or to wait.
type tunnels struct {
	lifecycle.Tunnels
	mu     sync.Mutex
	before func(call string) error
}

func (t *tunnels) set(before func(call string) error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.before = before
}

func (t *tunnels) strike(call string) error {
	t.mu.Lock()
	before := t.before
	t.mu.Unlock()
	if before == nil {
		return nil
	}
	return before(call)
}

func (t *tunnels) Open(ctx context.Context, release string, labels map[string]string, port int32, target string) error {
	if err := t.strike(fmt.Sprintf("open %d", port)); err != nil {
		return err
	}
	if err := t.Tunnels.Open(ctx, release, labels, port, target); err != nil {
		return err
	}
	return t.strike(fmt.Sprintf("opened %d", port))
}

func (t *tunnels) Close(ctx context.Context, selector string) error {
	if err := t.strike("close"); err != nil {
		return err
	}
	return t.Tunnels.Close(ctx, selector)
}

// newTunnels returns an env whose pods' ports are exposed.
func newTunnels(t *testing.T) (*env, *tunnels) {
	t.Helper()
	made := &tunnels{}
	e := newEnv(t, func(o *lifecycle.Options) {
		o.Translate.Tunnels = true
		o.Tunnels = made
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
		made.Tunnels = helm
	})
	return e, made
}

// exposing is a create request for a pod with two TCP ports.
func exposing() *wire.CreateRequest {
	r := plain()
	r.Pod.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 8080}, {ContainerPort: 443}, {ContainerPort: 53, Protocol: corev1.ProtocolUDP}}
	return r
}

// standing lists the pod, its Service and its releases.
func (e *env) standing(r *wire.CreateRequest, namespace string) []string {
	e.t.Helper()
	names := e.left(r)
	for i := range names {
		names[i], _, _ = strings.Cut(names[i], " ")
	}
	services, err := e.admin.CoreV1().Services(e.namespace).List(context.Background(), metav1.ListOptions{LabelSelector: scope.PodSelector(string(r.Pod.UID))})
	e.must(err)
	for range services.Items {
		names = append(names, "service")
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

var exposed = []string{"bastion", "bastion", "pod", "release", "release", "service"}

func TestTunnelsComeAndGoWithThePod(t *testing.T) {
	e, made := newTunnels(t)
	r := exposing()
	first, err := e.Create(t.Context(), r)
	e.must(err)
	if got := e.standing(r, made.Namespace()); !slices.Equal(got, exposed) {
		t.Errorf("there is %v", got)
	}
	service, err := e.admin.CoreV1().Services(e.namespace).Get(t.Context(), scope.Scope{}.ServiceName(string(r.Pod.UID)), metav1.GetOptions{})
	e.must(err)
	if service.Spec.ClusterIP != corev1.ClusterIPNone || len(service.Spec.Ports) != 2 || service.Spec.Selector[wire.LabelPodUID] != string(r.Pod.UID) {
		t.Errorf("the service is %+v", service.Spec)
	}
	second, err := e.Create(t.Context(), r)
	e.must(err)
	if second != first {
		t.Errorf("a second create answered %v, not %v", second, first)
	}
	other := exposing()
	_, err = e.Create(t.Context(), other)
	e.must(err)
	pod := local(r, first.PodJID)
	e.must(e.Delete(t.Context(), &pod))
	if got := e.standing(r, made.Namespace()); len(got) > 0 {
		t.Errorf("left %v", got)
	}
	if got := e.standing(other, made.Namespace()); !slices.Equal(got, exposed) {
		t.Errorf("of the other pod there is %v", got)
	}
	none := plain()
	_, err = e.Create(t.Context(), none)
	e.must(err)
	if got := e.standing(none, made.Namespace()); !slices.Equal(got, []string{"pod"}) {
		t.Errorf("of a pod without ports there is %v", got)
	}
}

// A create fails for good at each step: nothing is left of it.
func TestTunnelsAreUndone(t *testing.T) {
	for _, step := range []string{"open 443", "opened 443", "open 8080", "opened 8080", "POST services", "POST pods"} {
		t.Run(step, func(t *testing.T) {
			e, made := newTunnels(t)
			made.set(func(call string) error {
				if call == step {
					return errdefs.New(errdefs.Refused, "injected")
				}
				return nil
			})
			e.failAlways(step, forbidden)
			r := exposing()
			if _, err := e.Create(t.Context(), r); !errdefs.Is(err, errdefs.Refused) || !strings.Contains(err.Error(), "injected") {
				t.Errorf("failed with %v", err)
			}
			if got := e.standing(r, made.Namespace()); len(got) > 0 {
				t.Errorf("left %v", got)
			}
		})
	}
}

// What may pass is tried again, and so is closing, in the background.
func TestTunnelsAreTriedAgain(t *testing.T) {
	e, made := newTunnels(t)
	failed := map[string]bool{}
	made.set(func(call string) error {
		if failed[call] {
			return nil
		}
		failed[call] = true
		return errdefs.New(errdefs.Unavailable, "injected")
	})
	r := exposing()
	answer, err := e.Create(t.Context(), r)
	e.must(err)
	if got := e.standing(r, made.Namespace()); !slices.Equal(got, exposed) {
		t.Errorf("there is %v", got)
	}
	pod := local(r, answer.PodJID)
	e.must(e.Delete(t.Context(), &pod))
	e.eventually("all is gone", func() bool { return len(e.standing(r, made.Namespace())) == 0 })
}

// A delete comes while a release is being installed.
func TestDeleteWhileTunnelsOpen(t *testing.T) {
	for _, at := range []string{"open 443", "opened 443", "opened 8080"} {
		t.Run(at, func(t *testing.T) {
			e, made := newTunnels(t)
			r := exposing()
			var deleting sync.WaitGroup
			begun := make(chan struct{})
			made.set(func(call string) error {
				if call == at {
					deleting.Go(func() {
						pod := local(r, "")
						close(begun)
						e.must(e.Delete(context.Background(), &pod))
					})
					<-begun
				}
				return nil
			})
			if _, err := e.Create(t.Context(), r); err == nil {
				t.Log("the create was faster") // then the delete takes it all away
			} else if !errdefs.Is(err, errdefs.Canceled) {
				t.Errorf("failed with %v", err)
			}
			deleting.Wait()
			if got := e.standing(r, made.Namespace()); len(got) > 0 {
				t.Errorf("left %v", got)
			}
		})
	}
}

// The process stops in the middle: the next one, asked to create the pod again,
// finishes what stands; and asked to delete it, takes all away.
func TestTunnelsOfAnotherProcess(t *testing.T) {
	for _, then := range []string{"create", "delete"} {
		t.Run(then, func(t *testing.T) {
			e, made := newTunnels(t)
			e.makeNamespace()
			r := exposing()
			uid := string(r.Pod.UID)
			_, err := e.admin.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: made.Namespace()}}, metav1.CreateOptions{})
			e.must(err)
			labels := map[string]string{wire.LabelTunnelUID: uid, wire.LabelAttempt: "earlier"}
			e.must(made.Tunnels.Open(t.Context(), scope.Scope{}.ReleaseName(443, uid), labels, 443, "target"))
			if then == "create" {
				_, err := e.Create(t.Context(), r)
				e.must(err)
				if got := e.standing(r, made.Namespace()); !slices.Equal(got, exposed) {
					t.Errorf("there is %v", got)
				}
			}
			pod := local(r, "")
			e.must(e.Delete(t.Context(), &pod))
			if got := e.standing(r, made.Namespace()); len(got) > 0 {
				t.Errorf("left %v", got)
			}
		})
	}
}

// Somebody deletes the bastions' namespace: it is made again.
func TestBastionNamespaceIsMadeAgain(t *testing.T) {
	e, made := newTunnels(t)
	struck := false
	made.set(func(call string) error {
		if call == "open 443" && !struck {
			struck = true
			return errdefs.New(errdefs.NotFound, "namespaces %q not found", made.Namespace())
		}
		return nil
	})
	if _, err := e.Create(t.Context(), exposing()); err != nil {
		t.Error(err)
	}
}
