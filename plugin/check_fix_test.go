package plugin

import (
	"errors"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// The manifests name the account, or a word to replace where the API server does not say who the plugin is. A failure of
// the request is no reason to print manifests.
func TestFixNamesTheAccount(t *testing.T) {
	reviews := schema.GroupResource{Group: "authentication.k8s.io", Resource: "selfsubjectreviews"}
	for _, test := range []struct {
		name    string
		account string
		failure error
		want    string // in the manifests
		kind    errdefs.Kind
	}{
		{name: "known", account: "system:serviceaccount:interlink:plugin", want: "namespace: interlink"},
		{name: "anonymous", account: "system:anonymous", want: unknownAccount},
		{name: "without a name", want: unknownAccount},
		{name: "refused", failure: apierrors.NewForbidden(reviews, "", errors.New("no")), want: unknownAccount},
		{name: "older than 1.28", failure: apierrors.NewNotFound(reviews, ""), want: unknownAccount},
		{name: "not there", failure: apierrors.NewServiceUnavailable("starting"), kind: errdefs.Unavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := fake.NewClientset()
			client.PrependReactor("create", "selfsubjectreviews", func(clienttesting.Action) (bool, runtime.Object, error) {
				review := &authenticationv1.SelfSubjectReview{}
				review.Status.UserInfo.Username = test.account
				return true, review, test.failure
			})
			review := &Review{Permissions: []ReviewedPermission{{Permission: cluster.Permission{Verb: "create", Resource: "pods", Why: "run the pod"}}}}
			manifests, count, err := review.Fix(t.Context(), client, false)
			if errdefs.KindOf(err) != test.kind && (err != nil || test.kind != "") {
				t.Fatalf("the error is %v", err)
			}
			if test.kind != "" {
				if manifests != "" {
					t.Errorf("after a failure there are manifests:\n%s", manifests)
				}
				return
			}
			if count != 1 || !strings.Contains(manifests, "kind: ClusterRoleBinding") || !strings.Contains(manifests, test.want) {
				t.Errorf("%d permissions, want %q in\n%s", count, test.want, manifests)
			}
			if strings.Contains(manifests, "Replace "+unknownAccount) != (test.want == unknownAccount) {
				t.Errorf("what to replace is not said, or is said for nothing:\n%s", manifests)
			}
		})
	}
}
