package play

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// probe is how a container of a plugin whose nodes are real shows that it runs, and what it
// finds inside: before its own command, it writes lines into its log that only it could write.
type probe struct {
	// number is in each line. The container computes it, so that what the plugin was sent does
	// not have it.
	number string
	// ends says that the container writes a line when its own command has ended, so that what
	// its job writes after that can be told from its own log.
	ends bool
	// why is why the container has no probe; empty if it has one.
	why string
}

// probes says whether containers write about themselves: those of real nodes. With this plugin
// on an observed cluster, the commands of containers are compared too, so they stay as they are.
func (o Options) probes() bool {
	return o.Plugin != "" && !o.simulatesNodes() && (o.Client == nil || !o.comparesAll())
}

// addProbes adds a probe to each container of a pod, and returns the probes by container. ends
// says for which containers the end can be seen.
func addProbes(pod *corev1.Pod, expected scenario.PodExpectation, shell []string, ends func(container string) bool) map[string]probe {
	added := map[string]probe{}
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			added[containers[i].Name] = addProbe(&containers[i], pod, expected, shell, ends(containers[i].Name))
		}
	}
	return added
}

// endsOf says which containers of a pod write a line when their own commands have ended: those
// whose logs are asked for, if their jobs write into these. The shell that writes it hides a
// death by a signal, which the others die of as they would alone.
func endsOf(file *scenario.File, key string, preamble bool) func(container string) bool {
	return func(container string) bool {
		asked := slices.ContainsFunc(file.Expect.Pods[key].Logs, func(log scenario.LogExpectation) bool {
			return log.Container == container || log.Container == ""
		})
		return preamble && asked && file.Nodes[key].Containers[container].Signal == 0
	}
}

func addProbe(c *corev1.Container, pod *corev1.Pod, expected scenario.PodExpectation, shell []string, ends bool) probe {
	if len(c.Command) == 0 {
		return probe{why: "it runs the command of its image, to which nothing can be added"}
	}
	// The result fits into 32 bits, for shells that know no more.
	a, b, add := 10_000+rand.IntN(20_000), 10_000+rand.IntN(20_000), rand.IntN(1<<30)
	p := probe{number: strconv.Itoa(a*b + add), ends: ends}
	variables := slices.Concat(slices.Collect(maps.Keys(expected.Env[c.Name])), expected.NoEnv[c.Name])
	files := slices.Concat(slices.Collect(maps.Keys(expected.Files[c.Name])), expected.NoFiles[c.Name])
	slices.Sort(variables)
	slices.Sort(files)
	script := p.script(fmt.Sprintf("%d*%d+%d", a, b, add), variables, files, writableClaims(pod, c))
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

// script returns the lines before the container's own command, for the shell of POSIX: which run
// it is, and each variable, file and claim. It has neither $$ nor single quotes: Kubernetes, and
// plugins that write scripts, change them. Its own variables must not be those of the container.
func (p probe) script(sum string, variables, files, claims []string) string {
	var b strings.Builder
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(&b, format+"; ", args...) } // it never fails
	line(`_m=$((%s))`, sum)
	line(`w(){ echo "interlink-sim $_m $1"; }`)
	line(`_i=`)
	line(`{ read -r _i < /proc/sys/kernel/random/uuid; } 2> /dev/null`)
	line(`[ "$_i" ] || _i=$(od -An -N8 -tx1 /dev/urandom 2> /dev/null | tr -d " \n")`)
	line(`[ "$_i" ] || { read -r _p _x < /proc/self/stat; _i=$_p-$(date +%%s); }`)
	line(`w "run $_i"`)
	if len(variables)+len(files) > 0 {
		line(`h(){ od -An -tx1 -v | tr -d " \n"; }`)
		line(`if [ "$(printf A | h 2> /dev/null)" = 41 ]; then w hex`)
		for _, name := range variables {
			tellVariable(line, name)
		}
		for _, path := range files {
			line(`if [ -e "%[1]s" ]; then w "file =$(h < "%[1]s" 2> /dev/null) %[1]s"; else w "file - %[1]s"; fi`, path)
		}
		line(`fi`)
	}
	for _, path := range claims {
		file := strings.TrimRight(path, "/") + "/.interlink-sim-"
		line(`_x=; { echo $_m > "%[1]s$_m"; read -r _x < "%[1]s$_m"; rm "%[1]s$_m"; } 2> /dev/null; if [ "$_x" = $_m ]; then w "claim = %[2]s"; else w "claim - %[2]s"; fi`, file, path)
	}
	line(`w end`)
	if p.ends {
		line(`"$@"; _x=$?; w done`)
		b.WriteString(`exit $_x`)
	} else {
		b.WriteString(`exec "$@"`)
	}
	return b.String()
}

// tellVariable adds the line of a script that tells a variable, if a way to tell it is known.
func tellVariable(line func(format string, args ...any), name string) {
	switch {
	case isShellVariable(name):
		line(`if [ "${%[1]s+x}" ]; then w "env =$(printf %%s "$%[1]s" | h) %[1]s"; else w "env - %[1]s"; fi`, name)
	case plainName.MatchString(name): // the shell has dropped what it was given; it is process _p
		line(`( read -r _p _x < /proc/self/stat; if grep -q = "/proc/$_p/environ"; then w "environ =$(tr "\n\000" "\001\n" < "/proc/$_p/environ" | sed -n "s/^%s=//p" | tr "\001" "\n" | h) %s"; fi ) 2> /dev/null`,
			strings.ReplaceAll(name, ".", "[.]"), name)
	}
}
