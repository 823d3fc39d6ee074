package play

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// secretText is a Secret's content with what a report would quote in another form. Differences are cut after
// 300 bytes, so a part of it can be at the end of one.
const secretText = `C4nary"<&>$$` + "\n" + "sec0nd-line"

// differs is a scenario whose expectations are all wrong, so that each is in the report with what was seen.
const differs = `apiVersion: sim.interlink.io/v1alpha1
kind: Scenario
metadata: {name: differs}
spec:
  description: Nothing is as expected.
  virtualKubelet: {skipDownwardAPIResolution: UNRESOLVED}
  nodes:
    app: {containers: {main: {start: 1s, run: 20s, output: ["C4nary\"<&>$$"], message: 'C4nary"<&>$$', exitCodes: [1]}}}
  expect:
    pods:
      echo: {phases: [Pending, Running, Succeeded]}
      refused: {phases: [Pending, Failed], refused: not what the answer says}
      app:
        phases: [Pending, Running, Succeeded]
        env: {main: {TOKEN: other, MIXED: other, ABSENT: SECRET}}
        files: {main: {/keys/password: other, /plain/text: SECRET, /keys/short: "8"}}
        remotePod: {metadata: {annotations: {interlink.io/example: SECRET}}, spec: {containers: [{name: main, args: [other]}]}}
        containers: {main: {state: terminated, exitCode: 0, message: SECRET}}
        logs: [{container: main, lines: [other]}]
---
apiVersion: v1
kind: Secret
metadata: {name: login}
data: {password: BASE64, short: Nw==}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: plain}
data: {text: C4nary-of-a-ConfigMap}
---
apiVersion: v1
kind: Pod
metadata: {name: app}
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  volumes: [{name: keys, secret: {secretName: login}}, {name: plain, configMap: {name: plain}}]
  containers:
  - name: main
    image: busybox:1.37
    args: [SECRET]
    volumeMounts: [{name: keys, mountPath: /keys}, {name: plain, mountPath: /plain}]
    env:
    - {name: TOKEN, valueFrom: {secretKeyRef: {name: login, key: password}}}
    - {name: MIXED, value: "text $(TOKEN) text"}
---
apiVersion: v1
kind: Pod
metadata: {name: echo}
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  volumes: [{name: keys, secret: {secretName: login}}]
  containers: [{name: main, image: "busybox:1.37", env: [{name: LONG, value: PADDING}, {name: TOKEN, value: SECRET}], volumeMounts: [{name: keys, mountPath: /keys}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: refused}
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  volumes: [{name: keys, secret: {secretName: login}}]
  containers: [{name: main, image: "busybox:1.37", volumeMounts: [{name: keys, mountPath: /keys}]}]
`

// A report of a replay is kept and sent to others. It holds no content of a Secret of the scenario, also if a plugin
// changes it, loses it, or repeats it in an answer.
func TestReportHoldsNoSecret(t *testing.T) {
	for name, unresolved := range map[string]string{"variables are resolved": "false", "variables are not resolved": "true"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.NewReplacer("UNRESOLVED", unresolved, "SECRET", `"C4nary\"<&>$$\nsec0nd-line"`, "PADDING", strings.Repeat("x", 150),
				"BASE64", base64.StdEncoding.EncodeToString([]byte(secretText))).Replace(differs)
			file, err := scenario.Parse("differs.yaml", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			repeats := mutant{answer: func(c *call) (int, []byte) {
				for _, pod := range []string{"echo", "refused"} {
					if c.path == "/create" && bytes.Contains(c.body, []byte(`"name":"`+pod+`"`)) {
						return http.StatusInternalServerError, []byte("cannot create " + secretText + ": " + string(c.body))
					}
				}
				return c.forward()
			}}
			result, err := Run(t.Context(), []*scenario.File{file}, Options{Timeout: 5 * time.Minute, intercept: repeats.serve})
			if err != nil {
				t.Fatal(err)
			}
			differences := strings.Join(result.Scenarios[0].Texts(), "\n")
			for _, want := range []string{
				"has variable TOKEN with another value of a Secret (24 bytes, hash ", "has variable MIXED with another value of a Secret",
				"has no variable ABSENT", "has file /keys/password with another content of a Secret", "has file /keys/short with another content of a Secret (1 bytes",
				"annotations.interlink.io/example", "args", "pod echo was refused", "pod refused was refused, but the answer does not contain", "has message", "log",
			} {
				if !strings.Contains(differences, want) {
					t.Errorf("no difference %q among:\n%s", want, differences)
				}
			}
			var formats [3]bytes.Buffer
			for i, write := range []func(*report.Report, *bytes.Buffer) error{
				func(r *report.Report, b *bytes.Buffer) error { return r.Table(b) },
				func(r *report.Report, b *bytes.Buffer) error { return r.JSON(b) },
				func(r *report.Report, b *bytes.Buffer) error { return r.HTML(b) },
			} {
				if err := write(result, &formats[i]); err != nil {
					t.Fatal(err)
				}
				for _, canary := range []string{"sec0nd", base64.StdEncoding.EncodeToString([]byte(secretText))[:16]} {
					if at := strings.Index(formats[i].String(), canary); at >= 0 {
						t.Errorf("format %d holds %s: ...%s", i, canary, formats[i].String()[max(0, at-150):at+len(canary)])
					}
				}
			}
		})
	}
}
