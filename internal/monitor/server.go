package monitor

import (
	"context"
	"crypto/tls"
	"errors"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"nats-server/internal/logs"
)

// What a peer of the HTTP listener may cost.
const (
	maxHeader     = 64 << 10 // bytes of a request with its headers
	maxConns      = 256      // connections at a time; more are closed
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = 30 * time.Second // for the answer, from the end of the request on
	idleTimeout   = 2 * time.Minute
	lastRequests  = time.Second // for requests under way when a listener is closed
)

// Settings are what may change while listeners go on. They are immutable.
type Settings struct {
	BasePath string // prefix of all paths, as configured; "" = none
	Gate     *Gate  // who may ask; nil = everybody
}

// Server answers HTTP requests on any number of listeners. It is safe for concurrent
// use.
type Server struct {
	log      *logs.Log
	handlers map[string]http.Handler
	now      atomic.Pointer[front]
	track    sync.WaitGroup // goroutines of listeners
}

// NewServer returns a server of these handlers by their paths, which begin with a
// slash. A path that ends in one stands for all below it, any other for itself alone.
// Handlers see paths without the base path. Apply must come before Serve.
func NewServer(handlers map[string]http.Handler, log *logs.Log) *Server {
	return &Server{log: log, handlers: handlers}
}

// Apply makes the settings those of all listeners.
func (s *Server) Apply(set Settings) {
	s.now.Store(&front{handlers: s.handlers, base: cleanBase(set.BasePath), gate: set.Gate})
}

// Listener is a bound address.
type Listener struct {
	net.Listener
	server *Server
	http   http.Server
	scheme string
}

// Listen binds host:port. With a TLS configuration it speaks HTTPS. Nothing is accepted
// before Serve; Close must follow in any case.
func (s *Server) Listen(addr string, secure *tls.Config) (*Listener, error) {
	nl, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	l := &Listener{Listener: &bounded{nl, make(chan struct{}, maxConns)}, server: s, scheme: "http"}
	if secure != nil {
		l.scheme = "https"
		l.Listener = tls.NewListener(l.Listener, secure)
	}
	l.http = http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.now.Load().ServeHTTP(w, r) }),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          log.New(errorLog{s.log}, "", 0),
		TLSNextProto:      map[string]func(*http.Server, *tls.Conn, http.Handler){}, // no HTTP/2
	}
	return l, nil
}

// Serve begins to answer. It does not wait for anything.
func (l *Listener) Serve() {
	l.server.track.Go(func() {
		if err := l.http.Serve(l.Listener); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			l.server.log.Errorf("monitoring: %v", err)
		}
	})
}

// Scheme is http or https.
func (l *Listener) Scheme() string { return l.scheme }

// Close closes the listener at once; requests under way have a moment to end.
func (l *Listener) Close() {
	l.Listener.Close()
	l.server.track.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), lastRequests)
		defer cancel()
		if l.http.Shutdown(ctx) != nil {
			l.http.Close()
		}
	})
}

// Wait returns when all listeners, which must have been closed, have ended.
func (s *Server) Wait() { s.track.Wait() }

// errorLog logs what the HTTP library complains about.
type errorLog struct{ log *logs.Log }

func (e errorLog) Write(b []byte) (int, error) {
	text := strings.TrimPrefix(strings.TrimSpace(string(b)), "http: ")
	e.log.Errorf("monitoring: %s", text)
	return len(b), nil
}

// bounded accepts no more than so many connections at a time.
type bounded struct {
	net.Listener
	free chan struct{}
}

func (b *bounded) Accept() (net.Conn, error) {
	for {
		nc, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case b.free <- struct{}{}:
			return &counted{Conn: nc, free: b.free}, nil
		default:
			nc.Close() // rather than keep it waiting
		}
	}
}

// counted is a connection that makes room for another when it is closed.
type counted struct {
	net.Conn
	free chan struct{}
	once sync.Once
}

func (c *counted) Close() error {
	defer c.once.Do(func() { <-c.free })
	return c.Conn.Close()
}
