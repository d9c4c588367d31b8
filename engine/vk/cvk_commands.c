#include "cvk_internal.h"

VkResult cvk_commands_create(cvk_device *d, cvk_handle pool, cvk_handle *out) {
    VkCommandBufferAllocateInfo info = {VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, NULL, AS(VkCommandPool, pool), VK_COMMAND_BUFFER_LEVEL_PRIMARY, 1};
    VkCommandBuffer cmd = VK_NULL_HANDLE;
    VkResult r = CALL(d, AllocateCommandBuffers, d->handle, &info, &cmd);
    *out = (uintptr_t)cmd;
    return r;
}

static void barrier(cvk_device *d, VkCommandBuffer cmd, VkPipelineStageFlags from, VkAccessFlags wrote, VkPipelineStageFlags to, VkAccessFlags reads) {
    VkMemoryBarrier b = {VK_STRUCTURE_TYPE_MEMORY_BARRIER, NULL, wrote, reads};
    d->CmdPipelineBarrier(cmd, from, to, 0, 1, &b, 0, NULL, 0, NULL);
}

static void copies(cvk_device *d, VkCommandBuffer cmd, uint32_t n, const cvk_copy *c) {
    for (uint32_t i = 0; i < n; i++) {
        VkBufferCopy region = {c[i].from_at, c[i].to_at, c[i].size};
        d->CmdCopyBuffer(cmd, AS(VkBuffer, c[i].from), AS(VkBuffer, c[i].to), 1, &region);
    }
}

VkResult cvk_record(cvk_device *d, cvk_handle cmd_, const cvk_commands *c) {
    VkCommandBuffer cmd = AS(VkCommandBuffer, cmd_);
    VkQueryPool queries = AS(VkQueryPool, c->queries);
    const VkPipelineStageFlags shader = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, transfer = VK_PIPELINE_STAGE_TRANSFER_BIT;
    const VkAccessFlags read = VK_ACCESS_SHADER_READ_BIT, write = VK_ACCESS_SHADER_WRITE_BIT;
    VkCommandBufferBeginInfo begin = {VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    VkResult r = CALL(d, BeginCommandBuffer, cmd, &begin);
    if (r) return r;
    VkQueryPool counts = AS(VkQueryPool, c->counts);
    if (queries && c->ntimed) d->CmdResetQueryPool(cmd, queries, c->query_at, 2 * c->ntimed);
    if (counts) {
        d->CmdResetQueryPool(cmd, counts, c->count_at, 1);
        d->CmdBeginQuery(cmd, counts, c->count_at, 0);
    }
    // Everything submitted before has read and written what this one reuses.
    barrier(d, cmd, shader | transfer, write | VK_ACCESS_TRANSFER_WRITE_BIT, shader | transfer, read | write | VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT);
    if (c->host_writes) barrier(d, cmd, VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_WRITE_BIT, transfer | shader, VK_ACCESS_TRANSFER_READ_BIT | read);
    if (c->ncopy_in) {
        copies(d, cmd, c->ncopy_in, c->copy_in);
        barrier(d, cmd, transfer, VK_ACCESS_TRANSFER_WRITE_BIT, shader, read | write);
    }
    for (uint32_t i = 0; i < c->ndispatch; i++) {
        const cvk_dispatch *x = &c->dispatch[i];
        VkPipelineLayout layout = AS(VkPipelineLayout, x->layout);
        VkDescriptorSet set = AS(VkDescriptorSet, x->set);
        if (x->barrier) barrier(d, cmd, shader, write, shader, read | write);
        if (queries && i < c->ntimed) d->CmdWriteTimestamp(cmd, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, queries, c->query_at + 2 * i);
        d->CmdBindPipeline(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, AS(VkPipeline, x->pipeline));
        d->CmdBindDescriptorSets(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1, &set, 0, NULL);
        if (x->push_bytes) d->CmdPushConstants(cmd, layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, x->push_bytes, c->push + x->push_at);
        d->CmdDispatchBase(cmd, x->base[0], x->base[1], x->base[2], x->grid[0], x->grid[1], x->grid[2]);
        if (queries && i < c->ntimed) d->CmdWriteTimestamp(cmd, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, queries, c->query_at + 2 * i + 1);
    }
    if (counts) d->CmdEndQuery(cmd, counts, c->count_at);
    if (c->ncopy_out) {
        barrier(d, cmd, shader | transfer, write | VK_ACCESS_TRANSFER_WRITE_BIT, transfer, VK_ACCESS_TRANSFER_READ_BIT);
        copies(d, cmd, c->ncopy_out, c->copy_out);
        barrier(d, cmd, transfer, VK_ACCESS_TRANSFER_WRITE_BIT, VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
    }
    return CALL(d, EndCommandBuffer, cmd);
}

VkResult cvk_submit(cvk_device *d, uint32_t n, const cvk_handle *cmds, cvk_handle fence) {
    VkCommandBuffer list[64];
    if (n > 64) return VK_ERROR_INITIALIZATION_FAILED;
    for (uint32_t i = 0; i < n; i++) list[i] = AS(VkCommandBuffer, cmds[i]);
    VkSubmitInfo info = {VK_STRUCTURE_TYPE_SUBMIT_INFO, NULL, 0, NULL, NULL, n, list};
    return CALL(d, QueueSubmit, d->queue, 1, &info, AS(VkFence, fence));
}

VkResult cvk_wait(cvk_device *d, cvk_handle fence, uint64_t timeout_ns) {
    VkFence f = AS(VkFence, fence);
    return CALL(d, WaitForFences, d->handle, 1, &f, VK_TRUE, timeout_ns);
}

VkResult cvk_query_pool(cvk_device *d, int invocations, uint32_t n, cvk_handle *out) {
    VkQueryPoolCreateInfo info = {VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO, NULL, 0, VK_QUERY_TYPE_TIMESTAMP, n};
    if (invocations) info.queryType = VK_QUERY_TYPE_PIPELINE_STATISTICS, info.pipelineStatistics = VK_QUERY_PIPELINE_STATISTIC_COMPUTE_SHADER_INVOCATIONS_BIT;
    VkQueryPool pool = VK_NULL_HANDLE;
    VkResult r = CALL(d, CreateQueryPool, d->handle, &info, NULL, &pool);
    *out = (uintptr_t)pool;
    return r;
}

VkResult cvk_query_results(cvk_device *d, cvk_handle pool, uint32_t first, uint32_t n, uint64_t *out) {
    return CALL(d, GetQueryPoolResults, d->handle, AS(VkQueryPool, pool), first, n, 8 * n, out, 8, VK_QUERY_RESULT_64_BIT);
}
