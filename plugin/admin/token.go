package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

const (
	// minToken is the least length of a token, in bytes: 16 random characters cannot be guessed.
	minToken = 16
	// maxToken is the largest size of the file.
	maxToken = 4096
)

// digest is a SHA-256 sum. Digests are compared instead of secrets: they have one length, so that the time of
// a comparison says nothing about a secret.
type digest [sha256.Size]byte

func digestOf(text string) digest { return sha256.Sum256([]byte(text)) }

func (d digest) equal(other digest) bool { return subtle.ConstantTimeCompare(d[:], other[:]) == 1 }

// CheckTokenFile returns why the token in a file cannot be used, or nil. warning is not empty if the token can be
// used, but should not.
func CheckTokenFile(path string) (warning string, err error) {
	if _, err := readToken(path); err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("read the token of the page: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o007 != 0 {
		return fmt.Sprintf("every user of this machine can use the file %s, which has the mode %04o; the owner should be the only one to read it", path, mode), nil
	}
	return "", nil
}

// readToken returns the digest of the token in a file. The file is read for each request, so that a new token is
// valid at once, and an old one is not.
func readToken(path string) (digest, error) {
	wrap := func(err error) (digest, error) { return digest{}, fmt.Errorf("read the token of the page: %w", err) }
	info, err := os.Stat(path)
	if err != nil {
		return wrap(err)
	}
	if !info.Mode().IsRegular() { // a pipe would block
		return wrap(fmt.Errorf("%s is not a regular file", path))
	}
	file, err := os.Open(path)
	if err != nil {
		return wrap(err)
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, maxToken+1))
	if err != nil {
		return wrap(err)
	}
	token := strings.TrimSpace(string(content))
	switch {
	case len(content) > maxToken:
		err = fmt.Errorf("%s has more than %d bytes", path, maxToken)
	case token == "":
		err = fmt.Errorf("%s is empty", path)
	case len(token) < minToken:
		err = fmt.Errorf("the token in %s has %d characters; it needs at least %d", path, len(token), minToken)
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		err = errors.New("the token in " + path + " has a space or another character that an HTTP header cannot have")
	}
	if err != nil {
		return wrap(err)
	}
	return digestOf(token), nil
}
