package translate

import (
	"maps"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// dropTokens reports whether the tokens of local service accounts stay in the local cluster.
// The virtual kubelet sends tokens that are valid for 100 years (docs/contract.md, VOL-3).
func (t *translation) dropTokens() bool {
	return t.options.ServiceAccountTokens == config.DropTokens
}

// apiAccess is how the names of the volumes begin that Kubernetes itself adds to pods.
const apiAccess = "kube-api-access-"

// dropTokenFile removes a token from the files of a projected volume. It gives no warning
// for the volume that nearly every pod has.
func (t *translation) dropTokenFile(volume, file string, files map[string][]byte) {
	maps.DeleteFunc(files, func(name string, _ []byte) bool { return path.Clean(name) == path.Clean(file) })
	if !strings.HasPrefix(volume, apiAccess) {
		t.warn(WarnTokens, "token %s of volume %s is left out: the site takes no tokens of service accounts", file, volume)
	}
}

// dropTokenSecrets removes the token from each Secret that holds one. The Secrets of the
// request stay as they are.
func (t *translation) dropTokenSecrets() {
	secrets := slices.Clone(t.sent.secrets)
	for i, secret := range secrets {
		if secret.Type != corev1.SecretTypeServiceAccountToken {
			continue
		}
		secrets[i] = secret.DeepCopy()
		delete(secrets[i].Data, corev1.ServiceAccountTokenKey)
		delete(secrets[i].StringData, corev1.ServiceAccountTokenKey)
		t.warn(WarnTokens, "the token of Secret %s is left out: the site takes no tokens of service accounts", secret.Name)
	}
	t.sent.secrets = secrets
}
