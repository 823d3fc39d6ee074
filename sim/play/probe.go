package play

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// probe is how a container of a plugin whose remote cluster is not observed shows that
// it runs, and what it finds inside: before its own command, it writes lines into its log
// that only it could write.
type probe struct {
	// mark begins each line. It holds a random number, so that no plugin knows it
	// without looking into the command.
	mark string
	// why is why the container has no probe; empty if it has one.
	why string
}

// probes says whether containers write about themselves: those of real nodes that nothing
// else shows.
func (o Options) probes() bool { return o.Plugin != "" && !o.simulatesNodes() && o.Client == nil }

// addProbes adds a probe to each container of a pod, and returns the probes by container.
func addProbes(pod *corev1.Pod, expected scenario.PodExpectation, shell []string) map[string]probe {
	added := map[string]probe{}
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			added[containers[i].Name] = addProbe(&containers[i], pod, expected, shell)
		}
	}
	return added
}

func addProbe(c *corev1.Container, pod *corev1.Pod, expected scenario.PodExpectation, shell []string) probe {
	readsBytes := func(log scenario.LogExpectation) bool {
		return log.Bytes > 0 && (log.Container == c.Name || log.Container == "" && len(pod.Spec.Containers) == 1)
	}
	switch {
	case len(c.Command) == 0:
		return probe{why: "it runs the command of its image, to which nothing can be added"}
	case slices.ContainsFunc(expected.Logs, readsBytes):
		return probe{why: "a part of its log is read by its number of bytes, so nothing may be written before it"}
	}
	random := make([]byte, 8)
	_, _ = rand.Read(random) // it never fails
	p := probe{mark: "interlink-sim " + hex.EncodeToString(random) + " "}
	files := slices.Concat(slices.Collect(maps.Keys(expected.Files[c.Name])), expected.NoFiles[c.Name])
	script := p.script(slices.Sorted(maps.Keys(expected.Env[c.Name])), slices.Sorted(slices.Values(files)), writableClaims(pod, c))
	c.Command = slices.Concat(shell, []string{"-c", script, "sh"}, c.Command) // args stay: the plugin must add them
	return p
}

// writableClaims returns the paths at which a container mounts claims and can write.
func writableClaims(pod *corev1.Pod, c *corev1.Container) (paths []string) {
	for _, mount := range c.VolumeMounts {
		isWritable := func(v corev1.Volume) bool {
			return v.Name == mount.Name && v.PersistentVolumeClaim != nil && !v.PersistentVolumeClaim.ReadOnly && !mount.ReadOnly
		}
		if slices.ContainsFunc(pod.Spec.Volumes, isWritable) {
			paths = append(paths, mount.MountPath)
		}
	}
	return paths
}

var (
	identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	plainName  = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)
)

// isShellVariable reports whether a shell can tell a variable of this name. It drops all
// others, although Kubernetes allows them.
func isShellVariable(name string) bool { return identifier.MatchString(name) }

// script returns the lines before the container's own command, for the shell of POSIX. It
// has neither $$ nor single quotes: Kubernetes, and plugins that write scripts, change them.
func (p probe) script(variables, files, claims []string) string {
	var b strings.Builder
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(&b, format+"; ", args...) } // it never fails
	line(`w(){ echo "%s$1"; }`, p.mark)
	line(`h(){ od -An -tx1 -v | tr -d " \n"; }`)
	line(`w run`)
	for _, name := range variables {
		switch {
		case isShellVariable(name):
			line(`if [ "${%[1]s+x}" ]; then w "env %[1]s =$(printf %%s "$%[1]s" | h)"; else w "env %[1]s -"; fi`, name)
		case plainName.MatchString(name): // the shell has dropped what it was given; it is process p
			line(`( read -r p x < /proc/self/stat; if grep -q = "/proc/$p/environ"; then w "environ %s =$(tr "\n\000" "\001\n" < "/proc/$p/environ" | sed -n "s/^%s=//p" | tr "\001" "\n" | h)"; fi ) 2> /dev/null`,
				name, strings.ReplaceAll(name, ".", "[.]"))
		}
	}
	for _, path := range files {
		line(`if [ -e "%[1]s" ]; then w "file %[1]s =$(h < "%[1]s" 2> /dev/null)"; else w "file %[1]s -"; fi`, path)
	}
	for _, path := range claims {
		word := strings.Fields(p.mark)[1]
		file := strings.TrimRight(path, "/") + "/.interlink-sim-" + word
		line(`{ echo %[1]s > "%[2]s"; } 2> /dev/null; w "claim %[3]s =$({ cat "%[2]s"; rm "%[2]s"; } 2> /dev/null | h)"`, word, file, path)
	}
	line(`w end`)
	b.WriteString(`exec "$@"`)
	return b.String()
}
