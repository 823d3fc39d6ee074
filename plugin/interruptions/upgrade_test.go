package interruptions

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/earlier"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/faulty"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// lastByLabels is the last commit whose plugin finds what a pod needs by labels: no remote pod owns anything, the pod is
// created last, and the job ID is the UID of the remote pod.
const lastByLabels = "38692eb3a12ceb131fec3730f8ca2f9b39c2e955"

// A version makes 100 pods and is killed in the middle of some others. Another version takes over: nothing is lost,
// and after the deletes nothing is left.
func TestUpgradeAndDowngrade(t *testing.T) {
	t.Run("upgrade", func(t *testing.T) {
		t.Parallel()
		takeOver(t, earlier.Program(t, lastByLabels), currentProgram(t), "POST pods")
	})
	t.Run("downgrade", func(t *testing.T) {
		t.Parallel()
		takeOver(t, currentProgram(t), earlier.Program(t, lastByLabels), "POST secrets")
	})
}

// takeOver lets one program make pods, and another take over. The first is killed while its creates of some further
// pods wait for the answer to the last kind of request.
func takeOver(t *testing.T, from, to, last string) {
	s := newSite(t)
	flags := []string{"--tcp-tunnel-enabled=true", "--tcp-tunnel-bastion-namespace=" + s.tunnels(),
		"--tcp-tunnel-gateway-host=gateway.example.org", "--tcp-tunnel-gateway-port=30222", "--tcp-tunnel-gateway-ssh-private-key=" + privateKey}
	first := s.startProgram(from, flags...)
	all := requests(100)
	for n := range 8 {
		all[n] = named(neverStarted+all[n].Pod.Name, n)
	}
	expose(all[98:]) // two shapes
	jids := first.createAll(all)
	s.eventuallyRunning(all...)
	before := statuses(t, first, all, jids)

	// Of each of these shapes one is deleted, and one is created again.
	half := []wire.CreateRequest{request(1), request(1), request(2), request(2), request(3), request(3)}
	expose(half[:1])
	killDuringCreates(t, first, half, last)
	versions := s.versions()

	second := s.startProgram(to, flags...)
	if diff := cmp.Diff(before, statuses(t, second, all, jids)); diff != "" {
		t.Errorf("the status of a pod has changed (-before +after)\n%s", diff)
	}
	for n, r := range all {
		if strings.HasPrefix(r.Pod.Name, neverStarted) {
			continue
		}
		if log, err := second.log(r); err != nil || log != "log of "+s.pod(r).Name {
			t.Errorf("%s has the log %q, %v", r.Pod.Name, log, err)
		}
		if n >= 12 { // each shape twice
			break
		}
	}
	again := second.createAll(all)
	if diff := cmp.Diff(runningOf(all, versions), runningOf(all, s.versions())); diff != "" {
		t.Errorf("a second create changed objects of pods that run (-before +after)\n%s", diff)
	}
	if diff := cmp.Diff(podsOf(versions), podsOf(s.versions())); diff != "" {
		t.Errorf("a second create changed a pod (-before +after)\n%s", diff)
	}

	for n, r := range half {
		if n%2 == 0 {
			second.delete(r, "")
		} else if jid := second.create(r); jid != "" {
			second.delete(r, jid)
		}
	}
	atOnce(len(all), func(n int) { // with the job ID of either version
		second.delete(all[n], []string{jids[n], again[n]}[n/4%2])
	})
	s.eventuallyNothingLeft()
	if got, want := s.retained(), retainedClaims(all)+retainedClaims(half); got > want || got < retainedClaims(all) {
		t.Errorf("%d claims are retained, want at least %d and at most %d", got, retainedClaims(all), want)
	}
	second.stop()
}

// statuses returns the status of each pod, as soon as it is known to the plugin's cache.
func statuses(t *testing.T, i *instance, requests []wire.CreateRequest, jids []string) []wire.PodStatus {
	t.Helper()
	all := make([]wire.PodStatus, len(requests))
	for n, r := range requests {
		testkit.Eventually(t, "the status of "+r.Pod.Name, func() bool {
			status, err := i.status(r, jids[n])
			if err != nil {
				t.Errorf("%s: %v", r.Pod.Name, err)
				return true
			}
			all[n] = status
			started := status.Containers[0].State.Running != nil
			return started != strings.HasPrefix(r.Pod.Name, neverStarted)
		})
	}
	return all
}

// killDuringCreates sends creates to a program and kills it as soon as each of them waits for the answer to a request,
// which is not carried out.
func killDuringCreates(t *testing.T, i *instance, requests []wire.CreateRequest, at string) {
	t.Helper()
	var held sync.WaitGroup
	held.Add(len(requests))
	i.link.on(func(c call) faulty.Fault {
		if c.String() == at && c.namespace == i.site.namespace { // and not a Secret of a tunnel
			held.Done()
			<-c.client.Done()
		}
		return ""
	})
	var creates sync.WaitGroup
	for _, r := range requests {
		creates.Go(func() {
			if _, err := i.tryCreate(r); err == nil {
				t.Errorf("the create of %s is not interrupted", r.Pod.Name)
			}
		})
	}
	held.Wait()
	i.kill()
	creates.Wait()
}

// runningOf leaves only the objects of pods that run.
func runningOf(requests []wire.CreateRequest, versions map[string]string) map[string]string {
	running := map[string]string{}
	for _, r := range requests {
		for object, version := range versions {
			if strings.HasSuffix(object, string(r.Pod.UID)) && !strings.HasPrefix(r.Pod.Name, neverStarted) {
				running[object] = version
			}
		}
	}
	return running
}

// podsOf leaves only the UIDs of pods.
func podsOf(versions map[string]string) map[string]string {
	pods := map[string]string{}
	for object, version := range versions {
		if strings.HasPrefix(object, "pods/") {
			pods[object], _, _ = strings.Cut(version, " ")
		}
	}
	return pods
}

// privateKey has the form of a private key. Nothing connects to the gateway.
const privateKey = "-----BEGIN OPENSSH PRIVATE KEY-----\nZXhhbXBsZQ==\n-----END OPENSSH PRIVATE KEY-----\n"

// expose adds a port to pods, for which the plugin opens a tunnel.
func expose(requests []wire.CreateRequest) {
	for _, r := range requests {
		r.Pod.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 8080}}
	}
}
