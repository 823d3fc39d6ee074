package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// A link is one upgraded connection. A header of its request describes its purpose:
//
//	connect tcp|udp host:port   carries one connection to a target of the server
//	listen host:port            the server listens, and writes a number for each
//	                            connection that it has accepted
//	accept number               carries that connection to the client
const purpose = "Wstunnel-Purpose"

// dialTimeout limits the time to open a link.
const dialTimeout = 10 * time.Second

// dial opens a link.
func dial(ctx context.Context, o options, what string) (net.Conn, *bufio.Reader, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", o.address)
	if err != nil {
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	request, err := http.NewRequest(http.MethodGet, "http://"+o.address+"/"+o.prefix+"/events", nil)
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	request.Header.Set("Connection", "Upgrade")
	request.Header.Set("Upgrade", "websocket")
	request.Header.Set(purpose, what)
	reader := bufio.NewReader(conn)
	if err := request.Write(conn); err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	answer, err := http.ReadResponse(reader, request)
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	if answer.StatusCode != http.StatusSwitchingProtocols {
		return nil, nil, errors.Join(fmt.Errorf("the server answered %s", answer.Status), conn.Close())
	}
	return conn, reader, nil
}

// splice carries bytes in both directions until both ends are closed, or one fails.
func splice(a net.Conn, fromA io.Reader, b net.Conn, fromB io.Reader) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		pipe(b, fromA)
	}()
	pipe(a, fromB)
	<-done
	_, _ = a.Close(), b.Close()
}

func pipe(to net.Conn, from io.Reader) {
	_, err := io.Copy(to, from)
	if half, ok := to.(*net.TCPConn); ok && err == nil {
		_ = half.CloseWrite()
		return
	}
	_ = to.Close()
}

// writePacket writes a datagram to a link, after its length.
func writePacket(w io.Writer, packet []byte) error {
	framed := append(binary.BigEndian.AppendUint16(nil, uint16(len(packet))), packet...)
	_, err := w.Write(framed)
	return err
}

// readPacket reads a datagram into a buffer of 64 KiB.
func readPacket(r io.Reader, buffer []byte) ([]byte, error) {
	if _, err := io.ReadFull(r, buffer[:2]); err != nil {
		return nil, err
	}
	packet := buffer[:binary.BigEndian.Uint16(buffer)]
	_, err := io.ReadFull(r, packet)
	return packet, err
}
