// Package parts shows which patches of several images are alike: principal
// components of the descriptors of all images of a run, the first of which
// tells foreground from background and the next three, of the foreground
// alone, become colours (numerics 4.6).
//
// A descriptor is a patch's row of the shared projection (a ViT's keys), all
// heads side by side, without prefix tokens: [N d] float32 an image.
//
// Eigenvectors have no sign of their own, and with the sign the foreground
// turns. It is pinned: of each component the loading of largest magnitude is
// positive (of equal ones the first), as scikit-learn has it since 1.5; but the
// paper's first component, which isn't centred and follows the mean
// descriptor, has the sign that makes the mean score positive, as its
// threshold is meant for. Invert turns the first component around.
package parts
