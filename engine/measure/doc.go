// Package measure times what an engine does: a request, its dispatches, kernel
// shapes, the device itself. It sees an engine or a model by its method Inside,
// which keeps both open until the measurement is done.
//
// The promise of compatibility that package engine makes does not cover it.
package measure
