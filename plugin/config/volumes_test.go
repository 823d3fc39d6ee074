package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestVolumeAndPlacementValues(t *testing.T) {
	for _, test := range []struct {
		env, value string
		get        func(Offloading) any
		want       any
	}{
		{"OFFLOADING_STORAGE_CLASSES", "fast = ssd,*=standard", func(o Offloading) any { return o.StorageClasses }, map[string]string{"fast": "ssd", "*": "standard"}},
		{"OFFLOADING_STORAGE_CLASSES", `["fast=ssd"]`, func(o Offloading) any { return o.StorageClasses }, map[string]string{"fast": "ssd"}},
		{"OFFLOADING_STORAGE_CLASSES", "", func(o Offloading) any { return o.StorageClasses }, map[string]string(nil)},
		{"OFFLOADING_CSI_DRIVERS", "cvmfs.csi.cern.ch,*.example.org", func(o Offloading) any { return o.CSIDrivers }, []string{"cvmfs.csi.cern.ch", "*.example.org"}},
		{"OFFLOADING_NFS", "nfs.example.org:/export/*:ro, 192.0.2.1:/a:rw,n:/", func(o Offloading) any { return o.NFS },
			[]NFSExport{{"nfs.example.org", "/export/*", true}, {"192.0.2.1", "/a", false}, {"n", "/", false}}},
		{"OFFLOADING_HOST_PATHS", "/cvmfs:ro:slave,/data/*,/software:ro", func(o Offloading) any { return o.HostPaths },
			[]HostPath{{"/cvmfs", true}, {"/data/*", false}, {"/software", false}}},
		{"OFFLOADING_CLAIMS", `[{"claims":["a"]}]`, func(o Offloading) any { return o.Claims }, `[{"claims":["a"]}]`},
		{"OFFLOADING_PLACEMENT", "/etc/interlink/placement.yaml", func(o Offloading) any { return o.Placement }, "/etc/interlink/placement.yaml"},
		{"OFFLOADING_PLACEMENT_ALLOWED", "runtimeClass=nvidia,nodeSelector=example.org/pool=*", func(o Offloading) any { return o.PlacementAllowed },
			[]PlacementValue{{"runtimeClass", "nvidia"}, {"nodeSelector", "example.org/pool=*"}}},
	} {
		result, err := Parse(nil, []string{test.env + "=" + test.value})
		if err != nil {
			t.Errorf("%s=%s: %v", test.env, test.value, err)
			continue
		}
		if diff := cmp.Diff(test.want, test.get(result.Config.Offloading)); diff != "" {
			t.Errorf("%s=%s: %s", test.env, test.value, diff)
		}
	}
	for _, test := range []struct{ env, value, want string }{
		{"OFFLOADING_STORAGE_CLASSES", "fast", `"fast" must be a pair such as local=remote`},
		{"OFFLOADING_STORAGE_CLASSES", "fast=", "must be a pair"},
		{"OFFLOADING_STORAGE_CLASSES", "a=b,a=c", `"a" is there twice`},
		{"OFFLOADING_STORAGE_CLASSES", "a=B", `"B" is not valid`},
		{"OFFLOADING_CSI_DRIVERS", "a[", "must be a name or a pattern"},
		{"OFFLOADING_NFS", "nfs.example.org", "must be such as nfs.example.org:/export/data"},
		{"OFFLOADING_NFS", ":/a", "must be such as"},
		{"OFFLOADING_NFS", "n:/a/../b", "must be such as"},
		{"OFFLOADING_HOST_PATHS", "cvmfs", `"cvmfs" must be a folder of the nodes such as /cvmfs:ro`},
		{"OFFLOADING_HOST_PATHS", "/:ro", "must be a folder"},
		{"OFFLOADING_HOST_PATHS", "/scratch:rw", "pods can only read it"},
		{"OFFLOADING_HOST_PATHS", "/a/../etc", "must be a folder"},
		{"OFFLOADING_HOST_PATHS", "/cvmfs:slave", "or /cvmfs:ro:slave"},
		{"OFFLOADING_HOST_PATHS", "/cvmfs:rw:slave", "must be a folder"},
		{"OFFLOADING_HOST_PATHS", "/cvmfs:slave:ro", "must be a folder"},
		{"OFFLOADING_HOST_PATHS", "/cvmfs:ro:shared", "must be a folder"},
		{"OFFLOADING_HOST_PATHS", "/:ro:slave", "must be a folder"},
		{"OFFLOADING_PLACEMENT_ALLOWED", "runtimeClass", "must be a field and a pattern such as runtimeClass=nvidia"},
		{"OFFLOADING_PLACEMENT_ALLOWED", "runtime_class=a", `"runtime_class" is no field of a placement: they are runtimeClass, `},
		{"OFFLOADING_PLACEMENT_ALLOWED", "affinity=[", "must be a field and a pattern"},
	} {
		if _, err := Parse(nil, []string{test.env + "=" + test.value}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s=%s: %v, want %q", test.env, test.value, err, test.want)
		}
	}
}
