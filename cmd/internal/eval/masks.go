package eval

import (
	"fmt"
	"io"
	"strings"

	"github.com/crate-vk/crate-vk/loader/picture"
)

// Candidate is one of the masks offered for an image: what isn't 0 is foreground.
type Candidate struct {
	Label    string // head3, mean, …; for people
	Mask     *picture.Gray
	Baseline bool // it needs no model, and is no choice of the oracle's
}

// MaskScorer gathers the scores of masks against exact ones. The zero value is
// ready. It isn't safe for concurrent use; images have to be added in one order for
// the results to be in it, which changes no mean.
type MaskScorer struct {
	images []MaskImage
	failed []Failure
	labels []string
	models []bool // which labels are no baselines
	rims   int    // images whose true object is along the rim
}

// MaskScores are the figures over a set of images.
type MaskScores struct {
	Images     int              `json:"images"`
	Candidates []CandidateScore `json:"candidates"` // as every image has them, in order
	// Best takes the best candidate of each image, which can't be known without
	// the truth: an oracle. Nil if there is just one candidate. Baselines are left out.
	Best     *CandidateScore `json:"best,omitempty"`
	PerImage []MaskImage     `json:"per_image"`
	Failed   []Failure       `json:"failed,omitempty"`
	// Rims counts images whose true object takes nearly all of the rim, as background does.
	Rims int `json:"object_along_rim,omitempty"`
}

// Inverted says that most true masks look as if object and background had changed
// places, "" if they don't.
func (s *MaskScores) Inverted() string {
	if 2*s.Rims <= s.Images {
		return ""
	}
	return fmt.Sprintf("the object is along the rim in %d of %d true masks: if it is the background, --foreground dark changes the two", s.Rims, s.Images)
}

// CandidateScore is one candidate over all images.
type CandidateScore struct {
	Label     string             `json:"label"`
	Baseline  bool               `json:"baseline,omitempty"`
	Jaccard   Summary            `json:"jaccard"`
	Precision float64            `json:"precision"` // means over the images
	Recall    float64            `json:"recall"`
	Histogram [HistogramBins]int `json:"histogram"` // of Jaccard, bins of 0.05
}

// MaskImage is one image; its scores are those of the candidates, in order.
type MaskImage struct {
	Name   string      `json:"name"`
	Scores []MaskScore `json:"scores"`
}

// MaskScore is how well a mask fits.
type MaskScore struct {
	Jaccard   float64 `json:"jaccard"`
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
}

// ScoreMask compares two masks of one size by their pixels that aren't 0:
//
//	Jaccard = |truth ∧ found| / |truth ∨ found|
//	precision = |truth ∧ found| / |found|, recall = |truth ∧ found| / |truth|
//
// Void pixels of the truth count for nothing. If both are empty, nothing is there and nothing was found: all are 1. If one of
// them is empty, all are 0, the undefined one too.
func ScoreMask(truth *Mask, found *picture.Gray) (MaskScore, error) {
	if truth.Width != found.Width || truth.Height != found.Height {
		return MaskScore{}, fmt.Errorf("the mask is %d×%d (width×height), want the truth's %d×%d", found.Width, found.Height, truth.Width, truth.Height)
	}
	both, in, out := 0, 0, 0
	for i, t := range truth.Pix {
		switch f := found.Pix[i]; {
		case truth.Void != nil && truth.Void[i]:
		case t != 0 && f != 0:
			both++
		case t != 0:
			in++
		case f != 0:
			out++
		}
	}
	if both+in+out == 0 {
		return MaskScore{1, 1, 1}, nil
	}
	if both == 0 {
		return MaskScore{}, nil
	}
	return MaskScore{
		Jaccard:   float64(both) / float64(both+in+out),
		Precision: float64(both) / float64(both+out),
		Recall:    float64(both) / float64(both+in),
	}, nil
}

// Add scores one image. All images need the same labels in the same order; the
// first one sets them. An image that can't be scored is listed as failed, and the
// error is returned for the log alone.
func (s *MaskScorer) Add(name string, truth *Mask, candidates []Candidate) error {
	labels := make([]string, len(candidates))
	for i, c := range candidates {
		labels[i] = c.Label
	}
	if len(labels) == 0 {
		return s.Fail(name, fmt.Errorf("there is no mask"))
	}
	img := MaskImage{Name: name}
	for _, c := range candidates {
		score, err := ScoreMask(truth, c.Mask)
		if err != nil {
			return s.Fail(name, fmt.Errorf("%s: %w", printable(c.Label), err))
		}
		img.Scores = append(img.Scores, score)
	}
	if s.labels == nil {
		s.labels = labels
		for _, c := range candidates {
			s.models = append(s.models, !c.Baseline)
		}
	}
	if strings.Join(labels, "\x00") != strings.Join(s.labels, "\x00") {
		return s.Fail(name, fmt.Errorf("has the masks %q, want %q as the first image", labels, s.labels))
	}
	s.images = append(s.images, img)
	if alongRim(truth) {
		s.rims++
	}
	return nil
}

