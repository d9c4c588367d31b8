// Package measure times what an engine does: a request, its dispatches, kernel
// shapes, the device itself. It reaches models by their Inside method, and
// holds their engine open until it is done.
package measure
