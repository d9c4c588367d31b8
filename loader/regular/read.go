package regular

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"

	"github.com/crate-vk/crate-vk/loader/quote"
)

// chunk is how much is read before the context is looked at again.
const chunk = 1 << 20

// Read returns the content of a file of at most limit bytes. It is [Open]ed; one
// that grows beyond the limit while it is read is a *SizeError, too.
func Read(ctx context.Context, path string, limit int64) ([]byte, error) {
	f, info, err := Open(path, limit)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return read(ctx, f, path, info.Size(), limit)
}

// ReadAll returns what comes from a stream that has a name: at most limit bytes.
// The goroutine that waits for it is left behind if ctx ends first.
func ReadAll(ctx context.Context, r io.Reader, name string, limit int64) ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		data, err := read(ctx, r, name, 0, limit)
		done <- result{data, err}
	}()
	select {
	case r := <-done:
		return r.data, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// read reads r to its end, which is expected after size bytes.
func read(ctx context.Context, r io.Reader, name string, size, limit int64) ([]byte, error) {
	b := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	n, err := b.ReadFrom(io.LimitReader(Reader(ctx, r), limit+1))
	if err != nil {
		return nil, quote.Error(err)
	}
	if n > limit {
		return nil, &SizeError{name, n, limit}
	}
	return b.Bytes(), nil
}

// Hash returns the SHA-256 of a file of at most limit bytes, in hexadecimal.
func Hash(ctx context.Context, path string, limit int64) (string, error) {
	f, _, err := Open(path, limit)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return Sum(ctx, f, path, limit)
}

// Sum is the SHA-256 of what is left of an open file, in hexadecimal.
func Sum(ctx context.Context, r io.Reader, name string, limit int64) (string, error) {
	h := sha256.New()
	n, err := io.CopyBuffer(h, io.LimitReader(Reader(ctx, r), limit+1), make([]byte, chunk))
	if err != nil {
		return "", quote.Error(err)
	}
	if n > limit {
		return "", &SizeError{name, n, limit}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Reader reads r in chunks, and fails with ctx's cause once ctx has ended.
func Reader(ctx context.Context, r io.Reader) io.Reader { return &reader{ctx, r} }

type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.r.Read(p[:min(len(p), chunk)])
}
