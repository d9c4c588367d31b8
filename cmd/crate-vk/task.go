package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/crate-vk/crate-vk/loader/picture"
	"github.com/crate-vk/crate-vk/loader/quote"
	"github.com/crate-vk/crate-vk/loader/regular"
)

// readLimit is the time that one image may take to be read. Decoding has its own, in
// picture.Options: neither counts the time in which the image waits for others.
const readLimit = 2 * time.Minute

// task is one image of a run.
type task struct {
	path string // to open
	rel  string // relative to the PATH it was found by
	name string // in records and messages; empty: that of rel
	base string // name of outputs, without suffix
	data []byte // what standard input held, of an image that came there
	sum  string // the SHA-256 that the run was promised, if it was
}

// label is the image's name in records and messages.
func (t *task) label() string {
	if t.name != "" {
		return t.name
	}
	return quote.Escape(t.rel)
}

// bigFile is the size in bytes from which files are read one at a time: all of a
// file is in memory while it is decoded.
const bigFile = 64 << 20

var bigFiles = make(chan struct{}, 1)

// read returns the file's bytes, and what to call when they are not needed any more. Of
// a big file it looks at the header first: what says there that it can't be decoded is
// not read.
func (t *task) read(ctx context.Context, opt picture.Options) (data []byte, done func(), err error) {
	limit := opt.MaxBytes
	if t.data != nil {
		return t.data, func() {}, nil
	}
	data, err = t.readIn(ctx, min(limit, bigFile))
	var large *regular.SizeError
	if !errors.As(err, &large) {
		return data, func() {}, err
	}
	if large.Size > limit {
		return nil, nil, &regular.SizeError{Path: t.path, Size: large.Size, Limit: limit}
	}
	if err := picture.CheckFile(ctx, t.path, opt); err != nil {
		return nil, nil, err
	}
	select {
	case bigFiles <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	}
	done = func() { <-bigFiles }
	if data, err = t.readIn(ctx, limit); err != nil {
		done()
		return nil, nil, err
	}
	return data, done, nil
}

// readIn reads the file within readLimit.
func (t *task) readIn(ctx context.Context, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	return regular.Read(ctx, t.path, limit)
}

// load reads the image, and decodes what it has read: sum is the SHA-256 of the
// very bytes that were decoded. It stops when ctx ends.
func (t *task) load(ctx context.Context, opt picture.Options) (img *picture.RGB, sum string, err error) {
	if opt.MaxBytes <= 0 {
		opt.MaxBytes = picture.DefaultMaxBytes
	}
	data, done, err := t.read(ctx, opt)
	if err != nil {
		if what := regular.Refused(err); what != "" {
			err = &picture.SkipError{Path: t.path, What: what}
		}
		return nil, "", err
	}
	defer done()
	hash := sha256.Sum256(data)
	sum = hex.EncodeToString(hash[:])
	if t.sum != "" && t.sum != sum {
		return nil, sum, fmt.Errorf("%s: the file has changed since the run began", quote.Path(t.path))
	}
	img, _, err = picture.DecodeNamed(ctx, t.path, data, opt)
	return img, sum, err
}

// hash is the SHA-256 of the image's bytes.
func (t *task) hash(ctx context.Context) (string, error) {
	if t.data != nil {
		sum := sha256.Sum256(t.data)
		return hex.EncodeToString(sum[:]), nil
	}
	return regular.Hash(ctx, t.path, regular.Picture)
}
