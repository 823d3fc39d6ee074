package faultproxy

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// An exchange is a request that fails, and what its answer is made of.
type exchange struct {
	call    Call
	request *http.Request
	writer  http.ResponseWriter
	conn    net.Conn
	forward func() // sends the request to the API server, and its answer to the client
	// real is the answer of the API server, if it carried out the request, and body
	// what the answer contains.
	real *http.Response
	body []byte
}

// failure answers with an error of the API server. RESOURCE and NAMESPACE in its text
// stand for those of the call.
func failure(code int32, reason metav1.StatusReason, text string) func(*exchange) {
	return func(x *exchange) {
		x.fail(code, reason, strings.NewReplacer("RESOURCE", x.call.Resource, "NAMESPACE", x.call.Namespace).Replace(text))
	}
}

func (x *exchange) fail(code int32, reason metav1.StatusReason, text string) {
	x.writer.Header().Set("Content-Type", "application/json")
	x.writer.WriteHeader(int(code))
	// An error of the write means that the client has gone.
	_ = json.NewEncoder(x.writer).Encode(metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"},
		Status:   metav1.StatusFailure, Message: text, Reason: reason, Code: code,
	})
}

func tooManyRequests(x *exchange) {
	x.writer.Header().Set("Retry-After", "1")
	x.fail(http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests, "Too many requests, please try again later ("+injected+")")
}

// page answers with a page that no API server sends.
func page(code int, title string) func(*exchange) {
	return func(x *exchange) {
		x.writer.Header().Set("Content-Type", "text/html; charset=utf-8")
		x.writer.WriteHeader(code)
		_, _ = fmt.Fprintf(x.writer, "<!DOCTYPE html><html><head><title>%s</title></head><body><h1>%[1]s</h1></body></html>\n", title)
	}
}

func empty(x *exchange) {
	x.writer.Header().Set("Content-Type", "application/json")
	x.writer.Header().Set("Content-Length", "0")
	x.writer.WriteHeader(http.StatusOK)
}

// reset resets the TCP connection. With HTTP/2, all requests of the connection fail.
func reset(x *exchange) {
	var conn any = x.conn
	if secure, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = secure.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // Close then sends RST
		_ = tcp.Close()
	}
	panic(http.ErrAbortHandler)
}

// short ends the answer after half of it, as if nothing were missing.
func short(x *exchange) {
	x.copyHeader()
	_, _ = x.writer.Write(x.body[:len(x.body)/2])
}

// cut ends the answer after half of it.
func cut(x *exchange) {
	x.copyHeader()
	x.writer.Header().Set("Content-Length", strconv.Itoa(len(x.body)))
	_, _ = x.writer.Write(x.body[:len(x.body)/2])
	_ = http.NewResponseController(x.writer).Flush()
	panic(http.ErrAbortHandler)
}

func (x *exchange) copyHeader() {
	for name, values := range x.real.Header {
		if name != "Content-Length" {
			x.writer.Header()[name] = values
		}
	}
	x.writer.WriteHeader(x.real.StatusCode)
}

// stall does not answer until the client gives up.
func stall(x *exchange) {
	<-x.request.Context().Done()
	panic(http.ErrAbortHandler)
}

// late waits, and then lets the request pass if its client still waits.
func late(wait time.Duration) func(*exchange) {
	return func(x *exchange) {
		select {
		case <-time.After(wait):
			x.forward()
		case <-x.request.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
}

// carryOut sends the request to the API server, also if the client gives up.
func (x *exchange) carryOut(send func(*http.Request) (*http.Response, error)) error {
	answer, err := send(x.request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // it was read
	x.real = answer
	x.body, err = io.ReadAll(answer.Body)
	return err
}
