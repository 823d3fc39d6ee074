package cluster

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// ledgerKey is where a ConfigMap has the text of the ledger.
const ledgerKey = "ledger.json"

// Ledger keeps the text of the ledger of used resources in a ConfigMap of the remote cluster. It has no
// labels, so that no search for objects of pods finds it.
type Ledger struct {
	cluster *Cluster
	object  corev1.ConfigMap
}

// Ledger returns the ledger with that name.
func (c *Cluster) Ledger(namespace, name string) *Ledger {
	return &Ledger{cluster: c, object: corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}}
}

// Load returns the text and its version. The error is of kind NotFound if the ConfigMap does not exist,
// and Invalid if it has no ledger.
func (l *Ledger) Load(ctx context.Context) (text, version string, err error) {
	found, err := l.cluster.Get(ctx, &l.object)
	if err != nil {
		return "", "", err
	}
	configMap, ok := found.(*corev1.ConfigMap)
	if !ok || configMap.Data[ledgerKey] == "" {
		return "", "", errdefs.New(errdefs.Invalid, "get %s: it has no %s", describe(&l.object), ledgerKey)
	}
	return configMap.Data[ledgerKey], configMap.ResourceVersion, nil
}

// Save stores a text in the place of the one with that version; without a version, the ConfigMap must
// not exist. The error is of kind Conflict or Exists if another text is stored now. An update is a patch, as
// the plugin has the permission to patch ConfigMaps in any case.
func (l *Ledger) Save(ctx context.Context, text, version string) error {
	if version == "" {
		created := l.object.DeepCopy()
		created.Data = map[string]string{ledgerKey: text}
		_, err := l.cluster.Create(ctx, created)
		return err
	}
	body, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": version}, "data": map[string]any{ledgerKey: text},
	})
	if err != nil {
		return fmt.Errorf("update %s: %w", describe(&l.object), err)
	}
	stored, err := l.cluster.client.CoreV1().ConfigMaps(l.object.Namespace).Patch(ctx, l.object.Name, types.MergePatchType, body, metav1.PatchOptions{})
	// An answer of something else than the API server does not say that the text is stored.
	return wrap(checkFound(err, stored, l.object.Name), "update", describe(&l.object))
}
