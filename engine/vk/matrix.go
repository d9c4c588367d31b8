//go:build cgo

package vk

// #include "cvk.h"
import "C"

// OpenMatrices opens the device once more, with cooperative matrices, and lists those
// that it has. Without any (VK_KHR_cooperative_matrix) Matrices.Device is nil: nothing
// was opened. Statistics are as OpenDevice's.
func (d *Device) OpenMatrices(statistics bool) (m Matrices, err error) {
	i, phys := d.inst, C.cvk_handle(d.physical)
	support := C.cvk_matrix_support(i.gipa, C.cvk_handle(i.handle), phys)
	if support == 0 {
		return Matrices{}, nil
	}
	var list [256]C.cvk_matrix
	n := C.uint32_t(len(list))
	r := Result(C.cvk_matrix_list(i.gipa, C.cvk_handle(i.handle), phys, support, i.faults.pointer(), &list[0], &n))
	if err := check("vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR", r); err != nil {
		return Matrices{}, err
	}
	for _, c := range list[:n] {
		m.Kinds = append(m.Kinds, Matrix{
			M: int(c.m), N: int(c.n), K: int(c.k), A: Component(c.a), B: Component(c.b), D: Component(c.sum), Result: Component(c.result),
			Scope: Scope(c.scope), Saturates: c.saturates != 0, Invocations: int(c.invocations),
		})
	}
	m.Int8 = support&C.CVK_MATRICES_INT8 != 0
	m.Device, err = i.openDevice(d.Info, statistics, support)
	return m, err
}
