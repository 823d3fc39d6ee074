package lifecycle

import (
	"log/slog"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/util/uuid"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// createAttempt is one call of Create. Every object that it creates has the label
// wire.LabelAttempt with the attempt's ID, so that a rollback finds exactly these
// objects, also if the answer to a create was lost.
type createAttempt struct {
	lifecycle      *Lifecycle
	objects        *translate.Objects
	uid            string // of the local pod
	id             string // of this attempt
	log            *slog.Logger
	mayHaveCreated atomic.Bool // a request that creates something was sent
}

func newCreateAttempt(l *Lifecycle, objects *translate.Objects, uid string, log *slog.Logger) *createAttempt {
	a := &createAttempt{lifecycle: l, objects: objects, uid: uid, id: string(uuid.NewUUID()), log: log}
	for _, object := range objects.ConfigMaps {
		object.Labels[wire.LabelAttempt] = a.id
	}
	for _, object := range objects.Secrets {
		object.Labels[wire.LabelAttempt] = a.id
	}
	for _, claim := range objects.Claims {
		if claim.Object != nil {
			claim.Object.Labels[wire.LabelAttempt] = a.id
		}
	}
	if objects.Service != nil {
		objects.Service.Labels[wire.LabelAttempt] = a.id
	}
	for _, tunnel := range objects.Tunnels {
		tunnel.Labels[wire.LabelAttempt] = a.id
	}
	objects.Pod.Labels[wire.LabelAttempt] = a.id
	return a
}