// alongRim says that nine tenths of the pixels at the rim are object, and not all pixels
// of the picture.
func alongRim(m *Mask) bool {
	rim, in, all := 0, 0, true
	for i, p := range m.Pix {
		all = all && p != 0
		if x, y := i%m.Width, i/m.Width; x == 0 || y == 0 || x == m.Width-1 || y == m.Height-1 {
			rim++
			if p != 0 {
				in++
			}
		}
	}
	return !all && 10*in >= 9*rim
}

// Fail lists an image as failed, and returns the error with the image's name.
func (s *MaskScorer) Fail(name string, err error) error {
	s.failed = append(s.failed, Failure{name, err.Error()})
	return &FileError{name, err}
}

// Scores returns the figures of what was added so far.
func (s *MaskScorer) Scores() *MaskScores {
	r := &MaskScores{Images: len(s.images), PerImage: s.images, Failed: s.failed, Rims: s.rims}
	for k, label := range s.labels {
		var scores []MaskScore
		for _, img := range s.images {
			scores = append(scores, img.Scores[k])
		}
		c := newCandidateScore(label, scores)
		c.Baseline = !s.models[k]
		r.Candidates = append(r.Candidates, c)
	}
	if choices := count(s.models); choices > 1 {
		var scores []MaskScore
		for _, img := range s.images {
			best := MaskScore{Jaccard: -1}
			for k, m := range img.Scores {
				if s.models[k] && m.Jaccard > best.Jaccard {
					best = m
				}
			}
			scores = append(scores, best)
		}
		best := newCandidateScore("best of an image (oracle)", scores)
		r.Best = &best
	}
	return r
}

func count(list []bool) int {
	n := 0
	for _, x := range list {
		if x {
			n++
		}
	}
	return n
}

func newCandidateScore(label string, scores []MaskScore) CandidateScore {
	var jaccard, precision, recall []float64
	for _, m := range scores {
		jaccard, precision, recall = append(jaccard, m.Jaccard), append(precision, m.Precision), append(recall, m.Recall)
	}
	return CandidateScore{Label: label, Jaccard: Summarize(jaccard), Precision: meanOr(precision, 0), Recall: meanOr(recall, 0), Histogram: Histogram(jaccard)}
}

// WriteTable writes the figures, a row a candidate, and the histogram of the first
// candidate's Jaccard index.
func (s *MaskScores) WriteTable(w io.Writer) error {
	t := table{{"mask", "Jaccard", "", "median", "precision", "recall"}}
	rows := s.Candidates
	if s.Best != nil {
		rows = append(rows[:len(rows):len(rows)], *s.Best)
	}
	for _, c := range rows {
		t = append(t, []string{
			printable(c.Label), fraction(c.Jaccard.Mean), "±" + fraction(c.Jaccard.StandardError), fraction(c.Jaccard.Median), fraction(c.Precision), fraction(c.Recall),
		})
	}
	if err := t.write(w); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "\n%d images scored, %d failed\n", s.Images, len(s.Failed)); err != nil || s.Images == 0 {
		return err
	}
	return writeHistogram(w, s.Candidates[0])
}

// writeHistogram draws bars of at most 40 characters.
func writeHistogram(w io.Writer, c CandidateScore) error {
	most := 0
	for _, n := range c.Histogram {
		most = max(most, n)
	}
	if _, err := fmt.Fprintf(w, "\nJaccard of %s, images:\n", printable(c.Label)); err != nil {
		return err
	}
	for i, n := range c.Histogram {
		const width = 40
		bar := strings.Repeat("█", n*width/most)
		if n > 0 && bar == "" {
			bar = "▏"
		}
		line := fmt.Sprintf("%.2f – %.2f %6d  %s", float64(i)/HistogramBins, float64(i+1)/HistogramBins, n, bar)
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " ")); err != nil {
			return err
		}
	}
	return nil
}
