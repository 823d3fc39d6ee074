package charts

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// The test pod sends its pod to where InterLink or virtual kubelets send theirs; the network policy permits it, and
// the Service does not select it.
func TestPodOfHelmTest(t *testing.T) {
	const (
		remote = "remote: {existingSecret: remote-cluster}\n"
		tls    = remote + "interlink: {enabled: true, tls: {existingSecret: server, clientAuth: %s}}\n"
	)
	for _, test := range []struct {
		values string
		args   []string // "" for no test pod
		secret string
	}{
		{remote, []string{"--plugin=http://demo-interlink-kubernetes-plugin.interlink:4000", "--namespace=interlink", "--expect=interlink-kubernetes-plugin"}, ""},
		{remote + "networkPolicy: {from: []}\nservice: {port: 80}", []string{"--plugin=http://demo-interlink-kubernetes-plugin.interlink:80"}, ""},
		{remote + "interlink: {enabled: true}\ntest: {namespace: team-a}", []string{"--interlink=http://demo-interlink-kubernetes-plugin.interlink:3000", "--namespace=team-a"}, ""},
		{strings.ReplaceAll(tls, "%s", "false"), []string{"--interlink=https://demo-interlink-kubernetes-plugin.interlink:3000", "--tls-dir=/etc/interlink/tls"}, "server"},
		{strings.ReplaceAll(tls, "%s", "true") + "test: {tlsSecret: client}", []string{"--tls-dir=/etc/interlink/tls"}, "client"},
		{strings.ReplaceAll(tls, "%s", "true"), nil, ""},
		{remote + "test: {enabled: false}", nil, ""},
		{remote + "config: {app: {socket_address: 'unix:///sockets/p'}}", []string{"--plugin=unix:///sockets/p"}, ""},
		{remote + "test: {image: a/b:1, command: [run, x], expect: 'a: b'}", []string{"--image=a/b:1", "--expect=a: b", "--", "run", "x"}, ""},
	} {
		var pod *corev1.Pod
		var service *corev1.Service
		var policy *networkingv1.NetworkPolicy
		files := mustRender(t, parseValues(t, test.values))
		for _, object := range decode(t, manifest(files)) {
			switch o := object.(type) {
			case *corev1.Pod:
				pod = o
			case *corev1.Service:
				service = o
			case *networkingv1.NetworkPolicy:
				policy = o
			}
		}
		if (pod == nil) != (test.args == nil) || strings.Contains(files["NOTES.txt"], "helm test demo -n interlink --logs") != (pod != nil) {
			t.Errorf("%s: there is a test pod: %t; the notes are\n%s", test.values, pod != nil, files["NOTES.txt"])
		}
		if pod == nil {
			continue
		}
		args := pod.Spec.Containers[0].Args
		for _, want := range test.args {
			if !slices.Contains(args, want) {
				t.Errorf("%s: the arguments %q do not have %q", test.values, args, want)
			}
		}
		secret := ""
		for _, volume := range pod.Spec.Volumes {
			secret += volume.Secret.SecretName
		}
		if secret != test.secret {
			t.Errorf("%s: the Secret is %q, want %q", test.values, secret, test.secret)
		}
		if labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(pod.Labels)) {
			t.Errorf("%s: the Service selects the test pod", test.values)
		}
		permitted := slices.ContainsFunc(policy.Spec.Ingress[0].From, func(peer networkingv1.NetworkPolicyPeer) bool {
			return len(peer.PodSelector.MatchLabels) == 2 && labels.SelectorFromSet(peer.PodSelector.MatchLabels).Matches(labels.Set(pod.Labels))
		})
		if !permitted && !strings.Contains(test.values, "unix:") {
			t.Errorf("%s: the network policy does not permit the test pod: %+v", test.values, policy.Spec.Ingress)
		}
	}
}
