package tunnel

import (
	"context"
	"maps"

	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
)

// records is the client for the Secrets that hold Helm's records, for one action of
// Helm. It remembers the version of each record that the action read first or wrote
// last. If another process has changed the record since, updates and deletes fail with
// 409; Helm itself would overwrite the change.
type records struct {
	typedcorev1.SecretInterface
	calls *calls
	known map[string]metav1.ObjectMeta
	// createTried and created say whether a create of a record was tried, and whether
	// it succeeded.
	createTried, created bool
	// failed is the error of the last request; Helm ignores it, or only quotes it.
	failed error
}

func (r *records) List(ctx context.Context, options metav1.ListOptions) (*corev1.SecretList, error) {
	list, err := r.SecretInterface.List(r.calls.within(ctx), options)
	if err == nil {
		for i := range list.Items {
			if _, ok := r.known[list.Items[i].Name]; !ok {
				r.known[list.Items[i].Name] = list.Items[i].ObjectMeta
			}
		}
	}
	return list, err
}

func (r *records) Get(ctx context.Context, name string, options metav1.GetOptions) (*corev1.Secret, error) {
	secret, err := r.SecretInterface.Get(r.calls.within(ctx), name, options)
	r.failed = err
	return secret, err
}

func (r *records) Create(ctx context.Context, secret *corev1.Secret, options metav1.CreateOptions) (*corev1.Secret, error) {
	r.createTried = true
	created, err := r.SecretInterface.Create(r.calls.within(ctx), secret, options)
	if err == nil {
		r.created, r.known[secret.Name] = true, created.ObjectMeta
	}
	return created, err
}

func (r *records) Update(ctx context.Context, secret *corev1.Secret, options metav1.UpdateOptions) (*corev1.Secret, error) {
	known := r.known[secret.Name]
	secret.UID, secret.ResourceVersion = known.UID, known.ResourceVersion
	changed, err := r.SecretInterface.Update(r.calls.within(ctx), secret, options)
	if err == nil {
		r.known[secret.Name] = changed.ObjectMeta
	}
	r.failed = err
	return changed, err
}

func (r *records) Delete(ctx context.Context, name string, options metav1.DeleteOptions) error {
	if known, ok := r.known[name]; ok {
		options.Preconditions = &metav1.Preconditions{UID: &known.UID, ResourceVersion: &known.ResourceVersion}
	}
	r.failed = r.SecretInterface.Delete(r.calls.within(ctx), name, options)
	return r.failed
}

// redactingDriver stores Helm's records without the private key. Helm does not need the
// key in the values of a record, and helm get values shows them.
type redactingDriver struct {
	driver.Driver
	secret secret
}

func (d redactingDriver) Create(key string, r *release.Release) error {
	return d.Driver.Create(key, d.withoutKey(r))
}

func (d redactingDriver) Update(key string, r *release.Release) error {
	return d.Driver.Update(key, d.withoutKey(r))
}

// withoutKey returns a copy of a release without the value
// tunnel.gateway.ssh.privateKey, and with a redacted description and redacted notes: an
// error message or the chart's notes may quote the key.
func (d redactingDriver) withoutKey(r *release.Release) *release.Release {
	clean := *r
	if r.Info != nil {
		info := *r.Info
		info.Description, info.Notes = d.secret.redact(info.Description), d.secret.redact(info.Notes)
		clean.Info = &info
	}
	clean.Config = maps.Clone(r.Config)
	at := clean.Config
	for _, name := range []string{"tunnel", "gateway", "ssh"} {
		inner, ok := at[name].(map[string]any)
		if !ok {
			return &clean
		}
		inner = maps.Clone(inner)
		at[name] = inner
		at = inner
	}
	delete(at, "privateKey")
	return &clean
}
