// Package guided brings a map or mask to the size of its image along the
// image's colours: the guided filter (He, Sun and Tang, 2013) in its fast form
// (He and Sun, arXiv:1505.00996). Around each pixel the map is fitted as an
// affine function of the colour; the coefficients, which are smooth, are
// computed at the size of the model's input and enlarged, and then meet the
// colours of the full image.
//
//	a = (Σ + ε)⁻¹·cov(I, p),  b = mean(p) − a·mean(I),  q = mean(a)·I + mean(b)
//
// It takes tens of milliseconds where a CRF takes hundreds, and keeps soft maps
// soft.
package guided
