package play

import (
	"context"
	"errors"
	"fmt"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
)

// observeCreated keeps what the remote cluster holds after the creates.
func (p *player) observeCreated(ctx context.Context) (err error) {
	if p.env.remote == nil {
		return nil
	}
	if p.seen.Created, err = p.snapshot(ctx); err != nil {
		return err
	}
	for _, pod := range p.env.pods {
		if remote := p.seen.Created.Pod(pod.UID); remote != nil {
			p.seen.RemotePods[p.env.keys[pod.UID]] = remote
		}
	}
	p.reportGates()
	p.reportCollections()
	return nil
}

// observeEnd keeps what the local cluster shows before the pods are deleted, and
// reports remote pods that are not the ones of the first create.
func (p *player) observeEnd(ctx context.Context) error {
	p.env.observe(ctx)
	p.keepStatuses()
	if p.seen.Created == nil {
		return nil
	}
	if err := p.reportAbsences(ctx); err != nil {
		return err
	}
	pods, err := p.env.remotePods(ctx)
	if err != nil {
		return errors.Join(errors.New("compare the remote pods with those of the first create"), err)
	}
	for i := range pods {
		key, _ := p.env.key(&pods[i])
		if first := p.seen.RemotePods[key]; first != nil && first.UID != pods[i].UID && !p.recreated[key] {
			p.env.recorder.violation("CREATE-8", "the remote pod of %s was replaced: its UID was %s and is %s", key, first.UID, pods[i].UID)
		}
	}
	return nil
}

// keepStatuses keeps what the local cluster shows of the pods that are not deleted after
// the end of the scenario yet.
func (p *player) keepStatuses() {
	if p.ending {
		return
	}
	for key, seen := range p.seen.Pods {
		seen.Phases, seen.Status = p.env.kubelet.Phases(key), p.env.kubelet.Status(key)
		seen.RanBetweenPolls = p.env.ranBetweenPolls(key)
	}
}

// snapshot returns what the remote cluster holds for the scenario. Claims that were
// there before the scenario are left out.
func (p *player) snapshot(ctx context.Context) (*inspect.Snapshot, error) {
	taken, err := p.env.snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the remote cluster: %w", err)
	}
	taken.Claims = p.env.foreignClaims.without(taken.Claims)
	return taken, nil
}
