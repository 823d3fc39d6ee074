package cluster

import (
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

func TestWrap(t *testing.T) {
	if err := wrap(nil, "create", "pod a/b"); err != nil {
		t.Errorf("nothing became %v", err)
	}
	cause := apierrors.NewConflict(schema.GroupResource{Resource: "pods"}, "b", errors.New("quota moved"))
	err := wrap(cause, "create", "pod a/b")
	if !errdefs.Is(err, errdefs.Conflict) || !errors.Is(err, cause) || err.Error() != "create pod a/b: "+cause.Error() {
		t.Errorf("it became %v of kind %q", err, errdefs.KindOf(err))
	}
}
