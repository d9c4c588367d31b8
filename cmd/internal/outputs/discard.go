package outputs

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/crate-vk/crate-vk/loader/quote"
	"github.com/crate-vk/crate-vk/loader/regular"
)

// discard throws away what an earlier run recorded, its outputs first as far as
// they are still what it wrote and no inputs of this run. All else in the folder
// stays.
func (f *Folder) discard(ctx context.Context, inputs map[string]bool) error {
	for _, name := range []string{ResultsName, JournalName} {
		err := lines(ctx, f.root, name, func(_ int64, text []byte) error {
			var e Entry
			if json.Unmarshal(text, &e) != nil {
				return nil
			}
			for _, out := range e.Outputs {
				if name := quote.Unescape(out.Name); !inputs[name] && f.intact(ctx, out) {
					if err := f.remove(name); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil && !errors.Is(err, errNotOurs) && regular.Refused(err) == "" {
			return err
		}
	}
	for _, name := range []string{ResultsName, JournalName} {
		if err := f.remove(name); err != nil {
			return err
		}
	}
	return nil
}
