// Package measure times what an engine does: a request, its dispatches, kernel
// shapes, the device itself. It sees an engine or a model by its method Inside,
// which keeps both open until the measurement is done.
package measure
