package main

import (
	"bufio"
	"context"
	"log"
	"net"
	"sync"
	"time"
)

// client keeps tunnels open. It connects again after the server was restarted.
type client struct {
	options
	pause time.Duration // between two attempts to connect
}

func newClient(o options) *client { return &client{options: o, pause: time.Second} }

// run returns when ctx ends, or at once if it cannot listen.
func (c *client) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var tunnels sync.WaitGroup
	for _, t := range c.forward {
		start := c.forwardTCP
		if t.network == "udp" {
			start = c.forwardUDP
		}
		tunnels.Go(func() {
			if err := start(ctx, t); err != nil {
				cancel(err)
			}
		})
	}
	for _, t := range c.reverse {
		tunnels.Go(func() { c.keepListening(ctx, t) })
	}
	<-ctx.Done()
	tunnels.Wait()
	return context.Cause(ctx)
}

// forwardTCP carries each connection over its own link.
func (c *client) forwardTCP(ctx context.Context, t tunnel) error {
	listener, err := net.Listen("tcp", t.listen)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = listener.Close() })()
	for {
		conn, err := listener.Accept()
		if err != nil {
			return nil
		}
		go func() {
			link, reader, err := dial(ctx, c.options, "connect tcp "+t.target)
			if err != nil {
				log.Print("wstunnel: ", err)
				_ = conn.Close()
				return
			}
			splice(link, reader, conn, conn)
		}()
	}
}

// forwardUDP carries the datagrams of each source over its own link. A datagram is lost
// if its link fails, as datagrams may be; the next datagram opens another link.
func (c *client) forwardUDP(ctx context.Context, t tunnel) error {
	address, err := net.ResolveUDPAddr("udp", t.listen)
	if err != nil {
		return err
	}
	socket, err := net.ListenUDP("udp", address)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = socket.Close() })()
	var mu sync.Mutex
	links := map[string]chan []byte{}
	buffer := make([]byte, 1<<16)
	for {
		n, source, err := socket.ReadFromUDP(buffer)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			continue
		}
		mu.Lock()
		queue, ok := links[source.String()]
		if !ok {
			queue = make(chan []byte, 64)
			links[source.String()] = queue
			go func() {
				c.carryDatagrams(ctx, t, socket, source, queue)
				mu.Lock()
				delete(links, source.String())
				mu.Unlock()
			}()
		}
		mu.Unlock()
		select {
		case queue <- append([]byte{}, buffer[:n]...):
		default: // the link is too slow: the datagram is lost
		}
	}
}

// carryDatagrams carries the datagrams of one source until the link fails.
func (c *client) carryDatagrams(ctx context.Context, t tunnel, socket *net.UDPConn, source *net.UDPAddr, queue <-chan []byte) {
	link, reader, err := dial(ctx, c.options, "connect udp "+t.target)
	if err != nil {
		log.Print("wstunnel: ", err)
		return
	}
	failed, end := context.WithCancel(ctx)
	defer end()
	defer context.AfterFunc(failed, func() { _ = link.Close() })()
	defer link.Close() //nolint:errcheck // it may be closed already
	go func() {
		defer end()
		buffer := make([]byte, 1<<16)
		for {
			packet, err := readPacket(reader, buffer)
			if err != nil {
				return
			}
			_, _ = socket.WriteToUDP(packet, source)
		}
	}()
	for {
		select {
		case <-failed.Done():
			return
		case packet := <-queue:
			if writePacket(link, packet) != nil {
				return
			}
		}
	}
}

// keepListening keeps the server listening for a tunnel.
func (c *client) keepListening(ctx context.Context, t tunnel) {
	for ctx.Err() == nil {
		if err := c.listen(ctx, t); err != nil && ctx.Err() == nil {
			log.Print("wstunnel: ", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(c.pause):
		}
	}
}

func (c *client) listen(ctx context.Context, t tunnel) error {
	link, reader, err := dial(ctx, c.options, "listen "+t.listen)
	if err != nil {
		return err
	}
	defer link.Close() //nolint:errcheck // it may be closed already
	defer context.AfterFunc(ctx, func() { _ = link.Close() })()
	log.Printf("wstunnel: the server listens on %s", t.listen)
	numbers := bufio.NewScanner(reader)
	for numbers.Scan() {
		number := numbers.Text()
		go func() {
			link, reader, err := dial(ctx, c.options, "accept "+number)
			if err != nil {
				log.Print("wstunnel: ", err)
				return
			}
			if err := connect(link, reader, t.target); err != nil {
				log.Print("wstunnel: ", err)
				_ = link.Close()
			}
		}()
	}
	return numbers.Err()
}
