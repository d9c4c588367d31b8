package crate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
	data, err := os.ReadFile(at)
	if errors.Is(err, fs.ErrNotExist) && named == "" {
		return s, "", nil
	}
	if err != nil {
		return s, "", err
	}
	s, ours, err := ParseConfig(data)
	if err != nil {
		return s, "", fmt.Errorf("%s: %w", at, err)
	}
	if !ours && named != "" {
		return s, "", fmt.Errorf("%s: its architecture is none of %v", at, Architectures())
	}
	if !ours {
		return Settings{}, fmt.Sprintf("%s is not ours (no architecture that we know) and is ignored", at), nil
	}
	return s, "", nil
}
