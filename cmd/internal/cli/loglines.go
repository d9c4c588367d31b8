package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// LineHandler logs one short line a record: the message, then key=value pairs.
type LineHandler struct {
	Program string
	W       io.Writer
	Quiet   *bool // nothing below a warning is logged; nil: it is
	attrs   []slog.Attr
}

func (h *LineHandler) Enabled(_ context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn || l >= slog.LevelInfo && (h.Quiet == nil || !*h.Quiet)
}

func (h *LineHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(h.Program + ": ")
	if r.Level >= slog.LevelWarn {
		b.WriteString(strings.ToLower(r.Level.String()) + ": ")
	}
	b.WriteString(r.Message)
	each := func(a slog.Attr) bool {
		fmt.Fprintf(&b, " %s=%v", a.Key, a.Value)
		return true
	}
	for _, a := range h.attrs {
		each(a)
	}
	r.Attrs(each)
	b.WriteByte('\n')
	_, err := io.WriteString(h.W, b.String())
	return err
}

func (h *LineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &LineHandler{h.Program, h.W, h.Quiet, append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)}
}

func (h *LineHandler) WithGroup(string) slog.Handler { return h }
