// The part of intel.c that answers for the kernel driver i915.

static int32_t i915_topology(void *answer) {
    const gpu *g = chosen();
    struct drm_i915_query_topology_info *t = answer;
    int slice_bytes = (g->subslices + 7) / 8, unit_bytes = (g->units + 7) / 8;
    t->max_slices = g->slices, t->max_subslices = g->subslices, t->max_eus_per_subslice = g->units;
    t->subslice_offset = 1, t->subslice_stride = slice_bytes;
    t->eu_offset = 1 + g->slices * slice_bytes, t->eu_stride = unit_bytes;
    t->data[0] = (1 << g->slices) - 1;
    for (int s = 0; s < g->slices; s++) t->data[t->subslice_offset + s * slice_bytes] = (1 << g->subslices) - 1;
    int units = g->slices * g->subslices * unit_bytes;
    memset(t->data + t->eu_offset, 0xff, units);
    return sizeof *t + t->eu_offset + units;
}

static int32_t i915_engines(void *answer) {
    struct drm_i915_query_engine_info *e = answer;
    e->num_engines = 2;
    e->engines[0].engine.engine_class = I915_ENGINE_CLASS_RENDER;
    e->engines[1].engine.engine_class = I915_ENGINE_CLASS_COPY;
    return sizeof *e + 2 * sizeof e->engines[0];
}

static int32_t i915_memory(void *answer) {
    struct drm_i915_query_memory_regions *m = answer;
    m->num_regions = 1 + chosen()->own_memory;
    for (uint32_t i = 0; i < m->num_regions; i++) {
        struct drm_i915_memory_region_info *r = &m->regions[i];
        r->region.memory_class = i ? I915_MEMORY_CLASS_DEVICE : I915_MEMORY_CLASS_SYSTEM;
        r->probed_size = r->unallocated_size = 16ull << 30;
        if (i) r->probed_cpu_visible_size = r->unallocated_cpu_visible_size = r->probed_size;
    }
    return sizeof *m + m->num_regions * sizeof m->regions[0];
}

static void i915_query_item(struct drm_i915_query_item *item) {
    uint64_t answer[answer_bytes / 8] = {0};
    int32_t n = -EINVAL;
    switch (item->query_id) {
    case DRM_I915_QUERY_TOPOLOGY_INFO:
    case DRM_I915_QUERY_GEOMETRY_SUBSLICES: n = i915_topology(answer); break;
    case DRM_I915_QUERY_ENGINE_INFO: n = i915_engines(answer); break;
    case DRM_I915_QUERY_MEMORY_REGIONS: n = i915_memory(answer); break;
    }
    if (n > 0 && item->length) memcpy((void *)(uintptr_t)item->data_ptr, answer, n);
    item->length = n;
}

static int i915_parameter(struct drm_i915_getparam *p) {
    const gpu *g = chosen();
    switch (p->param) {
    case I915_PARAM_CHIPSET_ID: *p->value = g->id; break;
    case I915_PARAM_REVISION: *p->value = 4; break;
    case I915_PARAM_CS_TIMESTAMP_FREQUENCY: *p->value = 19200000; break;
    case I915_PARAM_HAS_ALIASING_PPGTT: *p->value = 3; break; // 48-bit addresses
    case I915_PARAM_NUM_FENCES_AVAIL: *p->value = 8; break;
    case I915_PARAM_CMD_PARSER_VERSION: *p->value = 10; break;
    case I915_PARAM_MMAP_VERSION:
    case I915_PARAM_MMAP_GTT_VERSION: *p->value = 4; break;
    case I915_PARAM_SUBSLICE_TOTAL: *p->value = g->slices * g->subslices; break;
    case I915_PARAM_EU_TOTAL: *p->value = g->slices * g->subslices * g->units; break;
    case I915_PARAM_HAS_USERPTR_PROBE: *p->value = 0; break;
    case I915_PARAM_PERF_REVISION:
    case I915_PARAM_OA_TIMESTAMP_FREQUENCY:
    case I915_PARAM_SLICE_MASK:
    case I915_PARAM_SUBSLICE_MASK: return -EINVAL; // the queries tell
    default: *p->value = 1;
    }
    return 0;
}

static int i915(unsigned number, void *arg) {
    switch (number) {
    case DRM_I915_GETPARAM: return i915_parameter(arg);
    case DRM_I915_QUERY: {
        struct drm_i915_query *q = arg;
        for (uint32_t i = 0; i < q->num_items; i++) i915_query_item((struct drm_i915_query_item *)(uintptr_t)q->items_ptr + i);
        return 0;
    }
    case DRM_I915_GEM_CREATE:
    case DRM_I915_GEM_CREATE_EXT: { // begins as the former does
        struct drm_i915_gem_create *c = arg;
        c->handle = new_buffer(c->size);
        return 0;
    }
    case DRM_I915_GEM_MMAP_GTT: {
        struct drm_i915_gem_mmap_offset *m = arg;
        m->offset = place_of(m->handle);
        return 0;
    }
    case DRM_I915_GEM_USERPTR: ((struct drm_i915_gem_userptr *)arg)->handle = new_buffer(granule); return 0;
    case DRM_I915_GEM_CONTEXT_CREATE: ((struct drm_i915_gem_context_create *)arg)->ctx_id = new_id(); return 0;
    case DRM_I915_GEM_CONTEXT_GETPARAM: {
        struct drm_i915_gem_context_param *p = arg;
        p->value = p->param == I915_CONTEXT_PARAM_GTT_SIZE ? 1ull << 48 : 0;
        return 0;
    }
    case DRM_I915_GEM_VM_CREATE: ((struct drm_i915_gem_vm_control *)arg)->vm_id = new_id(); return 0;
    case DRM_I915_GEM_GET_APERTURE: {
        struct drm_i915_gem_get_aperture *a = arg;
        a->aper_size = a->aper_available_size = 1ull << 48;
        return 0;
    }
    case DRM_I915_REG_READ: ((struct drm_i915_reg_read *)arg)->val = 1; return 0;
    case DRM_I915_PERF_OPEN:
    case DRM_I915_PERF_ADD_CONFIG: return -EINVAL;
    }
    return 0;
}
