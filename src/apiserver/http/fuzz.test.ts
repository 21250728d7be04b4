/**
 * Requests of every wrong kind: none may crash the server, be answered by a bug of its own, or stay without an answer. A
 * failure prints its seed; `FUZZ_SEED` replays it, `FUZZ_REQUESTS` says how many. From 20,000 on it is a long run, in which
 * nothing may hold the server up for a second either, nor may its memory grow:
 *
 *     FUZZ_REQUESTS=1000000 npx vitest run --project unit src/apiserver/http/fuzz.test.ts
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import { systemRandom } from '#base/random.ts'
import { Choices } from '#testing/fuzz/choices.ts'
import { Endurance, MAX_HELD_UP_MS, shown } from '#testing/fuzz/endurance.ts'
import { ProvingGround } from '#testing/fuzz/proving-ground.ts'
import { type FuzzRequest, FuzzRequests } from '#testing/fuzz/requests.ts'
import { startTestServer, type TestServer } from '#testing/test-server.ts'
import { WIDEST_BYTES, wideRequests } from '#testing/fuzz/wide-bodies.ts'
import { type Answer, Wire } from '#testing/fuzz/wire.ts'

const SEED = Number(process.env.FUZZ_SEED ?? systemRandom.int(2 ** 31))
const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 1500)
const IS_LONG = REQUESTS >= 20_000
const AT_ONCE = 20
const SAMPLES = 10
/** Percent of batches before which everything is put back. */
const RESET_PERCENT = 10
/** The bound of the whole, far above what it takes. */
const MS_EACH = 50

let ground: ProvingGround
let wire: Wire
/** What the server took for bugs of its own, with the request that it was at. */
const bugs: string[] = []
const log: Log = {
  debug() {},
  info() {},
  warn() {},
  error: (fields, message) => {
    const { method = '', path = '', err } = fields as { method?: string; path?: string; err?: Error }
    bugs.push(`${message}: ${method} ${path} ${err?.stack}`)
  },
  child: () => log,
}

beforeAll(async () => {
  ground = await ProvingGround.start(log)
  // Requests are given up by the server after a minute; the test has less time for all of them, where it is short.
  wire = new Wire(ground.server, systemClock, IS_LONG ? 90_000 : 20_000)
})
afterAll(async () => {
  wire.renew()
  await ground.server.close()
})

function described(request: FuzzRequest, at: number): string {
  const { method, path, headers, as, raw, body } = request
  const bytes = raw ?? body
  const shownBytes = bytes && `${bytes.length} bytes ${JSON.stringify(bytes.toString('latin1').slice(0, 3000))}`
  return `seed ${SEED}, request ${at}, by ${as}: ${method} ${path.slice(0, 1000)} ${JSON.stringify(headers).slice(0, 2000)} ${shownBytes ?? ''}`
}

/** Why the answer is wrong; undefined where nothing is to be said against it. */
function objection({ code, text }: Answer): string | undefined {
  // Upstream, too, answers some requests with 500 and a text of its own; what it does not do is to fail by a bug.
  if (bugs.length > 0) return bugs.join('\n')
  if (code < 200) return `the code is ${code}`
  if (code < 400 || !text.startsWith('{')) return undefined
  const status = JSON.parse(text) as { kind?: string; code?: number; message?: unknown }
  const isStatus = status.kind === 'Status' && status.code === code && typeof status.message === 'string'
  return isStatus ? undefined : 'an error that is no Status'
}

const say = (what: string) => process.stdout.write(`fuzzing, seed ${SEED}: ${what}\n`)
const protocolOf = (at: number) => (at % 2 ? 'http2' : 'http1')

async function answerTo(request: FuzzRequest, at: number): Promise<Answer> {
  let answer: Answer
  try {
    answer = await wire.send(request, protocolOf(at))
  } catch (cause) {
    throw new Error(`no answer to ${described(request, at)}\n${bugs.join('\n')}`, { cause })
  }
  const wrong = objection(answer)
  if (wrong)
    throw new Error(`${described(request, at)}\nanswered ${answer.code} ${answer.text.slice(0, 3000)}\n${wrong}`)
  return answer
}

