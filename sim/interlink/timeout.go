package interlink

import "time"

// CallTimeout is how long InterLink waits for the headers of an answer
// (docs/contract.md, HTTP-5).
const CallTimeout = 120 * time.Second
