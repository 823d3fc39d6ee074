package charts

import (
	"path/filepath"
	"regexp"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// The chart has a list of the options that a running plugin takes over.
func TestReloadedOptions(t *testing.T) {
	sections := map[string][]string{}
	for _, option := range config.Options() {
		if option.Reload {
			sections[option.Section] = append(sections[option.Section], option.Key)
		}
	}
	text, err := yaml.Marshal(sections)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join(plugin, "reloaded-options.yaml"), append([]byte("# The options that a running plugin takes over, from its table of options: make generate.\n"), text...))
}

var checksum = regexp.MustCompile(`checksum/config: ([0-9a-f]{64})`)

// With configReload, only the options that need a restart replace the pods; without it, all do.
func TestConfigReload(t *testing.T) {
	checksumOf := func(reload bool, options map[string]any) string {
		t.Helper()
		found := checksum.FindStringSubmatch(mustRender(t, map[string]any{
			"remote": map[string]any{"existingSecret": "remote"}, "configReload": reload, "config": options,
		})["deployment.yaml"])
		if found == nil {
			t.Fatal("the pods have no checksum")
		}
		return found[1]
	}
	for _, reload := range []bool{false, true} {
		before := checksumOf(reload, nil)
		for _, option := range config.Options() {
			name := option.Section + "." + option.Key
			if option.Secret || setByOtherValue[name] != "" || name == "k8s.kubeconfig_path" { // Secrets have no checksum
				continue
			}
			value := sample(option)
			if value == "" {
				value = "sample"
			}
			replaced := checksumOf(reload, map[string]any{option.Section: map[string]any{option.Key: value}}) != before
			if want := !reload || !option.Reload; replaced != want {
				t.Errorf("configReload is %t: a change of %s replaces the pods: %t", reload, name, replaced)
			}
		}
	}
}
