package eval

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// MaskFile is a mask in a folder.
type MaskFile struct {
	Stem  string // the image's relative path without extension, with slashes
	Label string // which mask of the image: mask, head0, head1, …
	Path  string
}

// Written reports that the file has the name of a mask of crate-vk's.
func (m MaskFile) Written() bool { return strings.HasSuffix(m.Path, ".mask.png") }

// MaskFolder lists the masks in a folder and in those below it, by stem and label.
//
// A mask is a PNG. In folders of crate-vk's it is STEM.mask.png, or STEM.headN.mask.png
// where each head has one; if the folder has such names anywhere, all others
// (overlays, parts) are passed over. Else every PNG is one, as in folders of truth.
// Names that begin with a dot are passed over.
func MaskFolder(ctx context.Context, dir string) ([]MaskFile, error) {
	var all, ours []MaskFile
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return &FileError{path, bare(err)}
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if path != dir && strings.HasPrefix(d.Name(), ".") {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.EqualFold(filepath.Ext(path), ".png") {
			return nil
		}
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() { // links are followed
			return nil
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return &FileError{path, err}
		}
		stem := filepath.ToSlash(rel[:len(rel)-len(".png")])
		all = append(all, MaskFile{stem, "mask", path})
		if stem, ok := strings.CutSuffix(stem, ".mask"); ok {
			stem, label := cutHead(stem)
			ours = append(ours, MaskFile{stem, label, path})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if ours != nil {
		all = ours
	}
	slices.SortFunc(all, func(a, b MaskFile) int {
		return cmp.Or(strings.Compare(a.Stem, b.Stem), cmp.Compare(head(a.Label), head(b.Label)), strings.Compare(a.Path, b.Path))
	})
	for i := 1; i < len(all); i++ {
		if all[i].Stem == all[i-1].Stem && all[i].Label == all[i-1].Label { // .png and .PNG
			return nil, fileErrorf(all[i].Path, "is the same mask as %s, want one", printable(all[i-1].Path))
		}
	}
	return all, nil
}

// NoPNG is the error of a folder that has pictures of other kinds, and no PNG; nil of
// any other.
func NoPNG(dir string) error {
	other := ""
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch ext := strings.ToLower(filepath.Ext(path)); {
		case err != nil || d.IsDir():
		case ext == ".png":
			other = ""
			return fs.SkipAll
		case slices.Contains([]string{".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".npy", ".mat"}, ext):
			other = cmp.Or(other, path)
		}
		return nil
	})
	if err != nil || other == "" {
		return nil
	}
	return fileErrorf(dir, "has no PNG, but files such as %s: masks are read from PNGs, which keep every value", printable(filepath.Base(other)))
}

// cutHead splits b.head3 into b and head3; a name without a head is of the mask.
func cutHead(stem string) (string, string) {
	dot := strings.LastIndexByte(stem, '.')
	if dot > 0 && head(stem[dot+1:]) >= 0 {
		return stem[:dot], stem[dot+1:]
	}
	return stem, "mask"
}

// head is N of headN, −1 for all else.
func head(label string) int {
	digits, ok := strings.CutPrefix(label, "head")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 0 || strconv.Itoa(n) != digits {
		return -1
	}
	return n
}

// MaskPair is an image's true mask and what was found for it.
type MaskPair struct {
	Stem  string
	Truth MaskFile
	Found []MaskFile
}

// PairMasks puts together the masks of equal stems, in the order of the truth, and
// lists what is alone.
func PairMasks(truth, found []MaskFile) (pairs []MaskPair, missing, extra []MaskFile) {
	byStem := make(map[string][]MaskFile, len(truth))
	for _, f := range found {
		byStem[f.Stem] = append(byStem[f.Stem], f)
	}
	known := make(map[string]bool, len(truth))
	for _, t := range truth {
		known[t.Stem] = true
		if f := byStem[t.Stem]; f != nil {
			pairs = append(pairs, MaskPair{t.Stem, t, f})
		} else {
			missing = append(missing, t)
		}
	}
	for _, f := range found {
		if !known[f.Stem] {
			extra = append(extra, f)
		}
	}
	return pairs, missing, extra
}

// FolderOptions are the choices of [ScoreFolders].
type FolderOptions struct {
	Truth, Found MaskRule // how the files are read
}

// FolderScores are the figures of two folders of masks.
type FolderScores struct {
	*MaskScores
	Truth   string   `json:"truth_read_as"` // what was chosen, see [Reading.String]
	Found   string   `json:"masks_read_as"`
	Missing []string `json:"missing,omitempty"` // stems in the truth alone
	Extra   []string `json:"extra,omitempty"`   // stems that the truth doesn't have
}

// ScoreFolders scores the masks in a folder against those in another one, by stem.
// It fails if a folder can't be read, if nothing fits together, or if ctx ends;
// files that can't be read or compared are listed as failed.
func ScoreFolders(ctx context.Context, truthDir, foundDir string, opt FolderOptions) (*FolderScores, error) {
	truth, err := MaskFolder(ctx, truthDir)
	if err != nil {
		return nil, err
	}
	for i := 1; i < len(truth); i++ {
		if truth[i].Stem == truth[i-1].Stem {
			return nil, fileErrorf(truth[i].Path, "is of the same image as %s, want one true mask an image", printable(truth[i-1].Path))
		}
	}
	found, err := MaskFolder(ctx, foundDir)
	if err != nil {
		return nil, err
	}
	pairs, missing, extra := PairMasks(truth, found)
	if len(pairs) == 0 {
		for _, dir := range []string{truthDir, foundDir} {
			if err := NoPNG(dir); err != nil {
				return nil, err
			}
		}
		return nil, fileErrorf(foundDir, "none of its %d masks has the name of one of the %d in %s", len(found), len(truth), printable(truthDir))
	}
	read, err := surveyPairs(ctx, pairs, opt)
	if err != nil {
		return nil, err
	}
	var s MaskScorer
	for _, p := range pairs {
		if err := addPair(ctx, &s, p, read); ctx.Err() != nil {
			return nil, context.Cause(ctx)
		} else if err != nil {
			_ = s.Fail(p.Stem, err)
		}
	}
	r := &FolderScores{MaskScores: s.Scores(), Truth: read.truth.String(), Found: read.found.String()}
	for _, f := range missing {
		r.Missing = append(r.Missing, f.Stem)
	}
	for _, f := range extra {
		if n := len(r.Extra); n == 0 || r.Extra[n-1] != f.Stem {
			r.Extra = append(r.Extra, f.Stem)
		}
	}
	return r, nil
}

// pairReading is how both sides of a comparison are read.
type pairReading struct{ truth, found Reading }

func surveyPairs(ctx context.Context, pairs []MaskPair, opt FolderOptions) (r pairReading, err error) {
	var truth, found []MaskFile
	for _, p := range pairs {
		truth = append(truth, p.Truth)
		found = append(found, p.Found...)
	}
	if r.truth, err = SurveyFolder(ctx, truth, opt.Truth); err == nil {
		r.found, err = SurveyFolder(ctx, found, opt.Found)
	}
	return r, err
}

// SurveyFolder is [Survey] of masks of one folder; its error names it by its first file.
func SurveyFolder(ctx context.Context, files []MaskFile, rule MaskRule) (Reading, error) {
	r, err := Survey(ctx, files, rule, len(files) > 0 && files[0].Written())
	if err != nil && ctx.Err() == nil {
		return r, &FileError{filepath.Dir(files[0].Path), err}
	}
	return r, err
}

// addPair reads and adds an image. The error is one of reading; Add lists its own.
func addPair(ctx context.Context, s *MaskScorer, p MaskPair, read pairReading) error {
	truth, err := ReadMask(ctx, p.Truth.Path, read.truth)
	if err != nil {
		return err
	}
	var list []Candidate
	for _, f := range p.Found {
		m, err := ReadMask(ctx, f.Path, read.found)
		if err != nil {
			return err
		}
		if m.Width != truth.Width || m.Height != truth.Height {
			return fileErrorf(f.Path, "is %d×%d (width×height), want the %d×%d of %s", m.Width, m.Height, truth.Width, truth.Height, printable(p.Truth.Path))
		}
		list = append(list, Candidate{Label: f.Label, Mask: m.Gray})
	}
	_ = s.Add(p.Stem, truth, list) // listed as failed if it can't be compared
	return nil
}

// Problems are lines for people about what isn't in the figures, at most n of a
// kind.
func (s *FolderScores) Problems(n int) []string {
	var lines []string
	some := func(names []string, format string) {
		for i, name := range names {
			if i == n {
				lines = append(lines, fmt.Sprintf("… and %d more", len(names)-n))
				return
			}
			lines = append(lines, fmt.Sprintf(format, printable(name)))
		}
	}
	some(s.Missing, "%s: has no mask")
	some(s.Extra, "%s: isn't in the truth")
	var failed []string
	for _, f := range s.Failed {
		failed = append(failed, f.Name+": "+f.Error)
	}
	some(failed, "%s")
	if text := s.Inverted(); text != "" {
		lines = append(lines, text)
	}
	return lines
}
