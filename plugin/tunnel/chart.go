package tunnel

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"

	"github.com/interlink-hq/interlink-kubernetes-plugin/charts"
)

// readChart returns the files of the chart at a path; the chart that is part of the
// plugin if path is empty. Each install loads its own copy of the chart, because Helm
// modifies it.
func readChart(path string) (files []*loader.BufferedFile, err error) {
	if path != "" {
		chart, err := loader.Load(path)
		if err != nil {
			return nil, fmt.Errorf("read the bastion's chart at %s: %w", path, err)
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

// verifiesHostKey reports whether a chart has a value for the gateway's host key. A
// chart without it accepts every host key, without a warning.
func verifiesHostKey(files []*loader.BufferedFile) (bool, error) {
	chart, err := loader.LoadFiles(files)
	if err != nil {
		return false, err
	}
	ssh, err := chartutil.Values(chart.Values).Table("tunnel.gateway.ssh")
	if err != nil {
		return false, nil //nolint:nilerr // the chart has no such table
	}
	_, found := ssh["hostKey"]
	return found, nil
}

// values returns the values of the bastion's chart.
func (t *Tunnels) values(labels map[string]string, port int32, target string) map[string]any {
	o := t.options
	ssh := map[string]any{
		"port": o.GatewayPort,
		// The chart of the Python plugin expects it in base64.
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
		common[name] = value
	}
	values := map[string]any{
		"commonLabels": common,
		"tunnel": map[string]any{
			"gateway": map[string]any{"host": o.GatewayHost, "ssh": ssh},
			"service": map[string]any{"gatewayPort": port, "targetHost": target, "targetPort": port},
		},
	}
	if o.BastionImage != "" {
		repository, tag := splitImage(o.BastionImage)
		image := map[string]any{"repository": repository}
		if tag != "" {
			image["tag"] = tag
		}
		values["image"] = image
	}
	return values
}

// splitImage returns the repository of an image, and its tag or digest.
func splitImage(image string) (repository, tag string) {
	if repository, digest, ok := strings.Cut(image, "@"); ok {
		return repository, digest
	}
	if colon := strings.LastIndex(image, ":"); colon > strings.LastIndex(image, "/") { // the colon is not that of a port
		return image[:colon], image[colon+1:]
	}
	return image, ""
}
