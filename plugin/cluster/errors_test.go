package cluster

import (
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

func TestWrapAddsOperationObjectAndKind(t *testing.T) {
	if err := wrap(nil, "create", "pod a/b"); err != nil {
		t.Errorf("wrap(nil) returns %v, want nil", err)
	}
	cause := apierrors.NewConflict(schema.GroupResource{Resource: "pods"}, "b", errors.New("the quota changed"))
	err := wrap(cause, "create", "pod a/b")
	if !errdefs.Is(err, errdefs.Conflict) || !errors.Is(err, cause) || err.Error() != "create pod a/b: "+cause.Error() {
		t.Errorf("wrap returns %v of kind %q", err, errdefs.KindOf(err))
	}
}
