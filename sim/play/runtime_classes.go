package play

import (
	"context"
	"errors"
	"fmt"

	nodev1 "k8s.io/api/node/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// runtimeHandler is the handler that the container runtimes of ordinary nodes have.
const runtimeHandler = "runc"

// setUpRuntimeClasses creates the RuntimeClasses of the scenario that the remote cluster does not
// have. They belong to the whole cluster.
func (e *environment) setUpRuntimeClasses(ctx context.Context) error {
	for _, name := range e.file.RemoteSetup.RuntimeClasses {
		class := &nodev1.RuntimeClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Handler: runtimeHandler}
		created, err := e.remote.NodeV1().RuntimeClasses().Create(ctx, class, metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("create runtime class %s for the scenario: %w", name, err)
		}
		e.runtimeClasses = append(e.runtimeClasses, *created)
	}
	return nil
}

// cleanUpRuntimeClasses deletes the RuntimeClasses that the scenario has created.
func (e *environment) cleanUpRuntimeClasses(ctx context.Context) error {
	var errs []error
	for i := range e.runtimeClasses {
		class := &e.runtimeClasses[i]
		err := e.remote.NodeV1().RuntimeClasses().Delete(ctx, class.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &class.UID}})
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			errs = append(errs, fmt.Errorf("clean up runtime class %s: %w", class.Name, err))
		}
	}
	return errors.Join(errs...)
}
