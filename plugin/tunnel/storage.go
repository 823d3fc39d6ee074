package tunnel

import (
	"maps"

	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"
)

// withoutKey keeps Helm's records, less the private key among their values: nobody
// needs it there, and helm get values shows these to everybody who may read them.
type withoutKey struct{ driver.Driver }

func (w withoutKey) Create(key string, r *release.Release) error {
	return w.Driver.Create(key, strip(r))
}

func (w withoutKey) Update(key string, r *release.Release) error {
	return w.Driver.Update(key, strip(r))
}

// strip returns a copy of a release without tunnel.gateway.ssh.privateKey.
func strip(r *release.Release) *release.Release {
	stripped := *r
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
