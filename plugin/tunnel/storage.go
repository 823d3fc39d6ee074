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

// records are the Secrets that hold Helm's records, as one call knows them: what it
// saw first, and what it wrote since. A record that somebody else changed meanwhile
// is neither changed nor deleted (409); Helm itself would not notice.
type records struct {
	typedcorev1.SecretInterface
	known map[string]metav1.ObjectMeta
	// tried and made say whether a record was to be made, and was.
	tried, made bool
	// failed is why a record could not be changed, read or deleted at last; Helm
	// passes over that, or tells it in words only.
	failed error
}

func (r *records) List(ctx context.Context, options metav1.ListOptions) (*corev1.SecretList, error) {
	list, err := r.SecretInterface.List(ctx, options)
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
	secret, err := r.SecretInterface.Get(ctx, name, options)
	r.failed = err
	return secret, err
}

func (r *records) Create(ctx context.Context, secret *corev1.Secret, options metav1.CreateOptions) (*corev1.Secret, error) {
	r.tried = true
	made, err := r.SecretInterface.Create(ctx, secret, options)
	if err == nil {
		r.made, r.known[secret.Name] = true, made.ObjectMeta
	}
	return made, err
}

func (r *records) Update(ctx context.Context, secret *corev1.Secret, options metav1.UpdateOptions) (*corev1.Secret, error) {
	known := r.known[secret.Name]
	secret.UID, secret.ResourceVersion = known.UID, known.ResourceVersion
	changed, err := r.SecretInterface.Update(ctx, secret, options)
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
	r.failed = r.SecretInterface.Delete(ctx, name, options)
	return r.failed
}

// withoutKey keeps Helm's records, less the private key among their values: nobody
// needs it there, and helm get values shows these to everybody who may read them.
type withoutKey struct {
	driver.Driver
	secret secret
}

func (w withoutKey) Create(key string, r *release.Release) error {
	return w.Driver.Create(key, w.strip(r))
}

func (w withoutKey) Update(key string, r *release.Release) error {
	return w.Driver.Update(key, w.strip(r))
}

// strip returns a copy of a release without tunnel.gateway.ssh.privateKey; why it
// failed, and the chart's notes, may quote the key.
func (w withoutKey) strip(r *release.Release) *release.Release {
	stripped := *r
	if r.Info != nil {
		info := *r.Info
		info.Description, info.Notes = w.secret.hide(info.Description), w.secret.hide(info.Notes)
		stripped.Info = &info
	}
	stripped.Config = maps.Clone(r.Config)
	at := stripped.Config
	for _, name := range []string{"tunnel", "gateway", "ssh"} {
		inner, ok := at[name].(map[string]any)
		if !ok {
			return &stripped
		}
		inner = maps.Clone(inner)
		at[name] = inner
		at = inner
	}
	delete(at, "privateKey")
	return &stripped
}
