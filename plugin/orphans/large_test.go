package orphans_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/orphans"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tunnel"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// A list of more objects than one page has no gap: 503 ConfigMaps without a pod are found.
// The last pod, on a second page too, uses a claim, and an earlier version created a ConfigMap for
// it: neither is found.
func TestMoreThanOnePage(t *testing.T) {
	const count = 503
	s := newSite(t, func(_ *site, o *orphans.Options) { o.Now = func() time.Time { return time.Now().Add(2 * grace) } })
	var creates errgroup.Group
	creates.SetLimit(20)
	for i := range count {
		creates.Go(func() error {
			meta := s.meta(fmt.Sprintf("config-%03d", i), map[string]string{wire.LabelPodUID: "gone"})
			_, err := s.client.CoreV1().ConfigMaps(s.namespace).Create(t.Context(), &corev1.ConfigMap{ObjectMeta: meta}, metav1.CreateOptions{})
			if err != nil {
				return err
			}
			name := fmt.Sprintf("pod-%03d", i)
			pod := &corev1.Pod{
				ObjectMeta: s.meta(name, map[string]string{wire.LabelPodUID: name}),
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "busybox"}}},
			}
			if i == count-1 {
				pod.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{
					PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "used"}}}}
			}
			_, err = s.client.CoreV1().Pods(s.namespace).Create(t.Context(), pod, metav1.CreateOptions{})
			return err
		})
	}
	s.must(creates.Wait())
	s.configMap(s.meta("of-the-last-pod", map[string]string{wire.LabelPodUID: fmt.Sprintf("pod-%03d", count-1)}))
	s.claim("used", "delete")
	findings, skipped, err := s.List(t.Context())
	if err != nil || len(skipped) > 0 {
		t.Fatalf("List: %v, %v", skipped, err)
	}
	found := map[string]bool{}
	for _, f := range findings {
		if !strings.HasPrefix(f.Name, "config-") {
			t.Errorf("found %s %s", f.Kind, f.Name)
		}
		found[f.Name] = true
	}
	if len(findings) != count || len(found) != count {
		t.Errorf("found %d objects, %d different ones, want %d", len(findings), len(found), count)
	}
}

const sshKey = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n-----END OPENSSH PRIVATE KEY-----\n"

// The releases are Helm's own: the one of a pod that does not exist is found, and
// uninstalled with its objects. Those of a live pod and of another instance stay, also one of the
// same local pod.
func TestHelmReleases(t *testing.T) {
	server := apiserver.ForTest(t)
	bastions := server.Namespace(t)
	s := newSite(t, func(s *site, o *orphans.Options) {
		o.Now = func() time.Time { return time.Now().Add(2 * grace) }
		tunnels, err := tunnel.New(server.Config, tunnel.Options{Log: s.log.Logger(), TCPTunnel: config.TCPTunnel{
			BastionNamespace: bastions, GatewayHost: "gateway.example.org", GatewayPort: 30222, GatewayUser: "user", GatewaySSHPrivateKey: sshKey,
		}})
		if err != nil {
			t.Fatal(err)
		}
		for name, instance := range map[string]string{"gone": s.instance, "live": s.instance, "other": "another"} {
			labels := map[string]string{wire.LabelTunnelUID: name, wire.LabelInstance: instance}
			if err := tunnels.Open(t.Context(), "bastion-8080-"+name, labels, 8080, "bastion-"+name+".demo.svc"); err != nil {
				t.Fatal(err)
			}
		}
		// An instance that ran before has a tunnel of the same local pod.
		labels := map[string]string{wire.LabelTunnelUID: "gone", wire.LabelInstance: "another"}
		if err := tunnels.Open(t.Context(), "bastion-9090-gone", labels, 9090, "bastion-gone.demo.svc"); err != nil {
			t.Fatal(err)
		}
		o.Tunnels = tunnels
	})
	s.pod("live", nil)
	findings, skipped, err := s.List(t.Context())
	if err != nil || len(skipped) > 0 || len(findings) != 1 || findings[0].Name != "bastion-8080-gone" || !findings[0].Due {
		t.Fatalf("List: %+v, %v, %v", findings, skipped, err)
	}
	if deleted, err := s.Delete(t.Context(), findings); err != nil || deleted != 1 {
		t.Errorf("Delete: %d, %v", deleted, err)
	}
	var left []string
	deployments, err := s.client.AppsV1().Deployments(bastions).List(t.Context(), metav1.ListOptions{})
	s.must(err)
	for i := range deployments.Items {
		left = append(left, deployments.Items[i].Name)
	}
	slices.Sort(left)
	if want := []string{"bastion-8080-live", "bastion-8080-other", "bastion-9090-gone"}; !slices.Equal(left, want) {
		t.Errorf("the deployments %v are left, want %v", left, want)
	}
	if findings, _, err = s.List(t.Context()); err != nil || len(findings) > 0 {
		t.Errorf("List after Delete: %+v, %v", findings, err)
	}
}
