package cluster_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// The events of one pod are those with its UID, not those of an earlier pod with its name. Without
// the right to list events, the error says so.
func TestEventsOfAPod(t *testing.T) {
	server := apiserver.ForTest(t)
	namespace := server.Namespace(t)
	pod := offloaded("pod", "uid")
	pod.Namespace, pod.UID = namespace, "remote-uid"
	for name, uid := range map[string]types.UID{"its-own": pod.UID, "earlier": "earlier-uid"} {
		event := &corev1.Event{
			ObjectMeta: metav1.ObjectMeta{Name: name}, Type: corev1.EventTypeWarning, Reason: "FailedMount", Message: name,
			InvolvedObject: corev1.ObjectReference{Kind: "Pod", Namespace: namespace, Name: "pod", UID: uid},
		}
		if _, err := server.Client.CoreV1().Events(namespace).Create(t.Context(), event, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	events, err := runCluster(t, server.Config, namespace).PodEvents(t.Context(), pod)
	if err != nil || len(events) != 1 || events[0].Message != "its-own" {
		t.Errorf("the events are %v, %v", events, err)
	}

	user, err := server.AddUser("without-events")
	if err != nil {
		t.Fatal(err)
	}
	pods := rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"list", "watch"}}
	if err := server.Grant(t.Context(), "without-events", namespace, pods); err != nil {
		t.Fatal(err)
	}
	c := runCluster(t, user.Config(), namespace)
	testkit.Eventually(t, "the permissions are in effect", c.Synced) // RBAC needs a moment
	if _, err := c.PodEvents(t.Context(), pod); !errdefs.Is(err, errdefs.Refused) {
		t.Errorf("without the right, the error is %v", err)
	}
}
