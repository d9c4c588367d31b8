// onnxruntime as a peer of crate-vk: reads requests, one line of JSON each, from
// standard input and answers each with one line. `make bench-peers` starts it;
// its argument is the folder that onnxruntime-node is installed in.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const require = createRequire(join(process.argv[2], 'package.json'))
const ort = require('onnxruntime-node')
const { version } = require('onnxruntime-node/package.json')

let session
let feeds

const answers = {
  async load(r) {
    await session?.release()
    session = await ort.InferenceSession.create(r.onnx, {
      executionProviders: ['cpu'],
      graphOptimizationLevel: 'all',
      executionMode: 'sequential',
      intraOpNumThreads: r.threads,
      interOpNumThreads: 1,
      // Threads that wait do not spin: the next peer needs the cores.
      extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
    })
    const pixels = new Uint8Array(readFileSync(r.pixels))
    feeds = { [session.inputNames[0]]: new ort.Tensor('uint8', pixels, [r.batch, r.height, r.width, 3]) }
    return { version: `onnxruntime ${version} (onnxruntime-node, CPU)` }
  },

  // One forward that is not counted, then the counted ones.
  async run(r) {
    await session.run(feeds)
    const cpu = process.cpuUsage()
    const start = process.hrtime.bigint()
    for (let i = 0; i < r.times; i++) await session.run(feeds)
    const wall = Number(process.hrtime.bigint() - start) / 1e9
    const used = process.cpuUsage(cpu)
    return { wall: wall / r.times, cpu: (used.user + used.system) / 1e6 / r.times }
  },

  async output(r) {
    const out = await session.run(feeds)
    return { output: Array.from(out[r.name ?? session.outputNames[0]].data) }
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line)
  let answer
  try {
    answer = await answers[request.do](request)
  } catch (e) {
    answer = { error: String(e.message ?? e) }
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
}
