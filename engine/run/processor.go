package run

import (
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// Vendors' numbers at PCI, and drivers' at Khronos (VkDriverId).
const (
	vendorAMD         = 0x1002
	vendorImagination = 0x1010
	vendorApple       = 0x106b
	vendorNVIDIA      = 0x10de
	vendorARM         = 0x13b5
	vendorBroadcom    = 0x14e4
	vendorQualcomm    = 0x5143
	vendorIntel       = 0x8086

	driverHoneykrisp = 26 // Mesa's for Apple, under a vendor number of Mesa's own
)

// processorOf tells what processor a device has, from its vendor's number and, where
// vendors' generations differ, from what else it reports.
func processorOf(info vk.Info) plan.Processor {
	switch {
	case info.Type == vk.TypeSoftware:
		return plan.CPU
	case info.DriverID == driverHoneykrisp:
		return plan.Apple
	}
	switch info.Vendor {
	case vendorNVIDIA:
		return plan.NVIDIA
	case vendorApple:
		return plan.Apple
	case vendorAMD:
		return amdProcessor(info)
	case vendorIntel:
		// Xe2 has no subgroups of 8. A driver that doesn't tell the range is older.
		if info.MinSubgroup < info.MaxSubgroup && info.MinSubgroup >= 16 {
			return plan.Xe2
		}
		return plan.Gen12
	case vendorQualcomm:
		return adrenoProcessor(info)
	case vendorARM, vendorBroadcom, vendorImagination:
		return plan.Mobile
	}
	return plan.UnknownProcessor
}

// amdProcessor counts the registers of a lane of a SIMD: 256 on GCN, 512 on RDNA 1 and 2,
// more since. Where the driver doesn't tell, it is GCN if it has no subgroups but of 64.
func amdProcessor(info vk.Info) plan.Processor {
	n := info.VectorRegisters
	switch {
	case n == 0 && info.MinSubgroup == 64, 0 < n && n <= 256:
		return plan.GCN
	case 0 < n && n <= 512:
		return plan.RDNA
	}
	return plan.RDNA3
}

// adrenoProcessor reads the generation off the chip's number: its first byte is 6 for
// Adreno 6xx, 7 or 0x43 for 7xx, 0x44 for 8xx.
func adrenoProcessor(info vk.Info) plan.Processor {
	if info.Device>>24 <= 6 {
		return plan.Adreno6
	}
	return plan.Adreno7
}
