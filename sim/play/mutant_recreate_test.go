package play

import (
	"bytes"
	"net/http"
)

// knowsPodsByName is a plugin that does not look at the UID of a pod: for it, a pod that is
// created again is the first one, whose job goes on.
func knowsPodsByName(c *call) (int, []byte) {
	pod := podOf(c)
	switch c.path {
	case "/create":
		first, known := c.seen.LoadOrStore("first", pod.UID)
		if known && first != pod.UID {
			c.seen.Store("second", pod.UID)
			return acceptWithoutCreating(c)
		}
	case "/delete":
		if _, again := c.seen.Load("second"); !again {
			return http.StatusOK, nil
		}
	}
	second, again := c.seen.Load("second")
	if !again {
		return c.forward()
	}
	first, _ := c.seen.Load("first")
	was, is := []byte(first.(string)), []byte(second.(string))
	code, text := c.send(bytes.ReplaceAll(c.body, is, was))
	return code, bytes.ReplaceAll(text, was, is)
}

// claimOfUID adds the UID of a pod to the names of its claims.
func claimOfUID(pod, _ object) {
	volumes, _ := pod["spec"].(object)["volumes"].([]any)
	for _, volume := range volumes {
		if claim, ok := volume.(object)["persistentVolumeClaim"].(object); ok {
			claim["claimName"] = claim["claimName"].(string) + "-" + pod["metadata"].(object)["uid"].(string)
		}
	}
}
