// Server answers HTTP requests with classes and masks of pictures:
//
//	server -listen 127.0.0.1:8080 &
//	curl --data-binary @fish.png http://127.0.0.1:8080/classes
//	curl --data-binary @fish.png http://127.0.0.1:8080/mask > mask.png
//	curl http://127.0.0.1:8080/metrics
//
// SIGTERM lets the requests that are under way end.
package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"example.com/embed/service"
	"example.com/embed/setup"
	"github.com/crate-vk/crate-vk/engine"
)

func main() {
	flags := setup.New()
	listen := flag.String("listen", "127.0.0.1:8080", "address")
	drain := flag.Duration("drain", 20*time.Second, "how long requests that are under way may take when the server ends")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, flags, *listen, *drain); err != nil {
		slog.Error("the server failed", "reason", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, flags *setup.Flags, listen string, drain time.Duration) error {
	counters := &service.Counters{}
	eng, model, err := flags.Open(ctx, engine.WithEvents(counters.Event))
	if err != nil {
		return err
	}
	defer eng.Close() // last: it ends whatever still computes

	// Everything is compiled before the server listens, so that whoever looks at
	// the port sees a server that answers.
	handler, err := service.New(ctx, model, service.Options{Counters: counters})
	if err != nil {
		return err
	}
	defer handler.Close()
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	slog.Info("listening", "address", "http://"+l.Addr().String())

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	slog.Info("ending")
	patience, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	if err := server.Shutdown(patience); errors.Is(err, context.DeadlineExceeded) {
		return server.Close() // ends the contexts of the requests that are left
	} else if err != nil {
		return err
	}
	return nil
}
