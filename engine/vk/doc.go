// Package vk is the only one that talks to Vulkan.
//
// The rule: calls that take scalars, handles or one struct that is then freed
// go through vulkan-go; calls that take arrays of structs, structs that
// contain arrays, or entry points newer than Vulkan 1.0, go through the C
// files here, because vulkan-go frees such arrays from finalizers that may run
// during the call. Into C pass only scalars, handles and memory without Go
// pointers.
//
// Handles are numbers (Handle) on the Go side: the values that drivers and
// layers use are not always pointers, and the garbage collector must not look
// at them as if they were.
//
// vulkan-go keeps the functions of an instance in package variables, so there
// is one instance a process, counted, behind one mutex. It is looked up anew
// when the first user opens it.
//
// All of this needs cgo. Without it the package has the same API (nocgo.go), and
// Open fails with an ErrNoLoader that says why. Types that hold nothing of C's are
// shared by both builds.
//
// Every call that returns a VkResult passes through a fault counter, so that a
// test can make the Nth one fail.
//
// The promise of compatibility that package engine makes does not cover it.
package vk
