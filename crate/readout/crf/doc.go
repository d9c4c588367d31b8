// Package crf redraws a mask along the colours of its image by mean-field
// inference in a dense conditional random field (Krähenbühl and Koltun,
// arXiv:1210.5644), with the parameters that MaskCut's authors published
// (numerics 4.8): every pixel is a neighbour of every other, by a Gaussian of their
// distance and a second one of distance and colour.
//
//	unary = −log softmax([1−m, m])
//	Q ← softmax(−unary + Σ_k w_k·K̂_k·Q),  K̂ = N^(-1/2)·K·N^(-1/2),  N = diag(K·1)
//
// The products with K go through a permutohedral lattice (Adams, Baek and
// Davis, 2010): linear in the pixels, and close to the exact Gaussian but not
// equal to it. Results depend on nothing but image, mask and parameters.
package crf
