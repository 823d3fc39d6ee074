package cluster

import (
	"fmt"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs/kube"
)

// wrap adds the operation and the object to err, and the kind of the failure. A nil
// err stays nil.
func wrap(err error, verb, object string) error {
	if err == nil {
		return nil
	}
	return errdefs.Wrap(kube.Kind(err), fmt.Errorf("%s %s: %w", verb, object, err))
}
