package play

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
)

// recreate deletes a pod, and creates it again with the same name and another UID. The second pod
// comes while the remote pod of the first one still ends, as it can in a local cluster.
func (p *player) recreate(ctx context.Context, key string) error {
	before, err := p.claims(ctx)
	if err != nil {
		return err
	}
	err = p.env.kubelet.Delete(ctx, key)
	p.env.recorder.localDelete(p.env.elapsed(), key)
	if err != nil {
		return err
	}
	p.recreated[key] = true
	p.env.recorder.localCreate(p.env.elapsed(), key)
	created := make(chan struct{})
	go func() {
		defer close(created)
		p.createPod(ctx, p.env.again[key])
	}()
	p.pollCreating(ctx, func() bool {
		select {
		case <-created:
			return false
		default:
			return true
		}
	})
	<-created
	return p.compareClaims(ctx, key, before)
}

// claims returns what the remote cluster holds, if the scenario expects claims to stay; else nil.
func (p *player) claims(ctx context.Context) (*inspect.Snapshot, error) {
	if p.env.remote == nil || p.env.file.Expect.Left["PersistentVolumeClaim"] == 0 {
		return nil, nil //nolint:nilnil // there is nothing to compare, and nothing went wrong
	}
	return p.snapshot(ctx)
}

// compareClaims reports a pod that was created again without the claims of the first one, and one
// whose claims cannot be compared.
func (p *player) compareClaims(ctx context.Context, key string, before *inspect.Snapshot) error {
	if before == nil || p.seen.Pods[key].Refusal != nil { // the phases of a refused pod say it
		return nil
	}
	after, err := p.snapshot(ctx)
	if err != nil {
		return err
	}
	first, second := p.seen.RemotePods[key], after.Pod(p.env.again[key].UID)
	switch {
	case first == nil:
		return &noRemotePod{key}
	case second == nil:
		p.env.recorder.violation("CREATE-18", "pod %s was created again, and has no remote pod", key)
		return nil
	}
	compared := false
	for i, volume := range first.Spec.Volumes {
		claim := volume.PersistentVolumeClaim
		if claim == nil {
			continue
		}
		compared = true
		is := claimUID(after, first.Namespace, claim.ClaimName)
		switch was := claimUID(before, first.Namespace, claim.ClaimName); {
		case i >= len(second.Spec.Volumes) || second.Spec.Volumes[i].PersistentVolumeClaim == nil || second.Spec.Volumes[i].PersistentVolumeClaim.ClaimName != claim.ClaimName:
			p.env.recorder.violation("VOL-11", "pod %s was created again, and does not mount claim %s of the first pod", key, claim.ClaimName)
		case was == "" || was != is:
			p.env.recorder.violation("DELETE-10", "pod %s was created again, and claim %s is not that of the first pod: its UID was %q and is %q", key, claim.ClaimName, was, is)
		}
	}
	if !compared && slices.ContainsFunc(p.env.again[key].Spec.Volumes, func(v corev1.Volume) bool { return v.PersistentVolumeClaim != nil }) {
		p.env.recorder.violation("VOL-11", "pod %s was created again, and its first remote pod mounts no claim", key)
	}
	return nil
}

// claimUID returns the UID of a claim, or "".
func claimUID(snapshot *inspect.Snapshot, namespace, name string) string {
	for i := range snapshot.Claims {
		if claim := &snapshot.Claims[i]; claim.Namespace == namespace && claim.Name == name {
			return string(claim.UID)
		}
	}
	return ""
}
