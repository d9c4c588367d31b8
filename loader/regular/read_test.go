package regular

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLimit: a file above its limit is refused before it is read, one that grows
// while it is read, and a stream, when they pass it.
func TestLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if data, err := Read(ctx, path, 5); err != nil || string(data) != "hello" {
		t.Errorf("got %q, %v", data, err)
	}
	var large *SizeError
	if _, err := Read(ctx, path, 4); !errors.As(err, &large) || large.Size != 5 || large.Limit != 4 {
		t.Errorf("of 5 bytes with a limit of 4: %v", err)
	}
	if _, err := Hash(ctx, path, 4); !errors.As(err, &large) {
		t.Errorf("hashed with a limit of 4: %v", err)
	}
	// What a file that grows looks like: fstat said less than there is.
	if _, err := read(ctx, strings.NewReader("hello"), path, 3, 4); !errors.As(err, &large) {
		t.Errorf("grown: %v", err)
	}
	if _, err := ReadAll(ctx, strings.NewReader("hello"), "standard input", 4); !errors.As(err, &large) {
		t.Errorf("a stream: %v", err)
	}
	if _, err := Sum(ctx, strings.NewReader("hello"), path, 4); !errors.As(err, &large) {
		t.Errorf("a sum: %v", err)
	}
	sparse := path + ".sparse"
	if os.WriteFile(sparse, nil, 0o600) != nil || os.Truncate(sparse, 1<<40) != nil {
		t.Skip("no sparse files here")
	}
	if _, err := Read(ctx, sparse, Records); !errors.As(err, &large) || large.Size != 1<<40 {
		t.Errorf("a terabyte that isn't there: %v", err)
	}
}

// endless is a stream that ends its context in the middle.
type endless struct {
	cancel func()
	reads  int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.reads++; e.reads == 3 {
		e.cancel()
	}
	if e.reads > 100 {
		return 0, io.EOF
	}
	return len(p), nil
}

// TestInterrupted: reading ends with its context, between chunks, and a stream from
// which nothing comes is left.
func TestInterrupted(t *testing.T) {
	for name, f := range map[string]func(ctx context.Context, e *endless) error{
		"read": func(ctx context.Context, e *endless) error { _, err := read(ctx, e, "x", 0, 1<<40); return err },
		"sum":  func(ctx context.Context, e *endless) error { _, err := Sum(ctx, e, "x", 1<<40); return err },
	} {
		ctx, cancel := context.WithCancel(context.Background())
		e := &endless{cancel: cancel}
		if err := f(ctx, e); !errors.Is(err, context.Canceled) || e.reads > 4 {
			t.Errorf("%s: %v after %d reads", name, err, e.reads)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	in, out := io.Pipe()
	defer out.Close()
	go func() {
		out.Write([]byte("x")) // whoever takes it waits for more
		cancel()
	}()
	if _, err := ReadAll(ctx, in, "standard input", 5); !errors.Is(err, context.Canceled) {
		t.Errorf("a stream: %v", err)
	}
}
