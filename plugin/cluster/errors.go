package cluster

import (
	"fmt"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs/kube"
)

// wrap says what was being done to which object, and of what kind the failure
// is. A nil err stays nil.
func wrap(err error, verb, what string) error {
	if err == nil {
		return nil
	}
	return errdefs.Wrap(kube.Kind(err), fmt.Errorf("%s %s: %w", verb, what, err))
}
