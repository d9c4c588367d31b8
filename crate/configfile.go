package crate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/crate-vk/crate-vk/loader/quote"
	"github.com/crate-vk/crate-vk/loader/regular"
)

// Beside is what the configuration files say that lie beside a weight file, or that
// the user named.
type Beside struct {
	Own     Settings // of a config.json of this program's, or of the file that the user named
	Hub     Settings // of a hub folder's, as timm and transformers write them
	Notices []string // files that could not be used
}

// ReadConfig reads the configuration file that the user named, or the config.json beside the
// weights at path, and preprocessor_config.json, where there are any. Settings of a hub
// folder stand behind those of the weights themselves, as they are written for
// other programs.
func ReadConfig(path, named string) (b Beside, err error) {
	if path == "" && named == "" {
		return b, nil // not from a folder
	}
	dir := filepath.Dir(path)
	at := named
	if at == "" {
		at = filepath.Join(dir, "config.json")
	}
	data, err := regular.Read(context.Background(), at, regular.Config)
	switch {
	case errors.Is(err, fs.ErrNotExist) && named == "":
	case err != nil:
		return b, err
	default:
		if err := b.add(data, at, named != ""); err != nil {
			return b, fmt.Errorf("%s: %w", quote.Path(at), err)
		}
	}
	if path == "" {
		return b, nil
	}
	at = filepath.Join(dir, "preprocessor_config.json")
	data, err = regular.Read(context.Background(), at, regular.Config)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return b, err
	}
	pre, notice, err := parsePreprocessor(data)
	if err != nil {
		return b, fmt.Errorf("%s: %w", quote.Path(at), err)
	}
	if notice != "" {
		b.Notices = append(b.Notices, quote.Path(at)+": "+notice)
	}
	pre.From = at
	hub := b.Hub
	b.Hub = pre.Or(hub)
	b.Hub.parts = []Settings{pre, hub}
	return b, nil
}

// add takes over a config.json: this program's own, or a hub's.
func (b *Beside) add(data []byte, at string, named bool) error {
	s, ours, err := ParseConfig(data)
	if err != nil {
		return err
	}
	if ours {
		s.From = at
		b.Own = s
		return nil
	}
	s, notice, useful, err := parseHub(data)
	if err != nil {
		return err
	}
	if notice != "" {
		b.Notices = append(b.Notices, quote.Path(at)+": "+notice)
	}
	s.From = at
	switch {
	case useful && named:
		b.Own = s
	case useful:
		b.Hub = s
	case named:
		return fmt.Errorf("its architecture is none of %v, and it has no pretrained_cfg either", Architectures())
	default:
		b.Notices = append(b.Notices, quote.Path(at)+" is not ours (no architecture that we know) and is ignored")
	}
	return nil
}
