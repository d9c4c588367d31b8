package crate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/crate-vk/crate-vk/internal/quote"
	"github.com/crate-vk/crate-vk/internal/regular"
)

// ReadConfig reads the configuration file that the user named, or the
// config.json beside the weights at path, if there is one. A config.json of
// somebody else's is left alone, and the notice says so.
func ReadConfig(path, named string) (s Settings, notice string, err error) {
	at := named
	if at == "" && path == "" {
		return s, "", nil // not from a folder
	}
	if at == "" {
		at = filepath.Join(filepath.Dir(path), "config.json")
	}
	data, err := regular.Read(context.Background(), at, regular.Config)
	if errors.Is(err, fs.ErrNotExist) && named == "" {
		return s, "", nil
	}
	if err != nil {
		return s, "", err
	}
	s, ours, err := ParseConfig(data)
	if err != nil {
		return s, "", fmt.Errorf("%s: %w", quote.Path(at), err)
	}
	if !ours && named != "" {
		return s, "", fmt.Errorf("%s: its architecture is none of %v", quote.Path(at), Architectures())
	}
	if !ours {
		return Settings{}, fmt.Sprintf("%s is not ours (no architecture that we know) and is ignored", quote.Path(at)), nil
	}
	return s, "", nil
}