it(
  `survives ${REQUESTS} strange requests (seed ${SEED})`,
  async () => {
    const requests = new FuzzRequests(new Choices(SEED))
    const codes = new Map<number, number>()
    const endurance = IS_LONG ? new Endurance() : undefined
    const startMs = systemClock.monotonic()
    let [worstMs, nextSample] = [0, 1]
    for (let done = 0; done < REQUESTS; done += AT_ONCE) {
      if (requests.choices.chance(RESET_PERCENT)) {
        await ground.reset()
        wire.renew()
      }
      await ground.ensureAccount()
      const batch = Array.from({ length: AT_ONCE }, () => requests.next())
      const slow: [FuzzRequest, number][] = []
      const sendAll = () =>
        Promise.all(
          batch.map(async (request, i) => {
            const sentMs = systemClock.monotonic()
            const { code } = await answerTo(request, done + i)
            codes.set(code, (codes.get(code) ?? 0) + 1)
            if (systemClock.monotonic() - sentMs > MAX_HELD_UP_MS) slow.push([request, done + i])
          }),
        )
      if (!endurance) await sendAll()
      else {
        const { processorMs } = await endurance.costOf(sendAll)
        worstMs = Math.max(worstMs, processorMs)
        if (processorMs > MAX_HELD_UP_MS)
          throw new Error(
            `${Math.round(processorMs)} ms for ${batch.map((request, i) => described(request, done + i)).join('\n')}`,
          )
        for (const [request, at] of slow) await expectPrompt(endurance, request, at)
        if (done + AT_ONCE >= (REQUESTS / SAMPLES) * nextSample) {
          nextSample++
          await ground.reset()
          const seconds = Math.round((systemClock.monotonic() - startMs) / 1000)
          say(`${done + AT_ONCE} requests in ${seconds} s, ${shown(endurance.sample())}`)
        }
      }
      expect(bugs).toEqual([])
    }
    const counts = [...codes].sort(([a], [b]) => a - b)
    const took = endurance ? `, at most ${Math.round(worstMs)} ms of processor for ${AT_ONCE} of them` : ''
    say(`${REQUESTS} strange requests survived${took}; answers ${JSON.stringify(counts)}`)
    expect([...codes.keys()], 'the requests are not all refused for one reason').toEqual(
      expect.arrayContaining([200, 201, 400, 401, 403, 404, 405, 406, 415, 422]),
    )
    expect(endurance?.growth()).toBeUndefined()
    expect((await ground.server.fetch('/readyz')).status).toBe(200)
  },
  REQUESTS * MS_EACH + 60_000,
)

describe.runIf(IS_LONG)('as many elements as fit', () => {
  // Without policies of anybody, which take their own time.
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer({ log })
  })
  afterAll(() => server.close())

  it.each(wideRequests(WIDEST_BYTES).map((request) => [request.what, request] as const))(
    'hold nobody else up: %s',
    async (_what, { method, path, contentType, body }) => {
      const bytes = Buffer.from(body())
      const headers = { 'content-type': contentType }
      let code = 0
      const turnMs = await new Endurance().longestTurn(async () => {
        const answer = await server.fetch(path, { method, headers, body: bytes })
        code = answer.status
        await answer.arrayBuffer()
      })
      say(`${bytes.length} bytes of ${_what}: ${code}, at most ${Math.round(turnMs)} ms at once`)
      expect(bugs).toEqual([])
      expect(turnMs).toBeLessThan(MAX_HELD_UP_MS)
    },
    60_000,
  )
})

/** It took its time; on its own it must not, unless it waits for somebody else. */
async function expectPrompt(endurance: Endurance, request: FuzzRequest, at: number) {
  if (request.mayWait) return
  await ground.ensureAccount()
  const { processorMs, idleMs } = await endurance.costOf(() => answerTo(request, at))
  const spent = `${Math.round(processorMs)} ms of processor and ${Math.round(idleMs)} ms of waiting`
  if (processorMs > MAX_HELD_UP_MS || idleMs > MAX_HELD_UP_MS) throw new Error(`${spent} for ${described(request, at)}`)
}
