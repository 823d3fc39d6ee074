package manifests

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

const exampleTemplate = "namespace-template.yaml"

// rbac-namespace-template.yaml grants exactly the permissions that the plugin uses only with
// the template of the example.
func TestTemplateFileGrantsTheRequiredPermissions(t *testing.T) {
	granted := map[permission]bool{}
	account := rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Name: "interlink-plugin", Namespace: "interlink-plugin"}
	for _, object := range read(t, "rbac-namespace-template.yaml") {
		switch o := object.(type) {
		case *rbacv1.ClusterRole:
			add(t, granted, "", o.Rules)
		case *rbacv1.ClusterRoleBinding:
			checkBinding(t, "ClusterRole interlink-plugin-namespace-template", o.RoleRef, o.Subjects, account)
		default:
			t.Errorf("an object of type %T", object)
		}
	}
	cfg := config.Defaults()
	cfg.Offloading.NamespaceTemplate = exampleTemplate
	template, err := plugin.NamespaceTemplate(cfg)
	if err != nil {
		t.Fatal(err)
	}
	required := map[permission]bool{}
	for _, r := range plugin.RequiredPermissions(cfg, template) {
		required[permission{r.Namespace, r.Group, r.Resource, r.Verb}] = true
	}
	for _, r := range plugin.RequiredPermissions(cfg, nil) { // the other file grants them
		delete(required, permission{r.Namespace, r.Group, r.Resource, r.Verb})
	}
	if diff := gocmp.Diff(required, granted); diff != "" {
		t.Errorf("the rules differ from the permissions that the plugin uses (-used +granted):\n%s", diff)
	}
}

// On a real API server with a quota controller, the plugin has the permissions of the files, and
// the example is applied: the first pod has its limits, and the quota counts it.
func TestExampleTemplateIsApplied(t *testing.T) {
	server := apiserver.ForTestWithControllers(t)
	apply(t, server, "rbac-cluster-wide.yaml", metav1.CreateOptions{})
	apply(t, server, "rbac-namespace-template.yaml", metav1.CreateOptions{})
	token, err := server.Client.CoreV1().ServiceAccounts("interlink-plugin").CreateToken(t.Context(), "interlink-plugin", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	anonymous := rest.AnonymousClientConfig(server.Config)
	anonymous.BearerToken = token.Status.Token
	client, err := kubernetes.NewForConfig(anonymous)
	if err != nil {
		t.Fatal(err)
	}
	socket := testkit.SocketPath(t)
	cfg := config.Defaults()
	cfg.App.SocketAddress, cfg.Offloading.NamespaceTemplate = "unix://"+socket, exampleTemplate
	var table bytes.Buffer
	testkit.EventuallyNoError(t.Context(), t, testkit.Timeout, "--check finds all permissions", func(ctx context.Context) error {
		table.Reset()
		return plugin.Check(ctx, cfg, client, &table)
	})

	log := testkit.NewLog(t)
	p, err := plugin.New(cfg, client, nil, "test", log.Logger())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run returns %v", err)
		}
	})
	body, err := json.Marshal(wire.CreateRequest{Pod: corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "first", Namespace: "team-a", UID: "92030190-ca03-4864-a97c-dabccaa67f8e"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "busybox"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	caller := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	testkit.Eventually(t, "the plugin listens", func() bool {
		connection, err := net.Dial("unix", socket)
		if err == nil {
			_ = connection.Close()
		}
		return err == nil
	})
	answer, err := caller.Post("http://unix/create", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("the create answered %d %s", answer.StatusCode, text)
	}

	const namespace = "offloading-team-a"
	pods, err := server.Client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(pods.Items) != 1 {
		t.Fatalf("the namespace has %d pods, %v", len(pods.Items), err)
	}
	if limits := pods.Items[0].Spec.Containers[0].Resources.Limits; limits.Memory().String() != "1Gi" {
		t.Errorf("the pod was created before the LimitRange: it has the limits %v", limits)
	}
	// The quota controller can overwrite what admission has counted by what it counted before it saw the pod, and counts again
	// only when the limits change.
	limit := int64(100)
	testkit.EventuallyNoError(t.Context(), t, testkit.Timeout, "the quota counts the pod", func(ctx context.Context) error {
		quotas := server.Client.CoreV1().ResourceQuotas(namespace)
		quota, err := quotas.Get(ctx, "limits", metav1.GetOptions{})
		if err == nil && quota.Status.Used.Pods().String() != "1" {
			err = fmt.Errorf("it counts %v", quota.Status.Used)
			limit++
			quota.Spec.Hard[corev1.ResourcePods] = *resource.NewQuantity(limit, resource.DecimalSI)
			if _, updateErr := quotas.Update(ctx, quota, metav1.UpdateOptions{}); updateErr != nil && !apierrors.IsConflict(updateErr) {
				err = updateErr
			}
		}
		return err
	})
	policies, err := server.Client.NetworkingV1().NetworkPolicies(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: wire.LabelNamespaceTemplate})
	if err != nil || len(policies.Items) != 3 {
		t.Errorf("the namespace has %d network policies, %v", len(policies.Items), err)
	}
	if strings.Contains(log.String(), "forbidden") {
		t.Error("the plugin lacks a permission")
	}
}
