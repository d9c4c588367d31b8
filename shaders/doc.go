// Package shaders holds the compute kernels: GLSL sources, one kernel a file,
// each with its contract as header; the SPIR-V made from them, embedded; and
// the manifest, which says in data what the contracts say in words. A test
// holds the manifest against the SPIR-V.
//
// There are two families of fast kernels and a plain form of each op. Names
// that end in _lanes are for devices whose lanes are a CPU's vector unit: no
// shared memory, no barriers, rows broadcast by shuffles. linear_tiles and
// attend_uniform are for GPUs. The others work with any layout through strides.
//
// After a change to a .comp or .glsl file run make shaders.
package shaders
