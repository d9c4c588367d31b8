#include "fake.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// An access to a part of a buffer, or a barrier, in the order of recording.
typedef struct {
    region at;
    int stage, access; // of an access; of a barrier 0
    int from, to, wrote, seen;
    const char *what;
    // Of an access that was submitted: for which stages it is over, for which
    // accesses what it wrote is visible, and by which submission it was made.
    int over, visible;
    uint64_t submission;
} event;

typedef struct {
    event *list;
    int n, room;
} events;

static events pending;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // of what is pending

static event *more(events *e) {
    if (e->n == e->room) e->list = realloc(e->list, (e->room = 2 * e->room + 64) * sizeof *e->list);
    event *x = &e->list[e->n++];
    memset(x, 0, sizeof *x);
    return x;
}

static events *of(VkCommandBuffer c) {
    events *e = object_of(COMMANDS, (uint64_t)(uintptr_t)c);
    return e ? e : object_new(COMMANDS, (uint64_t)(uintptr_t)c, sizeof *e);
}

void commands_begin(VkCommandBuffer c) { of(c)->n = 0; }

void commands_access(VkCommandBuffer c, region at, int stage, int access, const char *what) {
    event *x = more(of(c));
    x->at = at, x->stage = stage, x->access = access, x->what = what;
}

static int stages(VkPipelineStageFlags f) {
    int s = 0;
    if (f & (VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_ALL_COMMANDS_BIT)) s |= COMPUTE;
    if (f & (VK_PIPELINE_STAGE_TRANSFER_BIT | VK_PIPELINE_STAGE_ALL_COMMANDS_BIT)) s |= TRANSFER;
    if (f & VK_PIPELINE_STAGE_HOST_BIT) s |= HOST;
    return s;
}

static int kinds(VkAccessFlags f) {
    int a = 0;
    if (f & (VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_MEMORY_READ_BIT)) a |= SHADER_READ;
    if (f & (VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_MEMORY_WRITE_BIT)) a |= SHADER_WRITE;
    if (f & (VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_MEMORY_READ_BIT)) a |= COPY_READ;
    if (f & (VK_ACCESS_TRANSFER_WRITE_BIT | VK_ACCESS_MEMORY_WRITE_BIT)) a |= COPY_WRITE;
    if (f & (VK_ACCESS_HOST_READ_BIT | VK_ACCESS_MEMORY_READ_BIT)) a |= HOST_READ;
    if (f & (VK_ACCESS_HOST_WRITE_BIT | VK_ACCESS_MEMORY_WRITE_BIT)) a |= HOST_WRITE;
    return a;
}

void commands_barrier(VkCommandBuffer c, VkPipelineStageFlags from, VkPipelineStageFlags to, const VkMemoryBarrier *m) {
    event *x = more(of(c));
    x->from = stages(from), x->to = stages(to);
    if (m) x->wrote = kinds(m->srcAccessMask), x->seen = kinds(m->dstAccessMask);
}

// barrier ends what it waits for, and makes what that wrote visible. What a barrier
// before has ended for a stage is ended for what this one chains on to it, too.
static void barrier(const event *b) {
    for (int i = 0; i < pending.n; i++) {
        event *x = &pending.list[i];
        if (!((x->stage | x->over) & b->from)) continue;
        if (x->access & b->wrote || x->visible) x->visible |= b->seen;
        x->over |= b->to;
    }
}

// conflict reports that now may see or overtake x.
static int conflict(const event *x, const event *now) {
    if (x->at.buffer != now->at.buffer || x->at.from >= now->at.to || now->at.from >= x->at.to) return 0;
    if (!((x->access | now->access) & WRITES)) return 0;
    if (!(x->over & now->stage)) return 1;
    return x->access & WRITES && !(x->visible & now->access);
}

// commands_submitted goes through a command buffer. The accesses of one dispatch have
// one text, by its address, and no order among each other.
void commands_submitted(VkCommandBuffer c, uint64_t submission) {
    events *e = of(c);
    pthread_mutex_lock(&lock);
    for (int i = 0; i < e->n; i++) {
        const event *now = &e->list[i];
        if (!now->stage) {
            barrier(now);
            continue;
        }
        int kept = 0;
        for (int k = 0; k < pending.n; k++) {
            event *x = &pending.list[k];
            int together = x->what == now->what && x->submission == submission;
            if (!together && conflict(x, now)) breach("no barrier: %s touches bytes %lu to %lu of a buffer that %s touches before it", now->what, now->at.from, now->at.to, x->what);
            // Whoever waits for a write waits for all that it waited for.
            int covered = !together && now->access & WRITES && x->at.buffer == now->at.buffer && now->at.from <= x->at.from && x->at.to <= now->at.to;
            if (!covered) pending.list[kept++] = *x;
        }
        pending.n = kept;
        event *x = more(&pending);
        *x = *now;
        x->submission = submission;
    }
    pthread_mutex_unlock(&lock);
}

void submission_done(uint64_t submission) {
    int kept = 0;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < pending.n; i++)
        if (pending.list[i].submission > submission) pending.list[kept++] = pending.list[i];
    pending.n = kept;
    pthread_mutex_unlock(&lock);
}
