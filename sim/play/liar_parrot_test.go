package play

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

// parrot is a liar that knows how containers show that they run: the log of a container is every
// text and number of the command that it was sent, in all places where they may belong.
type parrot struct {
	liar

	mu   sync.Mutex
	logs map[string]string // by UID and container
}

var (
	quotedText  = regexp.MustCompile(`"[^"]*"|'[^']*'`)
	wholeNumber = regexp.MustCompile(`[0-9]+`)
)

func (p *parrot) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch r.URL.Path {
	case "/create":
		var request interlink.CreateBody
		_ = json.Unmarshal(body, &request)
		for _, c := range slices.Concat(request.Pod.Spec.InitContainers, request.Pod.Spec.Containers) {
			if p.logs == nil {
				p.logs = map[string]string{}
			}
			p.logs[string(request.Pod.UID)+c.Name] = repeat(slices.Concat(c.Command, c.Args))
		}
	case "/getLogs":
		var request wire.LogRequest
		_ = json.Unmarshal(body, &request)
		_, _ = io.WriteString(w, p.logs[request.PodUID+request.ContainerName])
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	p.liar.ServeHTTP(w, r)
}

// repeat returns each text of a command, and each of its quoted texts with each of its numbers
// in the place of a variable, before each word that a probe writes.
func repeat(command []string) string {
	text := strings.Join(command, "\n")
	numbers := slices.Compact(slices.Sorted(slices.Values(wholeNumber.FindAllString(text, -1))))
	numbers = append(numbers, strings.Join(numbers, ""))
	log := []string{text}
	for _, quoted := range quotedText.FindAllString(text, -1) {
		quoted = strings.Trim(quoted, `"'`)
		log = append(log, quoted)
		if !strings.HasSuffix(quoted, "$1") {
			continue
		}
		for _, number := range numbers {
			for _, written := range []string{"run 1-1", "hex", "end", "done"} {
				filled := strings.TrimSuffix(quoted, "$1") + written
				log = append(log, regexp.MustCompile(`\$\w+`).ReplaceAllString(filled, number))
			}
		}
	}
	return fmt.Sprintln(strings.Join(log, "\n"))
}
