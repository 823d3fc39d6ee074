package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// server opens what clients request.
type server struct {
	options
	mu      sync.Mutex
	last    int
	waiting map[int]net.Conn // accepted connections that no client has requested yet
	links   map[net.Conn]struct{}
}

// serve listens until ctx ends. It calls listening, if not nil, with its address.
func serve(ctx context.Context, o options, listening func(net.Addr)) error {
	listener, err := net.Listen("tcp", o.address)
	if err != nil {
		return err
	}
	if listening != nil {
		listening(listener.Addr())
	}
	s := &server{options: o, waiting: map[int]net.Conn{}, links: map[net.Conn]struct{}{}}
	serving := &http.Server{Handler: s}
	defer context.AfterFunc(ctx, func() {
		_ = serving.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		for link := range s.links { // the HTTP server does not close upgraded connections
			_ = link.Close()
		}
	})()
	if err := serving.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	what := strings.Fields(r.Header.Get(purpose))
	if !strings.HasPrefix(r.URL.Path, "/"+s.prefix+"/") || len(what) < 2 {
		http.Error(w, "no such path", http.StatusBadRequest)
		return
	}
	if what[0] == "connect" && (len(what) != 3 || s.allowed != "" && what[2] != s.allowed) {
		http.Error(w, "not permitted", http.StatusForbidden)
		return
	}
	link, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	s.mu.Lock()
	s.links[link] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.links, link)
		s.mu.Unlock()
		_ = link.Close()
	}()
	if _, err := io.WriteString(link, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"); err != nil {
		return
	}
	switch {
	case what[0] == "listen":
		err = s.listen(link, what[1])
	case what[0] == "accept":
		err = s.accept(link, buffered.Reader, what[1])
	case what[1] == "udp":
		err = carryPackets(link, buffered.Reader, what[2])
	default:
		err = connect(link, buffered.Reader, what[2])
	}
	if err != nil {
		log.Print("wstunnel: ", err)
	}
}

func connect(link net.Conn, reader *bufio.Reader, target string) error {
	conn, err := net.DialTimeout("tcp", target, dialTimeout)
	if err != nil {
		return err
	}
	splice(link, reader, conn, conn)
	return nil
}

// carryPackets carries the datagrams of one source.
func carryPackets(link net.Conn, reader *bufio.Reader, target string) error {
	conn, err := net.Dial("udp", target)
	if err != nil {
		return err
	}
	go func() {
		defer link.Close() //nolint:errcheck // this ends the other direction
		carryAnswers(link, conn)
	}()
	defer conn.Close() //nolint:errcheck // this ends the other direction
	buffer := make([]byte, 1<<16)
	for {
		packet, err := readPacket(reader, buffer)
		if err != nil {
			return nil // the client closed the link
		}
		_, _ = conn.Write(packet) // fails while no program listens there
	}
}

// carryAnswers writes the datagrams that arrive at a socket to a link.
func carryAnswers(link io.Writer, conn net.Conn) {
	buffer := make([]byte, 1<<16)
	for {
		n, err := conn.Read(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil && writePacket(link, buffer[:n]) != nil { // other errors: no program listens there
			return
		}
	}
}

// listen accepts connections for a client while its link is open.
func (s *server) listen(link net.Conn, address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, link) // until the client closes the link
		_ = listener.Close()
	}()
	for {
		conn, err := listener.Accept()
		if err != nil {
			return nil
		}
		s.mu.Lock()
		s.last++
		number := s.last
		s.waiting[number] = conn
		s.mu.Unlock()
		if _, err := fmt.Fprintln(link, number); err != nil {
			_, _ = conn.Close(), listener.Close()
		}
	}
}

func (s *server) accept(link net.Conn, reader *bufio.Reader, name string) error {
	number, err := strconv.Atoi(name)
	if err != nil {
		return err
	}
	s.mu.Lock()
	conn, ok := s.waiting[number]
	delete(s.waiting, number)
	s.mu.Unlock()
	if !ok {
		return fmt.Errorf("there is no accepted connection %d", number)
	}
	splice(link, reader, conn, conn)
	return nil
}
