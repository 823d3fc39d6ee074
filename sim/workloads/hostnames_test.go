package workloads_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/workloads"
)

// A pod represents all pods of its template: it knows the hostnames of all of them.
func TestHostnames(t *testing.T) {
	const template = `template: {spec: {subdomain: s, containers: [{name: c, image: i}]}}`
	for _, test := range []struct{ name, text, have, lack string }{
		{
			"StatefulSet", `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: web}, spec: {replicas: 3, serviceName: s, ` + template + `}}`,
			"web-0 web-1 web-2", "web-3 web-01 web--1 web- web web-0-0 other-0 web-1x web-99999999999999999999",
		},
		{
			"StatefulSet that begins elsewhere", `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: web}, spec: {replicas: 2, ordinals: {start: 5}, ` + template + `}}`,
			"web-5 web-6", "web-0 web-4 web-7",
		},
		{"StatefulSet without replicas", `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: web}, spec: {` + template + `}}`, "web-0", "web-1"},
		{
			"Indexed Job", `{apiVersion: batch/v1, kind: Job, metadata: {name: sweep-2}, spec: {completionMode: Indexed, completions: 200000, ` + template + `}}`,
			"sweep-2-0 sweep-2-199999", "sweep-2-200000 sweep-2",
		},
		{"Job", `{apiVersion: batch/v1, kind: Job, metadata: {name: sweep}, spec: {completions: 3, ` + template + `}}`, "", "sweep-0 sweep"},
		{
			"JobSet", `{apiVersion: jobset.x-k8s.io/v1alpha2, kind: JobSet, metadata: {name: train}, spec: {replicatedJobs: [{name: w, replicas: 2, template: {spec: {completions: 3, ` + template + `}}}]}}`,
			"train-w-0-0 train-w-0-2 train-w-1-2", "train-w-2-0 train-w-0-3 train-w-0 train-w-0-0-0",
		},
		{
			"JobSet without indexes", `{apiVersion: jobset.x-k8s.io/v1alpha2, kind: JobSet, metadata: {name: train}, spec: {replicatedJobs: [{name: w, template: {spec: {completionMode: NonIndexed, ` + template + `}}}]}}`,
			"", "train-w-0-0 train-w-0",
		},
		{
			"Deployment with a hostname", `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 3, template: {spec: {hostname: h, containers: [{name: c, image: i}]}}}}`,
			"h", "web web-0 h-0",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			manifests, err := workloads.Manifests([]byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			pods, err := workloads.Pods(manifests[0])
			if err != nil || len(pods) != 1 {
				t.Fatalf("%d pods, error %v", len(pods), err)
			}
			for want, names := range map[bool]string{true: test.have, false: test.lack} {
				for _, name := range strings.Fields(names) {
					if got := pods[0].HasHostname(name); got != want {
						t.Errorf("hostname %s: %s, want %s", name, strconv.FormatBool(got), strconv.FormatBool(want))
					}
				}
			}
			if pods[0].HasHostname("") {
				t.Error("a pod has the empty hostname")
			}
		})
	}
}
