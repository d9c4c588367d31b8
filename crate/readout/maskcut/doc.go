// Package maskcut finds objects in the keys of one image: MaskCut (several
// objects, CutLER) and TokenCut (one), as numerics 4.4 and 4.5 describe them.
//
//	keys [N d] → Affinity, a bit matrix [N N] → Cut, the second-smallest
//	generalised eigenvector → Object, a connected part of the grid →
//	Instance, a mask of the image
//
// The published programs leave two things to chance, which are pinned here: the
// sign of the eigenvector (its entry of largest magnitude is positive) and
// which of several patches with equal entries comes first (the lowest index).
// Decisions on the vector are exact: it is refined in float64 until its
// residual is at rounding, patches with equal rows of the affinity get entries
// equal to the last bit, and entries closer than 1e-9 of the largest count as
// equal. The one decision that isn't is G_ij > τ on the affinity itself: the
// products come from a device, in its own order of summation, so that pairs
// within rounding of τ may fall on either side on different devices.
//
// Nothing depends on the number of cores.
package maskcut
