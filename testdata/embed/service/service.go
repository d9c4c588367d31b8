// Package service answers HTTP requests with what a model sees in a picture.
//
//	POST /classes     a picture; the answer is JSON
//	POST /mask        a picture; the answer is a PNG, white where the object is
//	GET  /metrics     counters
//
// A request may say how long it waits: /classes?timeout=500ms.
package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// Options are the choices of New. What is zero has a default.
type Options struct {
	Queue    int           // calls that a batcher takes at once, further ones get 503; 0: its default
	Pictures int           // requests that hold a picture at once, further ones get 503; 0: 64
	Bytes    int64         // of an upload; 0: 16 MB
	Pixels   int64         // of a picture; 0: 25 megapixels
	Timeout  time.Duration // the longest that a request may ask for; 0: 10 s
	Counters *Counters     // those that engine.WithEvents was given; nil: new ones
}

// Service is an http.Handler.
type Service struct {
	http.Handler
	opt     Options
	places  chan struct{} // one for each picture in memory
	classes *engine.Batcher[[]engine.Class]
	masks   *engine.Batcher[*engine.Segmentation]
}

// New compiles what the service will run, so that no request waits for that, and
// starts the batchers.
func New(ctx context.Context, model *engine.Model, o Options) (*Service, error) {
	o.Pictures, o.Bytes, o.Pixels = or(o.Pictures, 64), or(o.Bytes, 16<<20), or(o.Pixels, 25_000_000)
	o.Timeout, o.Counters = or(o.Timeout, 10*time.Second), or(o.Counters, &Counters{})
	s := &Service{opt: o, places: make(chan struct{}, o.Pictures)}

	classify, segment := engine.Classify(engine.ClassifyOptions{Top: 3}), engine.Attention(engine.AttentionOptions{})
	progress := func(done, total int, what string) {
		slog.Info("preparing", "done", done, "of", total, "now", what)
	}
	// A batcher joins requests that come at the same time: the device computes four
	// pictures in less time than four times one.
	batches := engine.BatcherOptions{Queue: o.Queue}
	var err error
	if s.classes, err = engine.NewBatcher(model, classify, batches); err != nil {
		return nil, err
	}
	if s.masks, err = engine.NewBatcher(model, segment, batches); err != nil {
		s.classes.Close()
		return nil, err
	}
	if err := errors.Join(s.classes.Prepare(ctx, progress), s.masks.Prepare(ctx, progress)); err != nil {
		s.Close()
		return nil, err
	}

	mux := http.NewServeMux()
	mux.Handle("POST /classes", answer(s, s.classes, writeClasses))
	mux.Handle("POST /mask", answer(s, s.masks, writeMask))
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) { o.Counters.WriteTo(w) })
	s.Handler = mux
	return s, nil
}

// or is v, or what stands for zero.
func or[T comparable](v, otherwise T) T {
	if v == *new(T) {
		return otherwise
	}
	return v
}

// Close waits for the requests that are under way. Close it behind the HTTP
// server, and before the engine.
func (s *Service) Close() error {
	return errors.Join(s.classes.Close(), s.masks.Close())
}

// answer computes a request's picture and writes what comes of it.
func answer[T any](s *Service, b *engine.Batcher[T], write func(http.ResponseWriter, T) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		value, err := compute(s, b, w, r)
		if err != nil {
			s.refuse(w, err)
		} else if write(w, value) != nil {
			err = context.Canceled // the client went away meanwhile
		}
		s.opt.Counters.add(fmt.Sprintf("http_responses_total{code=\"%d\"}", code(err)), 1)
	}
}

// compute reads the request's picture and waits for its result. r.Context() ends
// when the client goes away, and the call with it.
func compute[T any](s *Service, b *engine.Batcher[T], w http.ResponseWriter, r *http.Request) (result T, err error) {
	timeout := s.opt.Timeout
	if q := r.URL.Query().Get("timeout"); q != "" {
		t, err := time.ParseDuration(q)
		if err != nil {
			return result, &badRequest{err}
		}
		timeout = min(timeout, t)
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()

	select { // as many pictures as fit into memory
	case s.places <- struct{}{}:
		defer func() { <-s.places }()
	default:
		return result, engine.ErrBusy
	}
	data, err := body(ctx, w, r, s.opt.Bytes)
	if err != nil {
		return result, err
	}
	img, _, err := picture.Decode(ctx, data, picture.Options{MaxPixels: s.opt.Pixels})
	if err != nil {
		return result, err
	}
	return b.Do(ctx, img)
}

// body reads what the client sends, no longer than ctx lasts.
func body(ctx context.Context, w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	c := http.NewResponseController(w)
	deadline, _ := ctx.Deadline()
	c.SetReadDeadline(deadline)
	defer c.SetReadDeadline(time.Time{}) // or the server would take the client for gone
	return io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
}

// badRequest is an error of the client's.
type badRequest struct{ error }

// code is the HTTP status of an error.
func code(err error) int {
	var (
		bad         *badRequest
		malformed   *picture.FormatError
		unsupported *picture.UnsupportedError
		large       *picture.LimitError
		long        *http.MaxBytesError
	)
	switch {
	case err == nil:
		return http.StatusOK
	case errors.As(err, &bad), errors.As(err, &malformed), errors.Is(err, engine.ErrImage):
		return http.StatusBadRequest
	case errors.As(err, &unsupported):
		return http.StatusUnsupportedMediaType
	case errors.As(err, &large), errors.As(err, &long):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return http.StatusGatewayTimeout
	case errors.Is(err, context.Canceled):
		return 499 // nginx's for a client that went away; nobody reads it
	case errors.Is(err, engine.ErrBusy), errors.Is(err, engine.ErrOutOfMemory),
		errors.Is(err, engine.ErrClosed), errors.Is(err, engine.ErrModelClosed):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

func (s *Service) refuse(w http.ResponseWriter, err error) {
	status, message := code(err), err.Error()
	switch status {
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	case http.StatusInternalServerError: // for us to read, not for clients
		slog.Error("a request failed", "reason", err)
		message = "internal error"
	}
	http.Error(w, message, status)
}

func writeClasses(w http.ResponseWriter, classes []engine.Class) error {
	type class struct {
		Name        string  `json:"name"`
		Index       int     `json:"index"`
		Probability float64 `json:"probability"`
	}
	list := []class{}
	for _, c := range classes {
		list = append(list, class{c.Name, c.Index, c.Probability})
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(map[string]any{"classes": list})
}

func writeMask(w http.ResponseWriter, s *engine.Segmentation) error {
	var file bytes.Buffer
	if err := png.Encode(&file, s.Objects[0].Mask); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "image/png")
	_, err := w.Write(file.Bytes())
	return err
}
