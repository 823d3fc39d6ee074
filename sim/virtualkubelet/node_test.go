package virtualkubelet

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// The virtual node shows what each ping says, and keeps what it does not say.
func TestNodeShowsThePing(t *testing.T) {
	code, answer := http.StatusOK, ""
	plugin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, answer)
	}))
	defer plugin.Close()
	k, err := New(Config{Plugin: plugin.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	words := func() string {
		node := k.Node()
		text := []string{fmt.Sprint(node.Ready)}
		for _, name := range slices.Sorted(maps.Keys(node.Resources)) {
			quantity := node.Resources[name]
			text = append(text, string(name)+"="+quantity.String())
		}
		return strings.Join(append(text, node.Ignored...), " ")
	}
	for _, step := range []struct {
		code         int
		answer, want string
	}{
		{200, `[]`, "true cpu=100 memory=3T pods=10k"},
		{200, `{"status":"ok"}`, "true cpu=100 memory=3T pods=10k"},
		{200, `{"resources":{"cpu":"8500m","memory":"16Gi","accelerators":[{"resourceType":"example.com/gpu","available":"4"},{"resourceType":"ephemeral-storage","available":"1073741824"}]}}`,
			"true cpu=8500m ephemeral-storage=1073741824 example.com/gpu=4 memory=16Gi pods=10k"},
		{200, `{"resources":{"pods":"0"}}`, "true cpu=8500m ephemeral-storage=1073741824 example.com/gpu=4 memory=16Gi pods=0"},
		{200, `{"resources":{"cpu":"many","pods":"1.5","accelerators":[{"resourceType":"example.com/gpu","available":"-1"},{"resourceType":"","available":"1"},{"resourceType":"example.com/gpu","available":"500m"}]}}`,
			`true cpu=8500m ephemeral-storage=1073741824 example.com/gpu=4 memory=16Gi pods=0 cpu "many" is not a quantity pods "1.5" is not a whole number example.com/gpu "-1" is not a whole number an accelerator without a type example.com/gpu "500m" is not a whole number`},
		{200, `{"resources":{"accelerators":[{"resourceType":"example.com/gpu","available":"0"}]},"taints":[{"key":"a","effect":"NoSchedule"}]}`,
			"true cpu=8500m ephemeral-storage=1073741824 example.com/gpu=0 memory=16Gi pods=0"},
		{200, `all is well`, "true cpu=8500m ephemeral-storage=1073741824 example.com/gpu=0 memory=16Gi pods=0"},
		{503, `{"resources":{"pods":"5"}}`, "false cpu=8500m ephemeral-storage=1073741824 example.com/gpu=0 memory=16Gi pods=0"},
	} {
		code, answer = step.code, step.answer
		_, _ = k.Ping(t.Context())
		if got := words(); got != step.want {
			t.Errorf("after %d %s the node shows\n     %s\nwant %s", step.code, step.answer, got, step.want)
		}
	}
	if err := k.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := words(), "false cpu=100 memory=3T pods=10k"; got != want {
		t.Errorf("after a restart the node shows %s, want %s", got, want)
	}
	delete(k.Node().Resources, corev1.ResourceCPU) // a copy
	if len(k.Node().Resources) != 3 {
		t.Error("the caller can change the node")
	}
}
