// The part of intel.c that answers for the kernel driver xe.

static uint32_t xe_config(void *answer) {
    const gpu *g = chosen();
    struct drm_xe_query_config *c = answer;
    c->num_params = DRM_XE_QUERY_CONFIG_MAX_EXEC_QUEUE_PRIORITY + 1;
    c->info[DRM_XE_QUERY_CONFIG_REV_AND_DEVICE_ID] = g->id | 4 << 16;
    c->info[DRM_XE_QUERY_CONFIG_FLAGS] = g->own_memory ? DRM_XE_QUERY_CONFIG_FLAG_HAS_VRAM : 0;
    c->info[DRM_XE_QUERY_CONFIG_MIN_ALIGNMENT] = g->own_memory ? 65536 : 4096;
    c->info[DRM_XE_QUERY_CONFIG_VA_BITS] = 48;
    c->info[DRM_XE_QUERY_CONFIG_MAX_EXEC_QUEUE_PRIORITY] = 1;
    return sizeof *c + c->num_params * sizeof c->info[0];
}

static uint32_t xe_memory(void *answer) {
    struct drm_xe_query_mem_regions *m = answer;
    m->num_mem_regions = 1 + chosen()->own_memory;
    for (uint32_t i = 0; i < m->num_mem_regions; i++) {
        struct drm_xe_mem_region *r = &m->mem_regions[i];
        r->mem_class = i ? DRM_XE_MEM_REGION_CLASS_VRAM : DRM_XE_MEM_REGION_CLASS_SYSMEM;
        r->instance = i, r->min_page_size = i ? 65536 : 4096, r->total_size = 12ull << 30;
        if (i) r->cpu_visible_size = r->total_size;
    }
    return sizeof *m + m->num_mem_regions * sizeof m->mem_regions[0];
}

static uint32_t xe_gt(void *answer) {
    const gpu *g = chosen();
    struct drm_xe_query_gt_list *l = answer;
    l->num_gt = 1;
    l->gt_list[0].reference_clock = 19200000;
    l->gt_list[0].near_mem_regions = g->own_memory ? 2 : 1;
    l->gt_list[0].ip_ver_major = g->major, l->gt_list[0].ip_ver_minor = g->minor, l->gt_list[0].ip_ver_rev = 4;
    return sizeof *l + sizeof l->gt_list[0];
}

static uint32_t xe_topology(void *answer) {
    const gpu *g = chosen();
    uint64_t subslices = (1ull << g->slices * g->subslices) - 1;
    const struct { uint16_t type; uint64_t mask; } masks[] = {{DRM_XE_TOPO_DSS_GEOMETRY, subslices}, {DRM_XE_TOPO_DSS_COMPUTE, subslices}, {DRM_XE_TOPO_L3_BANK, 0xff}, {DRM_XE_TOPO_SIMD16_EU_PER_DSS, (1 << g->units) - 1}};
    char *to = answer;
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        struct drm_xe_query_topology_mask *t = (void *)to;
        t->type = masks[i].type, t->num_bytes = sizeof masks[i].mask;
        memcpy(t->mask, &masks[i].mask, t->num_bytes);
        to += sizeof *t + t->num_bytes;
    }
    return to - (char *)answer;
}

static uint32_t xe_engines(void *answer) {
    static const uint16_t classes[] = {DRM_XE_ENGINE_CLASS_RENDER, DRM_XE_ENGINE_CLASS_COPY, DRM_XE_ENGINE_CLASS_COMPUTE};
    struct drm_xe_query_engines *e = answer;
    e->num_engines = sizeof classes / sizeof *classes;
    for (uint32_t i = 0; i < e->num_engines; i++) e->engines[i].instance.engine_class = classes[i];
    return sizeof *e + e->num_engines * sizeof e->engines[0];
}

static int xe_query(struct drm_xe_device_query *q) {
    uint64_t answer[answer_bytes / 8] = {0};
    uint32_t n = 0;
    if (q->size && q->data && (q->query == DRM_XE_DEVICE_QUERY_ENGINE_CYCLES || q->query == DRM_XE_DEVICE_QUERY_UC_FW_VERSION))
        memcpy(answer, (void *)(uintptr_t)q->data, q->size < sizeof answer ? q->size : sizeof answer); // they carry the question
    switch (q->query) {
    case DRM_XE_DEVICE_QUERY_CONFIG: n = xe_config(answer); break;
    case DRM_XE_DEVICE_QUERY_MEM_REGIONS: n = xe_memory(answer); break;
    case DRM_XE_DEVICE_QUERY_GT_LIST: n = xe_gt(answer); break;
    case DRM_XE_DEVICE_QUERY_GT_TOPOLOGY: n = xe_topology(answer); break;
    case DRM_XE_DEVICE_QUERY_ENGINES: n = xe_engines(answer); break;
    case DRM_XE_DEVICE_QUERY_HWCONFIG: break;
    case DRM_XE_DEVICE_QUERY_ENGINE_CYCLES: {
        struct drm_xe_query_engine_cycles *c = (void *)answer;
        c->width = 36, c->engine_cycles = c->cpu_timestamp = 1000, c->cpu_delta = 1, n = sizeof *c;
        break;
    }
    case DRM_XE_DEVICE_QUERY_UC_FW_VERSION: {
        struct drm_xe_query_uc_fw_version *v = (void *)answer;
        v->major_ver = 1, v->minor_ver = 20, n = sizeof *v;
        break;
    }
    default: return -EINVAL;
    }
    if (q->size) memcpy((void *)(uintptr_t)q->data, answer, n);
    q->size = n;
    return 0;
}

static int xe(unsigned number, void *arg) {
    switch (number) {
    case DRM_XE_DEVICE_QUERY: return xe_query(arg);
    case DRM_XE_GEM_CREATE: {
        struct drm_xe_gem_create *c = arg;
        c->handle = new_buffer(c->size);
        return 0;
    }
    case DRM_XE_GEM_MMAP_OFFSET: {
        struct drm_xe_gem_mmap_offset *m = arg;
        m->offset = place_of(m->handle);
        return 0;
    }
    case DRM_XE_VM_CREATE: ((struct drm_xe_vm_create *)arg)->vm_id = new_id(); return 0;
    case DRM_XE_EXEC_QUEUE_CREATE: ((struct drm_xe_exec_queue_create *)arg)->exec_queue_id = new_id(); return 0;
    case DRM_XE_EXEC_QUEUE_GET_PROPERTY: ((struct drm_xe_exec_queue_get_property *)arg)->value = 0; return 0;
    case DRM_XE_OBSERVATION: return -EINVAL;
    }
    return 0;
}
