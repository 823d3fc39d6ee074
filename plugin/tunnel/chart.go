package tunnel

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"

	"github.com/interlink-hq/interlink-kubernetes-plugin/charts"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// readChart returns the files of the chart at a path, or of the one that ships with
// the plugin. Each install makes a chart of its own of them, since Helm works on it.
func readChart(at string) (files []*loader.BufferedFile, err error) {
	if at != "" {
		chart, err := loader.Load(at)
		if err != nil {
			return nil, fmt.Errorf("read the bastion's chart at %s: %w", at, err)
		}
		for _, file := range chart.Raw {
			files = append(files, &loader.BufferedFile{Name: file.Name, Data: file.Data})
		}
		return files, nil
	}
	err = fs.WalkDir(charts.Bastion(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(charts.Bastion(), name)
		files = append(files, &loader.BufferedFile{Name: name, Data: text})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the bastion's chart: %w", err)
	}
	return files, nil
}

// pins says whether a chart has a value for the gateway's host key: one that has none
// would trust whatever key it is shown, and not say so.
func pins(files []*loader.BufferedFile) (bool, error) {
	chart, err := loader.LoadFiles(files)
	if err != nil {
		return false, err
	}
	ssh, err := chartutil.Values(chart.Values).Table("tunnel.gateway.ssh")
	if err != nil {
		return false, nil //nolint:nilerr // there is no such table
	}
	_, has := ssh["hostKey"]
	return has, nil
}

// values are those of the bastion's chart.
func (t *Tunnels) values(labels map[string]string, port int32, target string) map[string]any {
	o := t.options
	ssh := map[string]any{
		"port": o.GatewayPort,
		// The Python plugin's chart puts it into a Secret as it comes.
		"privateKey": base64.StdEncoding.EncodeToString([]byte(o.GatewaySSHPrivateKey.Reveal())),
	}
	if o.GatewayUser != "" {
		ssh["userName"] = o.GatewayUser
	}
	if o.GatewaySSHHostKey != "" {
		ssh["hostKey"] = o.GatewaySSHHostKey
	}
	common := map[string]any{}
	for name, value := range labels {
		if name != wire.LabelAttempt {
			common[name] = value
		}
	}
	values := map[string]any{
		"commonLabels": common,
		"tunnel": map[string]any{
			"gateway": map[string]any{"host": o.GatewayHost, "ssh": ssh},
			"service": map[string]any{"gatewayPort": port, "targetHost": target, "targetPort": port},
		},
	}
	if o.BastionImage != "" {
		repository, tag := split(o.BastionImage)
		image := map[string]any{"repository": repository}
		if tag != "" {
			image["tag"] = tag
		}
		values["image"] = image
	}
	return values
}

// split returns the repository of an image, and its tag or digest.
func split(image string) (repository, tag string) {
	if repository, digest, ok := strings.Cut(image, "@"); ok {
		return repository, digest
	}
	if colon := strings.LastIndex(image, ":"); colon > strings.LastIndex(image, "/") { // not that of a port
		return image[:colon], image[colon+1:]
	}
	return image, ""
}
